"""Clearing task instances: which ones, and what becomes of them.

Mirrors ``DAG.clear`` and ``clear_task_instances`` of Airflow 2.10.5. A cleared instance has no state again and its next
try gets a new number; one that runs is ``restarting`` until its process has ended. Earlier tries stay in the history.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from django.db.models import F, Q
from django.utils.dateparse import parse_datetime

from orchestration.authoring.timetables import registry
from orchestration.conf import conf
from orchestration.errors import Invalid, NotFound
from orchestration.models import (
    Dag,
    DagRun,
    RenderedFields,
    TaskInstance,
    TaskInstanceHistory,
    TaskReschedule,
    versions,
)
from orchestration.models.task_instance import keep_tries
from orchestration.models.wakeups import notify
from orchestration.serialization.values import SerializedDag, SerializedTask
from orchestration.services.clearing_scope import subset
from orchestration.states import FAILED_STATES, FINISHED, RUN_FINISHED, DagRunState, TaskInstanceState

_S = TaskInstanceState
_MARKER: Final = "ExternalTaskMarker"
#: Markers followed from one DAG into the next, where the marker does not say.
_MARKER_DEPTH: Final = 10
#: Ids one statement names; SQLite allows 32,766 parameters.
BATCH: Final = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What to clear of a DAG. Dates are logical dates, both inclusive; None is open.

    ``task_ids`` None: every task. ``within`` limits it to a part of the DAG (see ``clearing_scope.subset``), or is
    None. ``follow``: also sub-DAGs and what ExternalTaskMarkers point to. ``parent``: also, of the DAG that holds this
    sub-DAG, what comes after it. ``map_indexes`` None: all. ``others``: which other DAGs may be reached on these roads
    (sub-DAGs belong to their DAG); None: all. What lies in the rest is left as it is.
    """

    task_ids: frozenset[str] | None = None
    within: frozenset[str] | None = None
    map_indexes: frozenset[int] | None = None
    start: datetime | None = None
    end: datetime | None = None
    run_pk: int | None = None
    only_failed: bool = False
    only_running: bool = False
    follow: bool = True
    parent: bool = True
    exclude: frozenset[str] = frozenset()
    others: frozenset[str] | None = None

    def may_enter(self, dag_id: str) -> bool:
        """Whether instances of this DAG, which is not the one asked for, may be reached."""
        return self.others is None or dag_id in self.others

    @property
    def states(self) -> frozenset[TaskInstanceState]:
        """The states that are cleared; empty: all."""
        failed = FAILED_STATES if self.only_failed else frozenset[TaskInstanceState]()
        return failed | ({_S.RUNNING} if self.only_running else frozenset())


def select(dag: SerializedDag, scope: Scope, *, now: datetime) -> list[TaskInstance]:
    """The task instances to clear, with their runs, by id.

    Raises Invalid where markers lead further than they allow.
    """
    found = _reach(dag, scope, now, visited=set(), depth=0, limit=None)
    if scope.exclude:
        found = {pk: ti for pk, ti in found.items() if ti.task_id not in scope.exclude}
    return [found[pk] for pk in sorted(found)]


def _reach(
    dag: SerializedDag, scope: Scope, now: datetime, *, visited: set[int], depth: int, limit: int | None
) -> dict[int, TaskInstance]:
    rows = TaskInstance.objects.select_related("run").filter(_condition(dag, scope, now))
    found = {ti.pk: ti for ti in rows.order_by("pk")}
    if scope.parent and dag.parent_dag_id is not None:
        found.update(_of_parent(dag, scope, now, visited=visited, depth=depth, limit=limit))
    if scope.follow:
        for marker in [ti for ti in found.values() if ti.operator == _MARKER and ti.pk not in visited]:
            visited.add(marker.pk)
            found.update(_behind_marker(marker, scope, now, visited=visited, depth=depth, limit=limit))
    return found


def _condition(dag: SerializedDag, scope: Scope, now: datetime) -> Q:
    which = Q(dag_id=dag.dag_id)
    if scope.follow:
        which &= Q(task_id__in=scope.within if scope.within is not None else list(dag.tasks))
        for sub in _sub_dags(dag):
            which |= Q(dag_id=sub.dag_id, task_id__in=list(sub.tasks))
    elif scope.within is not None:
        which &= Q(task_id__in=scope.within)
    if scope.task_ids is not None:
        which &= Q(task_id__in=scope.task_ids)
    if scope.map_indexes is not None:
        which &= Q(map_index__in=scope.map_indexes)
    if scope.run_pk is not None:
        which &= Q(run_id=scope.run_pk)
    if scope.start is not None:
        which &= Q(run__logical_date__gte=scope.start)
    end = scope.end if scope.end is not None or _may_lie_ahead(dag) else now
    if end is not None:
        which &= Q(run__logical_date__lte=end)
    if scope.states:
        which &= Q(state__in=scope.states)
    return which


def _may_lie_ahead(dag: SerializedDag) -> bool:
    """Whether runs of dates to come are run at once, so that a clear reaches them."""
    return (
        conf.getboolean("scheduler", "allow_trigger_in_future") and not registry.decode(dag.timetable).can_be_scheduled
    )


def _sub_dags(dag: SerializedDag) -> list[SerializedDag]:
    if not any(task.task_type == "SubDagOperator" for task in dag.tasks.values()):
        return []
    inner = Dag.objects.filter(is_subdag=True, dag_id__startswith=f"{dag.dag_id}.", current_version__isnull=False)
    return [versions.current(dag_id) for dag_id in inner.values_list("dag_id", flat=True)]


def _of_parent(dag: SerializedDag, scope: Scope, now: datetime, **road: Any) -> dict[int, TaskInstance]:
    assert dag.parent_dag_id is not None
    if not scope.may_enter(dag.parent_dag_id):
        return {}
    try:
        parent = versions.current(dag.parent_dag_id)
    except NotFound:
        return {}
    holder = dag.dag_id.removeprefix(f"{dag.parent_dag_id}.")
    after = subset(parent, [holder], include_upstream=False, include_downstream=True)
    return _reach(parent, replace(scope, within=after, parent=False), now, **road)


def _behind_marker(
    marker: TaskInstance, scope: Scope, now: datetime, *, visited: set[int], depth: int, limit: int | None
) -> dict[int, TaskInstance]:
    """What is downstream of the task that a marker points to, in the run of the date it names."""
    try:
        task = versions.current(marker.dag_id).tasks.get(marker.task_id)
    except NotFound:
        task = None
    target = task.external_dag if task is not None else None
    if not target or not target.get("task_id") or not scope.may_enter(target["dag_id"]):
        return {}
    allowed = int(target.get("recursion_depth") or _MARKER_DEPTH) if limit is None else limit
    if depth + 1 > allowed:
        raise Invalid(
            f"The {_MARKER} {marker.task_id} lets a clear go on through {allowed} markers, and there are more. "
            "Clear the DAGs one by one; markers that point to one another never end."
        )
    found: dict[int, TaskInstance] = {}
    pointed_at = TaskInstance.objects.filter(
        dag_id=target["dag_id"], task_id=target["task_id"], run__logical_date=_marked_date(marker)
    )
    for dag_id, task_id, run_pk in pointed_at.values_list("dag_id", "task_id", "run_id").distinct():
        try:
            other = versions.current(dag_id)
        except NotFound:
            continue
        after = subset(other, [task_id], include_upstream=False, include_downstream=True)
        inner = Scope(
            within=after,
            run_pk=run_pk,
            only_failed=scope.only_failed,
            only_running=scope.only_running,
            parent=False,
            exclude=scope.exclude,
            others=scope.others,
        )
        found.update(_reach(other, inner, now, visited=visited, depth=depth + 1, limit=allowed))
    return found


def _marked_date(marker: TaskInstance) -> datetime:
    """The date in the other DAG: what the marker's template gave when it ran, else its own run's date, the default."""
    fields: Any = RenderedFields.objects.filter(pk=marker.pk).values_list("fields", flat=True).first() or {}
    text = fields.get("logical_date") or fields.get("execution_date")
    try:
        given = parse_datetime(text) if isinstance(text, str) else None
    except ValueError:
        given = None
    return given if given is not None and given.tzinfo is not None else marker.run.logical_date


def clear(instances: Iterable[TaskInstance], *, now: datetime, reset_runs: bool = True) -> None:
    """Clear these instances; each is changed by what it is now, not by what it was when it was read.

    ``reset_runs``: their finished runs are queued again, on the newest form of their DAGs. To be called in a
    transaction.
    """
    rows = list(instances)
    run_pks = {ti.run_id for ti in rows}
    runs = DagRun.objects.filter(pk__in=run_pks)
    list(runs.select_for_update().order_by("pk").values_list("pk", flat=True))  # one clear of a run at a time
    for batch in _batches([ti.pk for ti in rows]):
        at_work = TaskInstance.objects.filter(pk__in=batch, state__in=(_S.RUNNING, _S.RESTARTING))
        stopped = frozenset(at_work.values_list("pk", flat=True))
        waiting = [pk for pk in batch if pk not in stopped]
        _end_unfinished(waiting, now)
        _keep_history(batch, now)
        at_work.override(_S.RESTARTING, now=now, reason="Cleared while it ran.")
        _start_anew(waiting, now)
        tries = TaskReschedule.objects.filter(task_instance_id__in=batch, try_number=F("task_instance__try_number"))
        tries._raw_delete(using=tries.db)
    if reset_runs and rows:
        renew(runs)
        requeue(runs, now=now)
    notify("scheduler")
    notify("watchers")


def _batches(ids: list[int]) -> Iterable[list[int]]:
    return (ids[at : at + BATCH] for at in range(0, len(ids), BATCH))


def _end_unfinished(batch: Collection[int], now: datetime) -> None:
    """What waits ends now, as a try that is cut short."""
    open_ones = TaskInstance.objects.filter(pk__in=batch).exclude(state__in=FINISHED)
    open_ones.filter(start_date=None).update(end_date=now, duration=None)
    begun = list(open_ones.exclude(start_date=None).only("pk", "start_date"))
    for ti in begun:
        assert ti.start_date is not None, "chosen by it"
        ti.end_date, ti.duration = now, (now - ti.start_date).total_seconds()
    TaskInstance.objects.bulk_update(begun, ["end_date", "duration"], batch_size=500)


def _keep_history(batch: Collection[int], now: datetime) -> None:
    """The present try becomes history; one that is not over counts as failed."""
    keep_tries(TaskInstance.objects.filter(pk__in=batch))
    cut_short = TaskInstanceHistory.objects.filter(
        task_instance_id__in=batch, try_number=F("task_instance__try_number")
    ).exclude(state__in=FINISHED)
    cut_short.update(state=_S.FAILED, end_date=now)


def _start_anew(batch: Collection[int], now: datetime) -> None:
    """No state, no claim, the task's settings as its file has them now, and as many retries again as it has."""
    waiting = TaskInstance.objects.filter(pk__in=batch)
    for dag_id, task_id in waiting.order_by().values_list("dag_id", "task_id").distinct():
        same = waiting.filter(dag_id=dag_id, task_id=task_id)
        task = _task(dag_id, task_id)
        if task is None:
            same.filter(max_tries__lt=F("try_number")).update(max_tries=F("try_number"))
        else:
            same.update(max_tries=F("try_number") + task.retries, **_settings(task))
    waiting.override(
        _S.NONE,
        now=now,
        external_executor_id=None,
        trigger=None,
        trigger_timeout_at=None,
        next_method=None,
        next_kwargs=None,
        not_before=None,
        reason="",
    )


def _task(dag_id: str, task_id: str) -> SerializedTask | None:
    try:
        return versions.current(dag_id).tasks.get(task_id)
    except NotFound:
        return None


def _settings(task: SerializedTask) -> dict[str, Any]:
    return {
        "operator": task.task_type,
        "custom_operator_name": task.operator_name if task.operator_name != task.task_type else "",
        "task_display_name": task.task_display_name,
        "pool": task.pool,
        "pool_slots": task.pool_slots,
        "queue": task.queue,
        "priority_weight": task.priority_weight_total,
        "executor": task.executor,
        "executor_config": task.executor_config,
    }


def renew(runs: Any) -> None:
    """Put finished runs on the newest form of their DAGs, so that what was mended in the file is what runs again."""
    for run in (
        runs.select_related("dag").exclude(dag__current_version=None).exclude(dag_version=F("dag__current_version"))
    ):
        run.dag_version_id = run.dag.current_version_id
        run.save(update_fields=["dag_version"])
        run.create_task_instances(versions.current(run.dag_id))


def requeue(runs: Any, *, now: datetime) -> None:
    """Queue the finished ones of these runs again, and count the clear."""
    finished = runs.filter(state__in=RUN_FINISHED)
    ids = list(finished.values_list("pk", flat=True))
    again = DagRun.objects.filter(pk__in=ids)
    again.override(DagRunState.QUEUED, now=now)
    again.update(clear_number=F("clear_number") + 1)
