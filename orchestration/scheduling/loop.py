"""The scheduler's loop: it sleeps until there is something to do, and then does all of it.

What wakes it: its executor (a task ended: only that run is decided), a wake-up from another process (an operator
triggered, cleared, unpaused …), an alarm (a retry, a reschedule or a run is due), and every ``scheduler_heartbeat_sec``
a pass over all unfinished runs as the safety net. Nothing is decided from memory: what the loop remembers are hints,
and losing them costs a delay of one pass.
"""

from __future__ import annotations

import contextlib
import logging
import os
import random
import select
import signal
import socket
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import FrameType
from typing import Protocol, TypeVar

from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.db.models import Min

from orchestration.conf import conf
from orchestration.execution.executors.base import Executor
from orchestration.models import session_limits
from orchestration.models.backfill import Backfill
from orchestration.models.dag import Dag
from orchestration.models.dag_run import DagRun
from orchestration.models.idempotency import IdempotencyRecord
from orchestration.models.outages import first_line, is_contention
from orchestration.models.task_instance import TaskInstance
from orchestration.models.wakeups import Listener
from orchestration.scheduling import creation, jobs, progress, queueing, recovery, rows, starting
from orchestration.scheduling.clock import DatabaseClock
from orchestration.states import DagRunState, JobState, TaskInstanceState

log = logging.getLogger(__name__)

_T = TypeVar("_T")

#: Seconds that running tasks get to end when the scheduler is told to stop; those that do not are tried again.
STOP_GRACE_SECONDS = 5.0
#: Seconds after which a run or a section that somebody else held is tried again.
RETRY_SECONDS = 0.02
#: Seconds between looks at an executor that has work in hand, or that nothing can be heard from.
POLL_SECONDS = 1.0
#: The longest pause between tries while the database is away, in seconds.
LONGEST_BACKOFF_SECONDS = 5.0
#: Changes of others that are looked for after a wake-up reach so far back: their clocks may differ.
LOOK_BACK = timedelta(seconds=2)
#: How long a statement waits for a lock that somebody keeps. What is locked is left to the next pass, others go on.
LOCK_TIMEOUT = "1s"


class Clock(Protocol):
    """Gives the present moment, aware, in UTC."""

    def now(self) -> datetime:
        """The moment."""

    def has_jumped(self, within_seconds: float) -> bool:
        """Whether it was set within the last seconds."""

    def forget(self) -> None:
        """Look anew at the next call."""


@dataclass(slots=True)
class _Duty:
    """Something done every so often."""

    every: float
    do: Callable[[], None]
    due_at: float = 0.0


@dataclass(slots=True)
class _Hints:
    """What is to be looked at; lost without harm."""

    #: Run → its task instances that ended.
    ended: dict[int, set[int]] = field(default_factory=dict)
    #: Runs that others had locked, or that are to be looked at for another reason.
    runs: set[int] = field(default_factory=set)
    #: The queueing section was taken, or slots became free.
    must_queue: bool = False
    must_retry_soon: bool = False
    #: Somebody keeps the lock of an instance that is to be queued: it is passed by.
    is_contended: bool = False
    alarm: datetime | None = None

    @contextlib.contextmanager
    def kept_on_error(self) -> Iterator[None]:
        """What the body took from the hints comes back if it fails."""
        ended, runs, must_queue = dict(self.ended), set(self.runs), self.must_queue
        try:
            yield
        except BaseException:
            self.ended |= ended
            self.runs |= runs
            self.must_queue = self.must_queue or must_queue
            raise

    def wake_at(self, moment: datetime | None) -> None:
        """Wake at the moment at the latest."""
        if moment is not None:
            self.alarm = moment if self.alarm is None else min(self.alarm, moment)


class SchedulerLoop:
    """One scheduler. ``run`` returns when it was told to stop, or after ``num_runs`` passes (-1: never).

    ``clock`` defaults to the database's. ``stop`` may be called from a signal handler or another thread.
    """

    def __init__(self, executor: Executor, *, clock: Clock | None = None, num_runs: int | None = None) -> None:
        self.executor = executor
        self.clock: Clock = clock or DatabaseClock()
        self.num_runs = conf.getint("scheduler", "num_runs") if num_runs is None else num_runs
        self.job_id: int | None = None
        #: Called with the job's id when there is one.
        self.on_start: Callable[[int], None] | None = None
        self.passes = 0
        self._batch = conf.getint("scheduler", "max_dagruns_per_loop_to_schedule")
        self._queue_batch = conf.getint("scheduler", "max_tis_per_query") or 512
        self._create_batch = conf.getint("scheduler", "max_dagruns_to_create_per_loop")
        self._hints = _Hints()
        self._next_pass = 0.0
        self._looked_at: datetime | None = None
        self._failures = 0
        self._stops = 0
        self._stop_reader, self._stop_writer = socket.socketpair()
        self._stop_reader.setblocking(False)
        self._stop_writer.setblocking(False)
        self._listener: Listener | None = None
        self._process = 0
        self._duties = self._make_duties()

    # The life of the loop

    def run(self) -> None:
        """Schedule until told to stop. Database outages are waited out; any other error ends the loop."""
        self._process = os.getpid()
        connection_created.connect(self._prepare)
        state = JobState.FAILED
        try:
            with self._signals():
                self._start()
                while not self._is_done():
                    self._turn()
            state = JobState.SUCCESS
        finally:
            self._stop_all(state)
            connection_created.disconnect(self._prepare)

    def stop(self) -> None:
        """End after the present turn; called twice, running tasks get no grace."""
        self._stops += 1
        with contextlib.suppress(OSError):
            self._stop_writer.send(b"1")

    def _start(self) -> None:
        if connection.connection is not None:
            self._prepare(connection=connection)
        job_id = self._outlast(lambda: jobs.start(type(self.executor).__name__))
        if job_id is None:
            return
        self.job_id = job_id
        log.info("Scheduler %s started", job_id)
        if self.on_start is not None:
            self.on_start(job_id)
        self._listener = Listener("scheduler").__enter__()
        # Nobody works on what a scheduler of before had queued.
        self._outlast(self._mend)
        self.executor.start(job_id)

    def _prepare(self, *, connection: BaseDatabaseWrapper, **_: object) -> None:
        """A scheduler that is stopped within a transaction must not hold its locks for ever.

        And its commits do not wait for the disk. What a crash of PostgreSQL takes of them (the last moments, in order)
        is decided again: of the tries that were queued, those that were claimed have a claim that was waited for, and
        so the queueing before it; for the others another one is made. So a supervisor that was forked from here, which
        claims, must not inherit this.
        """
        if os.getpid() == self._process:
            session_limits.limit(connection, lock_timeout=LOCK_TIMEOUT, waits_for_disk=False)

    def _stop_all(self, state: JobState) -> None:
        if self.job_id is None:
            return
        log.info("Scheduler %s stops", self.job_id)
        try:
            self.executor.stop(0.0 if self._stops > 1 else STOP_GRACE_SECONDS)
        except Exception:
            log.exception("The executor did not stop cleanly")
        if self._listener is not None:
            self._listener.close()
        with contextlib.suppress(DatabaseError, InterfaceError):
            recovery.requeue_unsent(job_id=self.job_id, in_hand=(), now=self.clock.now() + timedelta(days=1))
            jobs.end(self.job_id, state)

    def _is_done(self) -> bool:
        return bool(self._stops) or 0 < self.num_runs <= self.passes

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        """SIGTERM and SIGINT stop the loop; a no-op off the main thread."""

        def stop(signum: int, frame: FrameType | None) -> None:
            self.stop()

        try:
            before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
        except ValueError:
            yield
            return
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    # One turn

    def _turn(self) -> None:
        """Wait for something to do, then do it; an outage of the database is waited out."""
        woken = self._wait()
        try:
            self._hear_executor()
            self._do_duties()
            self._act(woken)
        except (DatabaseError, InterfaceError) as error:
            self._trouble(error)
        else:
            self._failures = 0

    def _act(self, woken: bool) -> None:
        now = self.clock.now()
        is_alarm = self._hints.alarm is not None and self._hints.alarm <= now
        if time.monotonic() >= self._next_pass:
            self._pass(now)
        elif woken:
            self._look_around(now)
        elif is_alarm:
            self._answer_alarm(now)
        self._move_on()

    def _pass(self, now: datetime) -> None:
        """The safety net: every due DAG, queued run, and running run, whatever was heard of them."""
        self._next_pass = time.monotonic() + conf.getfloat("scheduler", "scheduler_heartbeat_sec")
        self._hints.alarm = None
        self._hints.must_queue = True
        self._hints.runs |= recovery.time_out_deferred(now=now)
        creation.renew_stalled(now=now)
        self._make_runs(now)
        seen: set[int] = set()
        while True:
            waiting = [pk for pk in rows.oldest_running(now, self._batch) if pk not in seen]
            if not waiting or self._stops:
                break
            seen.update(waiting)
            try:
                with transaction.atomic():
                    self._advance(waiting, self.clock.now(), is_pass=True)
            except OperationalError as error:
                if not is_contention(error):
                    raise
                self._advance_apart(waiting, is_pass=True)
            # Tasks that end meanwhile do not wait for the end of a long pass.
            self._hear_executor()
            self._move_on()
        self._kill_lost()
        self._hints.wake_at(_next_due(now))
        self._looked_at = now
        self.passes += 1

    def _look_around(self, now: datetime) -> None:
        """Somebody changed something: find out what."""
        self._make_runs(now)
        self._hints.runs |= _touched(since=(self._looked_at or now) - LOOK_BACK, limit=self._batch)
        self._looked_at = now
        self._kill_lost()
        self._hints.must_queue = True
        self._hints.wake_at(_next_due(now))

    def _answer_alarm(self, now: datetime) -> None:
        self._hints.alarm = None
        self._make_runs(now)
        due = TaskInstance.objects.filter(
            state__in=[TaskInstanceState.UP_FOR_RETRY, TaskInstanceState.UP_FOR_RESCHEDULE], not_before__lte=now
        )
        self._hints.runs.update(due.order_by().values_list("run_id", flat=True).distinct()[: self._batch])
        self._hints.wake_at(_next_due(now))

    def _make_runs(self, now: datetime) -> None:
        """Create due runs and start queued ones, until none is left."""
        if conf.getboolean("scheduler", "use_job_schedule"):
            while creation.create_scheduled(now=now, job_id=self.job_id, limit=self._create_batch) and not self._stops:
                self._start_runs(now)
            self._make_dataset_runs(now)
        self._start_runs(now)

    def _make_dataset_runs(self, now: datetime) -> int:
        return creation.create_for_datasets(now=now, job_id=self.job_id, limit=self._create_batch)

    def _start_runs(self, now: datetime) -> None:
        while started := starting.start_queued(now=now, limit=self._batch):
            self._hints.runs.update(started)
            if len(started) < self._batch:
                break

    def _move_on(self) -> None:
        """Decide the runs that were hinted at, those whose tasks ended first, and queue what became ready."""
        hints = self._hints
        missed: set[int] = set()
        while hints.ended or hints.runs or hints.must_queue:
            wanted = [*hints.ended, *(pk for pk in hints.runs if pk not in hints.ended)][: self._batch]
            try:
                with hints.kept_on_error(), transaction.atomic():  # one transaction costs less than two
                    # The moment is read within: on SQLite the transaction may have waited for its beginning, and what
                    # it finds ended must not have ended in its future.
                    now = self.clock.now()
                    if wanted:
                        missed |= self._advance(wanted, now)
                    if hints.must_queue and not hints.runs and not hints.ended:
                        self._queue(now)
            except OperationalError as error:
                if not is_contention(error):
                    raise
                hints.must_retry_soon = hints.is_contended and not wanted  # passing by was of no use
                hints.is_contended = True
                missed |= self._advance_apart(wanted)
            if hints.must_retry_soon:
                break
        hints.runs |= missed
        hints.must_retry_soon = hints.must_retry_soon or bool(missed)

    def _advance_apart(self, run_pks: Collection[int], *, is_pass: bool = False) -> set[int]:
        """``_advance`` of one run after the other, because somebody keeps a lock that one of them needs.

        That one is left to the next pass: it would hold the others up again and again.
        """
        missed: set[int] = set()
        for pk in run_pks:
            try:
                with self._hints.kept_on_error(), transaction.atomic():
                    missed |= self._advance([pk], self.clock.now(), is_pass=is_pass)
            except OperationalError as error:
                if not is_contention(error):
                    raise
                self._hints.runs.discard(pk)
                self._hints.ended.pop(pk, None)
                log.warning("Run %s waits for the next pass: %s", pk, first_line(error))
        return missed

    def _advance(self, run_pks: Collection[int], now: datetime, *, is_pass: bool = False) -> set[int]:
        """Decide these runs, and forget the hints about them; those that others held."""
        hints = self._hints
        whole = set(run_pks) & hints.runs
        ended = {pk: hints.ended[pk] for pk in run_pks if pk in hints.ended}
        # A run that is also looked at for another reason is looked at whole.
        in_part = {pk: ids for pk, ids in ended.items() if pk not in whole and not is_pass}
        found = progress.advance(run_pks, now=now, ended=in_part, is_pass=is_pass)
        hints.runs -= set(run_pks)
        for pk in ended:
            del hints.ended[pk]
        hints.must_queue = hints.must_queue or bool(found.scheduled or ended)
        hints.wake_at(found.alarm)
        hints.runs |= found.dependants
        if found.ended_dags:
            self._make_runs(now)
            hints.wake_at(_next_due(now))
        elif found.may_have_written_datasets and self._make_dataset_runs(now):
            self._start_runs(now)
        return found.missed

    def _queue(self, now: datetime) -> None:
        assert self.job_id is not None, "the loop has started"
        self._hints.must_queue = False
        found = queueing.queue_ready(
            self.executor,
            now=now,
            job_id=self.job_id,
            limit=self._queue_batch,
            skips_locked=self._hints.is_contended,
        )
        self._hints.is_contended = False
        if found.is_busy:
            self._hints.must_queue = self._hints.must_retry_soon = True

    # What is heard

    def _wait(self) -> bool:
        """Sleep until something happens or is due; whether another process woke the loop."""
        poll = select.poll()
        poll.register(self._stop_reader, select.POLLIN)
        executor_fd = self.executor.fileno()
        if executor_fd is not None:
            poll.register(executor_fd, select.POLLIN)
        if self._listener is not None:
            if self._listener.revive():
                return True
            poll.register(self._listener.fileno(), select.POLLIN)
        ready = {fd for fd, _ in poll.poll(self._seconds_to_sleep() * 1000)}
        with contextlib.suppress(BlockingIOError):
            self._stop_reader.recv(64)
        self._hints.must_retry_soon = False
        return self._listener is not None and self._listener.fileno() in ready and self._listener.drain()

    def _seconds_to_sleep(self) -> float:
        now = time.monotonic()
        moments = [self._next_pass, *(duty.due_at for duty in self._duties)]
        if self._hints.must_retry_soon:
            moments.append(now + RETRY_SECONDS)
        elif self._hints.ended or self._hints.runs or self._hints.must_queue:
            return 0.0
        if self.executor.fileno() is None or self.executor.running():
            moments.append(now + POLL_SECONDS)
        seconds = min(moments) - now
        if self._hints.alarm is not None:
            seconds = min(seconds, (self._hints.alarm - self.clock.now()).total_seconds())
        return max(seconds, 0.0)

    def _hear_executor(self) -> None:
        for event in self.executor.poll():
            self._hints.ended.setdefault(event.run_pk, set()).add(event.ti_id)

    # Duties

    def _make_duties(self) -> list[_Duty]:
        def every(option: str) -> float:
            return conf.getfloat("scheduler", option)

        return [
            _Duty(every("job_heartbeat_sec"), self._beat),
            _Duty(every("zombie_detection_interval"), self._find_zombies),
            _Duty(
                min(every("orphaned_tasks_check_interval"), every("scheduler_health_check_threshold")),
                self._mend,
            ),
        ]

    def _do_duties(self) -> None:
        for duty in self._duties:
            if time.monotonic() >= duty.due_at:
                duty.do()
                duty.due_at = time.monotonic() + duty.every

    def _beat(self) -> None:
        assert self.job_id is not None, "the loop has started"
        if not jobs.beat(self.job_id):
            self._return()
        self.executor.heartbeat()

    def _return(self) -> None:
        """The database takes this scheduler for dead, or does not know it."""
        assert self.job_id is not None, "the loop has started"
        if jobs.is_known(self.job_id):
            log.warning("This scheduler was taken for dead. It goes on; what it had queued was queued again.")
            return
        before, self.job_id = self.job_id, jobs.start(type(self.executor).__name__)
        if self.on_start is not None:
            self.on_start(self.job_id)
        log.error(
            "The database has no scheduler %s: an older one was restored, or its jobs were deleted. It goes on as %s; "
            "tries that are newer than what was restored are ended.",
            before,
            self.job_id,
        )

    def _find_zombies(self) -> None:
        # After a jump of the clock every heartbeat looks old; they need a moment to be renewed.
        if self.clock.has_jumped(4 * conf.getfloat("scheduler", "job_heartbeat_sec")):
            return
        now = self.clock.now()
        assert self.job_id is not None, "the loop has started"
        in_hand = self.executor.running()
        self._hints.runs |= recovery.end_zombies(now=now)
        self._hints.runs |= recovery.free_restarting(in_hand=in_hand, now=now)
        dropped, runs = recovery.requeue_stuck(job_id=self.job_id, now=now)
        if dropped:
            self.executor.kill(sorted(dropped), "The try waited too long for a process.")
            self._hints.runs |= runs
        if recovery.requeue_unsent(job_id=self.job_id, in_hand=in_hand, now=now):
            self._hints.must_queue = True

    def _mend(self) -> None:
        jobs.bury_dead()
        now = self.clock.now()
        if recovery.requeue_orphans(now=now):
            self._hints.must_queue = True
        recovery.drop_scheduled_of_ended_runs(now=now)
        if Backfill.objects.filter(completed_at=None).exists():  # the net: who ends a run ends its backfill, too
            with transaction.atomic():
                Backfill.objects.complete(now=now)
        IdempotencyRecord.objects.expired(now=now).delete()

    def _kill_lost(self) -> None:
        """End the processes of tries that an operator took away."""
        lost = recovery.lost_claims(self.executor.running())
        if lost:
            self._hear_executor()  # some may just have ended by themselves
            lost &= self.executor.running()
        if lost:
            self.executor.kill(sorted(lost), "The task instance was cleared, marked or deleted.")

    # Trouble

    def _trouble(self, error: Exception) -> None:
        """The database refused: forget the connection, wait a little longer each time. The hints are kept."""
        self._failures += 1
        pause = min(0.05 * 2.0**self._failures, LONGEST_BACKOFF_SECONDS) * random.uniform(0.5, 1.0)  # noqa: S311
        first = first_line(error)
        log.warning("The database cannot be used (%s: %s); tried again in %.1f s", type(error).__name__, first, pause)
        with contextlib.suppress(Exception):
            connection.close()
        self.clock.forget()
        if not self._stops:
            select.select([self._stop_reader], [], [], pause)

    def _outlast(self, do: Callable[[], _T]) -> _T | None:
        """Do it when the database lets us; None if the loop is stopped before."""
        while not self._stops:
            try:
                done = do()
            except (DatabaseError, InterfaceError) as error:
                self._trouble(error)
            else:
                self._failures = 0
                return done
        return None


def _touched(*, since: datetime, limit: int) -> set[int]:
    """Running runs in which something changed; two queries over an index each."""
    instances = TaskInstance.objects.filter(updated_at__gte=since, run__state=DagRunState.RUNNING).order_by()
    found = set(instances.values_list("run_id", flat=True).distinct()[:limit])
    runs = DagRun.objects.filter(updated_at__gte=since, state=DagRunState.RUNNING)
    return found | set(runs.values_list("pk", flat=True)[:limit])


def _next_due(now: datetime) -> datetime | None:
    """When the next scheduled run is to be made."""
    waiting = Dag.objects.filter(is_active=True, is_paused=False, next_dagrun_create_after__gt=now)
    found: datetime | None = waiting.aggregate(first=Min("next_dagrun_create_after"))["first"]
    return found
