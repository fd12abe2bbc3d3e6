"""The DAG processor's loop: which files there are, which is parsed now, and what comes of it.

One thread that never waits for a parser: it selects over the parsers' channels and outputs, the notices of changed
files and the wake-ups of other processes, until the next moment at which something is due.
"""

from __future__ import annotations

import contextlib
import logging
import math
import os
import selectors
import signal
import socket
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from django.db import DatabaseError, InterfaceError, OperationalError, close_old_connections
from django.db.models import Count

from orchestration.dagfiles.discover import DagFile, find_dag_files
from orchestration.dagfiles.options import Options
from orchestration.dagfiles.processes import Answerer, Ended, Parsers
from orchestration.dagfiles.protocol import CallbackJob, ParseJob, ParseResult
from orchestration.dagfiles.queue import FileQueue, Urgency
from orchestration.dagfiles.requests import Callbacks, take_parse_requests
from orchestration.dagfiles.sync import Applied, Syncer, forget_missing
from orchestration.dagfiles.watch import Watcher
from orchestration.models import Dag, Job
from orchestration.models.next_runs import last_automated_intervals
from orchestration.models.outages import is_outage
from orchestration.models.wakeups import Listener
from orchestration.states import JobState, JobType

log = logging.getLogger(__name__)

#: Seconds to wait before a database that did not answer is asked again.
_DATABASE_PAUSE_SECONDS = 2.0
#: Seconds to wait before the warm parent is started again after it failed to start.
_REBIRTH_PAUSE_SECONDS = 5.0


@dataclass(slots=True)
class Statistics:
    """What happened since the last line of statistics."""

    parsed: int = 0
    failed: int = 0
    seconds: float = 0.0
    new_versions: int = 0


@dataclass(slots=True)
class _Clocks:
    """When each periodic duty is due, on the monotonic clock."""

    listing: float = 0.0
    polling: float = 0.0
    heartbeat: float = 0.0
    statistics: float = 0.0
    database: float = 0.0
    parsers: float = 0.0

    def next(self) -> float:
        return min(self.listing, self.polling, self.heartbeat, self.statistics)


@dataclass
class Processor:
    """The DAG processor. ``run`` ends on ``stop``, on SIGTERM or SIGINT, or after ``rounds`` parses of every file."""

    options: Options
    #: Answers what DAG files ask the store port for while they are parsed.
    answer: Answerer
    #: ``module:function`` that mails about tasks whose tries died; empty for none.
    mailer: str = ""
    rounds: int = -1
    on_parsed: Callable[[ParseResult], None] | None = None
    queue: FileQueue = field(init=False)
    _syncer: Syncer = field(default_factory=Syncer)
    _callbacks: Callbacks = field(init=False)
    _clocks: _Clocks = field(default_factory=_Clocks)
    _statistics: Statistics = field(default_factory=Statistics)
    #: Files whose parser may have ended the warm parent: each is parsed alone until it is cleared.
    _suspects: list[str] = field(default_factory=list)
    _parsed_rounds: dict[str, int] = field(default_factory=dict)
    _ended: deque[Ended] = field(default_factory=deque)
    _is_stopping: bool = False
    _job: Job | None = None
    _watcher: Watcher | None = None

    def __post_init__(self) -> None:
        self.queue = FileQueue(self.options.interval if self.rounds < 0 else 0.0)
        self._callbacks = Callbacks(self.mailer)

    def stop(self, *_: object) -> None:
        """End the loop soon; safe in a signal handler."""
        self._is_stopping = True

    def run(self) -> None:
        """Parse until stopped. Errors of the database are waited out, all others end the loop."""
        self._clocks.statistics = time.monotonic() + self.options.statistics_interval
        state = JobState.FAILED
        with (
            selectors.DefaultSelector() as selector,
            Parsers(selector, self.answer) as parsers,
            Listener("dag_processor") as listener,
            _signals_stop(self) as woken,
        ):
            selector.register(listener, selectors.EVENT_READ, (listener, None))
            selector.register(woken, selectors.EVENT_READ, (woken, None))
            try:
                while not self._is_stopping and not self._is_done(parsers):
                    self._pass(selector, parsers, listener, woken)
                state = JobState.SUCCESS
            finally:
                self._unwatch(selector)
                self._end_job(state)

    def _pass(
        self, selector: selectors.BaseSelector, parsers: Parsers, listener: Listener, woken: socket.socket
    ) -> None:
        now = time.monotonic()
        if now >= self._clocks.database:
            try:
                self._periodic_duties(selector, now)
                self._ended.extend(parsers.ended())
                self._begin(parsers)  # before what ended is written: the next files are parsed meanwhile
                self._settle()
            except (DatabaseError, InterfaceError) as error:
                if not is_outage(error):
                    raise
                log.warning("The database does not answer (%s). Trying again in a while.", error)
                close_old_connections()
                self._clocks.database = now + _DATABASE_PAUSE_SECONDS
        if self._is_stopping or self._is_done(parsers):
            return
        if listener.revive():
            self._clocks.heartbeat = 0.0
        for key, mask in selector.select(self._seconds_to_wait(parsers)):
            if key.fileobj is listener:
                listener.drain()
                self._clocks.heartbeat = 0.0
            elif key.fileobj is woken:
                with contextlib.suppress(BlockingIOError):
                    woken.recv(4096)
            elif key.fileobj is self._watcher:
                self._notice_changes()
            else:
                parsers.handle(key, mask)

    def _seconds_to_wait(self, parsers: Parsers) -> float:
        now = time.monotonic()
        waits = [self._clocks.next() - now]
        if self._clocks.database > now:
            return max(0.0, min(self._clocks.database - now, parsers.seconds_until_limit() or 60.0))
        if (limit := parsers.seconds_until_limit()) is not None:
            waits.append(limit)
        if len(parsers) < self._room() and (due := self.queue.seconds_until_due(now)) is not None:
            waits.append(max(due, self._clocks.parsers - now))
        return max(0.0, min(waits))

    def _periodic_duties(self, selector: selectors.BaseSelector, now: float) -> None:
        if now >= self._clocks.heartbeat:
            self._beat()
            self._fetch_requests(now)
            self._clocks.heartbeat = now + self.options.heartbeat
        if now >= self._clocks.listing:
            self._list(now)
            self._rewatch(selector)
            self._clocks.listing = now + self.options.listing_interval
        if now >= self._clocks.polling:
            self._poll(now)
            self._clocks.polling = now + self.options.interval
        if now >= self._clocks.statistics:
            self._print_statistics()
            self._clocks.statistics = now + self.options.statistics_interval

    def _list(self, now: float) -> None:
        """Find the files, and let go of the rows of those that vanished."""
        found: list[DagFile] = []
        for root in self.options.roots:
            found += find_dag_files(root, safe_mode=self.options.safe_mode)
        new, gone = self.queue.update(found, now)
        self._suspects = [path for path in self._suspects if path in self.queue.files]
        roots = None if self.options.rules_all else [str(Path(root)) for root in self.options.roots]
        deactivated, _ = forget_missing(self.queue.files.keys(), roots, datetime.now(UTC))
        if new or gone or deactivated:
            log.info("%d DAG files: %d new, %d gone, %d DAGs deactivated", len(found), len(new), len(gone), deactivated)

    def _poll(self, now: float) -> None:
        """Find changed files that notices may have missed, and files whose DAGs someone deleted from the tables."""
        for path, state in list(self.queue.files.items()):
            stamp = _stamp(path)
            if state.stamp is not None and stamp != state.stamp:
                self.queue.mark(path, Urgency.CHANGED, now)
            state.stamp = stamp
            if stamp is None:
                self._clocks.listing = 0.0

        rows: Counter[str] = Counter()
        active = Dag.objects.filter(is_active=True).order_by().values_list("fileloc").annotate(Count("pk"))
        for fileloc, count in active:
            rows[self._file_of(fileloc)] += count
        self.queue.mark_missing(rows, now)

    def _file_of(self, fileloc: str) -> str:
        """The listed file of a DAG's ``fileloc``: for a module of an archive the archive."""
        return fileloc if fileloc in self.queue.files else str(Path(fileloc).parent)

    def _fetch_requests(self, now: float) -> None:
        """What others ask for by rows: files to be parsed now, callbacks to be run."""
        for path in take_parse_requests():
            if not self.queue.mark(self._file_of(path), Urgency.REQUESTED, now):
                self._clocks.listing = 0.0
        self._callbacks.fetch()

    def _notice_changes(self) -> None:
        assert self._watcher is not None
        changed = self._watcher.take()
        if not changed:
            return
        now = time.monotonic()
        self.queue.changed(changed, now)
        if any(path not in self.queue.files or not Path(path).exists() for path in changed):
            self._clocks.listing = min(self._clocks.listing, now)

    def _room(self) -> int:
        return 1 if self._suspects else self.options.parsers

    def _begin(self, parsers: Parsers) -> None:
        """Start parsers while there is room and work: callbacks first, then files by urgency."""
        now = time.monotonic()
        while len(parsers) < self._room() and not self._is_stopping and now >= self._clocks.parsers:
            if not self._suspects and (callbacks := self._callbacks.next(self.options.limits)) is not None:
                parsers.start(callbacks)
                continue
            file = self.queue.next(now)
            if file is None:
                return
            self.queue.files[file.path].stamp = _stamp(file.path)
            parsers.start(self._job_for(file))

    def _job_for(self, file: DagFile) -> ParseJob:
        asked_ahead = Dag.objects.filter(fileloc__startswith=file.path, is_active=True, upcoming__isnull=False)
        dag_ids = list(asked_ahead.order_by().values_list("pk", flat=True))
        intervals = last_automated_intervals(dag_ids) if dag_ids else {}
        return ParseJob(
            path=file.path,
            root=file.root,
            safe_mode=self.options.safe_mode,
            limits=self.options.limits,
            last_intervals={
                dag_id: (interval.start.isoformat(), interval.end.isoformat()) for dag_id, interval in intervals.items()
            },
        )

    def _settle(self) -> None:
        """Take what ended parsers found."""
        while self._ended:
            ended = self._ended.popleft()
            if isinstance(ended.job, CallbackJob):
                self._callbacks.finished(ended.job, ended.result, lost=ended.lost)
            elif ended.unborn:
                self.queue.given_back(ended.job.path, time.monotonic())
                self._clocks.parsers = time.monotonic() + _REBIRTH_PAUSE_SECONDS
            elif ended.lost and not self._is_guilty(ended):
                self.queue.given_back(ended.job.path, time.monotonic())
            else:
                self._apply(ended.job, ended.result)

    def _is_guilty(self, ended: Ended) -> bool:
        """Whether this file ended the warm parent: surely so if it was parsed alone."""
        path = ended.job.path
        if path in self._suspects and self._room() == 1:
            self._suspects.remove(path)
            return True
        self._suspects.append(path)
        return False

    def _apply(self, job: ParseJob, result: ParseResult) -> None:
        path = job.path
        if path in self._suspects:
            self._suspects.remove(path)
        if path not in self.queue.files:
            return  # it vanished meanwhile
        try:
            applied = self._syncer.apply(result, root=job.root, now=datetime.now(UTC))
        except Exception as error:
            if is_outage(error):
                self.queue.given_back(path, time.monotonic())
                raise
            log.exception("What %s defines could not be written to the tables. The file is tried again later.", path)
            applied = Applied(outcome="", is_volatile=True)
        self.queue.finished(
            path,
            time.monotonic(),
            outcome=applied.outcome,
            modules=result.modules,
            dags=applied.dags,
            is_volatile=applied.is_volatile,
        )
        self._parsed_rounds[path] = self._parsed_rounds.get(path, 0) + 1
        if 0 <= self.rounds <= self._parsed_rounds[path]:
            self.queue.files[path].due_at = math.inf
        self._statistics.parsed += 1
        self._statistics.failed += bool(result.errors)
        self._statistics.seconds += result.seconds
        self._statistics.new_versions += applied.new_versions
        _log_result(result, applied.new_versions)
        if self.on_parsed is not None:
            self.on_parsed(result)

    def _is_done(self, parsers: Parsers) -> bool:
        if self.rounds < 0 or self._clocks.listing == 0.0 or len(parsers):
            return False
        return all(self._parsed_rounds.get(path, 0) >= self.rounds for path in self.queue.files)

    def _beat(self) -> None:
        now = datetime.now(UTC)
        own = Job.objects.none() if self._job is None else Job.objects.own(self._job.pk, JobType.DAG_PROCESSOR)
        if not own.update(latest_heartbeat=now):
            self._job = Job.objects.begin(JobType.DAG_PROCESSOR, at=now)

    def _end_job(self, state: JobState) -> None:
        if self._job is None:
            return
        now = datetime.now(UTC)
        with contextlib.suppress(OperationalError, InterfaceError):
            Job.objects.filter(pk=self._job.pk).update(state=state, end_date=now, latest_heartbeat=now)

    def _rewatch(self, selector: selectors.BaseSelector) -> None:
        """Watch the folders that are there now."""
        there = [root for root in self.options.roots if Path(root).is_dir()]
        if self._watcher is not None and self._watcher.folders == there:
            return
        self._unwatch(selector)
        self._watcher = Watcher(there)
        selector.register(self._watcher, selectors.EVENT_READ, (self._watcher, None))
        self._watcher.start()

    def _unwatch(self, selector: selectors.BaseSelector) -> None:
        if self._watcher is not None:
            selector.unregister(self._watcher)
            self._watcher.stop()
            self._watcher = None

    def _print_statistics(self) -> None:
        done, self._statistics = self._statistics, Statistics()
        if done.parsed:
            log.info(
                "parsed %d files in %.1f s of parsing, %d with errors, %d new versions; %d files known",
                done.parsed,
                done.seconds,
                done.failed,
                done.new_versions,
                len(self.queue.files),
            )


@contextlib.contextmanager
def _signals_stop(processor: Processor) -> Iterator[socket.socket]:
    """SIGTERM and SIGINT end the loop, also while it waits; gives the socket that wakes it."""
    heard, told = socket.socketpair()
    for end in (heard, told):
        end.setblocking(False)
    before: dict[signal.Signals, object] = {}

    def stop(signum: int, frame: FrameType | None) -> None:
        processor.stop()

    try:
        old = signal.set_wakeup_fd(told.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            before[number] = signal.signal(number, stop)
    except ValueError:  # not the main thread: a test stops the processor itself
        old = -2
    try:
        yield heard
    finally:
        if old != -2:
            signal.set_wakeup_fd(old)
        for number, handler in before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # what signal() gave
        heard.close()
        told.close()


def _stamp(path: str) -> tuple[int, int] | None:
    """Modification time and size; None for a file that is not there."""
    try:
        found = os.stat(path)  # noqa: PTH116 called for each file at each poll
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def _log_result(result: ParseResult, new_versions: int) -> None:
    for path, text in result.errors.items():
        log.warning("%s: %s", path, text.strip().splitlines()[-1] if text.strip() else "failed")
    if new_versions:
        log.info("%s: %d DAGs in %.2f s, %d new versions", result.path, len(result.dags), result.seconds, new_versions)
    if result.output:
        log.debug("%s printed:\n%s", result.path, result.output)
