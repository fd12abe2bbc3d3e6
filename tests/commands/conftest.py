"""Running commands in this process: their status and what they print."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from orchestration.management.cli import main as commands


@dataclass(frozen=True)
class Done:
    """What a command left."""

    status: int
    out: str
    err: str


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Done]:
    """``run("pools", "list", "-o", "json")``; ``text`` is standard input. The table-reading ones need ``db``."""

    def call(*words: str, text: str = "") -> Done:
        monkeypatch.setattr(sys, "stdin", io.StringIO(text))
        monkeypatch.setattr(sys, "argv", ["airflowsite", *words])
        try:
            status = commands.main(words)
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
            if isinstance(end.code, str):
                print(end.code, file=sys.stderr)
        said = capsys.readouterr()
        return Done(status, said.out, said.err)

    return call


def flags_of(parser: argparse.ArgumentParser) -> dict[str, argparse.Action]:
    """A parser's options by flag and its positionals by name."""
    found: dict[str, argparse.Action] = {}
    for action in parser._actions:
        for name in action.option_strings or [action.dest]:
            found[name] = action
    return found
