"""``docs/security.md``: each row names tests that are there, or says why there is none."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "security.md"
#: ``tests/access/test_roles.py::test_x`` or a whole file; within one cell later ones may leave out the file.
_NAMED = re.compile(r"`(?P<file>[\w/.]*\.py)?(?:::(?P<test>\w+))?`")


def rows() -> list[tuple[str, str]]:
    """(what went wrong, where it is tested) of each row."""
    found = []
    for line in DOCUMENT.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and len(cells) == 2 and not set(cells[0]) <= {"-", ":", " "} and cells[1] != "tests":
            found.append((cells[0], cells[1]))
    return found


def names(cell: str) -> list[tuple[str, str | None]]:
    """(file, test or None) that a cell names."""
    found: list[tuple[str, str | None]] = []
    file = ""
    for match in _NAMED.finditer(cell):
        file = f"tests/{match['file']}" if match["file"] else file
        found.append((file, match["test"]))
    return found


def _tests_in(file: Path) -> set[str]:
    """The tests of a file, and its classes of tests."""
    kinds = (ast.FunctionDef, ast.ClassDef)
    return {node.name for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, kinds)}


@pytest.mark.parametrize(("row", "cell"), rows(), ids=lambda text: text[:40])
def test_a_row_names_tests_that_are_there(row: str, cell: str) -> None:
    named = names(cell)
    assert named or cell.startswith("none: "), row
    for file, test in named:
        path = ROOT / file
        assert path.is_file(), (row, file)
        assert path.name.startswith("test_"), (row, file)
        assert test is None or test in _tests_in(path), (row, f"{file}::{test}")


def test_every_part_is_there() -> None:
    told = rows()
    assert len(told) >= 110
    assert len({row for row, _ in told}) == len(told)
