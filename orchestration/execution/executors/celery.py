"""Runs tasks on Celery workers, over RabbitMQ or Redis."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from orchestration.execution.executors.base import TaskEvent, Workload
from orchestration.models import wakeups
from orchestration.models.task_instance import TaskInstance
from orchestration.states import TaskInstanceState

log = logging.getLogger(__name__)

#: Sends one try's message. Raises whatever the broker's library raises when it cannot.
Send = Callable[[Workload], None]

_LONGEST_BACKOFF = 5.0
#: Seconds between looks into the database for tries that ended.
LOOK_EVERY = 0.5
#: States in which a worker has the try, or will have it.
_IN_HAND = frozenset({TaskInstanceState.QUEUED, TaskInstanceState.RUNNING})


class CeleryExecutor:
    """See ``base.Executor``. Holds at most ``parallelism`` tries of this scheduler.

    Messages are sent by a thread of their own: a broker that is away keeps nobody waiting. What could not be sent is
    kept and sent later; what got lost in the broker is sent again after ``scheduler.task_queued_timeout``.
    How tries ended is read from the database, which the workers' supervisors write.
    """

    def __init__(self, parallelism: int, send: Send | None = None) -> None:
        self._parallelism = parallelism
        self._sender = _Sender(send or _send)
        self._in_hand: dict[int, Workload] = {}
        self._next_look = 0.0

    def start(self, job_id: int) -> None:
        """Start the sending thread."""
        self._sender.start()

    def submit(self, workloads: Sequence[Workload]) -> None:
        """Have the messages sent, the most important first."""
        ordered = sorted(workloads, key=lambda workload: -workload.priority)
        self._in_hand.update({workload.ti_id: workload for workload in ordered})
        self._sender.put(ordered)

    def poll(self) -> list[TaskEvent]:
        """What ended since the last call; one query, at most every half a second."""
        if not self._in_hand or time.monotonic() < self._next_look:
            return []
        self._next_look = time.monotonic() + LOOK_EVERY
        rows = TaskInstance.objects.filter(pk__in=list(self._in_hand)).values_list("pk", "run_id", "state", "claim")
        found = {pk: (run_pk, state, str(claim)) for pk, run_pk, state, claim in rows}
        events: list[TaskEvent] = []
        for ti_id, workload in list(self._in_hand.items()):
            run_pk, state, claim = found.get(ti_id, (None, "", ""))
            if state in _IN_HAND and claim == workload.claim:
                continue
            del self._in_hand[ti_id]
            self._sender.forget([ti_id])
            if run_pk is not None:
                events.append(TaskEvent(ti_id, run_pk, state))
        return events

    def kill(self, ti_ids: Sequence[int], reason: str) -> None:
        """Take back what was not sent; the workers' supervisors find the lost claims of the rest."""
        self._sender.forget(ti_ids)
        wakeups.notify("scheduler")
        self._next_look = 0.0

    def capacity(self) -> int:
        """Free slots."""
        return max(self._parallelism - len(self._in_hand), 0)

    def running(self) -> frozenset[int]:
        """The task instances in hand."""
        return frozenset(self._in_hand)

    def fileno(self) -> int | None:
        """None: ends are found in the database, and wake-ups come through the scheduler's own channel."""
        return None

    def heartbeat(self) -> None:
        """Say when messages cannot be sent."""
        waiting, errors = self._sender.trouble()
        if waiting and errors:
            log.warning("The broker takes no messages (%s failures in a row); %s tries wait", errors, waiting)

    def stop(self, grace_seconds: float) -> None:
        """Stop sending. The workers go on: their tries do not end with the scheduler."""
        self._sender.stop(grace_seconds)


class _Sender:
    """Sends messages in their order from a thread of its own; tries again while the broker is away."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._waiting: deque[Workload] = deque()
        self._changed = threading.Condition()
        self._is_stopping = False
        self._errors = 0
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread."""
        self._thread = threading.Thread(target=self._run, name="celery-sender", daemon=True)
        self._thread.start()

    def put(self, workloads: Sequence[Workload]) -> None:
        """Send these after what waits."""
        with self._changed:
            self._waiting.extend(workloads)
            self._changed.notify()

    def forget(self, ti_ids: Sequence[int]) -> None:
        """Do not send the messages of these task instances any more."""
        gone = set(ti_ids)
        with self._changed:
            self._waiting = deque(workload for workload in self._waiting if workload.ti_id not in gone)

    def trouble(self) -> tuple[int, int]:
        """How many messages wait, and how many failures in a row there were."""
        return len(self._waiting), self._errors

    def stop(self, seconds: float) -> None:
        """End the thread; what still waits gets so long."""
        with self._changed:
            self._is_stopping = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(max(seconds, 0.1))

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._waiting:
                    if self._is_stopping:
                        return
                    self._changed.wait()
                workload = self._waiting.popleft()
            try:
                self._send(workload)
                self._errors = 0
            except Exception as error:
                self._errors += 1
                log.warning("A message could not be sent: %s", error)
                with self._changed:
                    if self._is_stopping:
                        return
                    self._waiting.appendleft(workload)
                    self._changed.wait(min(0.2 * 2 ** min(self._errors, 10), _LONGEST_BACKOFF))


def _send(workload: Workload) -> None:
    from orchestration.execution.celery_app import RUN_TRY, app  # Celery is not loaded for other executors

    app.send_task(
        RUN_TRY,
        args=[workload.ti_id, workload.try_number, workload.claim],
        queue=workload.queue,
        priority=None,
        ignore_result=True,
        retry=False,
    )
