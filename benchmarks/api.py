"""The API's speed: requests a second and latency, beside a hand-written limit over the same rows, in one run.

Two gunicorn workers on PostgreSQL, ``wrk`` with four connections. Absolute figures depend on the machine: compare the
columns, which are asked in turn.
"""

from __future__ import annotations

import argparse
import base64
import re
import shutil
import statistics
import subprocess
import sys
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

import httpx
from rich.console import Console
from rich.table import Table

from tests.live import ROOT, LiveSystem, free_port

SERVER = "postgresql://postgres@127.0.0.1:5432/postgres"
RUN = quote("manual__2020-01-10T00:00:00+00:00")
GUNICORN = [sys.executable, *["-m", "gunicorn", "-w", "2", "-k", "gthread", "--threads", "4", "--log-level", "error"]]
QUESTIONS = {
    "one run": f"/dags/bench/dagRuns/{RUN}",
    "100 runs": "/dags/bench/dagRuns?limit=100",
    "100 task instances across DAGs": "/dags/~/dagRuns/~/taskInstances?limit=100",
    "failed runs, first page": "/dags/bench/dagRuns?limit=100&state=failed",
}


@dataclass(frozen=True, slots=True)
class Measure:
    """Requests a second, and latency in milliseconds."""

    rate: float
    p50: float
    p99: float


def wrk(url: str, authorization: str, seconds: int) -> Measure:
    """One run of wrk; raises RuntimeError when any answer was not 2xx."""
    command = [
        "wrk",
        "-t",
        "1",
        "-c",
        "4",
        "-d",
        f"{seconds}s",
        "--latency",
        "-H",
        f"Authorization: {authorization}",
        url,
    ]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in text:
        raise RuntimeError(f"{url} answered errors:\n{text}")
    rate = re.search(r"Requests/sec:\s+([\d.]+)", text)
    latency = {part: _milliseconds(value) for part, value in re.findall(r"^\s+(50|99)%\s+(\S+)", text, re.MULTILINE)}
    assert rate is not None, text
    return Measure(float(rate[1]), latency["50"], latency["99"])


def _milliseconds(text: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s)", text).groups()  # type: ignore[union-attr]  # wrk's form
    return float(number) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[unit]


def main() -> int:
    """Print the table; exit status 0."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000, help="runs of ten task instances each")
    parser.add_argument("--seconds", type=int, default=5, help="length of each measurement")
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each kind; the median counts")
    arguments = parser.parse_args()
    if shutil.which("wrk") is None:
        print("wrk is not installed. On Debian: apt-get install wrk", file=sys.stderr)
        return 1
    import psycopg

    name = f"airflowsite_bench_{free_port()}"
    url = SERVER.rpartition("/")[0] + f"/{name}"
    with psycopg.connect(SERVER, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
        try:
            return _measure(url, arguments)
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _measure(database_url: str, arguments: argparse.Namespace) -> int:
    options: dict[tuple[str, str], object] = {("webserver", "workers"): 2}
    with LiveSystem(database_url=database_url, options=options, parts=()) as system:
        login = ["-u", "bench", "-p", "bench", "-e", "b@example.org", "-f", "B", "-l", "B", "-r", "Admin"]
        system.manage("users", "create", *login)
        subprocess.run(
            [sys.executable, "-m", "benchmarks.api_rows", "--runs", str(arguments.runs)],
            env=system.environment, cwd=ROOT, check=True,
        )  # fmt: skip
        system.start("webserver")
        system.wait_until_served()
        basic = "Basic " + base64.b64encode(b"bench:bench").decode()
        made = httpx.post(f"{system.url}/api/v1/tokens", json={"name": "bench"}, headers={"Authorization": basic})
        made.raise_for_status()
        token = f"Bearer {made.json()['token']}"
        limit_port = free_port()
        limit = subprocess.Popen(
            [*GUNICORN, "-b", f"127.0.0.1:{limit_port}", "benchmarks.api_limit:application"],
            env={**system.environment, "BENCH_DATABASE": database_url},
            cwd=ROOT,
        )
        system.processes.append(limit)
        httpx.Client(transport=httpx.HTTPTransport(retries=20)).get(f"http://127.0.0.1:{limit_port}/dagRuns")
        columns = {
            "token": (f"{system.url}/api/v1", token),
            "Basic": (f"{system.url}/api/v1", basic),
            "limit": (f"http://127.0.0.1:{limit_port}", basic),
        }
        table = Table("question", *[f"{column}, requests/s (p50, p99 ms)" for column in columns], "token / limit")
        for question, path in QUESTIONS.items():
            found: dict[str, list[Measure]] = {column: [] for column in columns}
            for _ in range(arguments.rounds):
                for column, (base, authorization) in columns.items():
                    found[column].append(wrk(base + path, authorization, arguments.seconds))
            rates = {column: statistics.median(m.rate for m in measures) for column, measures in found.items()}
            cells = [f"{rates[column]:.0f} ({_latency(measures)})" for column, measures in found.items()]
            table.add_row(question, *cells, f"{rates['token'] / rates['limit']:.2f}")
        Console(width=140).print(
            f"{arguments.runs} runs, {arguments.runs * 10} task instances, {urlsplit(database_url).scheme}"
        )
        Console(width=140).print(table)
    return 0


def _latency(measures: list[Measure]) -> str:
    p50, p99 = (statistics.median(getattr(measure, name) for measure in measures) for name in ("p50", "p99"))
    return f"{p50:.1f}, {p99:.1f}"


if __name__ == "__main__":
    sys.exit(main())
