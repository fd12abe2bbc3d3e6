"""The rows of the DAGs of one file: made, filled from the serialised DAG, saved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from orchestration.authoring.datasets import decode_condition
from orchestration.conf import conf
from orchestration.dagfiles.protocol import ParsedDag
from orchestration.models import Dag
from orchestration.models.dag import owners_text, schedule_interval_value
from orchestration.models.next_runs import FIELDS as NEXT_RUN_FIELDS
from orchestration.serialization.values import SerializedDag

#: What ``fill`` sets from the serialised DAG, beside the stamps of the parse.
FIELDS = (
    "dag_display_name",
    "description",
    "root_dag_id",
    "is_subdag",
    "has_task_concurrency_limits",
    "fileloc",
    "processor_subdir",
    "owners",
    "default_view",
    "schedule_interval",
    "timetable_summary",
    "timetable_description",
    "dataset_expression",
    "max_active_tasks",
    "max_active_runs",
    "max_consecutive_failed_dag_runs",
    "upcoming",
)
#: All that a parse may change, beside the stamps.
_COMPARED = (*FIELDS, "current_version_id", "source_id", "put_aside_reason", "put_aside_until", *NEXT_RUN_FIELDS)

#: The values of rows as they are stored: DAG id → those of ``_COMPARED``.
Stored = Mapping[str, tuple[Any, ...]]


def new_row(dag: SerializedDag) -> Dag:
    """A row for a DAG seen for the first time: paused as the DAG says, else as the option says."""
    paused = dag.is_paused_upon_creation
    if paused is None:
        paused = conf.getboolean("core", "dags_are_paused_at_creation")
    return Dag(dag_id=dag.dag_id, is_paused=paused)


def fill(
    rows: Mapping[str, Dag],
    present: Mapping[str, SerializedDag],
    parsed: Mapping[str, ParsedDag],
    *,
    root: str,
    now: datetime,
) -> None:
    """Set the rows' columns. Nothing is saved."""
    for dag_id, dag in present.items():
        row = rows[dag_id]
        for name, value in _columns(dag, present, rows).items():
            setattr(row, name, value)
        row.processor_subdir = root
        upcoming = parsed[dag_id].upcoming
        row.upcoming = None if upcoming is None else dict(upcoming)
        row.is_active, row.has_import_errors, row.last_parsed_at = True, False, now


def stored(rows: Iterable[Dag]) -> dict[str, tuple[Any, ...]]:
    """The rows' values, to be compared later."""
    return {row.pk: tuple(getattr(row, name) for name in _COMPARED) for row in rows}


def save_new(rows: Sequence[Dag]) -> None:
    """Insert new rows."""
    Dag.objects.bulk_create(rows)


def save(rows: Sequence[Dag], before: Stored, now: datetime) -> bool:
    """Save what ``fill``, the versions and the next runs changed; whether it was anything but the stamps.

    Only changed columns of changed rows are written, and none that people set.
    """
    after = stored(rows)
    changed = [row for row in rows if after[row.pk] != before.get(row.pk)]
    columns = {
        name.removesuffix("_id") if name in ("current_version_id", "source_id") else name
        for row in changed
        for name, old, new in zip(_COMPARED, before[row.pk], after[row.pk], strict=True)
        if old != new
    }
    if columns:
        Dag.objects.bulk_update(changed, sorted(columns), batch_size=50)
    stamps = {"is_active": True, "has_import_errors": False, "last_parsed_at": now}
    Dag.objects.filter(pk__in=list(after)).update(**stamps)
    return bool(changed)


def _columns(dag: SerializedDag, present: Mapping[str, SerializedDag], rows: Mapping[str, Dag]) -> dict[str, Any]:
    parent = present.get(dag.parent_dag_id or "", dag)
    return {
        "dag_display_name": _text(dag.dag_display_name, 2000),
        "description": _text(dag.description),
        "root_dag_id": dag.parent_dag_id,
        "is_subdag": dag.is_subdag,
        "has_task_concurrency_limits": any(
            task.max_active_tis_per_dag is not None or task.max_active_tis_per_dagrun is not None
            for task in dag.tasks.values()
        ),
        "fileloc": parent.fileloc,
        "owners": _text(owners_text(parent.owners), 2000),
        "default_view": _text(dag.default_view, 25),
        "schedule_interval": schedule_interval_value(dag.schedule_interval),
        "timetable_summary": _text(dag.timetable_summary, 2000),
        "timetable_description": _text(dag.timetable_description, 2000),
        "dataset_expression": decode_condition(dag.dataset_condition, lambda name: []).as_expression(),
        "max_active_tasks": dag.max_active_tasks,
        "max_active_runs": dag.max_active_runs,
        "max_consecutive_failed_dag_runs": dag.max_consecutive_failed_dag_runs,
    }


def _text(value: str | None, length: int | None = None) -> str | None:
    """The text as a column takes it: without NUL, cut."""
    return None if value is None else value.replace("\0", "")[:length]
