"""The step that queues ready task instances: within all slots and limits, then handed to the executor.

Only one scheduler is in this section at a time (an advisory lock on PostgreSQL, the write lock on SQLite), so that
several never exceed the slots together.
"""

from __future__ import annotations

import logging
import uuid
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import Q, QuerySet

from orchestration.execution.executors.base import Executor, Workload
from orchestration.models import versions
from orchestration.models.dag import DagVersion
from orchestration.models.statements import RowStatement
from orchestration.models.task_instance import TaskInstance
from orchestration.scheduling import statements
from orchestration.scheduling.rows import locked
from orchestration.scheduling.slots import Blocked, Ledger, PoolSize, Ready, TaskLimits, Use
from orchestration.states import DagRunState, DagRunType, TaskInstanceState

log = logging.getLogger(__name__)

_S = TaskInstanceState

#: Looks behind what is blocked that one section takes.
_MOST_LOOKS = 10

#: The columns of ``statements.ready``.
_COLUMNS = (
    # as in Ready
    "pk",
    "dag_id",
    "run_id",
    "task_id",
    "map_index",
    "pool",
    "pool_slots",
    "priority_weight",
    "run__logical_date",
    "dag__max_active_tasks",
    # for the workload and the tasks' own limits
    "try_number",
    "run__run_id",
    "dag__fileloc",
    "queue",
    "executor",
    "dag__has_task_concurrency_limits",
    "run__dag_version_id",
)
#: How many columns are those of ``Ready``, its limits aside.
_READY = len(Ready._fields) - 1


class Queued(NamedTuple):
    """What one section did."""

    workloads: list[Workload]
    #: Another scheduler was in the section: try again soon.
    is_busy: bool = False


def queue_ready(executor: Executor, *, now: datetime, job_id: int, limit: int, skips_locked: bool = False) -> Queued:
    """Queue what is ready and fits, and hand it to the executor when the transaction has committed.

    ``limit`` is the most that one section queues. Three statements, one where nothing is ready; more where something is
    full. Those that stay ready for lack of slots are looked at again in every section. ``skips_locked`` leaves out what
    somebody else has locked, for one statement more.
    """
    free = min(executor.capacity(), limit)
    if free <= 0:
        return Queued([])
    with transaction.atomic(savepoint=False):
        first = statements.ready(free)
        if not first:
            return Queued([], is_busy=first is None)
        if skips_locked:
            mine = TaskInstance.objects.filter(pk__in=[row[0] for row in first]).values_list("pk")
            held = {pk for (pk,) in locked(mine)}
            first = [row for row in first if row[0] in held]
        ledger = _ledger(free)
        workloads = _choose(ledger, first, free)
        queued = _write(workloads, now=now, job_id=job_id)
        for name in ledger.unknown_pools():
            log.warning("There is no pool %s: tasks that name it wait. Make the pool, or mend the DAG.", name)
        if queued:
            transaction.on_commit(lambda: executor.submit(queued))
    return Queued(queued)


def _choose(ledger: Ledger, first: list[tuple[Any, ...]], free: int) -> list[Workload]:
    """The workloads that get a slot; looks behind what is blocked until nothing new blocks."""
    workloads: list[Workload] = []
    rows = first
    for _ in range(_MOST_LOOKS):
        by_id = {row[0]: row for row in rows}
        blocked_before = len(ledger.blocked)
        limits = _limits(rows)
        ready = [_as_ready(row)._replace(limits=limits.get((row[-1], row[3]), TaskLimits())) for row in rows]
        chosen = ledger.choose(sorted(ready, key=lambda each: each.order))
        workloads += [_workload(each, by_id[each.ti_id]) for each in chosen]
        if ledger.free <= 0 or len(rows) < free or len(ledger.blocked) == blocked_before:
            break
        taken = {workload.ti_id for workload in workloads}
        rows = [row for row in _ready(ledger.blocked, free + len(taken)) if row[0] not in taken]
    return workloads


def _ready(blocked: Blocked, limit: int) -> list[tuple[Any, ...]]:
    rows: QuerySet[TaskInstance] = TaskInstance.objects.filter(
        Q(dag__is_paused=False) | Q(run__run_type=DagRunType.BACKFILL),
        state=_S.SCHEDULED,
        run__state=DagRunState.RUNNING,
    )
    if blocked.pools:
        rows = rows.exclude(pool__in=blocked.pools)
    if blocked.dags:
        rows = rows.exclude(dag__in=blocked.dags)
    for dag_id, task_id in blocked.tasks:
        rows = rows.exclude(dag=dag_id, task_id=task_id)
    for run_pk, task_id in blocked.run_tasks:
        rows = rows.exclude(run=run_pk, task_id=task_id)
    rows = rows.order_by("-priority_weight", "run__logical_date", "map_index", "pk")
    return list(rows.values_list(*_COLUMNS)[:limit])


def _ledger(free: int) -> Ledger:
    """The slots that are left; one statement, another where deferred tasks hold slots."""
    pools, uses = statements.slots()
    used: Counter[str] = Counter()
    for pool, *_, slots in uses:
        used[pool] += int(slots)
    holding = [name for name, _, is_deferred_held in pools if is_deferred_held]
    if holding:
        used.update({pool: int(slots) for pool, slots in statements.deferred(holding)})
    return Ledger(
        free=free,
        pools={name: PoolSize(int(slots), used[name]) for name, slots, _ in pools},
        uses=[Use(dag_id, run_pk, task_id, instances) for _, dag_id, run_pk, task_id, instances, _ in uses],
    )


def _limits(rows: Sequence[tuple[Any, ...]]) -> dict[tuple[int, str], TaskLimits]:
    """The limits of tasks that have any, by version and task; no query for DAGs without."""
    limited = {version_id for *_, has_limits, version_id in rows if has_limits and version_id is not None}
    if not limited:
        return {}
    dags = versions.load(dict(DagVersion.objects.filter(pk__in=limited).values_list("pk", "updated_at")))
    return {
        (version_id, task.task_id): TaskLimits(task.max_active_tis_per_dag, task.max_active_tis_per_dagrun)
        for version_id, dag in dags.items()
        for task in dag.tasks.values()
        if task.max_active_tis_per_dag is not None or task.max_active_tis_per_dagrun is not None
    }


def _as_ready(row: tuple[Any, ...]) -> Ready:
    return Ready._make((*row[:_READY], TaskLimits()))


def _workload(ready: Ready, row: tuple[Any, ...]) -> Workload:
    try_number, run_id, fileloc, queue, executor = row[_READY : _READY + 5]
    return Workload(
        ti_id=ready.ti_id,
        try_number=try_number,
        claim=str(uuid.uuid4()),
        dag_id=ready.dag_id,
        run_id=run_id,
        task_id=ready.task_id,
        map_index=ready.map_index,
        fileloc=fileloc,
        queue=queue,
        pool=ready.pool,
        priority=ready.priority_weight,
        executor=executor,
    )


_QUEUE = RowStatement(
    """
    UPDATE {ti} SET state = 'queued', queued_at = chosen.at, queued_by_job_id = chosen.job_id,
           updated_at = chosen.at, claim = chosen.claim
    FROM {rows} AS chosen WHERE {ti}.id = chosen.id AND {ti}.state = 'scheduled' RETURNING {ti}.id""",
    {"id": "bigint", "claim": "uuid", "at": "timestamptz", "job_id": "bigint"},
    ti=TaskInstance,
)


def _write(workloads: Sequence[Workload], *, now: datetime, job_id: int) -> list[Workload]:
    """Move them to queued, each with its claim, in one statement; those that went."""
    moved = _QUEUE.run(
        [{"id": each.ti_id, "claim": uuid.UUID(each.claim), "at": now, "job_id": job_id} for each in workloads]
    )
    ids = {row[0] for row in moved}
    return [workload for workload in workloads if workload.ti_id in ids]
