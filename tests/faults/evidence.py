"""What a system left behind: its tables, the marks of its tasks, its logs and processes, and what callers were told.

``read`` takes all of it at one moment; ``invariants`` judges it. It is read without Django, because the system that is
looked at has a database and a home of its own.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import psycopg
from psycopg.rows import dict_row

from orchestration.execution.ties import TASK_TITLE, TRY_VARIABLE

Row = Mapping[str, Any]

#: Text of a DAG file's head: ``mark`` is a Python callable that writes a start and an end mark and returns
#: ``[try_number, pid]``; ``first_failures`` tries of it fail, and it sleeps for ``seconds`` between its marks.
MARKING = """
import os, time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from airflow import DAG
from airflow.operators.empty import EmptyOperator
from airflow.operators.python import PythonOperator
from airflow.sensors.time_delta import TimeDeltaSensorAsync

MARKS = Path(__file__).parent.parent / "marks"
START = datetime(2024, 1, 1, tzinfo=timezone.utc)

def note(word, ti):
    claim = os.environ.get("AIRFLOWSITE_TRY", "-")
    line = f"{word} {ti.dag_id} {ti.run_id} {ti.task_id} {ti.map_index} {ti.try_number} {os.getpid()} "
    fd = os.open(MARKS, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(fd, f"{line}{time.monotonic()} {claim}\\n".encode())
    os.close(fd)

def mark(seconds=0.0, first_failures=0, **context):
    ti = context["ti"]
    note("start", ti)
    time.sleep(seconds)
    if ti.try_number <= first_failures:
        raise RuntimeError("as asked")
    note("end", ti)
    return [ti.try_number, os.getpid()]
"""

#: The tables that are read, without the application's prefix.
_TABLES = (
    "dag", "dagversion", "dagrun", "taskinstance", "taskinstancehistory", "xcom", "pool", "job", "eventlog",
    "trigger",
)  # fmt: skip
#: The columns that hold moments end so.
_MOMENTS = ("_date", "_at", "_start", "_end", "when", "timestamp", "latest_heartbeat", "next_dagrun", "_after")


class Mark(NamedTuple):
    """One line that a task wrote: ``word`` is start or end, ``at`` in seconds of the monotonic clock."""

    word: str
    dag_id: str
    run_id: str
    task_id: str
    map_index: int
    try_number: int
    pid: int
    at: float
    tag: str

    @property
    def instance(self) -> tuple[str, str, str, int]:
        """Which task instance it speaks of."""
        return self.dag_id, self.run_id, self.task_id, self.map_index

    @property
    def attempt(self) -> tuple[str, str, str, int, int]:
        """Which try it speaks of."""
        return *self.instance, self.try_number


class Call(NamedTuple):
    """A trigger that was asked for by a caller; ``status`` is None where the answer never came."""

    dag_id: str
    run_id: str
    status: int | None


class Process(NamedTuple):
    """A living process that belongs to a try (``tag``), or a dead one that nobody has reaped (empty tag)."""

    pid: int
    tag: str


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Everything the invariants are judged by. Rows have their columns' names; moments are aware."""

    rows: Mapping[str, Sequence[Row]]
    marks: Sequence[Mark] = ()
    calls: Sequence[Call] = ()
    processes: Sequence[Process] = ()
    #: Log files by try, as text: dag, run, task, map index, try.
    logs: Mapping[tuple[str, str, str, int, int], str] = field(default_factory=dict)
    #: What the database says of itself: broken keys, damaged pages, missing constraints.
    damage: Sequence[str] = ()
    #: Transactions that are open too long, and waits for locks.
    stuck: Sequence[str] = ()


def read(home: Path, url: str | None = None, *, calls: Sequence[Call] = ()) -> Evidence:
    """What the system in ``home`` left; ``url`` is its database where that is not SQLite in its home."""
    connect = _postgres(url) if url is not None else _sqlite(home / "airflowsite.db")
    with connect as database:
        rows = {table: database.table(f"orchestration_{table}") for table in _TABLES}
        damage, stuck = database.damage(), database.stuck()
    place = f"{home} {url or f'sqlite:///{home}/airflowsite.db'}"
    return Evidence(
        rows=rows,
        marks=marks_of(home / "marks"),
        calls=tuple(calls),
        processes=tuple(_processes(hashlib.sha256(place.encode()).hexdigest()[:8])),
        logs=_logs(home / "logs", rows),
        damage=damage,
        stuck=stuck,
    )


def marks_of(path: Path) -> list[Mark]:
    """The marks of a file, in the order they were written; none where it is not there."""
    found = []
    for line in path.read_text().splitlines() if path.exists() else ():
        word, dag_id, run_id, task_id, map_index, try_number, pid, at, tag = line.split(" ")
        found.append(Mark(word, dag_id, run_id, task_id, int(map_index), int(try_number), int(pid), float(at), tag))
    return found


def document(evidence: Evidence, run: Row) -> dict[str, Any]:
    """The serialised DAG of a run; empty where it is gone."""
    found = next((row for row in evidence.rows["dagversion"] if row["id"] == run["dag_version_id"]), None)
    if found is None:
        return {}
    text = found["document"]
    return dict(json.loads(text) if isinstance(text, str) else text)


# Databases


class _Database(NamedTuple):
    execute: Any
    is_postgres: bool

    def table(self, name: str) -> list[Row]:
        # The names are this module's own.
        return [_aware(dict(row)) for row in self.execute(f"SELECT * FROM {name} ORDER BY 1").fetchall()]

    def damage(self) -> list[str]:
        if self.is_postgres:
            invalid = "SELECT conname AS what FROM pg_constraint WHERE NOT convalidated"
            invalid += " UNION SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid"
            return [f"not valid: {row['what']}" for row in self.execute(invalid).fetchall()] + self._dangling()
        whole = [str(row[0]) for row in self.execute("PRAGMA integrity_check").fetchall()]
        dangling = [f"dangling: {tuple(row)}" for row in self.execute("PRAGMA foreign_key_check").fetchall()]
        return [each for each in whole if each != "ok"] + dangling

    def _dangling(self) -> list[str]:
        keys = self.execute(
            "SELECT conrelid::regclass::text AS child, a.attname AS child_column,"
            " confrelid::regclass::text AS parent, b.attname AS parent_column FROM pg_constraint"
            " JOIN pg_attribute a ON a.attrelid = conrelid AND a.attnum = conkey[1]"
            " JOIN pg_attribute b ON b.attrelid = confrelid AND b.attnum = confkey[1] WHERE contype = 'f'"
        ).fetchall()
        found = []
        for key in keys:
            child, column, parent, target = (key[n] for n in ("child", "child_column", "parent", "parent_column"))
            count = self.execute(
                f'SELECT count(*) AS n FROM {child} c LEFT JOIN {parent} p ON p."{target}" = c."{column}"'
                f' WHERE c."{column}" IS NOT NULL AND p."{target}" IS NULL'
            ).fetchone()["n"]
            if count:
                found.append(f"dangling: {count} rows of {child}.{column}")
        return found

    def stuck(self) -> list[str]:
        if not self.is_postgres:
            return []
        rows = self.execute(
            "SELECT pid, state, wait_event_type, extract(epoch FROM now() - xact_start) AS seconds, left(query, 80)"
            " AS query FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND (xact_start < now() - interval '10 s' OR wait_event_type = 'Lock')"
        ).fetchall()
        return [f"{row['state']} for {row['seconds']:.0f} s: {row['query']}" for row in rows]


@contextlib.contextmanager
def _sqlite(path: Path) -> Iterator[_Database]:
    with contextlib.closing(sqlite3.connect(path, timeout=30)) as connection:
        connection.row_factory = sqlite3.Row
        connection.execute("BEGIN")  # one snapshot of all tables
        yield _Database(connection.execute, is_postgres=False)


@contextlib.contextmanager
def _postgres(url: str) -> Iterator[_Database]:
    with psycopg.connect(url, row_factory=dict_row) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield _Database(connection.execute, is_postgres=True)


def _aware(row: dict[str, Any]) -> Row:
    for name, value in row.items():
        if isinstance(value, str) and name.endswith(_MOMENTS):
            with contextlib.suppress(ValueError):
                row[name] = datetime.fromisoformat(value).replace(tzinfo=UTC)
    return row


# Files and processes


def _logs(folder: Path, rows: Mapping[str, Sequence[Row]]) -> dict[tuple[str, str, str, int, int], str]:
    runs = {run["id"]: run for run in rows["dagrun"]}
    found = {}
    for ti in rows["taskinstance"]:
        run = runs.get(ti["run_id"])
        if run is None:
            continue
        place = folder / f"dag_id={run['dag_id']}" / f"run_id={run['run_id']}" / f"task_id={ti['task_id']}"
        if ti["map_index"] >= 0:
            place /= f"map_index={ti['map_index']}"
        for path in place.glob("attempt=*.log"):
            number = path.name.removeprefix("attempt=").removesuffix(".log")
            if number.isdecimal():  # and not a triggerer's part of it
                key = (run["dag_id"], run["run_id"], ti["task_id"], ti["map_index"], int(number))
                found[key] = path.read_text(errors="replace")
    return found


def _processes(installation: str) -> Iterator[Process]:
    ours: set[int] = set()
    dead: list[tuple[int, int]] = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.status() == psutil.STATUS_ZOMBIE:
                dead.append((process.pid, process.ppid()))
                continue
            environment, title = process.environ(), " ".join(process.cmdline())
            tag = title.removeprefix(TASK_TITLE).split(" ")[0] if title.startswith(TASK_TITLE) else ""
            tag = tag or environment.get(TRY_VARIABLE, "")
            if tag.startswith(f"{installation}-"):
                ours.add(process.pid)
                yield Process(process.pid, tag)
            elif _is_of(environment, installation):
                ours.add(process.pid)
    yield from (Process(pid, "") for pid, parent in dead if parent in ours)


def _is_of(environment: Mapping[str, str], installation: str) -> bool:
    home = environment.get("AIRFLOW_HOME", "")
    url = environment.get("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", f"sqlite:///{home}/airflowsite.db")
    return hashlib.sha256(f"{home} {url}".encode()).hexdigest()[:8] == installation
