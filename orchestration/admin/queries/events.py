"""The audit log in words: who did what to a DAG, a run or a task instance, and what the system did with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson
from django.db.models import Q, QuerySet

from orchestration.models import EventLog

#: Rows that one page shows.
PAGE_SIZE: Final = 50
#: What the events of runs and tasks mean. Others are shown by their names.
_WORDS: Final[Mapping[str, str]] = {
    "running": "started",
    "success": "succeeded",
    "failed": "failed",
    "skipped": "was skipped",
    "up_for_retry": "failed, and will be tried again",
    "up_for_reschedule": "waits to be checked again",
    "deferred": "handed its wait to the triggerer",
    "post_dag_run": "triggered the run",
    "post_clear_task_instances": "cleared task instances",
    "clear_task_instance": "cleared the task instance",
    "run_task_instance": "had the task instance run again",
    "clear_dag_run": "cleared the run",
    "update_dag_run_state": "marked the run",
    "post_set_task_instances_state": "marked task instances",
    "patch_task_instance": "marked the task instance",
    "delete_dag_run": "deleted the run",
    "set_dag_run_note": "wrote the run's note",
    "set_task_instance_note": "wrote the task instance's note",
    "patch_dag": "changed the DAG",
    "patch_dags": "changed DAGs",
    "delete_dag": "deleted the DAG",
    "reparse_dag_file": "had the file parsed again",
    "post_backfill": "started a backfill",
    "automation.trigger": "triggered the run",
    "automation.pause": "paused the DAG",
    "automation.clear_failed": "cleared the failed tasks",
}
#: Events of tasks, whose owner in the log is the task's, not a person.
_OF_SYSTEM: Final = frozenset(
    {"running", "success", "failed", "skipped", "up_for_retry", "up_for_reschedule", "deferred"}
)


@dataclass(frozen=True, slots=True)
class Told:
    """A row of the log as a sentence's parts. ``details`` are names and values of what was asked for."""

    pk: int
    when: Any
    who: str
    what: str
    is_system: bool
    state: str
    task: str
    run_id: str
    try_number: int | None
    details: str


def of(rows: QuerySet[EventLog], limit: int = PAGE_SIZE) -> list[Told]:
    """The newest rows, told; one query."""
    return [_told(row) for row in rows.order_by("-id")[:limit]]


def of_dag(dag_id: str) -> QuerySet[EventLog]:
    """What the log has of a DAG."""
    return EventLog.objects.filter(dag_id=dag_id)


def of_run(dag_id: str, run_id: str) -> QuerySet[EventLog]:
    """What the log has of a run and its tasks."""
    return EventLog.objects.filter(dag_id=dag_id, run_id=run_id)


def of_task(dag_id: str, run_id: str, task_id: str, map_index: int) -> QuerySet[EventLog]:
    """What the log has of a task instance, and what was done to its whole run."""
    here = Q(task_id=task_id) & (Q(map_index=map_index) | Q(map_index__isnull=True))
    return of_run(dag_id, run_id).filter(here | Q(task_id__isnull=True))


def of_people(rows: QuerySet[EventLog]) -> QuerySet[EventLog]:
    """Without what the system did by itself."""
    return rows.exclude(event__in=_OF_SYSTEM)


def _told(row: EventLog) -> Told:
    name = row.event.removeprefix("api.").removeprefix("cli_")
    is_system = name in _OF_SYSTEM
    who = "the system" if is_system or not row.owner else (row.owner_display_name or row.owner)
    index = f"[{row.map_index}]" if row.map_index is not None and row.map_index >= 0 else ""
    return Told(
        pk=row.pk,
        when=row.when,
        who=who,
        what=_WORDS.get(name, row.event),
        is_system=is_system,
        state=name if is_system else "",
        task=f"{row.task_id}{index}" if row.task_id else "",
        run_id=row.run_id or "",
        try_number=row.try_number,
        details=_details(row.extra),
    )


def _details(extra: str | None) -> str:
    """The members of the row's JSON that say something: ``state: success, downstream``."""
    if not extra:
        return ""
    try:
        found = orjson.loads(extra)
    except orjson.JSONDecodeError:
        return extra[:300]
    if not isinstance(found, dict):
        return str(found)[:300]
    said = []
    for name, value in found.items():
        if name == "is_paused":
            said.append("paused" if value else "active")
        elif value is True:
            said.append(name.replace("_", " "))
        elif value not in (None, False, "", [], {}):
            shown = value if isinstance(value, str | int | float) else orjson.dumps(value).decode()
            said.append(f"{name.replace('_', ' ')}: {shown}")
    return ", ".join(said)[:300]
