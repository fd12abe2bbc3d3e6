"""Runs each try in the present process, one after the other: for tests of DAGs, without a supervisor."""

from __future__ import annotations

from collections.abc import Sequence

from orchestration.authoring import alias
from orchestration.authoring.loading import LoadedFile, load_dag_file
from orchestration.execution.executors.base import TaskEvent, Workload
from orchestration.execution.in_process import run_workload
from orchestration.execution.warm import archive_of


class InProcessExecutor:
    """See ``base.Executor``. ``poll`` runs what was submitted and so takes as long as the tasks do.

    User code runs in the caller's process: not for a scheduler. ``core.executor = SequentialExecutor`` is a
    ``LocalExecutor`` with one slot.
    """

    def __init__(self) -> None:
        self._waiting: list[Workload] = []
        self._files: dict[str, LoadedFile] = {}

    def start(self, job_id: int) -> None:
        """Make Airflow's names importable."""
        alias.install()

    def submit(self, workloads: Sequence[Workload]) -> None:
        """Keep the tries for ``poll``."""
        self._waiting += sorted(workloads, key=lambda workload: -workload.priority)

    def poll(self) -> list[TaskEvent]:
        """Run everything that waits; how it ended."""
        events: list[TaskEvent] = []
        while self._waiting:
            workload = self._waiting.pop(0)
            event = run_workload(workload, self._file(workload.fileloc))
            if event is not None:
                events.append(event)
        return events

    def kill(self, ti_ids: Sequence[int], reason: str) -> None:
        """Forget tries that wait; the one that runs is the caller itself."""
        self._waiting = [workload for workload in self._waiting if workload.ti_id not in set(ti_ids)]

    def capacity(self) -> int:
        """One, while nothing waits."""
        return 0 if self._waiting else 1

    def running(self) -> frozenset[int]:
        """The task instances that wait."""
        return frozenset(workload.ti_id for workload in self._waiting)

    def fileno(self) -> int | None:
        """None: there is nothing to listen to."""
        return None

    def heartbeat(self) -> None:
        """Nothing breaks."""

    def stop(self, grace_seconds: float) -> None:
        """Forget what waits; it stays queued."""
        self._waiting.clear()

    def _file(self, fileloc: str) -> LoadedFile:
        if fileloc not in self._files:
            self._files[fileloc] = load_dag_file(archive_of(fileloc))
        return self._files[fileloc]
