"""Setting the state of task instances as an operator's word.

Mirrors ``airflow.api.common.mark_tasks`` and ``DAG.set_task_instance_state`` of Airflow 2.10.5.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, Final

from django.db.models import F, Q, QuerySet

from orchestration.authoring.timetables import registry
from orchestration.authoring.timetables.base import TimeRestriction, Timetable
from orchestration.models import Dag, DagRun, TaskInstance, versions
from orchestration.models.wakeups import notify
from orchestration.serialization.values import SerializedDag
from orchestration.services import clearing
from orchestration.services.clearing import BATCH
from orchestration.services.clearing_scope import relatives, subset
from orchestration.states import FINISHED, DagRunType, TaskInstanceState

_S = TaskInstanceState
#: A process may be at work, or will be without the scheduler's word.
AT_WORK: Final = (_S.RUNNING, _S.DEFERRED, _S.UP_FOR_RESCHEDULE)
#: What a marked instance forgets of the wait or deferral it was in.
NOTHING_LEFT: Final = {
    "trigger": None,
    "trigger_timeout_at": None,
    "next_method": None,
    "next_kwargs": None,
    "not_before": None,
    "reason": "",
}
_ON_SCHEDULE: Final = (DagRunType.SCHEDULED, DagRunType.BACKFILL)


def targets(
    dag: SerializedDag,
    run: DagRun,
    task_id: str,
    state: TaskInstanceState,
    *,
    map_index: int | None = None,
    past: bool = False,
    future: bool = False,
    upstream: bool = False,
    downstream: bool = False,
) -> QuerySet[TaskInstance]:
    """The instances that marking would change, of the task and the relatives and in the run and the runs asked for.

    Those already in the state are left out. ``map_index`` limits the task itself, not its relatives.
    """
    chosen = Q(task_id=task_id) if map_index is None else Q(task_id=task_id, map_index=map_index)
    others = frozenset[str]()
    if upstream:
        others |= relatives(dag, task_id, upstream=True)
    if downstream:
        others |= relatives(dag, task_id, upstream=False)
    if others:
        chosen |= Q(task_id__in=others)
    runs = runs_between(dag, run, future=future, past=past)
    return TaskInstance.objects.filter(chosen, dag_id=dag.dag_id, run__in=runs).exclude(state=state)


def runs_between(dag: SerializedDag, run: DagRun, *, future: bool, past: bool) -> list[int]:
    """The keys of the run and, where asked, of the DAG's other runs before or after it.

    A DAG on a schedule is followed along its schedule: other manual runs are passed by.
    """
    timetable = registry.decode(dag.timetable, _forecast(dag.dag_id))
    if not (future or past) or (timetable.can_be_scheduled and not timetable.periodic):
        return [run.pk]
    runs = DagRun.objects.filter(dag_id=dag.dag_id)
    if not future:
        runs = runs.filter(logical_date__lte=run.logical_date)
    if not past:
        runs = runs.filter(logical_date__gte=run.logical_date)
    rows = list(runs.order_by("logical_date").values_list("pk", "logical_date", "run_type"))
    if not timetable.can_be_scheduled:
        return [pk for pk, _, _ in rows]
    return [
        pk
        for at, (pk, moment, kind) in enumerate(rows)
        if at == 0 or kind in _ON_SCHEDULE or _is_on_schedule(timetable, moment)
    ]


def _forecast(dag_id: str) -> Any:
    return Dag.objects.filter(pk=dag_id).values_list("upcoming", flat=True).first()


def _is_on_schedule(timetable: Timetable, moment: datetime) -> bool:
    info = timetable.next_dagrun_info(
        last_automated_data_interval=None, restriction=TimeRestriction(earliest=moment, latest=None, catchup=True)
    )
    return info is not None and info.logical_date == moment


def mark(
    dag: SerializedDag,
    run: DagRun,
    task_id: str,
    state: TaskInstanceState,
    *,
    now: datetime,
    future: bool = False,
    past: bool = False,
    **reach: Any,
) -> list[TaskInstance]:
    """Set the state and clear what failed downstream of the task, so that it can go on; the instances that changed.

    To be called in a transaction.
    """
    for other in DagRun.objects.filter(pk__in=runs_between(dag, run, future=future, past=past)):
        other.create_task_instances(dag)
    chosen = targets(dag, run, task_id, state, future=future, past=past, **reach)
    changed = list(chosen.select_related("run").order_by("pk"))
    force(changed, state, now=now)
    failed_below = clearing.Scope(
        within=subset(dag, [task_id], include_upstream=False, include_downstream=True),
        start=None if past else run.logical_date,
        end=None if future else run.logical_date,
        only_failed=True,
        exclude=frozenset({task_id}),
    )
    clearing.clear(clearing.select(dag, failed_below, now=now), now=now)
    notify("scheduler")
    notify("watchers")
    return changed


def force(instances: Iterable[TaskInstance], state: TaskInstanceState, *, now: datetime) -> None:
    """Move instances to a finished state, from whatever they are in; a process that works on one is stopped.

    Dates that are set stay; the others become now, but no start is after the end (what is cleared before it began has
    an end alone).
    """
    rows = list(instances)
    groups: dict[tuple[datetime | None, datetime | None] | None, list[int]] = {}
    for ti in rows:
        is_dated = ti.start_date is not None and ti.end_date is not None
        groups.setdefault(None if is_dated else (ti.start_date, ti.end_date), []).append(ti.pk)
        ti.state = state
    for dates, ids in groups.items():
        kept: dict[str, Any] = {"end_date": F("end_date")}
        if dates is not None:
            end = dates[1] or now
            start = dates[0] or end
            kept = {"start_date": start, "end_date": end, "duration": (end - start).total_seconds()}
        for at in range(0, len(ids), BATCH):
            same = TaskInstance.objects.filter(pk__in=ids[at : at + BATCH])
            same.override(state, now=now, **kept, **NOTHING_LEFT)


def succeed_run(run: DagRun, *, now: datetime) -> bool:
    """Mark all of a run but its teardowns as succeeded; whether the run itself is to be marked, too."""
    dag = versions.current(run.dag_id)
    normal = [task.task_id for task in dag.tasks.values() if not task.is_teardown]
    run.create_task_instances(dag)
    force(_instances(run, normal).exclude(state=_S.SUCCESS), _S.SUCCESS, now=now)
    return len(normal) == len(dag.tasks)


def fail_run(run: DagRun, *, now: datetime) -> bool:
    """Fail what is at work in a run and skip what waits, teardowns left aside; whether the run is to be marked, too."""
    dag = versions.current(run.dag_id)
    teardowns = frozenset(task.task_id for task in dag.tasks.values() if task.is_teardown)
    open_ones = run.task_instances.exclude(state__in=FINISHED)
    left_to_do = open_ones.filter(task_id__in=teardowns).exists()
    normal = open_ones.exclude(task_id__in=teardowns)
    at_work = list(normal.filter(state__in=AT_WORK))
    force(normal.exclude(state__in=AT_WORK), _S.SKIPPED, now=now)
    force(at_work, _S.FAILED, now=now)
    return not left_to_do


def _instances(run: DagRun, task_ids: Collection[str]) -> QuerySet[TaskInstance]:
    return TaskInstance.objects.filter(run=run, task_id__in=task_ids)
