"""What a benchmark found beside what it aims at, and the table of both."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

#: Wide enough for the tables, whatever the terminal.
WIDTH = 150


@dataclass(frozen=True, slots=True)
class Finding:
    """``is_met`` None: there is no aim, or only people can tell."""

    name: str
    measured: str
    aim: str = ""
    is_met: bool | None = None


def write(path: Path | None, findings: Iterable[Finding]) -> None:
    """Write the findings as JSON; to nowhere where no file is wanted."""
    if path is not None:
        path.write_text(json.dumps([asdict(finding) for finding in findings]))


def read(path: Path) -> list[Finding]:
    """What ``write`` wrote; nothing where it wrote nothing."""
    return [Finding(**finding) for finding in json.loads(path.read_text())] if path.exists() else []


def show(title: str, findings: Iterable[Finding]) -> None:
    """Print the table of aims and measures."""
    table = Table("what", "measured", "aim", "met", title=title, title_justify="left")
    words = {True: "yes", False: "NO", None: ""}
    for finding in findings:
        table.add_row(finding.name, finding.measured, finding.aim, words[finding.is_met])
    Console(width=WIDTH).print(table)
