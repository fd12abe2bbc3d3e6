"""SLAs: scheduled runs' tasks that are not done in time are recorded, once each.

A task's SLA counts from the end of its run's data interval, the moment at which the run may begin.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta

from orchestration.conf import conf
from orchestration.models.callback import CallbackRequest
from orchestration.models.task_instance import SlaMiss, TaskInstance
from orchestration.models.wakeups import notify
from orchestration.scheduling.graph import Graph
from orchestration.scheduling.rows import RunRow
from orchestration.states import SUCCESS_STATES, DagRunType


def deadlines(graph: Graph, interval_end: datetime) -> dict[str, datetime]:
    """By task: when it must be done."""
    return {task_id: interval_end + timedelta(seconds=seconds) for task_id, seconds in graph.sla_seconds.items()}


def is_missed(deadline: datetime, states: Iterable[tuple[str, datetime | None]], now: datetime) -> bool:
    """Whether an instance, given by state and end, was not done by the deadline."""
    return now > deadline and any(
        state not in SUCCESS_STATES or end_date is None or end_date > deadline for state, end_date in states
    )


def record(runs: Collection[RunRow], graphs: Mapping[int, Graph], *, now: datetime) -> int:
    """Record the misses of these runs and ask for the callbacks of new ones; how many were new.

    No query while no deadline has passed, else four at most.
    """
    late = {
        run.pk: {
            task_id: moment for task_id, moment in deadlines(graphs[run.pk], run.interval_end).items() if moment < now
        }
        for run in runs
        if run.run_type == DagRunType.SCHEDULED and run.interval_end is not None and graphs[run.pk].sla_seconds
    }
    late = {pk: found for pk, found in late.items() if found}
    if not late or not conf.getboolean("core", "check_slas"):
        return 0
    by_pk = {run.pk: run for run in runs}
    tasks = frozenset().union(*late.values())
    known = set(
        SlaMiss.objects.filter(
            dag__in={by_pk[pk].dag_id for pk in late},
            logical_date__in={by_pk[pk].logical_date for pk in late},
            task_id__in=tasks,
        ).values_list("dag_id", "task_id", "logical_date")
    )
    ends: dict[tuple[int, str], list[tuple[str, datetime | None]]] = {}
    instances = TaskInstance.objects.filter(run__in=list(late), task_id__in=tasks).order_by()
    for run_pk, task_id, state, end_date in instances.values_list("run_id", "task_id", "state", "end_date"):
        ends.setdefault((run_pk, task_id), []).append((state, end_date))
    misses = [
        SlaMiss(dag_id=by_pk[pk].dag_id, task_id=task_id, logical_date=by_pk[pk].logical_date, timestamp=now)
        for pk, found in late.items()
        for task_id, deadline in found.items()
        if (by_pk[pk].dag_id, task_id, by_pk[pk].logical_date) not in known
        and is_missed(deadline, ends.get((pk, task_id), ()), now)
    ]
    if not misses:
        return 0
    SlaMiss.objects.bulk_create(misses, ignore_conflicts=True)
    missed_dags = {miss.dag_id for miss in misses}
    files = {run.dag_id: run.fileloc for run in runs if run.dag_id in missed_dags and _tells(graphs[run.pk])}
    CallbackRequest.objects.bulk_create(
        CallbackRequest(kind=CallbackRequest.Kind.SLA, fileloc=fileloc, data={"dag_id": dag_id})
        for dag_id, fileloc in files.items()
    )
    if files:
        notify("dag_processor")
    return len(misses)


def _tells(graph: Graph) -> bool:
    """Whether somebody is to be told: a callback, or the addresses of a task with an SLA."""
    tasks = graph.dag.tasks
    return graph.dag.has_sla_miss_callback or any(tasks[task_id].email for task_id in graph.sla_seconds)
