"""When DAGs run next, and whether they are late."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from orchestration.access.permissions import Caller
from orchestration.admin.queries.common import readable
from orchestration.authoring.timetables import next_run
from orchestration.models import Dag
from orchestration.models.next_runs import last_automated_intervals
from orchestration.serialization.values import SerializedDag

#: Runs of a schedule's preview.
NEXT: Final = 10
#: How long a due run may be missing before its DAG is late, and before it counts as overdue.
GRACE: Final = timedelta(minutes=1)
OVERDUE: Final = timedelta(minutes=10)
#: DAGs that the home page names.
MOST_LATE: Final = 20

Lateness = Literal["", "late", "overdue"]


def lateness(dag: Dag, now: datetime) -> Lateness:
    """Whether the next run should have been made by now: the scheduler does not run, or does not keep up."""
    due = dag.next_dagrun_create_after
    if due is None or dag.is_paused or not dag.is_active or now < due + GRACE:
        return ""
    return "overdue" if now >= due + OVERDUE else "late"


def late(user: Caller, now: datetime) -> list[dict[str, Any]]:
    """DAGs that are late: dag_id, due, how (late, overdue), the longest first; one query."""
    due = readable(Dag.objects.active().filter(is_paused=False, next_dagrun_create_after__lt=now - GRACE), user)
    found = due.order_by("next_dagrun_create_after").only(
        "dag_id", "next_dagrun_create_after", "is_paused", "is_active"
    )[:MOST_LATE]
    return [{"dag_id": dag.dag_id, "due": dag.next_dagrun_create_after, "how": lateness(dag, now)} for dag in found]


def upcoming(row: Dag, dag: SerializedDag) -> list[dict[str, Any]]:
    """The next runs of a DAG on a schedule: due, logical_date, start, end of the data interval, and ``local`` (the due
    moment in the DAG's own zone, with its offset). Without any by the clock: none. Two queries.

    Mirrors no single page of Airflow, which shows the first of these only.
    """
    if dag.timetable.get("type") in ("null", "dataset_triggered"):
        return []
    last = last_automated_intervals([row.dag_id]).get(row.dag_id)
    try:
        zone = ZoneInfo(dag.timezone)
    except (ZoneInfoNotFoundError, ValueError):
        zone = ZoneInfo("UTC")
    found: list[dict[str, Any]] = []
    while len(found) < NEXT:
        info = next_run(dag, last, forecast=row.upcoming)
        if info is None or (found and info.logical_date <= found[-1]["logical_date"]):
            break
        local = info.run_after.astimezone(zone)
        found.append(
            {
                "due": info.run_after,
                "local": f"{local:%a %d %b, %H:%M} {local.tzname()} ({local:%z})",
                "logical_date": info.logical_date,
                "start": info.data_interval.start,
                "end": info.data_interval.end,
            }
        )
        last = info.data_interval
    return found
