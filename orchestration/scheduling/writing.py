"""Decisions become rows: one guarded UPDATE for each kind of change, whatever the number of runs and instances."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

import orjson
from django.db.models import Case, F, Value, When
from django.db.models.functions import Coalesce

from orchestration.models.dag_run import DagRun
from orchestration.models.task_instance import INSERT_BATCH, TaskInstance, TaskInstanceQuerySet
from orchestration.models.trigger import Trigger
from orchestration.models.wakeups import notify
from orchestration.scheduling import statements
from orchestration.scheduling.decisions import Decision, Instance
from orchestration.scheduling.graph import Graph
from orchestration.scheduling.rows import RunRow, chunks
from orchestration.serialization.values import StartTrigger
from orchestration.states import SCHEDULABLE, UNFINISHED, TaskInstanceState

_S = TaskInstanceState


def write(
    decisions: Mapping[int, Decision], runs: Mapping[int, RunRow], graphs: Mapping[int, Graph], *, now: datetime
) -> None:
    """Write what was decided, by run; the runs' outcomes are left to ``endings``.

    Whoever changed an instance since it was read wins: the guarded UPDATE leaves it.
    """
    every = decisions.values()
    _expand([pk for each in every for pk in each.expand], [pk for each in every for pk in each.drop], now)
    _settle([one for each in every for one in each.settle], now)
    _succeed([one for each in every for one in each.succeed], now)
    _schedule([one for each in every for one in each.schedule], now)
    _create({pk: each.create for pk, each in decisions.items() if each.create}, runs, graphs, now)
    _defer({pk: each.defer for pk, each in decisions.items() if each.defer}, graphs, now)


def _rows(instances: Iterable[Instance], states: Iterable[str]) -> Iterable[TaskInstanceQuerySet]:
    """The rows of these instances that are still in one of the states, in portions."""
    ids = [each.pk for each in instances if each.pk is not None]
    return (TaskInstance.objects.filter(pk__in=portion, state__in=list(states)) for portion in chunks(ids))


def _expand(placeholders: list[int], dropped: list[int], now: datetime) -> None:
    for portion in chunks(placeholders):
        TaskInstance.objects.filter(pk__in=portion, map_index=-1).update(map_index=0, updated_at=now)
    if dropped:
        TaskInstance.objects.filter(pk__in=dropped, map_index=-1).delete()


def _settle(instances: list[Instance], now: datetime) -> None:
    by_state: dict[str, list[Instance]] = {}
    for each in instances:
        by_state.setdefault(each.state, []).append(each)
    for state, settled in by_state.items():
        # Of a mapped task that shrank also those that had ended are taken out.
        reached_from = list(TaskInstanceState) if state == _S.REMOVED else SCHEDULABLE
        for rows in _rows(settled, reached_from):
            rows.update(
                state=state,
                start_date=Coalesce("start_date", Value(now)),
                end_date=now,
                duration=Case(When(start_date=None, then=Value(0.0)), default=F("duration")),
                claim=None,
                not_before=None,
                updated_at=now,
            )


def _succeed(instances: list[Instance], now: datetime) -> None:
    for rows in _rows(instances, SCHEDULABLE):
        rows.update(
            state=_S.SUCCESS,
            try_number=F("try_number") + 1,
            start_date=now,
            end_date=now,
            duration=0.0,
            not_before=None,
            updated_at=now,
        )


def _schedule(instances: list[Instance], now: datetime) -> None:
    if instances:
        statements.schedule([each.pk for each in instances if each.pk is not None], now=now)


def _create(
    instances: Mapping[int, list[Instance]], runs: Mapping[int, RunRow], graphs: Mapping[int, Graph], now: datetime
) -> None:
    rows = []
    for run_pk, created in instances.items():
        run = DagRun(pk=run_pk, dag_id=runs[run_pk].dag_id)
        tasks = graphs[run_pk].dag.tasks
        for each in created:
            row = TaskInstance.of(run, tasks[each.task_id], each.map_index)
            rows.append(_in_state(row, each.state, now))
    if rows:
        TaskInstance.objects.bulk_create(rows, batch_size=INSERT_BATCH, ignore_conflicts=True)


def _in_state(row: TaskInstance, state: str, now: datetime) -> TaskInstance:
    # One that begins deferred is made without a state first: it gets its trigger with the others.
    row.state = _S.NONE if state == _S.DEFERRED else state
    row.updated_at = now
    if state == _S.SCHEDULED:
        row.try_number = 1
    elif state not in UNFINISHED:
        row.start_date = row.end_date = now
        row.duration = 0.0
        row.try_number = int(state == _S.SUCCESS)
    return row


def _defer(instances: Mapping[int, list[Instance]], graphs: Mapping[int, Graph], now: datetime) -> None:
    """Tasks that begin with their trigger, without a process before it."""
    if not instances:
        return
    ids = {
        (run_pk, task_id, map_index): pk
        for run_pk, task_id, map_index, pk in TaskInstance.objects.filter(
            run__in=list(instances), task_id__in={each.task_id for found in instances.values() for each in found}
        ).values_list("run_id", "task_id", "map_index", "pk")
    }
    wanted: list[tuple[int, StartTrigger]] = []
    for run_pk, found in instances.items():
        for each in found:
            start = graphs[run_pk].dag.tasks[each.task_id].start_trigger
            pk = ids.get((run_pk, each.task_id, each.map_index))
            if pk is not None and start is not None:
                wanted.append((pk, start))
    triggers = Trigger.objects.bulk_create(
        Trigger(classpath=start.trigger_cls, kwargs=orjson.dumps(start.trigger_kwargs or {}).decode(), created_at=now)
        for _, start in wanted
    )
    for (pk, start), trigger in zip(wanted, triggers, strict=True):
        timeout = start.timeout_seconds
        moved = TaskInstance.objects.filter(pk=pk, state__in=SCHEDULABLE).update(
            state=_S.DEFERRED,
            try_number=F("try_number") + 1,
            start_date=now,
            trigger=trigger,
            trigger_timeout_at=None if timeout is None else now + timedelta(seconds=timeout),
            next_method=start.next_method,
            next_kwargs=start.next_kwargs or {},
            not_before=None,
            updated_at=now,
        )
        if not moved:
            trigger.delete()
    if wanted:
        notify("triggerer")
