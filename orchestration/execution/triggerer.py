"""The triggerer: takes deferred tasks' triggers, has them run, and lets the tasks go on when they fire.

This process has the database; user code runs in a child without Django (``trigger_runner``), which is started when
there is a first trigger and ends when there has been none for a while. Several triggerers share the rows: each trigger
belongs to one, and those of a triggerer that died are taken over.
"""

from __future__ import annotations

import contextlib
import logging
import selectors
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import DatabaseError, InterfaceError, connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from orchestration.authoring.store import StoreError
from orchestration.conf import ConfigError, conf
from orchestration.execution import logs, store_server, turns
from orchestration.models import outcomes, wakeups
from orchestration.models.job import Job
from orchestration.models.outages import first_line, is_outage
from orchestration.models.outcomes import PushedXCom
from orchestration.models.task_instance import TaskInstance
from orchestration.models.trigger import Trigger
from orchestration.processes import frames, programs
from orchestration.states import JobState, JobType, TaskInstanceState

log = logging.getLogger(__name__)

#: Seconds between looks for new triggers when nobody wakes this process.
POLL = 5.0
#: Seconds without a trigger after which the child is let go.
IDLE = 60.0
_LONGEST_BACKOFF = 5.0


def order_of(trigger: Trigger, ti: TaskInstance) -> dict[str, Any]:
    """What ``trigger_runner.fire`` takes: the trigger of a row, and the try that waits for it; needs ``ti.run``."""
    return {
        "id": trigger.pk,
        "classpath": trigger.classpath,
        "kwargs": trigger.kwargs,
        "ti": {
            "dag_id": ti.dag_id,
            "run_id": ti.run.run_id,
            "task_id": ti.task_id,
            "map_index": ti.map_index,
            "try_number": ti.try_number,
            "logical_date": ti.run.logical_date.isoformat(),
            "start_date": store_server.text(ti.start_date),
        },
    }


class Triggerer:
    """See the module. ``run`` ends when told to stop."""

    def __init__(self, capacity: int | None = None) -> None:
        self._capacity = capacity or conf.getint("triggerer", "default_capacity")
        self._job: Job | None = None
        self._selector = selectors.DefaultSelector()
        self._listener = wakeups.Listener("triggerer")
        self._runner: _Runner | None = None
        self._running: set[int] = set()
        self._answers: dict[int, dict[str, Any]] = {}
        self._is_stopping = False
        self._next_look = 0.0
        self._next_beat = 0.0
        self._next_timeouts = 0.0
        self._last_busy = 0.0
        self._failures = 0

    def run(self) -> None:
        """Serve until SIGTERM or SIGINT; then give the triggers back."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.stop())
        with self._listener:
            self._selector.register(self._listener, selectors.EVENT_READ, self._listener)
            try:
                while not self._is_stopping:
                    self._hear(self._seconds_to_wait())
                    if not self._is_stopping:
                        self._try(self._pass)
            finally:
                self._end()

    def stop(self) -> None:
        """Leave the loop soon."""
        self._is_stopping = True

    # The loop

    def _seconds_to_wait(self) -> float:
        if self._failures:
            return float(min(0.1 * 2.0**self._failures, _LONGEST_BACKOFF))
        if self._answers:
            return 0.0
        return max(min(self._next_look, self._next_beat, self._next_timeouts) - time.monotonic(), 0.0)

    def _hear(self, seconds: float) -> None:
        if self._listener.revive():
            self._next_look = 0.0
        for key, mask in self._selector.select(min(seconds, 1.0)):
            if key.data is self._listener:
                self._hear_wakeup()
            elif self._runner is not None:
                self._hear_runner(key.data, mask)

    def _hear_wakeup(self) -> None:
        if self._listener.drain():
            self._next_look = 0.0

    def _try(self, work: Callable[[], None]) -> None:
        """Do it; when the database is away, do it again later."""
        try:
            work()
            self._failures = 0
        except (DatabaseError, InterfaceError) as error:
            if not is_outage(error):
                raise
            self._failures += 1
            log.warning("The database is out of reach (%s); tried again", first_line(error))
            with contextlib.suppress(Exception):
                connection.close()

    def _pass(self) -> None:
        now = time.monotonic()
        if now >= self._next_beat:
            self._beat()
            self._next_beat = now + conf.getfloat("triggerer", "job_heartbeat_sec")
        if self._answers:
            self._store_answers()
        if now >= self._next_timeouts:
            self._next_timeouts = now + conf.getfloat("scheduler", "trigger_timeout_check_interval")
            self._time_out()
        if now >= self._next_look:
            self._next_look = now + POLL
            self._look()
        if self._running:
            self._last_busy = now
        elif self._runner is not None and now - self._last_busy > IDLE:
            self._drop_runner()

    def _beat(self) -> None:
        now = timezone.now()
        own = Job.objects.none() if self._job is None else Job.objects.own(self._job.pk, JobType.TRIGGERER)
        if not own.filter(state=JobState.RUNNING).update(latest_heartbeat=now):
            self._job = Job.objects.begin(JobType.TRIGGERER, at=now)

    def _time_out(self) -> None:
        with transaction.atomic():
            if outcomes.time_out_deferred(now=timezone.now()):
                wakeups.notify("scheduler")
                self._next_look = 0.0

    # Rows

    def _look(self) -> None:
        """Take what nobody runs, start what is new, cancel what is no longer wanted."""
        assert self._job is not None
        now = timezone.now()
        clean_up()
        room = self._capacity - len(self._running)
        if room > 0:
            take(self._job, room, now=now)
        mine = set(Trigger.objects.filter(triggerer=self._job).values_list("pk", flat=True))
        for number in self._running - mine:
            self._cancel(number)
        self._start(sorted(mine - self._running))

    def _start(self, numbers: Sequence[int]) -> None:
        wanted = {trigger.pk: trigger for trigger in self._readable(numbers)}
        if not wanted:
            return
        waiting = TaskInstance.objects.filter(trigger__in=list(wanted), state=TaskInstanceState.DEFERRED)
        tis = {ti.trigger_id: ti for ti in waiting.select_related("run")}
        runner = self._ensure_runner()
        for number, trigger in wanted.items():
            ti = tis.get(number)
            if ti is not None and number not in self._answers:
                self._running.add(number)
                runner.tell({"run": self._order(trigger, ti)})

    def _readable(self, numbers: Sequence[int]) -> list[Trigger]:
        """The triggers; one whose arguments cannot be read fails its own task only."""
        rows = Trigger.objects.filter(pk__in=numbers)
        try:
            return list(rows.order_by("pk"))
        except ConfigError:
            log.exception("The arguments of a trigger cannot be read")
        found: list[Trigger] = []
        for number in numbers:
            try:
                found += rows.filter(pk=number)
            except ConfigError as error:
                self._running.add(number)
                self._answers[number] = {"failed": number, "trace": [f"{error}\n"]}
        return found

    def _order(self, trigger: Trigger, ti: TaskInstance) -> dict[str, Any]:
        assert self._job is not None
        return {**order_of(trigger, ti), "log_path": f"{logs.path_of(ti)}.trigger.{self._job.pk}.log"}

    def _cancel(self, number: int) -> None:
        self._running.discard(number)
        if self._runner is not None:
            self._runner.tell({"cancel": number})

    def _store_answers(self) -> None:
        """Let the tasks go on, all in one transaction; answers are kept until that is stored.

        If one answer cannot be stored, the others are stored one by one, and that one fails its task.
        """
        answers = dict(self._answers)
        try:
            _store(answers)
        except Exception as error:
            if is_outage(error):
                raise
            log.exception("An answer cannot be stored; all are tried one by one")
            for number, answer in answers.items():
                _store_alone(number, answer)
        for number in answers:
            del self._answers[number]
            self._running.discard(number)

    # The child

    def _ensure_runner(self) -> _Runner:
        if self._runner is None:
            self._runner = _Runner()
            for sock in (self._runner.control, self._runner.store):
                self._selector.register(sock, selectors.EVENT_READ, sock)
            self._last_busy = time.monotonic()
        return self._runner

    def _hear_runner(self, sock: socket.socket, mask: int) -> None:
        runner = self._runner
        assert runner is not None
        outbox = runner.outbox_of(sock)
        if mask & selectors.EVENT_WRITE:
            with contextlib.suppress(OSError):
                outbox.flush()
        data, is_closed = frames.drain(sock)
        for message in runner.inbox_of(sock).feed(data):
            if sock is runner.store:
                self._answer(runner, *message)
            else:
                self._take(message)
        if is_closed:
            self._runner_died()
            return
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if outbox else 0)
        self._selector.modify(sock, wanted, sock)

    def _take(self, message: dict[str, Any]) -> None:
        if "blocked" in message:
            log.warning(
                "A trigger kept the event loop busy for %.2f s. Triggers must not block: use asyncio.to_thread.",
                message["blocked"],
            )
            return
        number = message.get("fired") or message.get("failed") or message.get("ended")
        if number in self._running:
            self._answers[number] = message

    def _answer(self, runner: _Runner, name: str, args: list[Any], kwargs: dict[str, Any]) -> None:
        """Answer a trigger's question to the store."""
        try:
            with transaction.atomic() if store_server.is_write(name) else contextlib.nullcontext():
                runner.store_outbox.put([True, store_server.call(None, name, args, kwargs)])
        except StoreError as error:
            runner.store_outbox.put([False, str(error)])
        except turns.TROUBLE as error:
            runner.store_outbox.put([False, f"The database is out of reach: {error}"])
            with contextlib.suppress(Exception):
                connection.close()
        except OSError:
            return

    def _runner_died(self) -> None:
        if not self._is_stopping:
            log.error("The process that runs triggers died; it is started again with all of them")
        self._drop_runner()
        self._running.clear()
        self._next_look = time.monotonic() + 1.0

    def _drop_runner(self) -> None:
        if self._runner is not None:
            for sock in (self._runner.control, self._runner.store):
                self._selector.unregister(sock)
            self._runner.close()
            self._runner = None

    def _end(self) -> None:
        self._drop_runner()
        if self._job is not None:
            with contextlib.suppress(*turns.TROUBLE), transaction.atomic():
                now = timezone.now()
                Trigger.objects.filter(triggerer=self._job).update(triggerer=None)
                Job.objects.filter(pk=self._job.pk).update(state=JobState.SUCCESS, end_date=now, latest_heartbeat=now)
                wakeups.notify("triggerer")
        self._selector.close()


class _Runner:
    """The child process and the two sockets to it."""

    def __init__(self) -> None:
        self.control, control = socket.socketpair()
        self.store, store = socket.socketpair()
        with control, store:
            self._process = programs.start(
                "orchestration.execution.trigger_runner:main", [control.fileno(), store.fileno()]
            )
        for sock in (self.control, self.store):
            sock.setblocking(False)
        self.control_outbox, self.store_outbox = frames.Outbox(self.control), frames.Outbox(self.store)
        self._inboxes = {self.control: frames.Inbox(), self.store: frames.Inbox()}

    def tell(self, message: dict[str, Any]) -> None:
        """Send an order; a child that is gone is noticed by its socket."""
        with contextlib.suppress(OSError):
            self.control_outbox.put(message)

    def inbox_of(self, sock: socket.socket) -> frames.Inbox:
        """What came over this socket."""
        return self._inboxes[sock]

    def outbox_of(self, sock: socket.socket) -> frames.Outbox:
        """What waits to go over this socket."""
        return self.store_outbox if sock is self.store else self.control_outbox

    def close(self) -> None:
        """Close the sockets: the child ends, or is killed."""
        self.control.close()
        self.store.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@transaction.atomic
def _store(answers: Mapping[int, dict[str, Any]]) -> None:
    now = timezone.now()
    outcomes.resume({n: a["payload"] for n, a in answers.items() if "fired" in a}, now=now)
    outcomes.resume_failed({n: a["trace"] for n, a in answers.items() if "failed" in a}, now=now)
    for number, answer in answers.items():
        if "ended" in answer:
            xcoms = [PushedXCom(*xcom) for xcom in answer["xcoms"]]
            outcomes.end_deferred(number, TaskInstanceState(answer["state"]), xcoms, now=now)
    _delete(Trigger.objects.filter(pk__in=list(answers)))
    wakeups.notify("scheduler")


def _store_alone(number: int, answer: dict[str, Any]) -> None:
    try:
        _store({number: answer})
    except turns.TROUBLE:
        raise
    except Exception as error:
        log.exception("The answer of trigger %s cannot be stored", number)
        _store({number: {"failed": number, "trace": [f"The event could not be stored: {error!r}\n"]}})


def take(job: Job, room: int, *, now: datetime) -> int:
    """Make up to ``room`` triggers this triggerer's that belong to nobody, or to one that died; how many."""
    free = list(_free(now).order_by("pk").values_list("pk", flat=True)[:room])
    return _free(now).filter(pk__in=free).update(triggerer=job) if free else 0


def _free(now: datetime) -> QuerySet[Trigger]:
    alive = Job.objects.alive(now).filter(job_type=JobType.TRIGGERER)
    return Trigger.objects.filter(Q(triggerer=None) | ~Q(triggerer__in=alive))


def clean_up() -> int:
    """Delete triggers that no deferred task waits for any more; how many."""
    TaskInstance.objects.filter(trigger__isnull=False).exclude(state=TaskInstanceState.DEFERRED).update(trigger=None)
    return _delete(Trigger.objects.all())


def _delete(rows: QuerySet[Trigger]) -> int:
    """Delete those that no task waits for, without reading them: their arguments may be unreadable."""
    unused = rows.filter(task_instances=None)
    return unused._raw_delete(using=unused.db)
