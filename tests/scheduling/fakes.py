"""An executor in memory: it runs nothing, and ends tries as a test says."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from django.db import transaction

from orchestration.execution.executors.base import TaskEvent, Workload
from orchestration.models import outcomes
from orchestration.models.task_instance import TaskInstance
from orchestration.states import TaskInstanceState

#: Says how a try ends; None leaves it running.
Ends = Callable[[Workload], TaskInstanceState | None]


class FakeExecutor:
    """Keeps the port's contract: tries are claimed, ends are fenced by the claim, then reported."""

    def __init__(self, ends: Ends = lambda workload: TaskInstanceState.SUCCESS, parallelism: int = 32) -> None:
        self.ends = ends
        self.parallelism = parallelism
        self.submitted: list[Workload] = []
        self.killed: list[int] = []
        self.in_hand: dict[int, Workload] = {}
        self.events: list[TaskEvent] = []
        self.most_at_once = 0
        self.is_stopped = False
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)

    def start(self, job_id: int) -> None:
        self.job_id = job_id

    def submit(self, workloads: Sequence[Workload]) -> None:
        self.submitted += workloads
        self.in_hand.update({workload.ti_id: workload for workload in workloads})
        self.most_at_once = max(self.most_at_once, len(self.in_hand))
        os.write(self._writer, b"1")

    def poll(self) -> list[TaskEvent]:
        with contextlib.suppress(BlockingIOError):
            os.read(self._reader, 1000)
        for workload in list(self.in_hand.values()):
            state = self.ends(workload)
            if state is not None:
                self.end(workload, state)
        events, self.events = self.events, []
        return events

    def end(self, workload: Workload, state: TaskInstanceState) -> None:
        """The try began and ended."""
        now = datetime.now(UTC)
        del self.in_hand[workload.ti_id]
        with transaction.atomic():
            row = TaskInstance.objects.select_related("run").filter(pk=workload.ti_id, claim=workload.claim)
            if not row.filter(state="queued").move(TaskInstanceState.RUNNING, now=now):
                return
            outcome = outcomes.Outcome(
                held=outcomes.Held.of(row.get()), state=state, ended_at=now,
                not_before=now if state in ("up_for_retry", "up_for_reschedule") else None,
            )  # fmt: skip
            outcomes.write([outcome])
        self.events.append(TaskEvent(workload.ti_id, outcome.held.run_pk, state))

    def kill(self, ti_ids: Sequence[int], reason: str) -> None:
        self.killed += ti_ids
        for ti_id in ti_ids:
            self.in_hand.pop(ti_id, None)

    def capacity(self) -> int:
        return max(self.parallelism - len(self.in_hand), 0)

    def running(self) -> frozenset[int]:
        return frozenset(self.in_hand)

    def fileno(self) -> int | None:
        return self._reader

    def heartbeat(self) -> None:
        pass

    def stop(self, grace_seconds: float) -> None:
        self.is_stopped = True
        os.close(self._reader)
        os.close(self._writer)
