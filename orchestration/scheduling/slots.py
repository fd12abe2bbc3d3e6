"""Which of the ready task instances may be queued now: pools, limits of DAGs and tasks, the executor's free slots.

Pure. Mirrors ``SchedulerJobRunner._executable_task_instances_to_queued`` of Airflow 2.10.5. Whoever is blocked is left
out of the next look by what blocks it, so that those behind it in the order get their turn.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from math import inf
from typing import NamedTuple

#: The slots of a pool without limit.
UNLIMITED = -1


class TaskLimits(NamedTuple):
    """How many instances of a task may be active: in all runs, and in one. None is no limit."""

    per_dag: int | None = None
    per_run: int | None = None


class Ready(NamedTuple):
    """A scheduled task instance; in the order of queueing when sorted by ``order``."""

    ti_id: int
    dag_id: str
    run_pk: int
    task_id: str
    map_index: int
    pool: str
    pool_slots: int
    priority_weight: int
    logical_date: datetime
    max_active_tasks: int
    limits: TaskLimits = TaskLimits()

    @property
    def order(self) -> tuple[int, datetime, int, int]:
        """Heavier first, then older runs, then lower map indexes."""
        return (-self.priority_weight, self.logical_date, self.map_index, self.ti_id)


class PoolSize(NamedTuple):
    """A pool: its slots (-1 is no limit) and those in use."""

    slots: int
    used: int

    @property
    def open(self) -> float:
        """Free slots; below zero when the pool was made smaller."""
        return inf if self.slots == UNLIMITED else self.slots - self.used


class Use(NamedTuple):
    """How many active instances one task of one run has."""

    dag_id: str
    run_pk: int
    task_id: str
    instances: int


@dataclass(slots=True)
class Blocked:
    """What is full: instances that need it are not looked at again in this section."""

    pools: set[str] = field(default_factory=set)
    dags: set[str] = field(default_factory=set)
    tasks: set[tuple[str, str]] = field(default_factory=set)
    run_tasks: set[tuple[int, str]] = field(default_factory=set)

    def __len__(self) -> int:
        return len(self.pools) + len(self.dags) + len(self.tasks) + len(self.run_tasks)


class Ledger:
    """The slots that are left; ``choose`` takes from them."""

    def __init__(self, *, free: int, pools: Mapping[str, PoolSize], uses: Iterable[Use]) -> None:
        self.free = free
        self.blocked = Blocked()
        self._pools = pools
        self._open = {name: pool.open for name, pool in pools.items()}
        self._by_dag: Counter[str] = Counter()
        self._by_task: Counter[tuple[str, str]] = Counter()
        self._by_run_task: Counter[tuple[int, str]] = Counter()
        for use in uses:
            self._count(use.dag_id, use.run_pk, use.task_id, use.instances)

    def choose(self, ready: Iterable[Ready]) -> list[Ready]:
        """Those that get a slot, in their order; what blocks the others is noted in ``blocked``."""
        chosen = []
        for each in ready:
            if self.free <= 0:
                break
            if self._is_blocked(each):
                continue
            self.free -= 1
            self._open[each.pool] -= each.pool_slots
            self._count(each.dag_id, each.run_pk, each.task_id, 1)
            chosen.append(each)
        return chosen

    def unknown_pools(self) -> frozenset[str]:
        """Pools that ready instances name and that do not exist."""
        return frozenset(self.blocked.pools - self._pools.keys())

    def _is_blocked(self, ready: Ready) -> bool:
        blocked = self.blocked
        task, run_task = (ready.dag_id, ready.task_id), (ready.run_pk, ready.task_id)
        if self._open.get(ready.pool, 0) <= 0:
            blocked.pools.add(ready.pool)
            return True
        if ready.pool_slots > self._open[ready.pool]:
            blocked.tasks.add(task)
            return True
        if self._by_dag[ready.dag_id] >= ready.max_active_tasks:
            blocked.dags.add(ready.dag_id)
            return True
        if _is_reached(ready.limits.per_dag, self._by_task[task]):
            blocked.tasks.add(task)
            return True
        if _is_reached(ready.limits.per_run, self._by_run_task[run_task]):
            blocked.run_tasks.add(run_task)
            return True
        return False

    def _count(self, dag_id: str, run_pk: int, task_id: str, instances: int) -> None:
        self._by_dag[dag_id] += instances
        self._by_task[dag_id, task_id] += instances
        self._by_run_task[run_pk, task_id] += instances


def _is_reached(limit: int | None, active: int) -> bool:
    return limit is not None and active >= limit
