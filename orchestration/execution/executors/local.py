"""Runs tasks on this machine: one supervisor process beside the scheduler's, which has them forked."""

from __future__ import annotations

import contextlib
import logging
import signal
import time
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from orchestration.execution import processes, turns
from orchestration.execution.executors.base import TaskEvent, Workload
from orchestration.execution.supervisor_process import SupervisorProcess
from orchestration.models import outcomes
from orchestration.models.task_instance import TaskInstance
from orchestration.processes import frames
from orchestration.states import TaskInstanceState

log = logging.getLogger(__name__)

#: Seconds that a supervisor which was told to stop may take beyond its grace: its tries are being killed.
STOP_MARGIN = 10.0
#: Supervisors that lived for fewer seconds, one after the other, are replaced later and later.
SHORT_LIFE = 10.0
LONGEST_PAUSE = 30.0
#: Seconds until it is tried again where no process could be started.
START_PAUSE = 5.0


class LocalExecutor:
    """See ``base.Executor``. Holds at most ``parallelism`` tries.

    ``is_threaded``: the process has other threads, so the supervisor is not forked from it. ``hears_wakeups``: no
    scheduler tells this executor of lost claims (a worker).
    """

    def __init__(self, parallelism: int, *, is_threaded: bool = False, hears_wakeups: bool = False) -> None:
        self._parallelism = parallelism
        self._is_threaded = is_threaded
        self._hears_wakeups = hears_wakeups
        self._in_hand: dict[int, Workload] = {}
        self._supervisor: SupervisorProcess | None = None
        self._inbox = frames.Inbox()
        self._outbox: frames.Outbox | None = None
        self._events: list[TaskEvent] = []
        #: What supervisors that died had in hand, by their ids.
        self._lost: dict[str, dict[int, Workload]] = {}
        self._is_stopping = False
        self._start_again_at = 0.0
        self._short_lives = 0

    def start(self, job_id: int) -> None:
        """Start the supervisor."""
        self._start_supervisor()

    def submit(self, workloads: Sequence[Workload]) -> None:
        """Hand the tries over, the most important first."""
        ordered = sorted(workloads, key=lambda workload: -workload.priority)
        self._in_hand.update({workload.ti_id: workload for workload in ordered})
        self._tell({"submit": [workload.as_json() for workload in ordered]})

    def poll(self) -> list[TaskEvent]:
        """What ended since the last call."""
        self._hear()
        events, self._events = self._events, []
        return events

    def kill(self, ti_ids: Sequence[int], reason: str) -> None:
        """Have the processes of these tries ended."""
        self._tell({"kill": list(ti_ids), "reason": reason})

    def capacity(self) -> int:
        """Free slots."""
        return max(self._parallelism - len(self._in_hand), 0)

    def running(self) -> frozenset[int]:
        """The task instances in hand."""
        return frozenset(self._in_hand)

    def fileno(self) -> int | None:
        """The socket to the supervisor."""
        return None if self._supervisor is None else self._supervisor.socket.fileno()

    def heartbeat(self) -> None:
        """Replace a supervisor that died, and give its tries an end."""
        self._hear()
        if self._outbox:
            with contextlib.suppress(OSError):
                self._outbox.flush()
        if self._supervisor is None and not self._is_stopping and time.monotonic() >= self._start_again_at:
            self._start_supervisor()
        for supervisor_id in list(self._lost):
            self._end_lost(supervisor_id)

    def stop(self, grace_seconds: float) -> None:
        """Tell the supervisor to stop, and wait until it has."""
        self._is_stopping = True
        supervisor = self._supervisor
        if supervisor is None:
            return
        self._tell({"stop": grace_seconds})
        limit = time.monotonic() + grace_seconds + STOP_MARGIN
        while time.monotonic() < limit and not supervisor.has_exited():
            self._hear()
            time.sleep(0.02)
        if not supervisor.has_exited():
            log.error("The supervisor did not stop in time; it is killed")
            supervisor.kill()
        self._hear()
        self._close()

    def _start_supervisor(self) -> None:
        try:
            self._supervisor = SupervisorProcess(by_fork=not self._is_threaded, hears_wakeups=self._hears_wakeups)
        except OSError as error:
            self._start_again_at = time.monotonic() + START_PAUSE
            log.error("No supervisor could be started (%s); tasks wait. Allow more processes: ulimit -u", error)
            return
        self._inbox, self._outbox = frames.Inbox(), frames.Outbox(self._supervisor.socket)
        if self._in_hand:  # came while there was none
            self.submit(list(self._in_hand.values()))

    def _tell(self, message: dict[str, Any]) -> None:
        if self._outbox is None:
            return  # the next supervisor is told
        with contextlib.suppress(OSError):
            self._outbox.put(message)

    def _hear(self) -> None:
        while self._supervisor is not None:
            data, is_closed = frames.drain(self._supervisor.socket)
            for message in self._inbox.feed(data):
                self._take(message)
            if is_closed:
                self._supervisor_gone(self._supervisor)
                return
            if not data:
                return

    def _take(self, message: dict[str, Any]) -> None:
        for ti_id, run_pk, state, claim in message.get("ended", ()):
            self._events.append(TaskEvent(ti_id, run_pk, state))
            self._forget(ti_id, claim)
        for ti_id, claim in message.get("gone", ()):
            self._forget(ti_id, claim)

    def _forget(self, ti_id: int, claim: str) -> None:
        if ti_id in self._in_hand and self._in_hand[ti_id].claim == claim:
            del self._in_hand[ti_id]

    def _supervisor_gone(self, supervisor: SupervisorProcess) -> None:
        self._close()
        if self._is_stopping:
            return
        log.error("The supervisor died with %s tries; they are ended and another one is started", len(self._in_hand))
        supervisor.kill()
        self._lost[supervisor.id] = self._in_hand
        self._in_hand = {}
        is_short = time.monotonic() - supervisor.started < SHORT_LIFE
        self._short_lives = self._short_lives + 1 if is_short else 0
        pause = 0.0 if self._short_lives <= 1 else min(2.0**self._short_lives, LONGEST_PAUSE)
        self._start_again_at = time.monotonic() + pause
        self.heartbeat()

    def _end_lost(self, supervisor_id: str) -> None:
        """End what a dead supervisor left: first its processes, then its tries; those not begun are handed on."""
        processes.send_signal(processes.strays(), signal.SIGKILL)
        lost = self._lost[supervisor_id]
        try:
            events, queued = _give_ends(supervisor_id, lost)
        except turns.TROUBLE as error:
            log.warning("The database cannot be written (%s); tried again", error)
            return
        del self._lost[supervisor_id]
        self._events += events
        if queued:
            self.submit(queued)

    def _close(self) -> None:
        if self._supervisor is not None:
            self._supervisor.close()
        self._supervisor = self._outbox = None


def _give_ends(supervisor_id: str, lost: dict[int, Workload]) -> tuple[list[TaskEvent], list[Workload]]:
    """Fail or retry what the dead supervisor had claimed; what it had not is still queued."""
    now = timezone.now()
    events: list[TaskEvent] = []
    queued: list[Workload] = []
    with transaction.atomic():
        for ti in TaskInstance.objects.select_related("run").filter(pk__in=list(lost)).order_by("pk"):
            workload = lost[ti.pk]
            if str(ti.claim) != workload.claim:
                continue
            if ti.state == TaskInstanceState.QUEUED:
                queued.append(workload)
            elif ti.state == TaskInstanceState.RUNNING and ti.external_executor_id == supervisor_id:
                crash = turns.Crash(outcomes.Held.of(ti), "The supervisor of the task's process died.", now)
                state = turns.end(crash)
                if state is not None:
                    events.append(TaskEvent(ti.pk, ti.run_id, state.value))
        outcomes.restarted(lost, now=now)
    return events, queued
