"""Cluster activity: what happened in a period, and what goes on now."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

from django.db import connection
from django.db.models import Count, Q, QuerySet

from orchestration.access.permissions import Caller
from orchestration.admin.queries.common import readable
from orchestration.admin.queries.expressions import FORMATS, Cut, Rare
from orchestration.models import DagRun, Job, TaskInstance
from orchestration.models.job import health_threshold
from orchestration.states import JobState

#: The periods that are offered: name, title, length.
PERIODS: Final = (
    ("1h", "Last hour", timedelta(hours=1)),
    ("24h", "Last 24 hours", timedelta(hours=24)),
    ("7d", "Last 7 days", timedelta(days=7)),
    ("30d", "Last 30 days", timedelta(days=30)),
)
#: The longest period.
LONGEST: Final = timedelta(days=92)
#: A period up to here is drawn by hours, a longer one by days.
_BY_HOURS: Final = timedelta(hours=72)
#: Instances of a period that are counted; beyond them the newest stand for the rest.
MOST_INSTANCES: Final = 200_000
#: Rows of "running now".
MOST_RUNNING: Final = 50
#: Jobs that are listed.
_MOST_JOBS: Final = 50


@dataclass(frozen=True, slots=True)
class Period:
    """From ``start`` to ``end``; ``name`` is "" for dates that somebody chose."""

    name: str
    start: datetime
    end: datetime

    @classmethod
    def of(cls, name: str, start: datetime | None, end: datetime | None, now: datetime) -> Period:
        """The period of that name, or the chosen dates, cut to ``LONGEST``; the last 24 hours otherwise."""
        if start is not None:
            until = min(end or now, now)
            if start < until:
                return cls("", max(start, until - LONGEST), until)
        lengths = {key: length for key, _, length in PERIODS}
        name = name if name in lengths else "24h"
        return cls(name, now - lengths[name], now)

    @property
    def is_by_hours(self) -> bool:
        """Whether its chart has a bar for each hour, else for each day."""
        return self.end - self.start <= _BY_HOURS


def run_states(user: Caller, period: Period) -> list[tuple[str, int]]:
    """Runs that started in the period, or wait since it, by their present state, most first; one query."""
    rows = readable(DagRun.objects.order_by(), user).filter(_in(period))
    return _most_first(rows.values_list("state").annotate(n=Count("pk")))


def run_types(user: Caller, period: Period) -> list[tuple[str, int]]:
    """The same runs by what made them; one query."""
    rows = readable(DagRun.objects.order_by(), user).filter(_in(period))
    return _most_first(rows.values_list("run_type").annotate(n=Count("pk")))


def instance_states(user: Caller, period: Period) -> tuple[list[tuple[str, int]], bool]:
    """Task instances that started in the period by state, and whether only the newest were counted; one query."""
    rows = readable(TaskInstance.objects.order_by("-start_date"), user).filter(
        start_date__gte=period.start, start_date__lt=period.end
    )
    newest = rows.values("state")[:MOST_INSTANCES]
    counts = _most_first(_grouped(newest))
    return counts, sum(number for _, number in counts) >= MOST_INSTANCES


def _grouped(rows: QuerySet[TaskInstance, Any]) -> list[tuple[str, int]]:
    sql, values = rows.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT state, count(*) FROM ({sql}) AS newest GROUP BY state", values)  # noqa: S608 our own SQL
        return list(cursor.fetchall())


def _in(period: Period) -> Q:
    return Q(start_date__gte=period.start, start_date__lt=period.end) | Q(
        start_date=None, state="queued", queued_at__gte=period.start, queued_at__lt=period.end
    )


def _most_first(rows: Any) -> list[tuple[str, int]]:
    return sorted(rows, key=lambda row: (-row[1], row[0]))


def ended(user: Caller, period: Period) -> list[dict[str, Any]]:
    """Runs that ended in each hour or day of the period, oldest first: ``at``, ``success``, ``failed``; one query."""
    return ended_over_time(user, period.start, period.end, is_by_hours=period.is_by_hours)


def ended_over_time(user: Caller, start: datetime, end: datetime, *, is_by_hours: bool) -> list[dict[str, Any]]:
    """As ``ended``, for any time; hours and days are those of UTC."""
    unit: Literal["hour", "day"] = "hour" if is_by_hours else "day"
    rows = readable(DagRun.objects.order_by(), user).filter(end_date__gte=start, end_date__lt=end)
    counts: dict[str, dict[str, int]] = defaultdict(dict)
    for at, state, number in rows.values_list(Cut("end_date", unit), "state").annotate(n=Count("pk")):
        counts[at][state] = number
    moment = start.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    if not is_by_hours:
        moment = moment.replace(hour=0)
    bars = []
    while moment < end:
        found = counts[moment.strftime(FORMATS[unit])]
        bars.append({"at": moment, "success": found.get("success", 0), "failed": found.get("failed", 0)})
        moment += timedelta(**{f"{unit}s": 1})
    return bars


def failing(user: Caller, period: Period, limit: int = 8) -> list[tuple[str, int]]:
    """The DAGs with the most failed runs of the period; one query."""
    rows = readable(DagRun.objects.order_by(), user).filter(
        end_date__gte=period.start, end_date__lt=period.end, state="failed"
    )
    return list(rows.values_list("dag_id").annotate(n=Count("pk")).order_by("-n", "dag_id")[:limit])


def jobs(now: datetime) -> list[dict[str, Any]]:
    """The long-running processes that say they run, and how long each has been silent; one query."""
    silent_for = health_threshold()
    running = Job.objects.filter(state=JobState.RUNNING).order_by("-latest_heartbeat", "-id")[:_MOST_JOBS]
    return [
        {
            "job": job,
            "is_late": now - job.latest_heartbeat > silent_for,
            "silent": max(timedelta(0), now - job.latest_heartbeat),
            "age": now - job.start_date,
        }
        for job in running
    ]


def running_runs(user: Caller) -> list[DagRun]:
    """Runs that are running or queued, oldest first; one query."""
    rows = readable(DagRun.objects.filter(Rare(Q(state__in=("running", "queued")))), user)
    return list(
        rows.order_by("id").only("id", "dag_id", "run_id", "state", "run_type", "start_date", "queued_at")[
            :MOST_RUNNING
        ]
    )


def running_tasks(user: Caller) -> list[TaskInstance]:
    """Task instances that some process has now, oldest first; one query."""
    is_at_work = Rare(Q(state__in=("running", "queued", "deferred", "restarting")))
    rows = readable(TaskInstance.objects.filter(is_at_work), user)
    return list(
        rows.select_related("run")
        .only(
            "id",
            "dag_id",
            "task_id",
            "map_index",
            "state",
            "start_date",
            "hostname",
            "pool",
            "run__run_id",
            "try_number",
        )
        .order_by("id")[:MOST_RUNNING]
    )
