"""Running tries in the present process, without a supervisor: for ``dags test``, ``dag.test()`` and ``tasks test``."""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import logging
import os
import re
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from orchestration.authoring import store
from orchestration.authoring.loading import LoadedFile
from orchestration.authoring.secrets import masker
from orchestration.conf import conf
from orchestration.execution import claims, store_server, trigger_runner
from orchestration.execution.executors.base import TaskEvent, Workload
from orchestration.execution.runner import Run
from orchestration.execution.task_log import TaskFormatter
from orchestration.execution.tries import outcome_of
from orchestration.execution.triggerer import order_of
from orchestration.execution.turns import Crash, end
from orchestration.models import outcomes
from orchestration.models.dag_run import DagRun
from orchestration.models.outcomes import Held, PushedXCom
from orchestration.models.task_instance import TaskInstance
from orchestration.models.trigger import Trigger
from orchestration.processes.hosts import hostname
from orchestration.states import FINISHED, RUN_FINISHED, TaskInstanceState

log = logging.getLogger(__name__)

_S = TaskInstanceState

#: Decides a run: what may start is in state ``scheduled`` afterwards. ``scheduling.progress.advance`` does it.
Advance = Callable[[DagRun], None]
#: The longest sleep while a run waits for a retry or another process, in seconds.
LONGEST_SLEEP = 1.0


class DatabaseStore:
    """The store port straight over the tables; ``held`` is the try that runs, if one does."""

    def __init__(self, held: Held | None = None) -> None:
        self.held = held
        self.rendered: dict[str, Any] | None = None

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name not in store_server.METHODS:
            raise AttributeError(f"The store has no method {name}.")

        def call(*args: Any, **kwargs: Any) -> Any:
            with transaction.atomic():
                return store_server.call(self.held, name, args, kwargs)

        return call

    def set_rendered_fields(self, fields: dict[str, Any], map_index_label: str | None = None) -> None:
        """Kept until the try ends."""
        self.rendered = fields

    def tell(self, method: str, *args: Any) -> None:
        """Limits are kept by the process itself."""


def run_dag(run: DagRun, loaded: LoadedFile, *, advance: Advance, mark_success_pattern: str | None = None) -> DagRun:
    """Run a whole DAG run here, one task after another, until it is over; the run as it ended.

    Logs go to standard output. Pools and limits do not count. A deferred task's trigger runs here, too. Tasks whose id
    matches ``mark_success_pattern`` as a whole are marked successful without being run.
    """
    pattern = re.compile(mark_success_pattern) if mark_success_pattern else None
    with logs_to_stdout(), _store(DatabaseStore()):
        while True:
            advance(run)
            run.refresh_from_db()
            if run.state in RUN_FINISHED:
                return run
            ready = list(_ready(run))
            for ti in ready:
                if pattern is not None and pattern.fullmatch(ti.task_id):
                    _mark_success(ti)
                else:
                    run_instance(ti, loaded)
            if not ready and not _fire_triggers(run):
                _wait(run)


def run_instance(ti: TaskInstance, loaded: LoadedFile) -> TaskEvent | None:
    """Queue one scheduled instance and run its try here; None when somebody else took it."""
    workload = queue_instance(ti)
    return None if workload is None else run_workload(workload, loaded)


def queue_instance(ti: TaskInstance) -> Workload | None:
    """Queue one scheduled instance under a claim of its own; None when somebody else took it."""
    claim = uuid.uuid4()
    ready = TaskInstance.objects.filter(pk=ti.pk, state=_S.SCHEDULED, try_number=ti.try_number)
    if not ready.move(_S.QUEUED, now=timezone.now(), claim=claim):
        return None
    return Workload.of(ti, claim)


def run_workload(workload: Workload, loaded: LoadedFile) -> TaskEvent | None:
    """Claim a queued try, run it here and store how it ended; None when somebody else has it."""
    claimant = claims.Claimant(f"{hostname()}-{os.getpid()}", hostname(), getpass.getuser())
    with transaction.atomic():
        starts = claims.claim([workload], claimant, now=timezone.now())
    start = starts.get(workload.claim)
    if start is None:
        return None
    held = start.held
    port = DatabaseStore(held)
    with _store(port), _environment():
        said = Run(start.document, loaded, port).run()
    with transaction.atomic():
        state: TaskInstanceState | None
        if said["state"] == "unknown":
            state = end(Crash(held, said["reason"], timezone.now()))
        else:
            outcome = outcome_of(held, said, pid=os.getpid(), rendered=port.rendered)
            state = outcome.state if outcomes.write([outcome]) else None
    return None if state is None else TaskEvent(held.ti_id, held.run_pk, state.value)


def _ready(run: DagRun) -> Sequence[TaskInstance]:
    rows = TaskInstance.objects.filter(run=run, state=_S.SCHEDULED).select_related("run", "dag")
    return list(rows.order_by("-priority_weight", "map_index", "pk"))


def _mark_success(ti: TaskInstance) -> None:
    log.info("%s of %s is taken as done", ti.task_id, ti.run.logical_date)
    TaskInstance.objects.filter(pk=ti.pk).move(_S.SUCCESS, now=timezone.now())


def _fire_triggers(run: DagRun) -> bool:
    """Run the triggers of the run's deferred tasks one by one; whether there was one."""
    waiting = list(
        TaskInstance.objects.filter(run=run, state=_S.DEFERRED, trigger__triggerer=None).select_related(
            "run", "trigger"
        )
    )
    for ti in waiting:
        trigger = ti.trigger
        if trigger is not None:
            _fire(ti, trigger)
    return bool(waiting)


def _fire(ti: TaskInstance, trigger: Trigger) -> None:
    seconds = None if ti.trigger_timeout_at is None else (ti.trigger_timeout_at - timezone.now()).total_seconds()
    log.info("Running trigger %s of %s inline", trigger.classpath, ti.task_id)
    try:
        answer = asyncio.run(_within(seconds, trigger_runner.fire(order_of(trigger, ti))))
    except TimeoutError:
        with transaction.atomic():
            outcomes.time_out_deferred(now=timezone.now())
        return
    now = timezone.now()
    with transaction.atomic():
        if "fired" in answer:
            outcomes.resume({trigger.pk: answer["payload"]}, now=now)
        elif "ended" in answer:
            xcoms = [PushedXCom(*xcom) for xcom in answer["xcoms"]]
            outcomes.end_deferred(trigger.pk, TaskInstanceState(answer["state"]), xcoms, now=now)
        else:
            outcomes.resume_failed({trigger.pk: answer["trace"]}, now=now)


async def _within(seconds: float | None, work: Any) -> Any:
    return await asyncio.wait_for(work, None if seconds is None else max(seconds, 0.0))


def _wait(run: DagRun) -> None:
    """Sleep until the next retry or check is due; a second where somebody else works on the run."""
    waiting = TaskInstance.objects.filter(run=run).exclude(state__in=FINISHED)
    moments: list[datetime] = [m for m in waiting.values_list("not_before", flat=True) if m is not None]
    soonest = min((moment - timezone.now()).total_seconds() for moment in moments) if moments else LONGEST_SLEEP
    time.sleep(min(max(soonest, 0.01), LONGEST_SLEEP))


@contextlib.contextmanager
def _store(port: DatabaseStore) -> Iterator[None]:
    before = store.install(port)
    try:
        yield
    finally:
        store.install(before)


@contextlib.contextmanager
def _environment() -> Iterator[None]:
    """The environment is the task's own while it runs."""
    before = dict(os.environ)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextlib.contextmanager
def logs_to_stdout() -> Iterator[None]:
    """What is logged goes to standard output meanwhile, in the form of tasks' logs, with secrets masked."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(TaskFormatter(conf.get("logging", "log_format")))
    handler.addFilter(masker())
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    root.handlers[:] = [handler]
    root.setLevel(conf.get("logging", "logging_level").upper())
    try:
        yield
    finally:
        root.handlers[:] = before
        root.setLevel(level)
