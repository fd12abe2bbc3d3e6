"""The operators' pages at 1,000,000 task instances: queries and milliseconds of each, on SQLite and PostgreSQL.

A fresh database is filled (``pages_rows``), then each page is asked for in one process, through all middleware: once
to warm it, once to count its queries, then ``--rounds`` times for the medians of the wall's time and of the processor
time of this process (with SQLite in it, without PostgreSQL). No page may need more than 300 ms or 30 queries; the exit
status is 1 where one does. On a busy machine the wall's time says little.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from rich.console import Console
from rich.table import Table

from tests.live import ROOT, LiveSystem, free_port

SERVER: Final = os.environ.get("BENCH_SERVER", "postgresql://postgres@127.0.0.1:5432/postgres")
MOST_MILLISECONDS: Final = 300.0
MOST_QUERIES: Final = 30
#: Named by the task instance that is looked at: of the DAG with the longest history.
_TASK: Final = "d"


def main() -> int:
    """Print a table for each database."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--instances", type=int, default=1_000_000, help="task instances")
    parser.add_argument("--databases", nargs="+", choices=("sqlite", "postgresql"), default=("sqlite", "postgresql"))
    parser.add_argument("--rounds", type=int, default=5, help="times each page is asked for; the median counts")
    parser.add_argument("--only", default="", help="pages whose name holds this text")
    parser.add_argument("--markdown", type=Path, help="write the table for docs/ui.md into this file")
    parser.add_argument("--ask", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.ask:
        print(json.dumps(ask(arguments.rounds, arguments.only)))
        return 0
    found = {name: _on_fresh_database(name, arguments) for name in arguments.databases}
    _print(found, arguments.instances)
    if arguments.markdown:
        arguments.markdown.write_text(_markdown(found))
    missed = [row for rows in found.values() for row in rows if _misses(row)]
    return 1 if missed else 0


def _on_fresh_database(name: str, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    if name == "sqlite":
        return _measure(None, arguments)
    import psycopg

    database = f"airflowsite_pages_{free_port()}"
    with psycopg.connect(SERVER, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {database}")
        try:
            return _measure(SERVER.rpartition("/")[0] + f"/{database}", arguments)
        finally:
            server.execute(f"DROP DATABASE {database} WITH (FORCE)")


def _measure(database_url: str | None, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    with LiveSystem(database_url=database_url, parts=()) as system:
        environment = {**system.environment, "PYTHONPATH": str(ROOT)}
        begun = time.monotonic()
        fill = [sys.executable, "-m", "benchmarks.pages_rows", "--instances", str(arguments.instances)]
        subprocess.run(fill, env=environment, cwd=ROOT, check=True)
        print(f"filled in {time.monotonic() - begun:.0f} s", file=sys.stderr)
        command = [sys.executable, "-m", "benchmarks.pages", "--ask", "--rounds", str(arguments.rounds)]
        asked = subprocess.run(
            [*command, "--only", arguments.only], env=environment, cwd=ROOT, check=True, stdout=subprocess.PIPE
        )
        return list(json.loads(asked.stdout))


def ask(rounds: int, only: str = "") -> list[dict[str, Any]]:
    """Each page's name, status, queries and milliseconds, in the configured database."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "airflowsite.settings")
    import django

    django.setup()
    from django.conf import settings
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from orchestration.models import User

    settings.ALLOWED_HOSTS = ["*"]
    client = Client(raise_request_exception=False)
    client.force_login(User.objects.get(username="bench"), backend="orchestration.access.backends.RoleBackend")
    measured = []
    for name, address in addresses().items():
        if only not in name:
            continue
        client.get(address)
        timed: list[tuple[float, str]] = []
        with CaptureQueriesContext(connection) as queries, connection.execute_wrapper(_into(timed)):
            answer = client.get(address)
        count = len(queries)  # before the next request forgets them
        slowest = max(timed, default=(0.0, ""))
        times, cpu = [], []
        for _ in range(rounds):
            begun, used = time.perf_counter(), time.process_time()
            client.get(address)
            times.append(1000 * (time.perf_counter() - begun))
            cpu.append(1000 * (time.process_time() - used))
        measured.append(
            {
                "page": name,
                "status": answer.status_code,
                "queries": count,
                "ms": statistics.median(times),
                "cpu": statistics.median(cpu),
                "slowest": f"{slowest[0]:.0f} ms {slowest[1][:2000]}",
            }
        )
    return measured


def _into(timed: list[tuple[float, str]]) -> Callable[..., Any]:
    """A wrapper of statements that notes the milliseconds of each."""

    def wrap(execute: Callable[..., Any], sql: str, parameters: Any, many: bool, context: Any) -> Any:
        begun = time.perf_counter()
        try:
            return execute(sql, parameters, many, context)
        finally:
            timed.append((1000 * (time.perf_counter() - begun), sql))

    return wrap


def addresses() -> dict[str, str]:
    """Every page and piece of data of the desk, and the list, a search in it, and a row of each table."""
    from django.contrib import admin
    from django.urls import reverse

    from orchestration.admin.pages.dag import TAB_PAGES
    from orchestration.admin.queries.names import KINDS
    from orchestration.admin.urls import pages
    from orchestration.models import Dataset, TaskInstance

    instances = TaskInstance.objects.select_related("run").filter(dag="bench_000", task_id=_TASK).order_by("-id")
    instance = instances[instances.count() // 2]
    values = {"dag_id": "bench_000", "run_id": instance.run.run_id, "task_id": _TASK}
    found = {"home": reverse("admin:index")}
    for pattern, name, page in pages():
        if not hasattr(page, "get") or "post" in (page.http_method_names[:1]) or name == "desk_dag_tab":
            continue
        if "desk_log" in name:
            continue  # a file, not the database
        arguments = [values[each] for each in ("dag_id", "run_id", "task_id") if f":{each}>" in pattern]
        if pattern.count("<") == len(arguments):
            found[name.removeprefix("desk_")] = reverse(f"admin:{name}", args=arguments)
    waiting = (
        TaskInstance.objects.select_related("run")
        .filter(dag="bench_000", run__state="running")
        .latest("run__logical_date")
        .run
    )
    found["run, waiting"] = reverse("admin:desk_run", args=("bench_000", waiting.run_id))
    for task_id in "hij":
        found[f"task, waiting {task_id}"] = reverse("admin:desk_task", args=("bench_000", waiting.run_id, task_id))
    for tab in TAB_PAGES:
        found[f"dag, {tab}"] = reverse("admin:desk_dag_tab", args=("bench_000", tab))
    found["grid, 365 runs"] = f"{found['grid']}?size=365"
    for kind in KINDS:
        found[f"names, {kind}"] = f"{reverse('admin:desk_names', args=(kind,))}?q=a"
    dataset = Dataset.objects.order_by("pk").first()
    if dataset is not None:
        found["dataset_graph_data, lineage"] = f"{found['dataset_graph_data']}?dataset={dataset.pk}&hops=10"
    found["dags, search"] = f"{found['dags']}?search=bench_1"
    found["dags, running"] = f"{found['dags']}?status=running"
    found["dags, failed"] = f"{found['dags']}?status=failed"
    for model, table in admin.site._registry.items():
        name = f"{model._meta.app_label}_{model._meta.model_name}"
        title = f"table {model._meta.verbose_name_plural}"
        listed = reverse(f"admin:{name}_changelist")
        found[title] = listed
        if table.search_fields:
            found[f"{title}, search"] = f"{listed}?q={quote('bench_007')}"
        if model._meta.model_name in ("dagrun", "taskinstance"):
            found[f"{title}, failed"] = f"{listed}?state__exact=failed"
            found[f"{title}, owner"] = f"{listed}?dag_owner=bench"
        if model._meta.model_name == "taskinstance":
            found[f"{title}, task"] = f"{listed}?task_id={_TASK}"
        row = model._default_manager.order_by("pk").first()
        if row is not None:
            found[f"{title}, row"] = reverse(f"admin:{name}_change", args=(row.pk,))
    return found


def _misses(row: dict[str, Any]) -> bool:
    return row["ms"] > MOST_MILLISECONDS or row["queries"] > MOST_QUERIES or row["status"] not in (200, 302)


def _print(found: dict[str, list[dict[str, Any]]], instances: int) -> None:
    console = Console(width=160)
    load = os.getloadavg()[0]
    console.print(f"{instances:,} task instances; load {load:.1f}; limits {MOST_MILLISECONDS:.0f} ms, {MOST_QUERIES}")
    table = Table("page", *(f"{name}: {column}" for name in found for column in ("queries", "ms", "cpu")))
    for line in zip(*found.values(), strict=True):
        table.add_row(line[0]["page"], *(cell for row in line for cell in _cells(row)))
    console.print(table)
    for name, rows in found.items():
        for row in filter(_misses, rows):
            console.print(f"MISSED {name} {row['page']}: {row['status']}, {row['queries']} queries, {row['ms']:.0f} ms")
            console.print(f"    {row['slowest']}", markup=False)


def _cells(row: dict[str, Any]) -> tuple[str, str, str]:
    return str(row["queries"]), f"{row['ms']:.0f}", f"{row['cpu']:.0f}"


def _markdown(found: dict[str, list[dict[str, Any]]]) -> str:
    head = ["page", *(f"{name} {column}" for name in found for column in ("queries", "ms", "cpu"))]
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for line in zip(*found.values(), strict=True):
        cells = [cell for row in line for cell in _cells(row)]
        lines.append(f"| {line[0]['page']} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
