"""What operators do with task instances: clear, mark, run again, note."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from orchestration.errors import Conflict
from orchestration.models import Dag, DagRun, TaskInstance, User, versions
from orchestration.models.wakeups import notify
from orchestration.serialization.values import SerializedDag
from orchestration.services import audit, clearing, dag_runs, marking
from orchestration.services.audit import Actor
from orchestration.services.clearing_scope import subset
from orchestration.states import DagRunState, TaskInstanceState

_S = TaskInstanceState


@transaction.atomic
def clear(
    dag: SerializedDag,
    *,
    actor: Actor,
    run: DagRun | None = None,
    start_date: datetime | None = None,
    end_date: datetime | None = None,
    task_ids: Collection[str] | None = None,
    map_indexes: Collection[int] | None = None,
    only_failed: bool = False,
    only_running: bool = False,
    include_parentdag: bool = False,
    include_subdags: bool = False,
    include_upstream: bool = False,
    include_downstream: bool = False,
    include_past: bool = False,
    include_future: bool = False,
    reset_dag_runs: bool = True,
    dry_run: bool = False,
    others: frozenset[str] | None = None,
) -> list[TaskInstance]:
    """Clear instances of a DAG, in one run or between two logical dates; those that were (or, dry, would be) cleared.

    ``include_past`` and ``include_future`` open the run's or the range's ends. With ``task_ids`` the setups they need
    and their teardowns come along. A dry run writes nothing. ``others`` are the DAGs that markers
    and parents may lead to; None is all of them.
    """
    now = timezone.now()
    start = run.logical_date if run is not None else start_date
    end = run.logical_date if run is not None else end_date
    within = task_scope = None
    if task_ids is not None:
        within = subset(dag, task_ids, include_upstream=include_upstream, include_downstream=include_downstream)
        task_scope = frozenset(task_ids) | within
    scope = clearing.Scope(
        task_ids=task_scope,
        within=within,
        map_indexes=None if map_indexes is None else frozenset(map_indexes),
        start=None if include_past else start,
        end=None if include_future else end,
        only_failed=only_failed,
        only_running=only_running,
        follow=include_subdags,
        parent=include_parentdag,
        others=others,
    )
    instances = clearing.select(dag, scope, now=now)
    if not dry_run:
        audit.record(
            "post_clear_task_instances",
            actor=actor,
            dag_id=dag.dag_id,
            run_id=None if run is None else run.run_id,
            extra={"task_ids": sorted(task_ids) if task_ids is not None else None, "only_failed": only_failed},
        )
        clearing.clear(instances, now=now, reset_runs=reset_dag_runs)
    return instances


@transaction.atomic
def clear_run(
    run: DagRun, *, actor: Actor, dry_run: bool = False, others: frozenset[str] | None = None
) -> list[TaskInstance]:
    """Clear all instances of a run, with its sub-DAGs and what markers point to, and queue it again.

    ``others`` are the DAGs that markers and parents may lead to; None is all of them.
    """
    dag = versions.current(run.dag_id)
    now = timezone.now()
    scope = clearing.Scope(start=run.logical_date, end=run.logical_date, others=others)
    instances = clearing.select(dag, scope, now=now)
    if not dry_run:
        audit.record("clear_dag_run", actor=actor, dag_id=run.dag_id, run_id=run.run_id)
        clearing.clear(instances, now=now)
    return instances


@transaction.atomic
def add_new(run: DagRun, *, actor: Actor, dry_run: bool = False) -> list[TaskInstance]:
    """Give a run the tasks that its DAG has by now and the run has not, and queue it again; those that were added.

    A dry run answers them unsaved. What the run did stays as it is.
    """
    dag = versions.current(run.dag_id)
    have = set(TaskInstance.objects.filter(run=run).values_list("task_id", flat=True))
    missing = [task for task in dag.tasks.values() if task.task_id not in have]
    if dry_run:
        return [TaskInstance.of(run, task) for task in missing]
    now = timezone.now()
    run = dag_runs.lock(run)
    audit.record(
        "clear_dag_run",
        actor=actor,
        dag_id=run.dag_id,
        run_id=run.run_id,
        extra={"new_tasks": [task.task_id for task in missing]},
    )
    current = Dag.objects.filter(pk=run.dag_id).values_list("current_version_id", flat=True).first()
    DagRun.objects.filter(pk=run.pk).update(dag_version_id=current)
    run.create_task_instances(dag, only={task.task_id for task in missing})
    if missing:
        dag_runs.override_state(DagRun.objects.filter(pk=run.pk), DagRunState.QUEUED, now=now)
    notify("scheduler")
    notify("watchers")
    return list(TaskInstance.objects.filter(run=run).exclude(task_id__in=have).order_by("pk"))


@transaction.atomic
def set_state(
    dag: SerializedDag,
    run: DagRun,
    task_id: str,
    state: TaskInstanceState,
    *,
    actor: Actor,
    map_index: int | None = None,
    past: bool = False,
    future: bool = False,
    upstream: bool = False,
    downstream: bool = False,
    dry_run: bool = False,
) -> list[TaskInstance]:
    """Mark a task's instances, with the relatives and runs asked for; those that changed (or, dry, would).

    ``map_index`` None: all instances of the task. What failed downstream of it is cleared, so that the run can go on.
    """
    reach: dict[str, Any] = {
        "map_index": map_index,
        "upstream": upstream,
        "downstream": downstream,
        "future": future,
        "past": past,
    }
    if dry_run:
        return list(marking.targets(dag, run, task_id, state, **reach).select_related("run").order_by("pk"))
    audit.record(
        "post_set_task_instances_state",
        actor=actor,
        dag_id=dag.dag_id,
        run_id=run.run_id,
        task_id=task_id,
        extra={"new_state": str(state), **reach},
    )
    return marking.mark(dag, dag_runs.lock(run), task_id, state, now=timezone.now(), **reach)


@transaction.atomic
def clear_one(instances: Collection[TaskInstance], *, actor: Actor) -> None:
    """Clear these instances of one task in one run, whatever their state, and queue the run again if it is over."""
    _record_one("clear_task_instance", instances, actor)
    clearing.clear(instances, now=timezone.now())


@transaction.atomic
def run(instances: Collection[TaskInstance], *, actor: Actor) -> None:
    """Have these instances of one task run again, through the scheduler, as new tries.

    Raises Conflict while one of them is at work or about to be.
    """
    busy = [ti for ti in instances if ti.state in (_S.QUEUED, _S.RUNNING, _S.RESTARTING)]
    if busy:
        raise Conflict(f"Task instance {busy[0].task_id!r} is {busy[0].state} already. Wait for it, or clear it.")
    _record_one("run_task_instance", instances, actor)
    clearing.clear(instances, now=timezone.now())


def _record_one(event: str, instances: Collection[TaskInstance], actor: Actor) -> None:
    first = next(iter(instances))
    audit.record(event, actor=actor, dag_id=first.dag_id, run_id=first.run.run_id, task_id=first.task_id)


@transaction.atomic
def set_note(instance: TaskInstance, note: str | None, *, actor: Actor) -> TaskInstance:
    """Write the instance's note."""
    audit.record(
        "set_task_instance_note",
        actor=actor,
        dag_id=instance.dag_id,
        run_id=instance.run.run_id,
        task_id=instance.task_id,
        map_index=instance.map_index,
        extra={"note": note},
    )
    instance.note = note
    instance.note_author = actor if isinstance(actor, User) else None
    instance.updated_at = timezone.now()
    instance.save(update_fields=["note", "note_author", "updated_at"])
    return instance
