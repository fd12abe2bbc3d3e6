"""A Celery worker's side: its threads hand tries to the worker's supervisor and wait until they are over.

The supervisor is the same as the local executor's, with the same warm parents; one for the whole worker, whatever its
concurrency. It starts with the worker and is stopped with it.
"""

from __future__ import annotations

import logging
import os
import select
import threading
import time
from typing import Any
from uuid import UUID

from celery import signals
from celery.worker.control import inspect_command
from django.db import connection

from orchestration.conf import conf
from orchestration.execution import celery_control, log_server, turns
from orchestration.execution.celery_app import RUN_TRY, app
from orchestration.execution.executors.base import Workload
from orchestration.execution.executors.local import LocalExecutor
from orchestration.models.task_instance import TaskInstance
from orchestration.processes.hosts import hostname
from orchestration.states import TaskInstanceState

log = logging.getLogger(__name__)

#: Seconds between looks at the supervisor when it says nothing.
BEAT = 1.0
#: Seconds that running tries get when the worker stops cold.
COLD_GRACE = 1.0


class Gate:
    """Hands tries to the supervisor from any thread."""

    def __init__(self) -> None:
        self._executor = LocalExecutor(1_000_000, is_threaded=True, hears_wakeups=True)
        self._lock = threading.Lock()
        self._waiting: dict[tuple[int, str], threading.Event] = {}
        #: When each came, on the monotonic clock; those that were ended for their time are taken out.
        self._came: dict[tuple[int, str], float] = {}
        self._is_open = False
        self._thread: threading.Thread | None = None

    def open(self) -> None:
        """Start the supervisor, and the thread that hears it."""
        self._executor.start(0)
        self._is_open = True
        self._thread = threading.Thread(target=self._listen, name="supervisor-gate", daemon=True)
        self._thread.start()

    def run(self, workload: Workload) -> None:
        """Have the try run; returns when it is over, or was refused because somebody else has it."""
        over = threading.Event()
        with self._lock:
            if workload.ti_id in self._executor.running():
                log.info("Try %s of %s runs here already", workload.try_number, workload.task_id)
                return
            self._waiting[workload.ti_id, workload.claim] = over
            self._came[workload.ti_id, workload.claim] = time.monotonic()
            self._executor.submit([workload])
        over.wait()

    def running(self) -> int:
        """How many tries are in hand."""
        return len(self._waiting)

    def close(self, grace_seconds: float) -> None:
        """Stop the supervisor; tries that do not end in time are queued again."""
        self._is_open = False
        if self._thread is not None:
            self._thread.join(BEAT * 3)
        with self._lock:
            self._executor.stop(grace_seconds)
            self._release()

    def _listen(self) -> None:
        while self._is_open:
            descriptor = self._executor.fileno()
            poll = select.poll()
            if descriptor is not None and descriptor >= 0:
                poll.register(descriptor, select.POLLIN)
            poll.poll(BEAT * 1000)
            with self._lock:
                try:
                    self._executor.poll()
                    self._executor.heartbeat()
                except turns.TROUBLE as error:
                    log.warning("The database is out of reach: %s", error)
                self._end_late()
                self._release()

    def _end_late(self) -> None:
        """End the tries that took longer than the worker's limit, which an operator sets (``time_limit``)."""
        limit = time_limit()
        late = [key for key, came in self._came.items() if limit and time.monotonic() - came > limit]
        for key in late:
            del self._came[key]
            self._executor.kill([key[0]], f"The try took longer than its worker's limit of {limit:g} s.")

    def _release(self) -> None:
        """Let the threads go whose tries are over."""
        running = self._executor.running()
        for key in [key for key in self._waiting if key[0] not in running]:
            self._came.pop(key, None)
            self._waiting.pop(key).set()


_gate: Gate | None = None
_started = time.monotonic()
_logs: log_server.LogServer | None = None


@app.task(name=RUN_TRY, bind=True, ignore_result=True)  # type: ignore[untyped-decorator]  # Celery is untyped
def run_try(self: Any, ti_id: int, try_number: int, claim: str) -> None:
    """Run one try, if it is still to be run."""
    assert _gate is not None, "tries run in a worker only"
    try:
        workload = find(ti_id, try_number, claim)
    finally:
        connection.close()
    if workload is None:
        log.info("Try %s of task instance %s is not to be run any more", try_number, ti_id)
        return
    _gate.run(workload)


def time_limit() -> float:
    """Seconds after which a try is ended; 0 for never. Celery's own limits of the task, which no thread of it keeps."""
    return float(min(filter(None, (run_try.time_limit, run_try.soft_time_limit)), default=0))


@inspect_command(name=celery_control.DESCRIBE)  # type: ignore[untyped-decorator]  # Celery is untyped
def describe(state: Any, **_: Any) -> dict[str, Any]:
    """This worker, as ``celery_control.Worker`` has it."""
    consumer = state.consumer
    queues = consumer.task_consumer.queues if consumer.task_consumer else ()
    return {
        "host": hostname(),
        "pid": os.getpid(),
        "size": consumer.pool.num_processes,
        "running": _gate.running() if _gate is not None else 0,
        "queues": [queue.name for queue in queues],
        "rate": run_try.rate_limit,
        "limit": time_limit(),
        "up": time.monotonic() - _started,
    }


def find(ti_id: int, try_number: int, claim: str) -> Workload | None:
    """The try of a message; None if it was started, or taken back, meanwhile."""
    try:
        token = UUID(claim)
    except ValueError:
        return None
    ti = (
        TaskInstance.objects.select_related("run", "dag")
        .filter(pk=ti_id, try_number=try_number, claim=token, state=TaskInstanceState.QUEUED)
        .first()
    )
    if ti is None:
        return None
    return Workload.of(ti, token)


@signals.worker_init.connect  # type: ignore[untyped-decorator]  # Celery is untyped
def _start(**_: Any) -> None:
    global _gate, _logs
    _gate = Gate()
    _gate.open()
    if conf.getboolean("celery", "serve_logs", True):
        _logs = log_server.LogServer.of_worker()
        _logs.start()


@signals.worker_shutdown.connect  # type: ignore[untyped-decorator]  # Celery is untyped
def _stop(**_: Any) -> None:
    if _logs is not None:
        _logs.stop()
    if _gate is not None:
        _gate.close(COLD_GRACE)
