"""The engine's numbers, on SQLite and PostgreSQL: ``python -m benchmarks.engine [--database sqlite|postgres]``.

Through real processes: ten chains of ten no-op Python tasks at once, a lone chain's gaps, trigger to first start, a
fan of twenty, processor time for each task, memory (PSS) when idle, before all this and after it and 200 calls of the
API and of operators' pages, processor time when idle, the parse of 1,000 DAGs in 200 files. In one process, which is
the scheduler's: a pass over a run of 10,000 tasks, and a pass with 1,000 and with 100,000 finished runs behind it.
Medians are printed beside their aims. Nothing else should run on the machine; where something does, the processor
times say what two cores of its own would give ("two cores' worth").
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import cycle, pairwise
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import httpx
import psycopg
from rich.console import Console
from rich.table import Table

from tests.live import LiveSystem

ROOT = Path(__file__).resolve().parent.parent
POSTGRES = "postgresql://postgres@127.0.0.1:5432"
CHAINS = 10
LENGTH = 10
ROUNDS = 3
IDLE_SECONDS = 20.0
#: Seconds after which no process is kept for another task or call: then the system is idle.
KEPT_WARM = 60.0
#: Calls of the API, and as many of pages, before the memory is measured again.
CALLS = 100
#: What of the API is called, beside the runs' own addresses.
CALLED = (
    "/dags", "/dags/~/dagRuns", "/dags/chain_0/dagRuns", "/dags/chain_0/details", "/dags/chain_0/tasks", "/pools",
    "/dags/chain_0/dagRuns/~/taskInstances", "/variables", "/connections", "/eventLogs", "/importErrors", "/users",
    "/roles", "/permissions", "/datasets", "/plugins", "/health", "/version", "/openapi.json",
)  # fmt: skip
#: Seconds between looks at runs: asking costs what is measured.
LOOK_EVERY = 0.25
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")

DAGS = f"""
from datetime import datetime, timezone
from airflow import DAG
from airflow.operators.python import PythonOperator

START = datetime(2024, 1, 1, tzinfo=timezone.utc)

def noop():
    pass

for number in range({CHAINS}):
    with DAG(f"chain_{{number}}", start_date=START, schedule=None) as dag:
        tasks = [PythonOperator(task_id=f"t{{n}}", python_callable=noop) for n in range({LENGTH})]
        for before, after in zip(tasks, tasks[1:]):
            before >> after
    globals()[dag.dag_id] = dag

with DAG("wide", start_date=START, schedule=None, max_active_tasks=32) as wide:
    first, last = (PythonOperator(task_id=name, python_callable=noop) for name in ("first", "last"))
    first >> [PythonOperator(task_id=f"t{{n}}", python_callable=noop) for n in range(20)] >> last
"""

MANY = """
from datetime import datetime, timezone
from airflow import DAG
from airflow.operators.empty import EmptyOperator

for number in range(5):
    with DAG(f"many_{file}_{{number}}", start_date=datetime(2024, 1, 1, tzinfo=timezone.utc), schedule="@daily") as dag:
        EmptyOperator(task_id="a") >> [EmptyOperator(task_id=f"b{{n}}") for n in range(4)]
    globals()[dag.dag_id] = dag
"""

#: Name of a number → (its unit, its aim as text).
AIMS = {
    "ten chains": ("tasks/s", "60 SQLite, 100 PostgreSQL"),
    "ten chains, two cores' worth": ("tasks/s", "60 SQLite, 100 PostgreSQL"),
    "processor per task, engine": ("ms", ""),
    "processor per task, web server": ("ms", ""),
    "processor per task, database": ("ms", ""),
    "lone chain, gap": ("ms", "25"),
    "trigger to first start": ("ms", "250"),
    "wide, 1 → 20 → 1": ("s", ""),
    "idle memory (PSS)": ("MB", "250"),
    "idle after work": ("MB", "250"),
    "idle processor": ("%", "2"),
    "parse 1,000 DAGs in 200 files": ("s", "60"),
    "decode 10,000 tasks": ("s", ""),
    "pass, 10,000 in a chain": ("s", "5"),
    "pass, 1 → 9,998 → 1": ("s", "5"),
    "pass, 100 × 100": ("s", "5"),
    "event in 100 × 100": ("ms", ""),
    "pass, 1,000 runs behind": ("ms", ""),
    "pass, 100,000 runs behind": ("ms", "as with 1,000"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; exit status 0."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", choices=("sqlite", "postgres"), action="append", help="only on this database")
    parser.add_argument("--part", choices=("live", "parse", "scale"), action="append", help="only these numbers")
    parser.add_argument("--json", type=Path, help="file for the numbers")
    parser.add_argument("--in-process", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.in_process:
        print(json.dumps(scale()))
        return 0
    results: dict[str, dict[str, float]] = {}
    for kind in options.database or ("sqlite", "postgres"):
        numbers = results[kind] = {}
        for part in options.part or ("live", "parse", "scale"):
            with database(kind) as url:
                numbers.update({"live": live, "parse": parse, "scale": scale_in_a_process}[part](url))
    _print(results)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))
    return 0


@contextlib.contextmanager
def database(kind: str) -> Iterator[str | None]:
    """The URL of a fresh PostgreSQL database, dropped in the end; None for SQLite."""
    if kind == "sqlite":
        yield None
        return
    name = f"airflowsite_bench_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(f"{POSTGRES}/postgres", autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"')
    try:
        yield f"{POSTGRES}/{name}"
    finally:
        with psycopg.connect(f"{POSTGRES}/postgres", autocommit=True) as server:
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


# Through real processes


def live(url: str | None) -> dict[str, float]:
    """Throughput, gaps, latency, idle costs."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "bench.py").write_text(DAGS)
        with LiveSystem(dags=Path(folder), database_url=url) as system:
            system.wait_for_dags("chain_0", f"chain_{CHAINS - 1}", "wide")
            time.sleep(KEPT_WARM)
            fresh, _ = _idle(system.processes[0].pid)
            with system.api as api:
                for dag_id in ("wide", *(f"chain_{number}" for number in range(CHAINS))):
                    api.patch(f"/dags/{dag_id}", json={"is_paused": False}).raise_for_status()
            _run_all(system, ["chain_0"])  # warm
            lone = [_run_all(system, ["chain_0"]) for _ in range(ROUNDS)]
            before = _Spent.now(system, url)
            many = [_run_all(system, [f"chain_{number}" for number in range(CHAINS)]) for _ in range(ROUNDS)]
            time.sleep(1)  # the last processes are reaped
            spent = _Spent.now(system, url).since(before, tasks=ROUNDS * CHAINS * LENGTH)
            wide = [_run_all(system, ["wide"]) for _ in range(ROUNDS)]
            _call(system)
            time.sleep(KEPT_WARM)
            memory, processor = _idle(system.processes[0].pid)
    return {
        "ten chains": median(CHAINS * LENGTH / round_.seconds for round_ in many),
        "ten chains, two cores' worth": 2000 / (spent.engine + spent.web + spent.database),
        "processor per task, engine": spent.engine,
        "processor per task, web server": spent.web,
        "processor per task, database": spent.database,
        "lone chain, gap": 1000 * median(gap for round_ in lone for gap in round_.gaps()),
        "trigger to first start": 1000 * median(round_.first_start for round_ in lone),
        "wide, 1 → 20 → 1": median(round_.seconds for round_ in wide),
        "idle memory (PSS)": fresh,
        "idle after work": memory,
        "idle processor": processor,
    }


class _Spent(NamedTuple):
    """Processor time in milliseconds: of scheduler, supervisor and tasks (and the idle rest), of the web server, of the
    sessions of a PostgreSQL on this machine."""

    engine: float
    web: float
    database: float

    @classmethod
    def now(cls, system: LiveSystem, url: str | None) -> _Spent:
        """What was spent up to now; ended processes count by whom they were reaped."""
        engine = web = 0
        for pid in _tree(system.processes[0].pid):
            is_web = b"webserver" in _title(pid)
            web, engine = (web + _ticks_of(pid), engine) if is_web else (web, engine + _ticks_of(pid))
        sessions: list[int] = []
        if url is not None:
            with psycopg.connect(f"{POSTGRES}/postgres") as server:
                rows = server.execute("SELECT pid FROM pg_stat_activity WHERE datname = %s", [url.rpartition("/")[2]])
                sessions = [row[0] for row in rows]
        return cls(*(1000 * ticks / TICKS_PER_SECOND for ticks in (engine, web, sum(map(_ticks_of, sessions)))))

    def since(self, before: _Spent, *, tasks: int) -> _Spent:
        """The difference, for each task."""
        return _Spent(*((now - then) / tasks for now, then in zip(self, before, strict=True)))


def _title(pid: int) -> bytes:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def _ticks_of(pid: int) -> int:
    """Of a process and the children it has reaped; 0 when it is gone."""
    with contextlib.suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:15]))
    return 0


class Round:
    """Runs that were triggered together: when, and the (start, end) of each run's tasks."""

    def __init__(self, began: float, spans: list[list[tuple[float, float]]]) -> None:
        self.began = began
        self.spans = [sorted(each) for each in spans]

    @property
    def seconds(self) -> float:
        """From the first task's start to the last one's end."""
        return max(end for each in self.spans for _, end in each) - min(
            start for each in self.spans for start, _ in each
        )

    @property
    def first_start(self) -> float:
        """Seconds from the trigger to the first task's start."""
        return min(start for each in self.spans for start, _ in each) - self.began

    def gaps(self) -> Iterator[float]:
        """Seconds from each task's end to the start of the next."""
        for each in self.spans:
            for (_, end), (start, _) in pairwise(each):
                yield start - end


def _run_all(system: LiveSystem, dag_ids: Iterable[str]) -> Round:
    with system.api as api:
        began = time.time()
        runs = []
        for dag_id in dag_ids:
            answer = api.post(f"/dags/{dag_id}/dagRuns", json={})
            answer.raise_for_status()
            runs.append((dag_id, answer.json()["dag_run_id"]))
        spans = []
        for dag_id, run_id in runs:
            while (state := api.get(f"/dags/{dag_id}/dagRuns/{run_id}").json()["state"]) in {"queued", "running"}:
                time.sleep(LOOK_EVERY)
            if state != "success":
                raise RuntimeError(f"Run {run_id} of {dag_id} failed; see {system.log}")
            found = api.get(f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances").json()["task_instances"]
            spans.append([(_seconds(ti["start_date"]), _seconds(ti["end_date"])) for ti in found])
    return Round(began, spans)


def _call(system: LiveSystem) -> None:
    """Call the API, and the pages that the operators' first page leads to, by turns."""
    with system.api as api, httpx.Client(base_url=system.url, timeout=60, follow_redirects=True) as pages:
        pages.get("/admin/login/")
        name, password = system.credentials
        form = {"username": name, "password": password, "csrfmiddlewaretoken": pages.cookies["csrftoken"]}
        first = pages.post("/admin/login/?next=/admin/", data=form, headers={"Referer": system.url})
        addresses = sorted(
            {each for each in re.findall(r'href="(/admin/[^"#?]*)"', first.text) if "logout" not in each}
        )
        if len(addresses) < 10:
            raise RuntimeError(f"The operators' first page leads to {addresses} only.")
        for _, address, page in zip(range(CALLS), cycle(CALLED), cycle(addresses)):
            api.get(address).raise_for_status()
            pages.get(page).raise_for_status()


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()


def _idle(pid: int) -> tuple[float, float]:
    """Memory in MB and processor time in percent of one core, of a process and all below it."""
    before, began = _ticks(pid), time.monotonic()
    time.sleep(IDLE_SECONDS)
    percent = 100 * (_ticks(pid) - before) / TICKS_PER_SECOND / (time.monotonic() - began)
    kilobytes = 0
    for each in _tree(pid):
        with contextlib.suppress(OSError):
            lines = Path(f"/proc/{each}/smaps_rollup").read_text().splitlines()
            kilobytes += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return kilobytes / 1000, percent


def _ticks(pid: int) -> int:
    total = 0
    for each in _tree(pid):
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
    return total


def _tree(pid: int) -> list[int]:
    """The process and all below it."""
    below: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            number, _, rest = path.read_text().partition(" ")
            below.setdefault(int(rest.rpartition(")")[2].split()[1]), []).append(int(number))
    found = [pid]
    for each in found:
        found += below.get(each, [])
    return found


def parse(url: str | None) -> dict[str, float]:
    """Seconds that a DAG processor takes to read 1,000 DAGs in 200 files once, its start included."""
    with tempfile.TemporaryDirectory() as folder:
        for number in range(200):
            (Path(folder) / f"many_{number}.py").write_text(MANY.format(file=number))
        with LiveSystem(dags=Path(folder), database_url=url, parts=()) as system:
            began = time.monotonic()
            system.manage("dag_processor", "--num-runs", "1")
            seconds = time.monotonic() - began
            listed = json.loads(system.manage("dags", "list", "-o", "json").stdout)
    if len(listed) != 1000:
        raise RuntimeError(f"{len(listed)} of 1,000 DAGs were read.")
    return {"parse 1,000 DAGs in 200 files": seconds}


# In one process


def scale_in_a_process(url: str | None) -> dict[str, float]:
    """``scale`` in a process with a home and a database of its own."""
    with LiveSystem(database_url=url, parts=()) as system:
        environment = {**system.environment, "DJANGO_SETTINGS_MODULE": "airflowsite.settings"}
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.engine", "--in-process"],
            env=environment, cwd=ROOT, stdout=subprocess.PIPE, check=True,
        )  # fmt: skip
    numbers: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return numbers


def scale() -> dict[str, float]:
    """The scheduler's own costs for large runs and long histories; needs a migrated, empty database."""
    import django

    django.setup()
    numbers: dict[str, float] = {}
    layers = [[f"t{layer}_{n}" for n in range(100)] for layer in range(100)]
    numbers["decode 10,000 tasks"], numbers["pass, 10,000 in a chain"], _ = _large_run(
        [[f"t{n}"] for n in range(10_000)]
    )
    _, numbers["pass, 1 → 9,998 → 1"], _ = _large_run([["first"], [f"t{n}" for n in range(9_998)], ["last"]])
    _, numbers["pass, 100 × 100"], numbers["event in 100 × 100"] = _large_run(layers)
    numbers.update(_history())
    return numbers


def _timed(do: Callable[[], Any]) -> float:
    began = time.monotonic()
    do()
    return time.monotonic() - began


def _large_run(layers: list[list[str]]) -> tuple[float, float, float]:
    """Seconds to decode the DAG and to decide its run, each task of a layer after all of the one before;
    milliseconds to decide what follows from one task's end."""
    from django.utils import timezone

    from orchestration.models import DagRun, TaskInstance, versions
    from orchestration.scheduling.progress import advance

    run = _make_run(_document(layers))
    assert run.dag_version_id is not None, "the run was made with its version"
    decoding = _timed(lambda: versions.serialized(run.dag_version_id or 0))
    half = [task_id for layer in layers[: len(layers) // 2] for task_id in layer]
    TaskInstance.objects.filter(run=run, task_id__in=half).update(state="success")
    now = timezone.now()
    advance([run.pk], now=now, is_pass=True)  # plans the DAG, and gives the next layer its tries
    deciding = median(_timed(lambda: advance([run.pk], now=now, is_pass=True)) for _ in range(ROUNDS))
    ended = TaskInstance.objects.filter(run=run, task_id=half[-1]).values_list("pk", flat=True)[0]
    event = median(_timed(lambda: advance([run.pk], now=now, ended={run.pk: {ended}})) for _ in range(ROUNDS))
    DagRun.objects.filter(pk=run.pk).delete()
    return decoding, deciding, 1000 * event


def _document(layers: list[list[str]]) -> dict[str, Any]:
    from orchestration.authoring.dag import DAG
    from orchestration.authoring.operators.python import PythonOperator
    from orchestration.serialization.encode import encode_dag

    start = datetime.fromisoformat("2024-01-01T00:00:00+00:00")
    with DAG(f"large_{uuid.uuid4().hex[:8]}", start_date=start, schedule=None) as dag:
        made = [[PythonOperator(task_id=task_id, python_callable=print) for task_id in layer] for layer in layers]
        for before, after in pairwise(made):
            for task in before:
                task.set_downstream(after)
    return encode_dag(dag)


def _make_run(document: dict[str, Any]) -> Any:
    from django.utils import timezone

    from orchestration.models import Dag, DagRun, DagVersion
    from orchestration.serialization.decode import decode_dag

    dag = Dag.objects.create(dag_id=document["dag_id"], fileloc="/dags/large.py", is_paused=False)
    version = DagVersion.objects.create(
        dag=dag,
        number=1,
        digest=uuid.uuid4().hex,
        document=document,
    )
    run = DagRun.objects.create(
        dag=dag, run_id="large", run_type="manual", state="running", dag_version=version,
        logical_date=timezone.now(), start_date=timezone.now(),
    )  # fmt: skip
    run.create_task_instances(decode_dag(document))
    return run


def _history() -> dict[str, float]:
    """Milliseconds of a pass with twenty runs in work and 1,000 and 100,000 finished runs behind them."""
    from datetime import timedelta

    from django.db import connection
    from django.utils import timezone

    from orchestration.models import DagRun, TaskInstance
    from orchestration.scheduling.loop import SchedulerLoop

    template = _make_run(_document([["a"], ["b"], ["c"]]))
    now = timezone.now()
    count = 0

    def add(number: int, state: str, tasks: dict[str, str]) -> None:
        """Runs with copies of the template's instances, in these states."""
        nonlocal count
        runs = [
            DagRun(
                dag_id=template.dag_id, run_id=f"run{count + n}", run_type="manual", state=state, start_date=now,
                logical_date=now - timedelta(minutes=count + n + 1), dag_version_id=template.dag_version_id,
            )
            for n in range(number)
        ]  # fmt: skip
        count += number
        made = DagRun.objects.bulk_create(runs, batch_size=1000)
        for task_id, task_state in tasks.items():
            template.task_instances.filter(task_id=task_id).update(state=task_state)
        table = f'"{TaskInstance._meta.db_table}"'
        columns = [f'"{field.column}"' for field in TaskInstance._meta.concrete_fields if not field.primary_key]
        copied = ["run.id" if column == '"run_id"' else f"ti.{column}" for column in columns]
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(copied)} FROM {table} ti "
                f'CROSS JOIN "{DagRun._meta.db_table}" run WHERE ti.run_id = %s AND run.id >= %s',
                [template.pk, made[0].pk],
            )
        template.task_instances.update(state="running")

    add(20, "running", {"a": "success", "b": "running", "c": ""})
    loop = SchedulerLoop(_NoExecutor())
    loop.job_id = 1
    numbers: dict[str, float] = {}
    for finished in (1_000, 100_000):
        add(finished - (count - 20), "success", dict.fromkeys("abc", "success"))
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        loop._pass(timezone.now())
        passes = [_timed(lambda: loop._pass(timezone.now())) for _ in range(9)]
        numbers[f"pass, {finished:,} runs behind"] = 1000 * median(passes)
    return numbers


class _NoExecutor:
    """Takes nothing and ends nothing: only the passes are measured."""

    def start(self, job_id: int) -> None: ...
    def submit(self, workloads: Sequence[Any]) -> None: ...
    def poll(self) -> list[Any]:
        return []

    def kill(self, ti_ids: Sequence[int], reason: str) -> None: ...
    def capacity(self) -> int:
        return 0

    def running(self) -> frozenset[int]:
        return frozenset()

    def fileno(self) -> int | None:
        return None

    def heartbeat(self) -> None: ...
    def stop(self, grace_seconds: float) -> None: ...


def _print(results: dict[str, dict[str, float]]) -> None:
    table = Table(title="Engine (medians)")
    table.add_column("number")
    for kind in results:
        table.add_column(kind, justify="right")
    table.add_column("unit")
    table.add_column("aim")
    for name, (unit, aim) in AIMS.items():
        values = [numbers.get(name) for numbers in results.values()]
        if any(value is not None for value in values):
            table.add_row(name, *("" if value is None else f"{value:,.3g}" for value in values), unit, aim)
    Console().print(table)


if __name__ == "__main__":
    sys.exit(main())
