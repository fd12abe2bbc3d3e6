"""Moving in from Airflow: how fast ``import-airflow`` copies a history, and whether all of it arrives.

``--rows`` task instances (a million), with runs, XComs, tries, rendered fields and log entries, are written by SQL into
tables that ``airflow db migrate`` made, and copied from SQLite and PostgreSQL into SQLite and PostgreSQL, each pair in
a process of its own. Then one copy into each database is killed half way and started again. Counts and checksums of
both sides are compared, read by other code than the copy's.

``AIRFLOW_REFERENCE`` names the environment that Airflow is installed in. Without it only the tables of SQLite are
there, as the tests have them, and PostgreSQL is copied into and not from.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import psycopg

from benchmarks.findings import Finding, show, write
from benchmarks.importing_rows import fill
from tests.live import MANAGE, ROOT, LiveSystem

SERVER: Final = os.environ.get("BENCH_SERVER", "postgresql://postgres@127.0.0.1:5432/postgres")
#: Task instances a second, at least.
AIM: Final = 20_000
KINDS: Final = "dags,runs,log"
_SCHEMA: Final = ROOT / "tests" / "commands" / "airflow_2_10_5.sql"
_TRY = "x.state, x.try_number, x.start_date, x.end_date, x.duration, x.hostname, x.operator, x.priority_weight"
_OWN = "JOIN orchestration_taskinstance t ON t.id = x.task_instance_id JOIN orchestration_dagrun r ON r.id = t.run_id"
_PLACE, _OWN_PLACE = "x.dag_id, x.run_id, x.task_id, x.map_index", "r.dag_id, r.run_id, t.task_id, t.map_index"
#: What is compared → the query there and the one here, which give the same values.
TABLES: Final = {
    "runs": (
        "SELECT dag_id, run_id, run_type, state, execution_date, data_interval_end, start_date, end_date FROM dag_run",
        "SELECT dag_id, run_id, run_type, state, logical_date, data_interval_end, start_date, end_date "
        "FROM orchestration_dagrun",
    ),
    "task instances": (
        f"SELECT {_PLACE}, {_TRY}, n.content FROM task_instance x LEFT JOIN task_instance_note n ON n.dag_id = x.dag_id"
        " AND n.run_id = x.run_id AND n.task_id = x.task_id AND n.map_index = x.map_index",
        f"SELECT x.dag_id, r.run_id, x.task_id, x.map_index, {_TRY}, x.note FROM orchestration_taskinstance x "
        "JOIN orchestration_dagrun r ON r.id = x.run_id",
    ),
    "tries": (
        f"SELECT {_PLACE}, {_TRY} FROM task_instance_history x",
        f"SELECT {_OWN_PLACE}, {_TRY} FROM orchestration_taskinstancehistory x {_OWN}",
    ),
    "XComs": (
        f"SELECT {_PLACE}, x.key, x.value, x.timestamp FROM xcom x",
        f"SELECT {_OWN_PLACE}, x.key, x.value, x.timestamp FROM orchestration_xcom x {_OWN}",
    ),
    "rendered fields": (
        f"SELECT {_PLACE}, CAST(x.rendered_fields AS TEXT) FROM rendered_task_instance_fields x",
        f"SELECT {_OWN_PLACE}, x.fields FROM orchestration_renderedfields x {_OWN}",
    ),
    "log entries": (
        "SELECT dag_id, run_id, task_id, map_index, event, dttm, execution_date, owner, extra FROM log",
        'SELECT dag_id, run_id, task_id, map_index, event, "when", logical_date, owner, extra '
        "FROM orchestration_eventlog WHERE event <> 'cli_import_airflow'",
    ),
}
#: Name → rows and the sum of their checksums.
Sums = dict[str, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Cost:
    """What one copy took: seconds of the clock, of this program's processors, and bytes at most."""

    wall: float
    processor: float
    peak: int


def main() -> int:
    """Print the table; 1 where an aim is missed or something did not arrive."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000, help="task instances")
    parser.add_argument("--pairs", nargs="+", default=[], metavar="PAIR", help="only these, such as sqlite-postgresql")
    parser.add_argument("--quick", action="store_true", help="a twentieth of the rows")
    parser.add_argument("--findings", type=Path, help="file for what was found, as JSON")
    arguments = parser.parse_args()
    rows = arguments.rows // 20 if arguments.quick else arguments.rows
    pairs = [f"{source}-{target}".lower() for source in Bench.targets for target in Bench.targets]
    unknown = [pair for pair in arguments.pairs if pair not in pairs]
    if unknown:
        parser.error(f"There is no pair {unknown[0]}. There are: {', '.join(pairs)}.")
    chosen = arguments.pairs or pairs
    findings: list[Finding] = []
    with tempfile.TemporaryDirectory(prefix="airflowsite-import-") as folder:
        bench = Bench(Path(folder), os.environ.get("AIRFLOW_REFERENCE"))
        try:
            sources = bench.sources(rows)
            expected = {name: sums(url, is_here=False) for name, url in sources.items()}
            if len({str(found) for found in expected.values()}) > 1:
                raise RuntimeError("The sources differ.")
            for name, url in sources.items():
                for target in bench.targets:
                    if f"{name}-{target}".lower() in chosen:
                        findings += bench.measure(name, url, target, rows, expected[name])
            for target in bench.targets:
                name = target if target in sources else next(iter(sources))
                if any(pair.endswith(f"-{target.lower()}") for pair in chosen):
                    findings.append(bench.break_off(name, sources[name], target, rows, expected[name]))
        finally:
            bench.drop()
    show(f"Importing {rows:,} task instances", findings)
    write(arguments.findings, findings)
    return int(any(finding.is_met is False for finding in findings))


class Bench:
    """The databases of one measurement."""

    targets = ("SQLite", "PostgreSQL")

    def __init__(self, folder: Path, reference: str | None) -> None:
        self._folder = folder
        self._reference = reference
        self._made: list[str] = []

    def sources(self, rows: int) -> dict[str, str]:
        """Filled databases of Airflow's, by the name of their kind."""
        found = {"SQLite": f"sqlite:///{self._folder / 'airflow.db'}"}
        if self._reference:
            found["PostgreSQL"] = self._database("airflow")
        for url in found.values():
            self._migrate(url)
            fill(url, rows)
        return found

    def measure(self, source: str, url: str, target: str, rows: int, expected: Sums) -> list[Finding]:
        """One whole copy."""
        with self._target(target) as system:
            cost = _copy(system, url)
            missing = _differences(expected, sums(_url(system), is_here=True))
        every = sum(count for count, _ in expected.values())
        rate = rows / cost.wall
        name = f"{source} to {target}"
        said = f"{rate:,.0f} task instances/s ({every / cost.wall:,.0f} rows/s of all tables), {cost.wall:.0f} s"
        return [
            Finding(name, said, f"{AIM:,}", rate >= AIM),
            Finding(
                f"{name}: cost",
                f"{rows / cost.processor:,.0f} task instances per processor second, "
                f"{cost.peak / 2**20:.0f} MiB at most",
            ),
            Finding(f"{name}: arrived", missing or _told(expected), "all", not missing),
        ]

    def break_off(self, source: str, url: str, target: str, rows: int, expected: Sums) -> Finding:
        """A copy that is killed when half of the runs are there, and started again."""
        half = expected["runs"][0] // 2
        with self._target(target) as system:
            process = subprocess.Popen(_command(url), env=system.environment, cwd=ROOT, stdout=subprocess.DEVNULL)
            while process.poll() is None and _count(_url(system), "orchestration_dagrun") < half:
                time.sleep(0.2)
            process.send_signal(signal.SIGKILL)
            process.wait()
            kept = _count(_url(system), "orchestration_taskinstance")
            cost = _copy(system, url)
            missing = _differences(expected, sums(_url(system), is_here=True))
        return Finding(
            f"{source} to {target}: killed and started again",
            missing or f"{kept:,} task instances were kept, {rows - kept:,} copied after it in {cost.wall:.0f} s",
            "the same end",
            not missing and 0 < kept < rows,
        )

    def drop(self) -> None:
        """Drop the databases on the server."""
        for name in self._made:
            _ask_server(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def _target(self, name: str) -> LiveSystem:
        return LiveSystem(parts=(), database_url=self._database("target") if name == "PostgreSQL" else None)

    def _database(self, name: str) -> str:
        full = f"bench_import_{os.getpid()}_{name}"
        _ask_server(f'DROP DATABASE IF EXISTS "{full}" WITH (FORCE)')
        _ask_server(f'CREATE DATABASE "{full}"')
        self._made.append(full)
        return SERVER.rpartition("/")[0] + f"/{full}"

    def _migrate(self, url: str) -> None:
        if self._reference is None:
            _from_recorded(Path(url.removeprefix("sqlite:///")))
            return
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "DJANGO"))}
        home = self._folder / "airflow"
        variables = {
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": url.replace("postgresql://", "postgresql+psycopg2://"),
        }
        program = str(Path(self._reference, "bin", "airflow"))
        subprocess.run([program, "db", "migrate"], env={**kept, **variables}, check=True, capture_output=True)
        shutil.rmtree(home, ignore_errors=True)


def _from_recorded(path: Path) -> None:
    """Airflow's tables as the tests have them, without their rows."""
    with closing(sqlite3.connect(path)) as database:
        database.executescript(_SCHEMA.read_text())
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            if table != "alembic_version" and not table.startswith("sqlite_"):
                database.execute(f'DELETE FROM "{table}"')
        database.commit()


def _command(url: str) -> list[str]:
    return [*MANAGE, "import-airflow", "--from", url, "--tables", KINDS]


def _copy(system: LiveSystem, url: str) -> Cost:
    began = time.monotonic()
    process = subprocess.Popen(_command(url), env=system.environment, cwd=ROOT, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"import-airflow ended with {process.returncode}")
    return Cost(time.monotonic() - began, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024)


def _url(system: LiveSystem) -> str:
    return system.environment.get("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", f"sqlite:///{system.home / 'airflowsite.db'}")


def sums(url: str, *, is_here: bool) -> Sums:
    """The count and the checksum of each table, whatever the order of its rows."""
    found: Sums = {}
    for name, queries in TABLES.items():
        count = total = 0
        for row in _rows(url, queries[is_here]):
            count += 1
            total += zlib.crc32(repr([_plain(value) for value in row]).encode())
        found[name] = count, total
    return found


def _plain(value: Any) -> Any:
    """A value in the form that both sides and both databases share."""
    match value:
        case datetime():
            return value.astimezone(UTC).replace(tzinfo=None)
        case bytes():
            return value.decode()
        case str() if len(value) in {19, 26} and value[4:5] == value[7:8] == "-":
            with suppress(ValueError):
                return datetime.fromisoformat(value)
    return value


def _rows(url: str, query: str) -> Iterator[Sequence[Any]]:
    if url.startswith("sqlite:"):
        with closing(sqlite3.connect(f"file:{url.removeprefix('sqlite:///')}?mode=ro", uri=True)) as database:
            yield from database.execute(query)
        return
    with psycopg.connect(url, options="-c TimeZone=UTC") as server, server.cursor("rows") as cursor:
        cursor.itersize = 10_000
        cursor.execute(query.encode())
        yield from cursor


def _count(url: str, table: str) -> int:
    return next(int(count) for (count,) in _rows(url, f"SELECT count(*) FROM {table}"))


def _differences(expected: Sums, found: Sums) -> str:
    return "; ".join(
        f"{name}: {found[name]} instead of {expected[name]}" for name in expected if found[name] != expected[name]
    )


def _told(found: Sums) -> str:
    return ", ".join(f"{count:,} {name} {total & 0xFFFFFFFF:08x}" for name, (count, total) in found.items())


def _ask_server(statement: str) -> None:
    with psycopg.connect(SERVER, autocommit=True) as server:
        server.execute(statement.encode())


if __name__ == "__main__":
    sys.exit(main())
