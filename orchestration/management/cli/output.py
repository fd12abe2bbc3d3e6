"""Rows as a table, JSON, YAML or plain columns, and what is asked of the person at the terminal."""

from __future__ import annotations

import getpass
import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from orchestration.errors import Invalid

#: Columns of a table that goes into a file or a pipe.
_PIPE_WIDTH = 200
Row = Mapping[str, Any]


def emit(rows: Iterable[Row], output: str) -> None:
    """Print the rows in one of the four forms; every value becomes text, as in the reference, except None."""
    data = [{key: _plain(value, output) for key, value in row.items()} for row in rows]
    match output:
        case "json":
            print(json.dumps(data))
        case "yaml":
            import yaml

            print(yaml.safe_dump(data, allow_unicode=False))
        case _ if not data:
            print("No data found")
        case "plain":
            _print_columns(data)
        case _:
            _print_table(data)


def _plain(value: Any, output: str) -> Any:
    if isinstance(value, list | tuple):
        parts = [_plain(part, output) for part in value]
        return ",".join(map(str, parts)) if output == "table" else parts
    if isinstance(value, Mapping) and output != "table":
        return {key: _plain(part, output) for key, part in value.items()}
    return None if value is None else str(value)


def _print_table(data: Sequence[Row]) -> None:
    from rich.box import ASCII_DOUBLE_HEAD  # a tenth of a second
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=ASCII_DOUBLE_HEAD, show_edge=False, pad_edge=False, caption=" ")
    for name in data[0]:
        table.add_column(name, overflow=None)  # type: ignore[arg-type]  # None: fold nowhere
    for row in data:
        table.add_row(*(Text(str(value)) for value in row.values()))
    is_terminal = sys.stdout.isatty()
    styles: Any = "auto" if is_terminal and not os.environ.get("NO_COLOR") else None  # None: no control codes at all
    Console(width=None if is_terminal else _PIPE_WIDTH, color_system=styles).print(table)


def _print_columns(data: Sequence[Row]) -> None:
    """Columns without lines, as ``tabulate`` sets them: numbers to the right, two blanks beside each title."""
    names = list(data[0])
    lines = [[str(value) if value is not None else "" for value in row.values()] for row in data]
    columns = list(zip(*lines, strict=True))
    is_right = [any(cells) and all(not cell or _is_number(cell) for cell in cells) for cells in columns]
    widths = [max(len(name) + 2, *map(len, cells)) for name, cells in zip(names, columns, strict=True)]
    for line in (names, *lines):
        cells = (
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(line, widths, is_right, strict=True)
        )
        print("  ".join(cells).rstrip())


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def confirm(question: str, *, yes: bool = False) -> bool:
    """Whether the person agrees; ``yes`` answers for them. Raises Invalid where nobody answers."""
    if yes:
        return True
    while True:
        try:
            word = input(f"{question} [y/n] ").strip().lower()
        except EOFError:
            raise Invalid("Nobody answered, so nothing was done. --yes answers beforehand.") from None
        if word in {"y", "yes"}:
            return True
        if word in {"n", "no"}:
            return False
        print("Please answer y or n.")


def confirm_by(phrase: str) -> None:
    """Go on when the person types the phrase. Raises Invalid for anything else."""
    try:
        answer = input(f"Type {phrase} to go on.\n").strip()
    except EOFError:
        answer = ""
    if answer != phrase:
        raise Invalid("That was not the phrase, so nothing was done. --yes answers beforehand.")


def lines_of_input() -> list[str]:
    """The lines on standard input, trimmed, without the empty ones."""
    return [line.strip() for line in sys.stdin if line.strip()]


def given_ids(word: str) -> list[str]:
    """The ids that a positional stands for: itself, or with ``-`` those on standard input."""
    return lines_of_input() if word == "-" else [word]


def read_secret(value: str | None, *, variable: str, prompt: str, twice: bool = False) -> str:
    """A secret: as given, with ``-`` the first line of standard input, else from the environment, else asked for.

    Raises Invalid when two answers differ and when there is nobody to ask.
    """
    if value == "-":
        return sys.stdin.readline().rstrip("\n")
    if value is not None:
        return value
    if variable in os.environ:
        return os.environ[variable]
    if not sys.stdin.isatty():
        raise Invalid(f"No password was given. Set {variable}, or pass it on standard input with --password -")
    answer = getpass.getpass(f"{prompt}: ")
    if twice and answer != getpass.getpass("Repeat for confirmation: "):
        raise Invalid("The two passwords differ. Start again.")
    return answer
