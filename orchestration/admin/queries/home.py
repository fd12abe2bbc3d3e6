"""What the home page shows."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Avg, Count, Max, Q

from orchestration.access import permissions as p
from orchestration.access.permissions import Caller, is_allowed
from orchestration.admin.queries.cluster import ended_over_time
from orchestration.admin.queries.common import of_readable_files, readable
from orchestration.admin.queries.expressions import Rare, Seconds
from orchestration.models import Dag, DagImportError, DagRun, DagWarning, Pool, TaskInstance
from orchestration.services import health
from orchestration.services import pools as pool_service
from orchestration.states import RUN_UNFINISHED, DagRunState

#: How far back the home page can look, in hours, and in words.
WINDOWS: Final = {1: "1 hour", 6: "6 hours", 24: "24 hours", 72: "3 days", 168: "7 days"}
#: From so many hours on the chart has a bar for each day.
_BY_DAY_FROM: Final = 72
#: Runs that end now are in it.
_MOMENT: Final = timedelta(microseconds=1)
#: States of task instances that some process has to do with.
_IN_WORK = ("scheduled", "queued", "running", "restarting", "deferred", "up_for_retry", "up_for_reschedule")


def processes(now: datetime) -> list[dict[str, Any]]:
    """The database and each process: name, status, heartbeat; one query."""
    found = health.check(now)
    rows = [
        ("Scheduler", found.scheduler),
        ("Triggerer", found.triggerer),
        ("DAG processor", found.dag_processor),
    ]
    return [
        {"name": "Database", "status": found.metadatabase, "heartbeat": None},
        *(
            {"name": name, "status": process.status or "not started", "heartbeat": process.latest_heartbeat}
            for name, process in rows
        ),
    ]


def dag_counts(user: Caller) -> dict[str, int]:
    """DAGs that files define: all, unpaused, paused."""
    counts = readable(Dag.objects.active(), user).aggregate(
        total=Count("pk"), paused=Count("pk", filter=Q(is_paused=True))
    )
    return {**counts, "unpaused": counts["total"] - counts["paused"]}


def run_counts(user: Caller, since: datetime) -> dict[str, int]:
    """Runs queued and running now, and those that ended since then by state."""
    runs = readable(DagRun.objects.order_by(), user)
    now_by_state = runs.filter(Rare(Q(state__in=RUN_UNFINISHED))).values_list("state").annotate(n=Count("pk"))
    ended = runs.filter(end_date__gte=since).values_list("state").annotate(n=Count("pk"))
    counts = dict.fromkeys(DagRunState, 0)
    for state, number in [*now_by_state, *(row for row in ended if row[0] not in RUN_UNFINISHED)]:
        counts[DagRunState(state)] = number
    return {str(state): number for state, number in counts.items()}


def task_counts(user: Caller) -> list[tuple[str, int]]:
    """Task instances in work, by state."""
    rows = readable(TaskInstance.objects.order_by().filter(Rare(Q(state__in=_IN_WORK))), user)
    counts = dict(rows.values_list("state").annotate(n=Count("pk")))
    return [(state, counts.get(state, 0)) for state in _IN_WORK]


def runs_over_time(user: Caller, since: datetime, now: datetime) -> list[dict[str, Any]]:
    """For each hour or day (UTC) of the window, oldest first: ``at``, ``success``, ``failed`` runs that ended in it."""
    is_by_hours = (now - since) <= timedelta(hours=_BY_DAY_FROM)
    return ended_over_time(user, since, now + _MOMENT, is_by_hours=is_by_hours)


def slowest(user: Caller, since: datetime, limit: int = 6) -> list[dict[str, Any]]:
    """DAGs whose runs since then took longest on average: dag_id, n, mean, most (seconds)."""
    took = Seconds("start_date", "end_date")
    runs = readable(DagRun.objects.order_by(), user).filter(end_date__gte=since, start_date__isnull=False)
    rows = runs.values("dag_id").annotate(n=Count("pk"), mean=Avg(took), most=Max(took)).order_by("-mean")
    return [{**row} for row in rows[:limit]]


def pools() -> list[dict[str, Any]]:
    """Each pool's slots: ``taken``, ``slots`` (-1: no limit), ``share`` of them taken, 0 to 100, ``of`` (its use).

    Two queries.
    """
    listed = list(Pool.objects.order_by("name")[:50])
    use = pool_service.usage(pool.name for pool in listed)
    found = []
    for pool in listed:
        taken = use[pool.name].occupied(pool)
        share = 0 if pool.slots <= 0 else min(100, round(100 * taken / pool.slots))
        row = {"pk": pool.pk, "name": pool.name, "slots": pool.slots, "taken": taken, "share": share}
        found.append({**row, "of": use[pool.name]})
    return found


def problems(user: Caller) -> dict[str, Any]:
    """Import errors, warnings and DAGs that the scheduler put aside, those the user may see; a few of each."""
    found: dict[str, Any] = {"import_errors": [], "warnings": []}
    if is_allowed(user, p.READ, p.IMPORT_ERRORS):
        rows = of_readable_files(DagImportError.objects.order_by("-timestamp"), user, "filename")
        found["import_errors"] = list(rows[:20])
    if is_allowed(user, p.READ, p.DAG_WARNINGS):
        found["warnings"] = list(readable(DagWarning.objects.order_by("-timestamp"), user)[:20])
    aside = readable(Dag.objects.active().exclude(put_aside_reason=""), user)
    found["aside"] = list(aside.values("dag_id", "put_aside_reason", "put_aside_until")[:20])
    return found
