"""``--dry-run``: which commands have it, what it says, and that it leaves everything as it was."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.apps import apps
from django.contrib.auth.models import Group

from orchestration.access import roles
from orchestration.management.cli.tree import commands
from orchestration.models import Connection, EventLog, Pool, User, Variable
from orchestration.services import pools
from tests.commands.conftest import Done
from tests.factories import make_dag, make_run, serialized

pytestmark = pytest.mark.django_db
Run = Callable[..., Done]
DATE = datetime(2024, 1, 1, tzinfo=UTC)

#: The commands that delete or overwrite what is there.
DESTRUCTIVE = frozenset(
    {
        "connections delete", "connections import", "dags backfill", "dags delete", "dags reserialize", "db clean",
        "db downgrade", "db drop-archived", "db export-archived", "db reset", "import-airflow", "pools delete",
        "pools import", "pools set", "roles del-perms", "roles delete", "roles import", "rotate-fernet-key",
        "tasks clear", "users delete", "users import", "users remove-role", "users reset-password", "variables delete",
        "variables import", "variables set",
    }
)  # fmt: skip
#: Those that change something and take nothing away: they add, switch what can be switched back, or run tasks.
ADDING = frozenset(
    {
        "connections add", "connections create-default-connections", "dags pause", "dags test", "dags trigger",
        "dags unpause", "roles add-perms", "roles create", "sync-perm", "tasks run", "users add-role", "users create",
    }
)  # fmt: skip


def test_each_command_that_takes_something_away_has_a_dry_run() -> None:
    """A new command that leaves a row in the audit log has to be put on one side or the other."""
    with_one = set()
    for path, command in commands():
        name = " ".join(path)
        if any("--dry-run" in argument.flags for argument in command.arguments):
            with_one.add(name)
        if command.event is not None:
            assert (name in DESTRUCTIVE) != (name in ADDING), name
    assert with_one == DESTRUCTIVE | {"tasks test"}


def everything() -> dict[str, list[object]]:
    """Every row of every table, the audit log's too."""
    return {
        model._meta.label: sorted(model._default_manager.values_list(), key=str)
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed
    }


@pytest.fixture(autouse=True)
def system(db: None) -> None:
    """An object of each kind."""
    roles.ensure_built_in()
    pools.ensure_default()
    dag = make_dag(serialized("a >> b", dag_id="d1"))
    make_run(dag, {"a": "success", "b": "failed"}, run_id="r1", logical_date=DATE, state="failed")
    Variable.objects.create(key="k", val="old", description="about")
    Connection.objects.create(conn_id="c", conn_type="http", host="h", password="pass-word")
    Pool.objects.create(name="p", slots=3, description="")
    boss = User.objects.create(username="boss", email="boss@x.org", first_name="B", last_name="O")
    ann = User.objects.create(username="ann", email="ann@x.org", first_name="A", last_name="N")
    boss.groups.set(Group.objects.filter(name="Admin"))
    ann.groups.set(Group.objects.filter(name__in=["Op", "Viewer"]))
    Group.objects.create(name="own")


FILES = {
    "variables.json": {"k": "new", "made": {"a": 1}},
    "kept.json": {"k": "old"},
    "connections.json": {"c": {"conn_type": "http", "host": "other"}, "made": "http://h2"},
    "bad.json": {"bad": {"conn_type": "t" * 600}, "made": "http://h2"},
    "pools.json": {
        "p": {"slots": 5, "description": "", "include_deferred": True},
        "made": {"slots": 1, "description": ""},
    },
    "users.json": [
        {"username": "ann", "email": "ann@x.org", "firstname": "A", "lastname": "New", "roles": ["Op"]},
        {"username": "bob", "email": "bob@x.org", "firstname": "B", "lastname": "B", "roles": ["Viewer"]},
    ],
    "roles.json": [
        {"name": "own", "resource": "DAGs", "action": "can_read"},
        {"name": "made", "resource": "DAGs", "action": "can_read,can_edit"},
    ],
}  # fmt: skip
CASES = [
    (["variables", "set", "k", "new"], 0, "Would change the variable k: val, description\n"),
    (["variables", "set", "made", "new"], 0, "Would make the variable made\n"),
    (["variables", "set", "k", "old", "--description", "about"], 0, "Would leave the variable k as it is\n"),
    (
        ["variables", "import", "variables.json"],
        0,
        "Would change the variable k: val, description\nWould make the variable made\nWould set 2 of 2 variables.\n",
    ),
    (
        ["variables", "import", "variables.json", "-a", "skip"],
        0,
        "Would make the variable made\nWould set 1 of 2 variables.\nLeft as they were: k.\n",
    ),
    (["variables", "import", "variables.json", "-a", "fail"], 1, ""),
    (["variables", "delete", "k"], 0, "Would delete the variable k\n"),
    (
        ["connections", "import", "connections.json", "--overwrite"],
        0,
        "Would change the connection c: password, host\nWould make the connection made\n",
    ),
    (
        ["connections", "import", "connections.json"],
        0,
        "c would not be imported: it is there already. Use --overwrite to replace it.\n"
        "Would make the connection made\n",
    ),
    (["connections", "delete", "c"], 0, "Would delete the connection c\n"),
    (
        ["pools", "import", "pools.json"],
        0,
        "Would change the pool p: slots, include_deferred\nWould make the pool made\nWould import 2 pools\n",
    ),
    (["pools", "set", "p", "4", "d"], 0, "Would change the pool p: slots, description\n"),
    (["pools", "set", "p", "-5", "d"], 1, ""),
    (["pools", "delete", "p"], 0, "Would delete the pool p\n"),
    (["pools", "delete", "default_pool"], 1, ""),
    (
        ["users", "import", "users.json"],
        0,
        "Would change the user ann <ann@x.org>: last_name, roles\nWould make the user bob <bob@x.org>\n"
        "Would make 1 users and change 1.\n",
    ),
    (["users", "remove-role", "-u", "ann", "-r", "Op"], 0, "ann would no longer have the role Op\n"),
    (["users", "remove-role", "-u", "ann", "-r", "User"], 1, ""),
    (["users", "remove-role", "-u", "boss", "-r", "Admin"], 1, ""),
    (
        ["users", "reset-password", "-u", "ann"],
        0,
        "Would give the user ann a new password, and end the sessions and tokens of that user\n",
    ),
    (["users", "delete", "-u", "ann"], 0, "Would delete the user ann\n"),
    (["users", "delete", "-u", "boss"], 1, ""),
    (
        ["roles", "import", "roles.json"],
        0,
        "Would leave the role own as it is\nWould make the role made\nmade would can_read DAGs\n"
        "made would can_edit DAGs\nWould import 1 roles\n",
    ),
    (["roles", "delete", "own"], 0, "Would delete the role own\n"),
    (["roles", "delete", "own", "Admin"], 1, "Would delete the role own\n"),
    (
        ["roles", "del-perms", "Op", "-r", "Pools", "-a", "can_delete"],
        0,
        "Op would no longer can_delete Pools\nPermissions to be taken: 1\n",
    ),
    (["dags", "delete", "d1"], 0, "Would delete the DAG d1 with its 1 runs\n"),
    (["rotate-fernet-key"], 0, None),
    (["dags", "reserialize"], 0, None),
    (["dags", "reserialize", "--clear-only"], 0, "Would forget the stored form of 1 DAGs.\n"),
    (["tasks", "clear", "d1", "-f"], 0, "Would clear:\n<TaskInstance: d1.b r1>\n"),
    (["db", "clean", "--clean-before-timestamp", "2030-01-01", "-t", "dag_run"], 0, None),
    (["db", "drop-archived"], 0, "Would drop 0 tables:\n"),
    (["db", "reset"], 0, None),
]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "status", "out"), CASES, ids=lambda value: " ".join(value) if isinstance(value, list) else ""
)
def test_a_dry_run_tells_what_would_be_done_and_changes_nothing(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], status: int, out: str | None
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in FILES.items():
        Path(name).write_text(json.dumps(value))
    before = everything()

    done = run(*words, "--dry-run")

    assert done.status == status, done.err
    if out is not None:
        assert done.out == out
    assert (status == 0) == (not done.err)
    assert everything() == before
    assert "pass-word" not in done.out


@pytest.mark.parametrize("words", [words for words, status, _ in CASES if status], ids=" ".join)
def test_what_a_dry_run_refuses_is_refused_in_the_same_words(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in FILES.items():
        Path(name).write_text(json.dumps(value))
    dry = run(*words, "--dry-run")

    done = run(*words)

    assert (done.status, done.err) == (dry.status, dry.err)


def test_a_file_with_faults_is_told_of_in_a_dry_run(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bad.json").write_text(json.dumps(FILES["bad.json"]))

    done = run("connections", "import", "bad.json", "--dry-run")

    assert done.status == 1
    assert "bad was not imported: conn_type is longer" in done.err
    assert "Would make the connection made" in done.out
    assert not Connection.objects.filter(conn_id="made").exists()


def test_a_dag_whose_tasks_run_would_not_be_deleted(run: Run) -> None:
    make_run(make_dag(serialized("a", dag_id="busy")), {"a": "running"}, logical_date=DATE)

    assert run("dags", "delete", "busy", "--dry-run").status == 1
    assert run("dags", "delete", "busy", "-y").status == 1


def test_rotating_dry_tells_of_each_table_and_leaves_the_old_cipher(run: Run) -> None:
    done = run("rotate-fernet-key", "--dry-run")

    assert "Would encrypt anew val of 1 rows: " in done.out
    assert done.out.endswith("2 rows would be encrypted anew.\n")
    assert not EventLog.objects.filter(event="cli_rotate_fernet_key").exists()


def test_a_downgrade_names_the_migrations_it_would_take_back(run: Run) -> None:
    done = run("db", "downgrade", "-r", "0001", "--dry-run")

    assert done.status == 0, done.err
    first, *names = done.out.splitlines()
    assert first == f"Would take back {len(names)} migrations:"
    assert "orchestration.0002" in names[-1]


def test_an_export_of_archives_tells_its_files_and_what_they_replace(run: Run, tmp_path: Path) -> None:
    run("db", "clean", "--clean-before-timestamp", "2030-01-01", "-t", "dag_run", "--keep-last", "0", "-y")
    words = ["db", "export-archived", "--output-path", str(tmp_path)]
    plain = run(*words, "--dry-run")
    run(*words)

    again = run(*words, "--drop-archives", "--dry-run")

    assert plain.out.startswith("Would write ")
    assert "in the place of" not in plain.out
    assert again.out.count("in the place of the file there") == len(list(tmp_path.iterdir()))
    assert f"Would drop {len(list(tmp_path.iterdir()))} tables:" in again.out
    assert run("db", "drop-archived", "--dry-run").out != "Would drop 0 tables:\n"
