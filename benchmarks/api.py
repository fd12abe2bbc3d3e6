"""The APIs' speed: requests a second and latency, beside a hand-written limit over the same rows, in one run.

PostgreSQL, two gunicorn workers, ``wrk`` with four connections; twelve to fifteen minutes, ``--quick`` four. Columns
are asked in turn, round by round, so that what else the machine does meets all of them; on a busy machine only the
ratios tell.

1. 100,000 task instances in 10,000 runs of one DAG: by token, Basic and session, the limit (``api_limit``), and the
   reference where ``--reference`` (or ``AIRFLOW_REFERENCE``) names the environment that it is installed in.
2. First and filtered pages at 100,000 and at 1,000,000 task instances.
3. The experimental API over 1,000 DAGs with 100 runs each.

The aims are rates on two quiet cores. The share of the limit, which the machine's speed and load leave as it is, stands
beside: where the limit itself gives less than its 4,600, 1,200 and 370 requests/s, the machine is slower than that one.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import os
import re
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

import httpx
import psycopg
from rich.console import Console
from rich.table import Table

from benchmarks import wrk
from benchmarks.findings import WIDTH, Finding, show, write
from benchmarks.reference import Reference
from tests.live import ROOT, LiveSystem, free_port

SERVER: Final = os.environ.get("BENCH_SERVER", "postgresql://postgres@127.0.0.1:5432/postgres")
NAME: Final = "bench"
PASSWORD: Final = "bench of the API"
RUN: Final = quote("manual__2020-01-10T00:00:00+00:00")
#: What is asked → its path, and requests/s to reach.
QUESTIONS: Final = {
    "one run": (f"/dags/bench/dagRuns/{RUN}", 1000),
    "100 runs": ("/dags/bench/dagRuns?limit=100", 400),
    "100 task instances across DAGs": ("/dags/~/dagRuns/~/taskInstances?limit=100", 200),
}
BASIC_WITHIN, P99_WITHIN, LARGE_WITHIN, LATEST_RUNS_WITHIN = 0.9, 5.0, 1.5, 50.0
#: Pages that may not become slower with the number of rows. {day} begins the last 40 runs.
PAGES: Final = {
    "DAGs": "/dags",
    "numbers of runs by state": "/dagStats?dag_ids=bench",
    "runs of a DAG": "/dags/bench/dagRuns?limit=100",
    "runs of a DAG, newest first": "/dags/bench/dagRuns?limit=100&order_by=-execution_date",
    "runs of a DAG, last started first": "/dags/bench/dagRuns?limit=100&order_by=-start_date",
    "runs of a DAG by name": "/dags/bench/dagRuns?limit=100&order_by=dag_run_id",
    "runs of all DAGs": "/dags/~/dagRuns?limit=100",
    "runs of all DAGs, last changed first": "/dags/~/dagRuns?limit=100&order_by=-updated_at",
    "failed runs": "/dags/bench/dagRuns?limit=100&state=failed",
    "failed runs, newest first": "/dags/~/dagRuns?limit=100&state=failed&order_by=-execution_date",
    "runs of the last days": "/dags/bench/dagRuns?limit=100&execution_date_gte={day}",
    "runs changed in the last days": "/dags/~/dagRuns?limit=100&updated_at_gte={day}",
    "task instances of all DAGs": "/dags/~/dagRuns/~/taskInstances?limit=100",
    "task instances of a DAG": "/dags/bench/dagRuns/~/taskInstances?limit=100",
    "task instances of a run": f"/dags/bench/dagRuns/{RUN}/taskInstances",
    "failed task instances": "/dags/~/dagRuns/~/taskInstances?limit=100&state=failed",
    "running task instances (none)": "/dags/~/dagRuns/~/taskInstances?limit=100&state=running",
    "task instances of a pool": "/dags/~/dagRuns/~/taskInstances?limit=100&pool=default_pool",
    "task instances of a queue (none)": "/dags/~/dagRuns/~/taskInstances?limit=100&queue=other",
    "long task instances (none)": "/dags/~/dagRuns/~/taskInstances?limit=100&duration_gte=100",
    "task instances started in the last days": "/dags/~/dagRuns/~/taskInstances?limit=100&start_date_gte={day}",
    "failed task instances of the last days": "/dags/~/dagRuns/~/taskInstances?limit=100&start_date_gte={day}"
    "&state=failed",
    "task instances for the last days": "/dags/~/dagRuns/~/taskInstances?limit=100&execution_date_gte={day}",
    "XComs of a task instance": f"/dags/bench/dagRuns/{RUN}/taskInstances/task_1/xcomEntries",
    "XComs of a run": f"/dags/bench/dagRuns/{RUN}/taskInstances/~/xcomEntries",
    "audit log": "/eventLogs?limit=100",
    "audit log, newest first": "/eventLogs?limit=100&order_by=-event_log_id",
    "audit log, last first": "/eventLogs?limit=100&order_by=-when",
    "audit log of a DAG": "/eventLogs?limit=100&dag_id=bench",
    "audit log of a run": f"/eventLogs?limit=100&dag_id=bench&run_id={RUN}",
    "audit log, failures": "/eventLogs?limit=100&event=failed",
    "audit log of an owner": "/eventLogs?limit=100&owner=airflow",
    "audit log of the last days": "/eventLogs?limit=100&after={day}",
    "dataset events": "/datasets/events?limit=100",
    "dataset events, newest first": "/datasets/events?limit=100&order_by=-timestamp",
    "dataset events of a DAG": "/datasets/events?limit=100&source_dag_id=bench",
    "import errors": "/importErrors?limit=100",
    "XComs of all DAGs": "/dags/~/dagRuns/~/taskInstances/~/xcomEntries?limit=100",
}
EXPERIMENTAL: Final = {"test": "/test", "latest_runs": "/latest_runs", "runs of a DAG": "/dags/bench_0001/dag_runs"}
GUNICORN: Final = [sys.executable, *["-m", "gunicorn", "-w", "2", "-k", "gthread", "--threads", "4"]]
_print = Console(width=WIDTH).print


def main() -> int:
    """Print the tables; 1 where an aim is missed, or where wrk is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=10_000, help="runs of ten task instances each")
    parser.add_argument("--large-runs", type=int, default=100_000, help="runs of the large database")
    parser.add_argument("--seconds", type=int, default=4, help="length of each measurement")
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each kind; the median counts")
    parser.add_argument("--quick", action="store_true", help="one round of two seconds, a large database of a fifth")
    parser.add_argument("--part", choices=("stable", "large", "experimental"), action="append", help="only these")
    reference = os.environ.get("AIRFLOW_REFERENCE")
    parser.add_argument("--reference", type=Path, default=reference and Path(reference), help="Airflow's environment")
    parser.add_argument("--findings", type=Path, help="file for what was found, as JSON")
    arguments = parser.parse_args()
    if not wrk.is_installed():
        print("wrk is not installed. On Debian: apt-get install wrk", file=sys.stderr)
        return 1
    if arguments.quick:
        arguments.seconds, arguments.rounds, arguments.large_runs = 2, 1, 20_000
    parts = {"stable": _stable, "large": _large, "experimental": _experimental}
    findings = [
        finding for name, part in parts.items() if name in (arguments.part or parts) for finding in part(arguments)
    ]
    show("The APIs", findings)
    write(arguments.findings, findings)
    return int(any(finding.is_met is False for finding in findings))


@dataclass(frozen=True, slots=True)
class Served:
    """A system with rows behind two workers. ``logins``: way to log in → the header that does."""

    system: LiveSystem
    database_url: str
    logins: Mapping[str, Mapping[str, str]]

    @property
    def api(self) -> str:
        return f"{self.system.url}/api/v1"


@contextlib.contextmanager
def database() -> Iterator[str]:
    """The URL of a fresh database, dropped in the end."""
    name = f"airflowsite_bench_{free_port()}"
    with psycopg.connect(SERVER, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
        try:
            yield f"{SERVER.rpartition('/')[0]}/{name}"
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextlib.contextmanager
def served(runs: int, *, dags: int = 1, tasks: int = 10) -> Iterator[Served]:
    """A system with so many rows."""
    options: dict[tuple[str, str], object] = {
        ("webserver", "workers"): 2,
        ("api", "enable_experimental_api"): True,
        ("api", "auth_backends"): ",".join(
            f"airflow.api.auth.backend.{name}" for name in ("basic_auth", "session", "token")
        ),
    }
    with database() as url, LiveSystem(database_url=url, options=options, parts=()) as system:
        login = ["-u", NAME, "-p", PASSWORD, "-e", "b@example.org", "-f", "B", "-l", "B", "-r", "Admin"]
        system.manage("users", "create", *login)
        _print(f"Filling a database: {dags} × {runs} runs, {runs * tasks} task instances …")
        rows = ["--runs", str(runs), "--dags", str(dags), "--tasks", str(tasks)]
        command = [sys.executable, "-m", "benchmarks.api_rows", *rows]
        subprocess.run(command, env=system.environment, cwd=ROOT, check=True)
        system.start("webserver")
        system.wait_until_served()
        yield Served(system, url, _logins(system.url))


def _logins(url: str) -> dict[str, dict[str, str]]:
    basic = {"Authorization": "Basic " + base64.b64encode(f"{NAME}:{PASSWORD}".encode()).decode()}
    made = httpx.post(f"{url}/api/v1/tokens", json={"name": NAME}, headers=basic, timeout=60)
    made.raise_for_status()
    with httpx.Client(base_url=url, timeout=60) as client:
        page = client.get("/admin/login/")
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        if token is None:
            raise RuntimeError("The login page has no form.")
        form = {"username": NAME, "password": PASSWORD, "csrfmiddlewaretoken": token[1]}
        client.post("/admin/login/", data=form, headers={"Referer": f"{url}/admin/login/"})
        cookie = {"Cookie": f"session={client.cookies['session']}"}
    return {"token": {"Authorization": f"Bearer {made.json()['token']}"}, "Basic": basic, "session": cookie}


def _stable(arguments: argparse.Namespace) -> Iterator[Finding]:
    with contextlib.ExitStack() as stack:
        served_ = stack.enter_context(served(arguments.runs))
        columns = {name: (served_.api, header) for name, header in served_.logins.items()}
        columns["limit"] = (_limit(served_), {})
        if arguments.reference:
            _print("Starting the reference …")
            url = stack.enter_context(database())
            reference = stack.enter_context(Reference(arguments.reference, url, served_.database_url))
            columns |= {
                "ref. session": (reference.api, reference.cookie),
                "ref. Basic": (reference.api, reference.basic),
            }
        shown = Table("question", *[f"{column}, requests/s (p50, p99 ms)" for column in columns])
        for question, (path, aim) in QUESTIONS.items():
            asked = {name: (base + path, header) for name, (base, header) in columns.items()}
            rounds = _in_turn(asked, seconds=arguments.seconds, rounds=arguments.rounds)
            found = {name: wrk.median(measures) for name, measures in rounds.items()}
            shown.add_row(question, *(f"{m.rate:.0f} ({m.p50:.1f}, {m.p99:.1f})" for m in found.values()))
            token, limit = found["token"], found["limit"]
            told = f"{token.rate:.0f} requests/s, {token.rate / limit.rate:.2f} of the limit's {limit.rate:.0f}"
            yield Finding(question, told, f"{aim} requests/s", token.rate >= aim)
            # round by round, so that what else the machine does meets both
            same = statistics.median(
                basic.rate / token.rate for basic, token in zip(rounds["Basic"], rounds["token"], strict=True)
            )
            yield Finding(f"{question}, Basic / token", f"{same:.2f}", f"{BASIC_WITHIN}", same >= BASIC_WITHIN)
            spread, of_limit = (statistics.median(m.p99 / m.p50 for m in rounds[name]) for name in ("token", "limit"))
            told = f"{spread:.1f}; the limit's {of_limit:.1f}"
            yield Finding(f"{question}, p99 / p50", told, f"below {P99_WITHIN}", spread < P99_WITHIN)
            for name, measure in found.items():
                if name.startswith("ref."):
                    told = f"{token.rate / measure.rate:.1f}" if measure.rate else "it answered nothing in time"
                    yield Finding(f"{question}, times the {name}", told)
        _print(shown)


def _limit(served_: Served) -> str:
    port = free_port()
    environment = {**served_.system.environment, "BENCH_DATABASE": served_.database_url}
    command = [*GUNICORN, "--log-level", "error", "-b", f"127.0.0.1:{port}", "benchmarks.api_limit:application"]
    served_.system.processes.append(subprocess.Popen(command, env=environment, cwd=ROOT))
    base = f"http://127.0.0.1:{port}"
    httpx.Client(transport=httpx.HTTPTransport(retries=20), timeout=60).get(f"{base}/dagRuns").raise_for_status()
    return base


def _in_turn(
    asked: Mapping[str, tuple[str, Mapping[str, str]]], *, seconds: int, rounds: int
) -> dict[str, list[wrk.Measure]]:
    found: dict[str, list[wrk.Measure]] = {name: [] for name in asked}
    for url, header in asked.values():
        for _ in range(4):  # both workers' caches, as well as may be
            httpx.get(url, headers=dict(header), timeout=60).raise_for_status()
    for _ in range(rounds):
        for name, (url, header) in asked.items():
            found[name].append(wrk.measure(url, header, seconds))
    return found


def _large(arguments: argparse.Namespace) -> Iterator[Finding]:
    with served(arguments.runs) as small, served(arguments.large_runs) as large:
        sizes = [("small", small, _last_day(small.database_url)), ("large", large, _last_day(large.database_url))]
        shown = Table("page", *[f"{runs * 10:,} task instances, ms" for runs in (arguments.runs, arguments.large_runs)])
        for name, path in PAGES.items():
            asked = {kind: (each.api + path.format(day=day), each.logins["token"]) for kind, each, day in sizes}
            told = f"{name}, {arguments.large_runs // arguments.runs} × the rows"
            aim = f"{LARGE_WITHIN} × at most"
            try:
                found = _in_turn(asked, seconds=max(1, arguments.seconds // 2), rounds=arguments.rounds)
            except (RuntimeError, httpx.HTTPError) as error:  # the other pages are measured all the same
                yield Finding(told, str(error)[:200], aim, is_met=False)
                continue
            before, after = (wrk.median(found[kind]).p50 for kind in ("small", "large"))
            shown.add_row(name, f"{before:.1f}", f"{after:.1f}")
            # round by round, so that what else the machine does meets both
            slower = statistics.median(b.p50 / a.p50 for a, b in zip(found["small"], found["large"], strict=True))
            measured = f"{slower:.2f} × the time: {before:.1f}, {after:.1f} ms"
            yield Finding(told, measured, aim, slower <= LARGE_WITHIN)
        _print(shown)


def _last_day(database_url: str) -> str:
    with psycopg.connect(database_url) as connection:
        query = "SELECT logical_date FROM orchestration_dagrun ORDER BY logical_date DESC OFFSET 39 LIMIT 1"
        row = connection.execute(query).fetchone()
    if row is None:
        raise RuntimeError("The database has fewer than 40 runs.")
    return quote(row[0].isoformat())


def _experimental(arguments: argparse.Namespace) -> Iterator[Finding]:
    with served(100, dags=1000, tasks=0) as each:
        base = f"{each.system.url}/api/experimental"
        for name, path in EXPERIMENTAL.items():
            asked = {"Basic": (base + path, each.logins["Basic"])}
            rounds = _in_turn(asked, seconds=arguments.seconds, rounds=arguments.rounds)
            found = wrk.median(rounds["Basic"])
            told = f"{found.rate:.0f} requests/s, {found.p50:.1f} ms with {wrk.CONNECTIONS} at once"
            if name == "latest_runs":
                alone = _alone(base + path, each.logins["Basic"])
                within = f"below {LATEST_RUNS_WITHIN:.0f} ms"
                yield Finding(
                    f"experimental, {name} of 1,000 DAGs and 100,000 runs",
                    f"{alone:.1f} ms; {told}",
                    within,
                    alone < LATEST_RUNS_WITHIN,
                )
            else:
                yield Finding(f"experimental, {name}", told)


def _alone(url: str, header: Mapping[str, str]) -> float:
    """Milliseconds of an answer when nothing else is asked: the median of eleven."""
    with httpx.Client(headers=dict(header), timeout=60) as client:
        times = sorted(client.get(url).raise_for_status().elapsed.total_seconds() for _ in range(11))
    return times[5] * 1000


if __name__ == "__main__":
    sys.exit(main())
