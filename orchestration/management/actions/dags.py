"""``dags list``, ``details``, ``next-execution`` and the other lists."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from django.db.models import F

from orchestration.authoring.timetables import registry
from orchestration.authoring.timetables.base import DataInterval, TimeRestriction
from orchestration.clients.sentences import no_dag
from orchestration.errors import NotFound
from orchestration.management.cli.output import emit
from orchestration.models import Dag, DagImportError, Job, versions
from orchestration.services.file_tokens import file_token

#: The columns of a DAG by the names that the stable API gives them; None stands for what no DAG has here.
_COLUMNS: dict[str, str | None] = {
    "dag_id": "dag_id",
    "dag_display_name": "dag_display_name",
    "root_dag_id": "root_dag_id",
    "is_paused": "is_paused",
    "is_active": "is_active",
    "is_subdag": "is_subdag",
    "last_parsed_time": "last_parsed_at",
    "last_pickled": None,
    "last_expired": "last_expired_at",
    "scheduler_lock": None,
    "pickle_id": None,
    "default_view": "default_view",
    "fileloc": "fileloc",
    "file_token": "fileloc",
    "owners": "owners",
    "description": "description",
    "schedule_interval": "schedule_interval",
    "timetable_description": "timetable_description",
    "tags": None,
    "max_active_tasks": "max_active_tasks",
    "max_active_runs": "max_active_runs",
    "max_consecutive_failed_dag_runs": "max_consecutive_failed_dag_runs",
    "has_task_concurrency_limits": "has_task_concurrency_limits",
    "has_import_errors": "has_import_errors",
    "next_dagrun": "next_dagrun",
    "next_dagrun_data_interval_start": "next_dagrun_data_interval_start",
    "next_dagrun_data_interval_end": "next_dagrun_data_interval_end",
    "next_dagrun_create_after": "next_dagrun_create_after",
}


def list_dags(args: argparse.Namespace) -> None:
    """The active DAGs as they were last parsed, of all files or of those below ``--subdir``."""
    wanted = list(args.columns or [])
    known = list(_COLUMNS)
    if unknown := [name for name in wanted if name not in known]:
        print(f"There are no columns {unknown}; there are {known}", file=sys.stderr)
    dags = _below(args.subdir, Dag.objects.active()).order_by("pk")
    if _below(args.subdir, DagImportError.objects.all(), "filename").exists():
        print("Some DAG files cannot be read; `airflowsite dags list-import-errors` says why.", file=sys.stderr)
    rows = (_row(dag) for dag in dags.prefetch_related("tags"))
    emit(({name: row[name] for name in wanted if name in row} for row in rows), args.output)


def _below(subdir: str | None, found: Any, column: str = "fileloc") -> Any:
    if subdir is None:
        return found
    place = str(Path(subdir).expanduser().absolute())
    return found.filter(**{f"{column}__startswith": f"{place}/"}) | found.filter(**{column: place})


def _row(dag: Dag) -> dict[str, Any]:
    row: dict[str, Any] = {name: getattr(dag, column) if column else None for name, column in _COLUMNS.items()}
    row["file_token"] = file_token(dag.fileloc)
    row["owners"] = [name.strip() for name in dag.owners.split(",")] if dag.owners else []
    row["tags"] = [{"name": tag.name} for tag in dag.tags.all()]
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()}


def details(args: argparse.Namespace) -> None:
    """All columns of one DAG; in tables one line for each."""
    row = _row(find(args.dag_id))
    if args.output in {"table", "plain"}:
        emit(({"property_name": name, "property_value": value} for name, value in row.items()), args.output)
    else:
        emit([row], args.output)


def find(dag_id: str) -> Dag:
    """The DAG of this id; raises NotFound."""
    dag = Dag.objects.filter(pk=dag_id).first()
    if dag is None:
        raise NotFound(no_dag(dag_id))
    return dag


def next_execution(args: argparse.Namespace) -> None:
    """The starts of the next data intervals; ``None`` on standard output where there is no further one."""
    dag = find(args.dag_id)
    if dag.is_paused:
        print(f"{dag.dag_id} is paused: nothing runs until it is resumed.", file=sys.stderr)
    intervals = list(islice(_coming(dag), args.num_executions))
    for interval in intervals:
        print(interval.start.isoformat())
    for _ in range(len(intervals), args.num_executions):
        print(
            f"No further run of {dag.dag_id} is due: {dag.timetable_description or 'it has no schedule'}.",
            file=sys.stderr,
        )
        print(None)


def _coming(dag: Dag) -> Iterator[DataInterval]:
    """The data intervals of the runs to come, the one that the scheduler waits for first."""
    if dag.next_dagrun is None:
        return
    start = dag.next_dagrun_data_interval_start or dag.next_dagrun
    interval = DataInterval(start, dag.next_dagrun_data_interval_end or start)
    timetable = registry.decode(versions.current(dag.dag_id).timetable, dag.upcoming)
    free = TimeRestriction(earliest=None, latest=None, catchup=True)
    while True:
        yield interval
        info = timetable.next_dagrun_info(last_automated_data_interval=interval, restriction=free)
        if info is None:
            return
        interval = info.data_interval


def list_import_errors(args: argparse.Namespace) -> int:
    """The files that cannot be read; leaves with 1 when there are any."""
    found = _below(args.subdir, DagImportError.objects.all(), "filename").order_by("filename")
    rows = [{"filepath": row.filename, "error": row.stack_trace} for row in found]
    emit(rows, args.output)
    return 1 if rows else 0


def list_jobs(args: argparse.Namespace) -> None:
    """The long-running processes, the latest first."""
    jobs = Job.objects.order_by(F("start_date").desc(), "-pk")
    if args.dag_id:
        jobs = jobs.filter(dag_id=find(args.dag_id).dag_id)
    if args.state:
        jobs = jobs.filter(state=args.state)
    columns = ("dag_id", "state", "job_type", "start_date", "end_date")
    emit(
        ({name: str(getattr(job, name)) for name in columns} for job in jobs[: args.limit]),
        args.output,
    )
