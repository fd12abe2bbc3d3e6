"""Migrations that are killed half way, and several at once: RELIABILITY F41.

Each migration is a process forked from the test's, on a database of its own.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sqlite3
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from tests.children import ended
from tests.faults.cluster import Cluster

pytestmark = [pytest.mark.processes, pytest.mark.timeout(240)]

#: Seconds that migrating may take on a machine that has much else to do.
PATIENCE = 120
#: Places at which a migration of all tables is killed; the statements between them are alike.
PLACES = 3
Rows = list[tuple[Any, ...]]


@dataclass
class Shop:
    """Makes databases, and migrates them in processes of their own."""

    folder: Path
    cluster: Cluster | None
    #: A database that was migrated undisturbed, and the steps it took.
    whole: str = ""
    steps: int = 0

    def make(self, template: str | None = None) -> str:
        """A new database: empty, or a copy."""
        name = f"migrated_{uuid.uuid4().hex[:12]}"
        if self.cluster is not None:
            with self.cluster.session("postgres") as session:
                session.execute(f"CREATE DATABASE {name} TEMPLATE {template or 'template0'}")
        else:
            name = str(self.folder / name)
            if template is not None:
                shutil.copy(template, name)
        return name

    def start(self, database: str, *words: str, before: Callable[[], object] = lambda: None) -> int:
        """A process that migrates the database; ``before`` is called in it first."""
        pid = os.fork()
        if pid:
            return pid
        status = 1
        try:
            with (self.folder / "output").open("a") as output:
                sys.stdout = sys.stderr = output
                connections["default"].connection = None  # the parent's, if it has one
                here = connections["default"].settings_dict
                here["NAME"] = database
                if self.cluster is not None:
                    here |= {"USER": "postgres", "PASSWORD": "", "HOST": "127.0.0.1", "PORT": self.cluster.port}
                before()
                call_command("migrate", *words, interactive=False, verbosity=1)
                output.write("done\n")
            status = 0
        except BaseException as error:
            with (self.folder / "output").open("a") as output:
                output.write(f"{type(error).__name__}: {error}\n")
        finally:
            os._exit(status)

    def migrate(self, database: str, *words: str, before: Callable[[], object] = lambda: None) -> int:
        """The status of such a process; negative for the signal that killed it."""
        return ended(self.start(database, *words, before=before), PATIENCE)

    def read(self, database: str, question: str) -> Rows:
        if self.cluster is not None:
            with self.cluster.session(database) as session:
                return session.execute(question).fetchall()
        with contextlib.closing(sqlite3.connect(database)) as file:
            return file.execute(question).fetchall()

    def write(self, database: str, *statements: str) -> None:
        if self.cluster is not None:
            with self.cluster.session(database) as session:
                for statement in statements:
                    session.execute(statement)
        else:
            with contextlib.closing(sqlite3.connect(database)) as file, file:
                for statement in statements:
                    file.execute(statement)

    def tables(self, database: str) -> list[str]:
        question = (
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
            if connection.vendor == "postgresql"
            else "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
        )
        return sorted(name for (name,) in self.read(database, question))

    def shape(self, database: str) -> Mapping[str, Any]:
        """What a whole database is told from a half one by: tables, columns, indexes, keys, and how many rows."""
        if connection.vendor == "postgresql":
            questions = [
                "SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns"
                " WHERE table_schema = 'public'",
                "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'",
                "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
                " WHERE connamespace = 'public'::regnamespace",
            ]
        else:
            questions = ["SELECT type, name, sql FROM sqlite_master"]
            assert self.read(database, "PRAGMA integrity_check") == [("ok",)]
            assert self.read(database, "PRAGMA foreign_key_check") == []
        return {
            "schema": [sorted(map(str, self.read(database, question))) for question in questions],
            "rows": {name: self.read(database, f'SELECT count(*) FROM "{name}"') for name in self.tables(database)},
            "migrations": sorted(self.read(database, "SELECT app, name FROM django_migrations")),
        }

    def said(self) -> str:
        return (self.folder / "output").read_text()


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster | None]:
    """A server for the many databases; None on SQLite."""
    if connection.vendor != "postgresql":
        yield None
        return
    with Cluster() as found:
        with found.session() as session:
            session.execute("ALTER SYSTEM SET fsync = off")  # it is not the server that is killed
            session.execute("SELECT pg_reload_conf()")
        yield found


@pytest.fixture(scope="module")
def place(cluster: Cluster | None, tmp_path_factory: pytest.TempPathFactory, django_db_blocker: Any) -> Iterator[Shop]:
    with django_db_blocker.unblock():
        made = Shop(tmp_path_factory.mktemp("databases"), cluster)
        made.whole = made.make()
        made.steps = steps_of(made, made.whole)
        yield made


@pytest.fixture
def shop(place: Shop) -> Shop:
    (place.folder / "output").write_text("")
    return place


def counted(do: Callable[[int], object]) -> Callable[[], None]:
    """Has the process call ``do`` with the number of each step: a statement of a migration, or a commit."""

    def install() -> None:
        execute, commit = BaseDatabaseSchemaEditor.execute, BaseDatabaseWrapper.commit
        steps = 0

        def step() -> None:
            nonlocal steps
            steps += 1
            do(steps)

        def counted_execute(self: Any, *args: Any, **kwargs: Any) -> Any:
            step()
            return execute(self, *args, **kwargs)

        def counted_commit(self: BaseDatabaseWrapper) -> None:
            step()
            commit(self)

        BaseDatabaseSchemaEditor.execute = counted_execute  # type: ignore[method-assign]
        BaseDatabaseWrapper.commit = counted_commit  # type: ignore[method-assign]

    return install


def die_at(number: int) -> Callable[[], None]:
    return counted(lambda step: os.kill(os.getpid(), signal.SIGKILL) if step == number else None)


def steps_of(shop: Shop, database: str) -> int:
    """Migrate it undisturbed; how many steps that took."""
    path = shop.folder / "steps"
    assert shop.migrate(database, before=counted(lambda step: path.write_text(str(step)))) == 0, shop.said()
    return int(path.read_text())


def spread(last: int, number: int) -> Sequence[int]:
    """So many places, from the first to the last."""
    return sorted({1 + (last - 1) * each // (number - 1) for each in range(number)})


def test_f41_tables_that_were_half_made_are_finished_by_the_next_migration(shop: Shop) -> None:
    assert shop.steps > 100
    for number in spread(shop.steps, PLACES):
        database = shop.make()
        assert shop.migrate(database, before=die_at(number)) == -signal.SIGKILL
        assert shop.migrate(database) == 0, f"after step {number}: {shop.said()[-2000:]}"
        assert shop.shape(database) == shop.shape(shop.whole), f"after step {number}"


def test_f41_an_older_database_with_a_run_keeps_every_row_when_its_migration_is_killed(shop: Shop) -> None:
    old = shop.make(shop.whole)
    assert shop.migrate(old, "orchestration", "0001") == 0, shop.said()
    insert_run(shop, old)
    before = content(shop, old, columns_of(shop, old))
    whole = shop.make(old)
    last = steps_of(shop, whole)
    assert last >= 10
    for number in spread(last, 5):
        database = shop.make(old)
        assert shop.migrate(database, before=die_at(number)) == -signal.SIGKILL
        assert content(shop, database, columns_of(shop, old)) == before, f"half way, after step {number}"
        assert shop.migrate(database) == 0, f"after step {number}: {shop.said()[-2000:]}"
        assert shop.shape(database) == shop.shape(whole), f"after step {number}"
        assert content(shop, database, columns_of(shop, old)) == before, f"after step {number}"
        placed = "SELECT key, dag_id, task_id, run_id, map_index FROM orchestration_xcom ORDER BY key"
        assert shop.read(database, placed) == [(f"k{each}", "old", "t", "then", -1) for each in range(5)]


def test_f41_migrations_at_once_wait_for_each_other(shop: Shop) -> None:
    database = shop.make()
    pids = [shop.start(database) for _ in range(3)]
    assert [ended(pid, PATIENCE) for pid in pids] == [0, 0, 0], shop.said()[-3000:]
    assert shop.shape(database) == shop.shape(shop.whole)
    assert shop.said().count("Another process makes this database's tables") == 2


def test_f41_a_migration_that_was_killed_while_others_wait_is_taken_over(shop: Shop) -> None:
    database = shop.make()
    first = shop.start(database, before=counted(lambda step: os.kill(os.getpid(), signal.SIGSTOP) if step == 60 else 0))
    os.waitpid(first, os.WUNTRACED)
    second = shop.start(database)
    limit = time.monotonic() + 30
    while "this one waits" not in shop.said():
        assert time.monotonic() < limit
        time.sleep(0.02)
    os.kill(first, signal.SIGKILL)
    os.waitpid(first, 0)
    assert ended(second, PATIENCE) == 0, shop.said()
    assert shop.shape(database) == shop.shape(shop.whole)


# An older database's rows: with the columns it has, whatever they are


def columns_of(shop: Shop, database: str) -> dict[str, list[str]]:
    if connection.vendor == "postgresql":
        question = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
        pairs = shop.read(database, question)
    else:
        names = shop.tables(database)
        pairs = [
            (n, column)
            for n in names
            for (column,) in shop.read(database, f"SELECT name FROM pragma_table_info('{n}')")
        ]
    found: dict[str, list[str]] = {}
    for table, column in sorted(pairs):
        if table.startswith("orchestration_"):
            found.setdefault(table, []).append(column)
    return found


def content(shop: Shop, database: str, columns: Mapping[str, Sequence[str]]) -> Mapping[str, list[str]]:
    """Every row of these tables and columns."""
    quoted = {table: ", ".join(f'"{name}"' for name in names) for table, names in columns.items()}
    return {
        table: sorted(map(repr, shop.read(database, f"SELECT {names} FROM {table}"))) for table, names in quoted.items()
    }


def insert_run(shop: Shop, database: str) -> None:
    """A DAG with a run that is going on, its instance and what that has said."""
    insert(shop, database, "orchestration_dag", dag_id="old", fileloc="/dags/old.py")
    insert(shop, database, "orchestration_dagrun", id=1, dag_id="old", run_id="then", state="running", conf="{}")
    insert(
        shop,
        database,
        "orchestration_taskinstance",
        id=1, run_id=1, dag_id="old", task_id="t", map_index=-1, state="running", try_number=1,
    )  # fmt: skip
    for each in range(5):
        insert(shop, database, "orchestration_xcom", task_instance_id=1, key=f"k{each}", value=f'"{each} ü"')
        insert(shop, database, "orchestration_eventlog", dag_id="old", run_id="then", event=f"e{each}")


def insert(shop: Shop, database: str, table: str, **values: Any) -> None:
    """A row; columns that must have a value and are not named get the least there is."""
    for name, kind in required(shop, database, table):
        values.setdefault(name, least(kind))
    names = ", ".join(f'"{name}"' for name in values)
    texts = ", ".join(
        str(value) if isinstance(value, int) else "'" + str(value).replace("'", "''") + "'" for value in values.values()
    )
    shop.write(database, f"INSERT INTO {table} ({names}) VALUES ({texts})")


def required(shop: Shop, database: str, table: str) -> list[tuple[str, str]]:
    if connection.vendor == "postgresql":
        rows = shop.read(
            database,
            "SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = 'public'"
            f" AND table_name = '{table}' AND is_nullable = 'NO' AND is_identity = 'NO' AND column_default IS NULL",
        )
    else:
        rows = shop.read(
            database,
            f"SELECT name, type FROM pragma_table_info('{table}') WHERE \"notnull\" AND dflt_value IS NULL AND NOT pk",
        )
    return [(str(name), str(kind).lower()) for name, kind in rows]


def least(kind: str) -> Any:
    if "time" in kind:
        return "2024-01-01 00:00:00"
    if kind.startswith("bool"):
        return "0"
    if "json" in kind:
        return "[]"
    return 0 if any(word in kind for word in ("int", "double", "real", "numeric")) else ""
