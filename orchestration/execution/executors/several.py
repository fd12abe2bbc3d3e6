"""Several executors at once: each task chooses by its ``executor``."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from orchestration.execution.executors.base import Executor, TaskEvent, Workload

log = logging.getLogger(__name__)


class SeveralExecutors:
    """See ``base.Executor``. ``members`` are by name or path; the first takes what names none, or an unknown one."""

    def __init__(self, members: Mapping[str, Executor]) -> None:
        self._members = {name.rpartition(".")[2]: executor for name, executor in members.items()}
        self._first = next(iter(self._members.values()))

    def start(self, job_id: int) -> None:
        """Start all."""
        for executor in self._members.values():
            executor.start(job_id)

    def submit(self, workloads: Sequence[Workload]) -> None:
        """Give each try to the executor it names."""
        for executor in self._members.values():
            mine = [workload for workload in workloads if self._of(workload) is executor]
            if mine:
                executor.submit(mine)

    def poll(self) -> list[TaskEvent]:
        """What ended anywhere."""
        return [event for executor in self._members.values() for event in executor.poll()]

    def kill(self, ti_ids: Sequence[int], reason: str) -> None:
        """End the tries wherever they are."""
        for executor in self._members.values():
            mine = executor.running() & frozenset(ti_ids)
            if mine:
                executor.kill(sorted(mine), reason)

    def capacity(self) -> int:
        """Free slots of the executor that has the fewest: any of the tries might be for it."""
        return min(executor.capacity() for executor in self._members.values())

    def running(self) -> frozenset[int]:
        """The task instances in anybody's hand."""
        return frozenset().union(*(executor.running() for executor in self._members.values()))

    def fileno(self) -> int | None:
        """That of the first member that has one; the others are asked once a second."""
        return next((fd for e in self._members.values() if (fd := e.fileno()) is not None), None)

    def heartbeat(self) -> None:
        """Mend all."""
        for executor in self._members.values():
            executor.heartbeat()

    def stop(self, grace_seconds: float) -> None:
        """Stop all."""
        for executor in self._members.values():
            executor.stop(grace_seconds)

    def _of(self, workload: Workload) -> Executor:
        if workload.executor is None:
            return self._first
        named = self._members.get(workload.executor.rpartition(".")[2])
        if named is None:
            log.warning("%s names the executor %s, which is not configured", workload.task_id, workload.executor)
        return named or self._first
