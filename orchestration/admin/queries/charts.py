"""Times of runs and tasks: what the gantt, the calendar, the durations and the timeline show."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from django.db.models import Avg, Count, F, Max, Min

from orchestration.access.permissions import Caller
from orchestration.admin.queries.common import readable, seconds
from orchestration.admin.queries.expressions import Cut, Seconds
from orchestration.models import DagRun, TaskInstance, TaskInstanceHistory

#: Bars of a gantt.
MOST_BARS: Final = 2000
#: Runs of a timeline.
MOST_RUNS: Final = 1500
#: What the durations' tab can measure, with its words.
MEASURES: Final[Mapping[str, str]] = {
    "duration": "Durations",
    "landing": "Landing times",
    "queued": "Waits in the queue",
    "tries": "Tries",
}
_BAR: Final = ("task_id", "map_index", "state", "queued_at", "start_date", "end_date", "try_number", "operator")


def bars(run_pk: int) -> list[dict[str, Any]]:
    """The instances of a run by their start, each with its earlier ``tries`` (state and times); two queries."""
    rows = TaskInstance.objects.filter(run=run_pk).order_by("start_date", "task_id", "map_index")
    found = {row.pop("pk"): row for row in rows.values("pk", *_BAR)[:MOST_BARS]}
    tries: dict[int, list[dict[str, Any]]] = defaultdict(list)
    past = TaskInstanceHistory.objects.filter(task_instance__run=run_pk, try_number__gt=0)
    earlier = past.filter(try_number__lt=F("task_instance__try_number"))
    columns = ("task_instance_id", "try_number", "state", "queued_at", "start_date", "end_date")
    for row in earlier.order_by("task_instance_id", "try_number").values(*columns)[:MOST_BARS]:
        tries[row.pop("task_instance_id")].append(row)
    return [{**row, "tries": tries.get(pk, [])} for pk, row in found.items()]


def calendar(dag_id: str, year: int) -> dict[str, dict[str, int]]:
    """By day of the year (UTC, ISO): how many runs by state; one query."""
    found: dict[str, dict[str, int]] = defaultdict(dict)
    first, after = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
    rows = (
        DagRun.objects.order_by()
        .filter(dag=dag_id, logical_date__gte=first, logical_date__lt=after)
        .values_list(Cut("logical_date", "day"), "state")
        .annotate(n=Count("pk"))
    )
    for day, state, number in rows:
        found[day][state] = number
    return dict(found)


def years(dag_id: str) -> tuple[int, int] | None:
    """The years of the first and the last run; one query."""
    ends = DagRun.objects.filter(dag=dag_id).aggregate(first=Min("logical_date"), last=Max("logical_date"))
    return (ends["first"].year, ends["last"].year) if ends["first"] else None


def measured(measure: str, runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """``unit``, ``of_runs`` (run to number) and ``tasks`` (task, then run, to number); one query.

    duration: seconds from start to end, the longest instance's. landing: seconds from the end of the data interval to
    the end. queued: seconds from queued to start, the mean. tries: the most.
    """
    pks = [run["pk"] for run in runs]
    due = {run["pk"]: run["data_interval_end"] or run["logical_date"] for run in runs}
    rows = TaskInstance.objects.order_by().filter(run__in=pks).values_list("task_id", "run_id")
    tasks: dict[str, dict[int, float]] = defaultdict(dict)
    if measure == "duration":
        of_runs = {run["pk"]: run["seconds"] for run in runs}
        for task_id, run, took in rows.filter(duration__isnull=False).annotate(took=Max("duration")):
            tasks[task_id][run] = took
    elif measure == "landing":
        of_runs = {run["pk"]: seconds(due[run["pk"]], run["end_date"]) for run in runs}
        for task_id, run, end in rows.filter(end_date__isnull=False).annotate(end=Max("end_date")):
            tasks[task_id][run] = (end - due[run]).total_seconds()
    elif measure == "queued":
        of_runs = {run["pk"]: seconds(run["queued_at"], run["start_date"]) for run in runs}
        wait = Seconds("queued_at", "start_date")
        waited = rows.filter(start_date__isnull=False, queued_at__isnull=False)
        for task_id, run, mean in waited.annotate(mean=Avg(wait)):
            tasks[task_id][run] = max(0.0, mean)
    else:
        of_runs = dict.fromkeys(pks)
        for task_id, run, tries in rows.filter(try_number__gt=0).annotate(tries=Max("try_number")):
            tasks[task_id][run] = tries
        for byrun in tasks.values():
            for run, tries in byrun.items():
                of_runs[run] = max(of_runs[run] or 0, tries)
    return {"unit": "tries" if measure == "tries" else "seconds", "of_runs": of_runs, "tasks": tasks}


def timeline(user: Caller, since: datetime, now: datetime) -> dict[str, list[dict[str, Any]]]:
    """By DAG: the runs that were at work between the two moments, oldest first; the newest of all. Two queries.

    Values: run_id, run_type, state, start_date, end_date (None: still at work).
    """
    runs = readable(DagRun.objects.order_by("-start_date"), user).filter(start_date__lte=now)
    columns = ("dag_id", "run_id", "run_type", "state", "start_date", "end_date")
    ended = list(runs.filter(end_date__gte=since).values(*columns)[:MOST_RUNS])
    unfinished = list(runs.filter(end_date__isnull=True, state="running").values(*columns)[:MOST_RUNS])
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in sorted(ended + unfinished, key=lambda row: row["start_date"]):
        found[row.pop("dag_id")].append(row)
    return dict(sorted(found.items()))
