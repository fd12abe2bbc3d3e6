"""Task instances run by an executor that this command starts and ends: real processes, logs and outcomes."""

from __future__ import annotations

import select
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from orchestration.errors import Conflict
from orchestration.execution import logs
from orchestration.execution.executors import make
from orchestration.execution.executors.base import Executor, Workload
from orchestration.execution.in_process import queue_instance
from orchestration.models import DagRun, TaskInstance
from orchestration.models.task_instance import keep_tries
from orchestration.states import ACTIVE, FINISHED, RUN_FINISHED, DagRunState, TaskInstanceState

_S = TaskInstanceState
#: Seconds between looks at a run that waits for retries or triggers.
_PAUSE_SECONDS = 0.2
_GRACE_SECONDS = 30.0
_CHUNK = 65_536
#: States that something or time leads out of.
MOVING = frozenset({*ACTIVE, _S.SCHEDULED, _S.UP_FOR_RETRY, _S.UP_FOR_RESCHEDULE})
#: How often a run is decided without any of its instances in one of them before it is given up.
_MOST_LOOKS_IN_VAIN = 10


def run_instance(instance: TaskInstance, *, pool: str | None = None, shows_log: bool = False) -> str:
    """Run the next try of an instance now; the state it ended in. Raises Conflict when another process has it."""
    _schedule(instance, pool)
    with _executor() as executor:
        executor.submit([_queue(instance)])
        _drain(executor)
    instance.refresh_from_db()
    if shows_log:
        _show_log(instance)
    return instance.state


def run_dag(run: DagRun, advance: Callable[[DagRun], None]) -> DagRun:
    """Run a whole run by the executor, decided here; the run as it ended.

    One in which nothing can move any more, as behind a failed run of the day before, fails.
    """
    looks_in_vain = 0
    with _executor() as executor:
        while True:
            advance(run)
            run.refresh_from_db()
            if run.state in RUN_FINISHED:
                return run
            ready = run.task_instances.filter(state=_S.SCHEDULED).select_related("run", "dag")
            chosen = ready.order_by("-priority_weight", "pk")[: executor.capacity()]
            workloads = [_queue(instance) for instance in chosen]
            executor.submit(workloads)
            is_moving = bool(workloads) or run.task_instances.filter(state__in=MOVING).exists()
            looks_in_vain = 0 if is_moving else looks_in_vain + 1
            if looks_in_vain > _MOST_LOOKS_IN_VAIN:
                DagRun.objects.filter(pk=run.pk).override(DagRunState.FAILED, now=timezone.now())
            if not workloads:
                _listen(executor, _PAUSE_SECONDS)
            executor.poll()
            executor.heartbeat()


@transaction.atomic
def _schedule(instance: TaskInstance, pool: str | None) -> None:
    """Move an instance from any state that no process has to ``scheduled``, as its next try."""
    free = TaskInstance.objects.filter(pk=instance.pk).exclude(state__in=ACTIVE)
    keep_tries(free.filter(state__in=FINISHED, try_number__gt=0))
    moved = free.exclude(state=_S.SCHEDULED).update(
        state=_S.SCHEDULED,
        try_number=F("try_number") + 1,
        claim=None,
        end_date=None,
        duration=None,
        not_before=None,
        next_method=None,
        next_kwargs=None,
        updated_at=timezone.now(),
        **({"pool": pool} if pool else {}),
    )
    instance.refresh_from_db()
    if not moved and instance.state != _S.SCHEDULED:
        raise Conflict(f"The instance is {instance.state}: another process has it.")


def _queue(instance: TaskInstance) -> Workload:
    workload = queue_instance(instance)
    if workload is None:
        raise Conflict("Another process took the instance just now.")
    return workload


@contextmanager
def _executor() -> Iterator[Executor]:
    executor = make()
    executor.start(0)
    try:
        yield executor
    finally:
        executor.stop(_GRACE_SECONDS)


def _drain(executor: Executor) -> None:
    while executor.running():
        executor.poll()
        executor.heartbeat()
        if executor.running():
            _listen(executor, 1.0)


def _listen(executor: Executor, seconds: float) -> None:
    descriptor = executor.fileno()
    if descriptor is None:
        time.sleep(seconds)
    else:
        select.select([descriptor], [], [], seconds)


def _show_log(instance: TaskInstance) -> None:
    path = logs.path_of(instance)
    offset, is_end = 0, False
    while not is_end:
        data, offset, is_end = logs.read(path, offset, _CHUNK)
        sys.stdout.write(data.decode(errors="replace"))
