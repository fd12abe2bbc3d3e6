"""One verb on many runs or task instances: each by the service of the single verb, in a transaction of its own.

Every row that is changed leaves its row in the audit log, as if it had been changed alone. What is refused for one
does not stop the others. Callers go on from ``last`` until it is None; a step takes about ``SECONDS``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Final

from orchestration.access.permissions import editable_dag_ids
from orchestration.access.requirements import BY_ID
from orchestration.errors import Invalid, OrchestrationError
from orchestration.models import DagRun, TaskInstance, User, versions
from orchestration.services import audit, dag_runs, task_instances
from orchestration.states import FINISHED, DagRunState, TaskInstanceState

#: Seconds after which a step ends, so that progress is seen.
SECONDS: Final = 1.0
#: Rows that one step reads.
BATCH: Final = 200
#: Options of a clear, all off where they are not given.
CLEAR_OPTIONS: Final = ("upstream", "downstream", "past", "future", "recursive", "only_failed", "only_running")
MARK_OPTIONS: Final = ("upstream", "downstream", "past", "future")


@dataclass(frozen=True, slots=True)
class Verb:
    """``act`` takes a row (or the rows of a task in a run), the actor, options and whether it is a dry run.

    It returns the task instances that were, or would be, changed.
    """

    label: str
    operation: str
    act: Callable[..., Sequence[TaskInstance]]
    options: tuple[str, ...] = ()
    is_danger: bool = False


@dataclass(slots=True)
class Step:
    """What one step did: rows it went through, task instances it changed, what was refused, and where to go on."""

    rows: int = 0
    changed: int = 0
    refused: list[dict[str, str]] = field(default_factory=list)
    affected: list[TaskInstance] = field(default_factory=list)
    last: int | None = None


def touched_by_mark(run: DagRun, state: DagRunState) -> list[TaskInstance]:
    """The instances whose state changes with the mark of their run, teardowns left aside; one query."""
    if state == DagRunState.QUEUED:
        return []
    teardowns = [task.task_id for task in versions.current(run.dag_id).tasks.values() if task.is_teardown]
    rows = TaskInstance.objects.filter(run=run).exclude(task_id__in=teardowns).order_by("pk")
    if state == DagRunState.SUCCESS:
        return list(rows.exclude(state=TaskInstanceState.SUCCESS))
    return list(rows.exclude(state__in=FINISHED))


def _clear_run(run: DagRun, actor: User, options: Mapping[str, bool], dry_run: bool) -> Sequence[TaskInstance]:
    others = editable_dag_ids(actor)
    if not options.get("only_failed"):
        return task_instances.clear_run(run, actor=actor, dry_run=dry_run, others=others)
    dag = versions.current(run.dag_id)
    return task_instances.clear(dag, actor=actor, run=run, only_failed=True, dry_run=dry_run, others=others)


def _rerun(run: DagRun, actor: User, options: Mapping[str, bool], dry_run: bool) -> Sequence[TaskInstance]:
    return _clear_run(run, actor, {"only_failed": True}, dry_run)


def _mark_run(state: DagRunState) -> Callable[..., Sequence[TaskInstance]]:
    def act(run: DagRun, actor: User, options: Mapping[str, bool], dry_run: bool) -> Sequence[TaskInstance]:
        touched = touched_by_mark(run, state)
        if not dry_run:
            dag_runs.set_state(run, state, actor=actor)
        return touched

    return act


def _delete_run(run: DagRun, actor: User, options: Mapping[str, bool], dry_run: bool) -> Sequence[TaskInstance]:
    touched = list(TaskInstance.objects.filter(run=run).order_by("pk"))
    if not dry_run:
        dag_runs.delete(run, actor=actor)
    return touched


def _clear_tasks(
    group: Sequence[TaskInstance], actor: User, options: Mapping[str, bool], dry_run: bool
) -> Sequence[TaskInstance]:
    run = group[0].run
    is_mapped = any(ti.map_index >= 0 for ti in group)
    return task_instances.clear(
        versions.current(run.dag_id),
        actor=actor,
        run=run,
        task_ids=sorted({ti.task_id for ti in group}),
        map_indexes=sorted(ti.map_index for ti in group) if is_mapped else None,
        only_failed=options.get("only_failed", False),
        only_running=options.get("only_running", False),
        include_upstream=options.get("upstream", False),
        include_downstream=options.get("downstream", False),
        include_past=options.get("past", False),
        include_future=options.get("future", False),
        include_subdags=options.get("recursive", False),
        include_parentdag=options.get("recursive", False),
        dry_run=dry_run,
        others=editable_dag_ids(actor),
    )


def _mark_tasks(state: TaskInstanceState) -> Callable[..., Sequence[TaskInstance]]:
    def act(
        group: Sequence[TaskInstance], actor: User, options: Mapping[str, bool], dry_run: bool
    ) -> Sequence[TaskInstance]:
        dag = versions.current(group[0].dag_id)
        reach = {name: options.get(name, False) for name in MARK_OPTIONS}
        marked: list[TaskInstance] = []
        for ti in group:
            marked += task_instances.set_state(
                dag, ti.run, ti.task_id, state, actor=actor, map_index=ti.map_index, dry_run=dry_run, **reach
            )
        return marked

    return act


#: What can be done to many runs.
RUN_VERBS: Final[Mapping[str, Verb]] = {
    "rerun": Verb("Re-run failed tasks", "post_clear_task_instances", _rerun),
    "clear": Verb("Clear", "clear_dag_run", _clear_run, ("only_failed",)),
    "success": Verb("Mark success", "update_dag_run_state", _mark_run(DagRunState.SUCCESS)),
    "failed": Verb("Mark failed", "update_dag_run_state", _mark_run(DagRunState.FAILED), is_danger=True),
    "queued": Verb("Queue again", "update_dag_run_state", _mark_run(DagRunState.QUEUED)),
    "delete": Verb("Delete", "delete_dag_run", _delete_run, is_danger=True),
}
#: What can be done to many task instances.
TASK_VERBS: Final[Mapping[str, Verb]] = {
    "clear": Verb("Clear", "post_clear_task_instances", _clear_tasks, CLEAR_OPTIONS),
    "success": Verb(
        "Mark success", "post_set_task_instances_state", _mark_tasks(TaskInstanceState.SUCCESS), MARK_OPTIONS
    ),
    "failed": Verb(
        "Mark failed", "post_set_task_instances_state", _mark_tasks(TaskInstanceState.FAILED), MARK_OPTIONS, True
    ),
    "skipped": Verb(
        "Mark skipped", "post_set_task_instances_state", _mark_tasks(TaskInstanceState.SKIPPED), MARK_OPTIONS
    ),
}


def over_runs(
    rows: Any, verb: Verb, *, actor: User, after: int, through: int, options: Mapping[str, bool], dry_run: bool = False
) -> Step:
    """A step over the runs of ``rows`` whose keys lie after ``after`` and not beyond ``through``."""
    found = rows.order_by("pk").filter(pk__gt=after, pk__lte=through).select_related("dag")[:BATCH]
    units = ((run, [run], run.pk) for run in found)
    return _step(units, verb, actor=actor, options=options, dry_run=dry_run, is_last_batch=len(found) < BATCH)


def over_task_instances(
    rows: Any, verb: Verb, *, actor: User, after: int, through: int, options: Mapping[str, bool], dry_run: bool = False
) -> Step:
    """A step over the task instances of ``rows``, as ``over_runs``; instances of one task in one run go together."""
    found = list(rows.order_by("pk").filter(pk__gt=after, pk__lte=through).select_related("run")[:BATCH])
    is_last_batch = len(found) < BATCH
    units = ((group, group, group[-1].pk) for group in _by_task(found))
    return _step(units, verb, actor=actor, options=options, dry_run=dry_run, is_last_batch=is_last_batch)


def _by_task(found: Iterable[TaskInstance]) -> Iterator[list[TaskInstance]]:
    for _, group in groupby(found, key=lambda ti: (ti.run_id, ti.task_id)):
        yield list(group)


def _step(
    units: Iterable[tuple[Any, list[Any], int]],
    verb: Verb,
    *,
    actor: User,
    options: Mapping[str, bool],
    dry_run: bool,
    is_last_batch: bool,
) -> Step:
    step, begun, is_cut = Step(), time.monotonic(), False
    for unit, members, last in units:
        if step.rows and time.monotonic() - begun > SECONDS:
            is_cut = True
            break
        try:
            changed = _one(unit, members, verb, actor, options, dry_run)
        except OrchestrationError as error:
            step.refused.append({"name": _name(members[0]), "detail": error.detail or error.title or "refused"})
        else:
            step.changed += len(changed)
            if dry_run:
                step.affected.extend(changed)
        step.rows += len(members)
        step.last = last
    if is_last_batch and not is_cut:
        step.last = None
    return step


def _one(
    unit: Any, members: list[Any], verb: Verb, actor: User, options: Mapping[str, bool], dry_run: bool
) -> Sequence[TaskInstance]:
    first = members[0]
    dag_id, run_id = first.dag_id, first.run_id if isinstance(first, DagRun) else first.run.run_id
    if not BY_ID[verb.operation].allows(actor, dag_id):
        raise Invalid(f"You may not do this on DAG {dag_id!r}.")
    if dry_run:
        return verb.act(unit, actor, options, True)
    task_id = first.task_id if isinstance(first, TaskInstance) else None
    extra = {**options, "in_bulk": True, "rows": len(members)}
    with audit.request(verb.operation, actor=actor, extra=extra, dag_id=dag_id, run_id=run_id, task_id=task_id):
        return verb.act(unit, actor, options, False)


def _name(row: DagRun | TaskInstance) -> str:
    if isinstance(row, DagRun):
        return f"{row.dag_id} {row.run_id}"
    return f"{row.dag_id} {row.run.run_id} {row.task_id}"
