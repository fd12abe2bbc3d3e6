"""Commands among others in a shell: readers that end early, terminals without colours, interrupts, full disks."""

from __future__ import annotations

import json
import os
import pty
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.commands.test_nonsense import ROOT, bare

PROGRAM = [sys.executable, "-m", "airflowsite"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose database has its tables."""
    found = tmp_path_factory.mktemp("home")
    done = subprocess.run(
        [*PROGRAM, "db", "migrate"],
        env=around(found),
        cwd=found,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return found


def around(home: Path, **extra: str) -> dict[str, str]:
    kept = {
        name: value for name, value in bare().items() if name not in {"PYTHONUNBUFFERED", "NO_COLOR", "FORCE_COLOR"}
    }
    return {**kept, "AIRFLOW_HOME": str(home), "PYTHONPATH": str(ROOT), "TERM": "xterm", **extra}


@pytest.mark.parametrize("buffering", [{}, {"PYTHONUNBUFFERED": "1"}], ids=["buffered", "unbuffered"])
@pytest.mark.parametrize(
    "words", [["version"], ["--help"], ["dags", "--help"], ["config", "list", "-d"], ["cheat-sheet"]]
)
def test_a_reader_that_ends_early_leaves_no_traceback(home: Path, words: list[str], buffering: dict[str, str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [*PROGRAM, *words],
        env=around(home, **buffering),
        stdout=writer,
        stderr=subprocess.PIPE,
        timeout=60,
        check=False,
    )
    os.close(writer)

    assert done.stderr == b""
    assert done.returncode in {0, 1}  # argparse itself passes over a help that nobody reads


@pytest.mark.parametrize("words", [["version"], ["config", "list"]])
def test_a_full_disk_is_told(home: Path, words: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*PROGRAM, *words],
            env=around(home),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )

    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


def on_terminal(home: Path, words: list[str], **extra: str) -> str:
    """What a command prints on a terminal."""
    mine, its = pty.openpty()
    process = subprocess.Popen([*PROGRAM, *words], env=around(home, **extra), stdout=its, stderr=its, stdin=its)
    os.close(its)
    with closing(os.fdopen(mine, "rb", buffering=0)) as terminal:
        shown = b"".join(_read(terminal))
    assert process.wait(30) == 0, shown
    return shown.decode()


def _read(terminal: object) -> Iterator[bytes]:
    while True:
        try:
            part = terminal.read(65_536)  # type: ignore[attr-defined]
        except OSError:  # how the end looks on Linux
            return
        if not part:
            return
        yield part


@pytest.mark.parametrize("words", [["pools", "list"], ["config", "list", "--section", "api"]], ids=" ".join)
def test_a_terminal_gets_control_codes_unless_it_wants_none(home: Path, words: list[str]) -> None:
    assert "\x1b" in on_terminal(home, words)
    assert "\x1b" not in on_terminal(home, words, NO_COLOR="1")


@pytest.mark.parametrize("form", ["table", "plain", "json", "yaml"])
def test_a_pipe_gets_no_control_codes_and_results_only(home: Path, form: str) -> None:
    done = subprocess.run(
        [*PROGRAM, "pools", "list", "-o", form],
        env=around(home, FORCE_COLOR="" if form == "table" else "1"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert "default_pool" in done.stdout
    assert "\x1b" not in done.stdout
    if form == "json":
        assert [row["pool"] for row in json.loads(done.stdout)] == ["default_pool"]


def test_an_interrupt_is_a_130_without_a_traceback(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*PROGRAM, "db", "check-migrations", "-t", "60"],
        env=around(tmp_path),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    until = time.monotonic() + 30
    while not list(tmp_path.glob("*.db")) and time.monotonic() < until:  # it looks into the database
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)

    assert process.returncode == 130, errors
    assert "Traceback" not in errors


def test_a_locked_database_is_told(home: Path) -> None:
    with closing(sqlite3.connect(home / "airflowsite.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        done = subprocess.run(
            [*PROGRAM, "variables", "set", "k", "v"],
            env=around(home),
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )
        other.execute("ROLLBACK")

    assert done.returncode == 1
    assert "The database cannot be reached or is busy: database is locked." in done.stderr
    assert "Traceback" not in done.stderr
