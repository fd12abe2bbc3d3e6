"""``import-airflow`` with several processes, from SQLite and from PostgreSQL."""

from __future__ import annotations

import os
import pickle
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
from django.db import connection
from psycopg import sql

from benchmarks.importing import Sums, sums
from orchestration.management.moving import history, values
from orchestration.models import DagRun, TaskInstance
from tests.commands.conftest import Done
from tests.factories import DagFactory, DagRunFactory
from tests.machine import is_required, need

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = [sys.executable, "-m", "airflowsite"]
_URL = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"
#: How the types of Airflow's tables are called in PostgreSQL; the others have one name.
_TYPES = {"TIMESTAMP": "timestamptz", "DATETIME": "timestamptz", "BLOB": "bytea", "FLOAT": "double precision"}


class Bomb:
    """Would run code when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (exec, ("raise SystemExit('it ran')",))


@pytest.fixture(scope="module")
def server() -> str:
    """The URL of a PostgreSQL server, up to the name of a database."""
    if connection.vendor == "postgresql":
        found = connection.settings_dict
        user = found["USER"] + (f":{found['PASSWORD']}" if found["PASSWORD"] else "")
        return f"postgresql://{user}@{found['HOST'] or '127.0.0.1'}:{found['PORT'] or 5432}/"
    need("PostgreSQL", port=5432)
    url = "postgresql://postgres@127.0.0.1:5432/"
    try:
        psycopg.connect(f"{url}postgres").close()
    except psycopg.Error as error:
        if is_required():
            raise
        pytest.skip(f"PostgreSQL lets nobody in: {error}")
    return url


@pytest.fixture(scope="module")
def new_database(server: str) -> Iterator[Callable[..., str]]:
    """``new_database(like=…)`` makes one in PostgreSQL, empty or as another one, and gives its URL."""
    made: list[str] = []

    def ask(statement: str) -> None:
        with psycopg.connect(f"{server}postgres", autocommit=True) as session:
            session.execute(statement.encode())

    def make(like: str = "template0") -> str:
        made.append(f"imported_{uuid.uuid4().hex[:12]}")
        ask(f"CREATE DATABASE {made[-1]} TEMPLATE {like.rpartition('/')[2]}")
        return server + made[-1]

    yield make
    for name in made:
        ask(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def airflow(tmp_path: Path) -> Path:
    """Airflow's database as a file, with more runs, a longer log and some oddities."""
    path = tmp_path / "airflow.db"
    with closing(sqlite3.connect(path)) as database:
        database.executescript((Path(__file__).parent / "airflow_2_10_5.sql").read_text())
        _repeat(database, "dag_run", "id", run_id="run_id || '_' || n.n", execution_date=_later("execution_date"))
        for table in ("task_instance", "task_instance_history", "rendered_task_instance_fields"):
            _repeat(database, table, "id", run_id="run_id || '_' || n.n")
        _repeat(
            database, "xcom", "", run_id="run_id || '_' || n.n",
            dag_run_id="(SELECT r.id FROM dag_run r WHERE r.dag_id = x.dag_id AND r.run_id = x.run_id || '_' || n.n)",
        )  # fmt: skip
        _repeat(database, "log", "id", dttm=_later("dttm"))
        for statement, *parameters in (
            ("UPDATE task_instance SET state = 'deferred' WHERE rowid % 11 = 0",),
            ("UPDATE task_instance SET start_date = '2024-01-01T00:00:00+01:00' WHERE rowid % 3 = 0",),
            ("UPDATE task_instance SET executor_config = ? WHERE rowid % 5 = 0", pickle.dumps({"a": 1})),
            ("UPDATE task_instance SET executor_config = ? WHERE rowid % 7 = 0", pickle.dumps(Bomb())),
            ("UPDATE dag_run SET conf = ? WHERE rowid % 4 = 0", pickle.dumps(Bomb())),
            ("UPDATE xcom SET value = ? WHERE rowid % 5 = 0", pickle.dumps(Bomb())),
            ("DELETE FROM dag WHERE dag_id = 'nightly'",),
        ):
            database.execute(statement, parameters)
        database.commit()
    return path


def _later(column: str) -> str:
    return f"strftime('%Y-%m-%d %H:%M:%f', {column}, '+' || n.n || ' years') || '000'"


def _repeat(database: sqlite3.Connection, table: str, left: str, **changed: str) -> None:
    """Nine more of each row."""
    names = [row[1] for row in database.execute(f"PRAGMA table_info({table})") if row[1] != left]
    chosen = ", ".join(changed.get(name, f'x."{name}"') for name in names)
    listed = ", ".join(f'"{name}"' for name in names)
    numbers = "(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 9) SELECT n FROM s) n"
    database.execute(f"INSERT INTO {table} ({listed}) SELECT {chosen} FROM {table} x CROSS JOIN {numbers}")


@pytest.fixture(params=["sqlite", "postgresql"])
def source(request: pytest.FixtureRequest, airflow: Path) -> str:
    """The URL of Airflow's database, in either kind."""
    if request.param == "sqlite":
        return f"sqlite:///{airflow}"
    url: str = request.getfixturevalue("new_database")()
    with closing(sqlite3.connect(airflow)) as database, psycopg.connect(url) as server:
        for (table,) in database.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
        ).fetchall():
            _copy_table(database, server, table)
    return url


def _copy_table(database: sqlite3.Connection, server: psycopg.Connection, table: str) -> None:
    columns = [
        (name, _TYPES.get(kind, kind)) for _, name, kind, *_ in database.execute(f'PRAGMA table_info("{table}")')
    ]
    described = sql.SQL(", ").join(sql.SQL("{} {}").format(sql.Identifier(n), sql.SQL(kind)) for n, kind in columns)
    name = sql.Identifier(table)
    server.execute(sql.SQL("CREATE TABLE {} ({})").format(name, described))
    reads = [_READ.get(kind, lambda value: value) for _, kind in columns]
    marks = sql.SQL(", ").join([sql.SQL("%s")] * len(columns))
    rows = [
        [None if value is None else read(value) for read, value in zip(reads, row, strict=True)]
        for row in database.execute(f'SELECT * FROM "{table}"')
    ]
    server.cursor().executemany(sql.SQL("INSERT INTO {} VALUES ({})").format(name, marks), rows)


_READ: dict[str, Callable[[Any], Any]] = {"timestamptz": values.moment, "BOOLEAN": bool}


@dataclass(frozen=True)
class Target:
    """A database of this program's, empty at first."""

    environment: dict[str, str]
    url: str

    def start(self, source: str, *words: str) -> subprocess.Popen[str]:
        """Copy into it, in a process group of its own."""
        return subprocess.Popen(
            [*PROGRAM, "import-airflow", "--from", source, *words],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def copy(self, source: str, *words: str) -> Done:
        """Copy into it, to the end."""
        return _ended(self.start(source, *words))

    def content(self) -> Sums:
        """Count and checksum of each table."""
        return sums(self.url, is_here=True)


@pytest.fixture(scope="module")
def migrated(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Target:
    """One in the kind of database that is tested, to make others like it."""
    home = tmp_path_factory.mktemp("migrated") / "home"
    named = ("AIRFLOW", "DJANGO", "TEST_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(named)}
    environment |= {"AIRFLOW_HOME": str(home), "PYTHONPATH": str(ROOT)}
    url = f"sqlite:///{home}/airflowsite.db"
    if connection.vendor == "postgresql":
        url = environment[_URL] = request.getfixturevalue("new_database")()
    subprocess.run([*PROGRAM, "db", "migrate"], env=environment, check=True, capture_output=True)
    return Target(environment, url)


@pytest.fixture
def new_target(request: pytest.FixtureRequest, migrated: Target, tmp_path: Path) -> Callable[[], Target]:
    """``new_target()`` makes one."""

    def make() -> Target:
        home = tmp_path / f"home-{uuid.uuid4().hex[:6]}"
        shutil.copytree(migrated.environment["AIRFLOW_HOME"], home)
        environment = {**migrated.environment, "AIRFLOW_HOME": str(home)}
        if connection.vendor == "sqlite":
            return Target(environment, f"sqlite:///{home}/airflowsite.db")
        url = environment[_URL] = request.getfixturevalue("new_database")(like=migrated.url)
        return Target(environment, url)

    return make


def _ended(process: subprocess.Popen[str]) -> Done:
    out, err = process.communicate(timeout=120)
    return Done(process.returncode, out, err)


def _workers(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """The processes that copy for a command, as soon as there are any."""
    limit = time.monotonic() + 60
    while time.monotonic() < limit and process.poll() is None:
        found = [each for each in psutil.Process(process.pid).children() if "spawn_main" in " ".join(each.cmdline())]
        if found:
            return found
        time.sleep(0.005)
    raise AssertionError(f"No process was started: {_ended(process)}")


WORDS = ("--tables", "dags,runs,log", "--batch-size", "20")


def _skip_where_attached(source: str) -> None:
    if connection.vendor == "sqlite" and source.startswith("sqlite"):
        pytest.skip("SQLite moves the rows itself, in one process")


def test_several_processes_copy_and_report_what_one_does(source: str, new_target: Callable[[], Target]) -> None:
    alone, together = new_target(), new_target()

    expected = alone.copy(source, *WORDS, "--processes", "1")
    found = together.copy(source, *WORDS, "--processes", "3")

    assert (expected.status, expected.err) == (0, "")
    assert all(left in expected.out for left in ("executor_configs, for", "confs, for", "values, for", "deferred"))
    assert found == expected
    assert alone.content()["task instances"][0] > 300
    assert together.content() == alone.content()

    again = together.copy(source, *WORDS, "--processes", "3")

    assert again.status == 0
    assert together.content() == alone.content()
    assert {line.split("|")[1].strip() for line in again.out.splitlines() if line.count("|") == 3} == {"copied", "0"}


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_process_that_is_ended_ends_the_copy_which_goes_on_when_started_again(
    source: str, new_target: Callable[[], Target], number: signal.Signals
) -> None:
    _skip_where_attached(source)
    alone, together = new_target(), new_target()
    alone.copy(source, *WORDS, "--processes", "1")

    process = together.start(source, *WORDS, "--processes", "3")
    os.kill(_workers(process)[0].pid, number)
    ended = _ended(process)

    assert (ended.status, ended.out) == (1, "")
    assert ended.err.startswith(f"A process that copied was ended by {number.name}. What was copied is whole and stays")
    assert "start the command again" in ended.err
    assert "Traceback" not in ended.err
    assert _is_gone(process.pid)
    assert together.content()["task instances"][0] < alone.content()["task instances"][0]
    assert together.copy(source, *WORDS, "--processes", "3").status == 0
    assert together.content() == alone.content()


def test_ctrl_c_ends_all_processes(source: str, new_target: Callable[[], Target]) -> None:
    _skip_where_attached(source)
    process = new_target().start(source, *WORDS, "--processes", "3")
    _workers(process)
    os.killpg(process.pid, signal.SIGINT)

    assert _ended(process) == Done(130, "", "")
    assert _is_gone(process.pid)


def test_a_command_that_is_killed_leaves_no_process(source: str, new_target: Callable[[], Target]) -> None:
    _skip_where_attached(source)
    process = new_target().start(source, *WORDS, "--processes", "3")
    _workers(process)
    process.kill()
    process.wait()

    assert _is_gone(process.pid)
    process.communicate()


def _is_gone(group: int) -> bool:
    """Whether nothing of a process group is left, at the latest after a while."""
    limit = time.monotonic() + 20
    while time.monotonic() < limit:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def test_what_one_process_cannot_do_is_said_in_a_sentence(source: str, new_target: Callable[[], Target]) -> None:
    _skip_where_attached(source)
    change = "UPDATE xcom SET timestamp = %s WHERE dag_run_id = (SELECT max(dag_run_id) FROM xcom)"
    if source.startswith("sqlite"):
        with closing(sqlite3.connect(source.removeprefix("sqlite:///"))) as database:
            database.execute(change.replace("%s", "?"), ["noon"])
            database.commit()
    else:
        with psycopg.connect(source) as server:
            server.execute(change.encode(), ["0044-03-15 BC"])

    found = new_target().copy(source, *WORDS, "--processes", "2")

    assert found.status == 1
    assert found.err.startswith("ValueError: Invalid isoformat string: ")
    assert "Traceback" not in found.err


@pytest.mark.parametrize("number, complaint", [("0", "must be greater than zero"), ("two", "invalid int value: 'two'")])
def test_a_number_of_processes_that_is_none_is_refused(run: Callable[..., Done], number: str, complaint: str) -> None:
    found = run("import-airflow", "--from", "sqlite:////nowhere.db", "--processes", number)

    assert found.status == 2
    assert complaint in found.err


@pytest.mark.django_db
def test_a_run_that_comes_by_another_way_meanwhile_is_one_that_is_here(
    run: Callable[..., Done], airflow: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = history.Runs.read
    made: list[DagRun] = []

    def late(self: history.Runs, span: tuple[int, int]) -> history.Batch:
        batch = real(self, span)
        if not made:
            dag_id, run_id, *_ = batch.runs[0]
            made.append(DagRunFactory(dag=DagFactory(dag_id=dag_id), run_id=run_id))
        return batch

    expected = run("import-airflow", "--from", f"sqlite:///{airflow}", "--tables", "runs", "--dry-run")
    monkeypatch.setattr(history.Runs, "read", late)

    found = run("import-airflow", "--from", f"sqlite:///{airflow}", "--tables", "runs", "--batch-size", "20")

    def runs(done: Done) -> list[int]:
        (line,) = [line for line in done.out.splitlines() if line.startswith("runs ")]
        return [int(number) for number in line.split("|")[1:3]]

    assert found.status == 0, found.err
    assert runs(found) == [runs(expected)[0] - 1, 1]
    assert not TaskInstance.objects.filter(run=made[0]).exists()


@pytest.mark.parametrize(
    "stored, postgres, sqlite",
    [
        (None, None, None),
        ("2024-01-31 23:59:59+00", "2024-01-31 23:59:59+00", "2024-01-31 23:59:59"),
        ("2024-01-31 23:59:59.25+00", "2024-01-31 23:59:59.25+00", "2024-01-31 23:59:59.250000"),
        ("2024-01-31 23:59:59.250+00", "2024-01-31 23:59:59.250+00", "2024-01-31 23:59:59.250000"),
        ("2024-01-31 23:59:59.000000", "2024-01-31 23:59:59.000000+00", "2024-01-31 23:59:59"),
        ("2024-01-31 23:59:59.123456", "2024-01-31 23:59:59.123456+00", "2024-01-31 23:59:59.123456"),
        ("2024-01-31 23:59:59.250+02", "2024-01-31 21:59:59.250000+00:00", "2024-01-31 21:59:59.250000"),
        ("2024-01-31T23:59:59+01:00", "2024-01-31 22:59:59+00:00", "2024-01-31 22:59:59"),
        ("2024-01-31 23:59", "2024-01-31 23:59:00+00:00", "2024-01-31 23:59:00"),
    ],
)
def test_moments_get_the_form_of_the_database(stored: str | None, postgres: str | None, sqlite: str | None) -> None:
    assert values.stamps("postgresql")(stored) == postgres
    assert values.stamps("sqlite")(stored) == sqlite
