"""Every command with nonsense, and where there is no database, no tables or no place to write: a sentence each time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestration.services import pools
from tests.commands.conftest import Done
from tests.commands.words import PATHS, plain, with_nonsense

Run = Callable[..., Done]
ROOT = Path(__file__).resolve().parents[2]
NONSENSE = (
    "nope",
    "",
    "-1",
    "🦄/../\n;--",
    "9" * 400,
    "\udcff",
    "a\x00b",
    "[" * 5000,
    "NaN",
    "../../etc/passwd",
    "%s{0}",
)
#: What may take any text for good: names of new things, texts, and files to write.
TAKES_ANYTHING = frozenset(
    {
        "cheat-sheet", "completion", "config list", "connections add", "connections create-default-connections",
        "connections export", "connections list", "connections test", "dags list", "dags list-import-errors",
        "dags list-jobs", "dags pause", "dags unpause", "dags report", "dags reserialize", "db check",
        "db check-migrations", "db clean", "db drop-archived", "db export-archived", "db init", "info", "plugins",
        "pools export", "pools list", "pools set", "roles create", "roles delete", "roles add-perms",
        "roles del-perms", "roles export", "roles list", "rotate-fernet-key", "sync-perm", "users create",
        "users export", "users list", "variables delete", "variables export", "variables list", "variables set",
        "variables get", "version", "dags show-dependencies", "dags state", "db migrate", "db upgrade", "db downgrade",
    }
)  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize("name", [name for name in PATHS if PATHS[name][1].arguments])
def test_nonsense_gets_a_sentence(run: Run, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    pools.ensure_default()
    path, command = PATHS[name]
    for nonsense in NONSENSE:
        for words in with_nonsense(path, command, nonsense):
            done = run(*words)
            assert "Traceback" not in done.err + done.out, words
            if done.status:
                assert done.err.strip(), words
            elif "--" in words:
                assert name in TAKES_ANYTHING, (words, done.out)


#: These would make the tables.
_MAKERS = frozenset({"db init", "db migrate", "db upgrade"})
_DRIVER = """
import contextlib, io, json, sys
from orchestration.management.cli import main
found = {}
for name, words in json.load(sys.stdin).items():
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        sys.stdin = io.StringIO("")
        try:
            status = main.main(words)
        except SystemExit as end:
            status = end.code
    found[name] = [status, err.getvalue()]
print(json.dumps(found))
"""


def bare() -> dict[str, str]:
    """The environment without the tests' options."""
    named = ("AIRFLOW", "DJANGO", "TEST_")
    return {name: value for name, value in os.environ.items() if not name.startswith(named)}


def all_in(home: Path, **environment: str) -> dict[str, tuple[int, str]]:
    """The status and the errors of every command, one after the other in one process."""
    lines = {name: plain(*found) for name, found in PATHS.items() if name not in _MAKERS}
    lines["db check-migrations"] += ["-t", "0"]
    return run_all(lines, home, **environment)


def run_all(lines: dict[str, list[str]], home: Path, **environment: str) -> dict[str, tuple[int, str]]:
    """The status and the errors of these command lines, one after the other in one process."""
    done = subprocess.run(
        [sys.executable, "-c", _DRIVER],
        input=json.dumps(lines),
        env={**bare(), "AIRFLOW_HOME": str(home), "PYTHONPATH": str(ROOT), **environment},
        cwd=home if home.is_dir() else ROOT,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    found: dict[str, tuple[int, str]] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_a_database_that_is_away_is_told_by_every_command(tmp_path: Path) -> None:
    found = all_in(tmp_path, AIRFLOW__DATABASE__SQL_ALCHEMY_CONN="postgresql://nobody@127.0.0.1:1/none")

    for name, (_, errors) in found.items():
        assert "Traceback" not in errors, name
    assert found["db check"][0] == 1
    told = {name for name, (status, errors) in found.items() if status and "database" in errors.lower()}
    assert {"pools list", "dags list", "users list", "dags pause", "variables set"} <= told


def test_tables_that_were_not_made_are_told_by_every_command(tmp_path: Path) -> None:
    found = all_in(tmp_path, AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=f"sqlite:///{tmp_path}/empty.db")

    assert all("Traceback" not in errors for _, errors in found.values())
    told = {name for name, (status, errors) in found.items() if status == 1 and "airflowsite db migrate" in errors}
    assert {"connections list", "dags list", "dags details", "dags trigger", "dags list-runs", "db clean"} <= told


def test_commands_that_go_through_a_server_load_no_tables(tmp_path: Path) -> None:
    file = tmp_path / "one.json"
    written: dict[str, object] = {"variables": "v", "connections": "http://h", "pools": {"slots": 1, "description": ""}}
    lines = {name: plain(*found) for name, found in PATHS.items() if found[1].is_remote}
    for name, words in lines.items():
        if name.endswith(" import"):
            words[-1] = str(file.with_stem(words[0]))
            file.with_stem(words[0]).write_text(json.dumps({"k": written[words[0]]}))
        if any("--yes" in argument.flags for argument in PATHS[name][1].arguments):
            words.append("--yes")
    lines["connections add"] += ["--conn-type", "http"]
    lines["connections export"] += ["--file-format", "json"]

    found = run_all(
        lines,
        tmp_path,
        AIRFLOW__CLI__API_CLIENT="airflow.api.client.json_client",
        AIRFLOW__CLI__ENDPOINT_URL="http://127.0.0.1:1",
    )

    assert len(found) > 20
    for name, (status, errors) in found.items():
        assert status == 1, name
        assert "http://127.0.0.1:1 does not answer" in errors.splitlines()[0], (name, errors)


def test_a_home_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("no folder")
    done = subprocess.run(
        [sys.executable, "-m", "airflowsite", "pools", "list"],
        env={**bare(), "AIRFLOW_HOME": str(file / "home"), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert str(file) in done.stderr
