"""The supervisor: claims tries, has them forked, answers their questions, stores how they end.

One process with one event loop and one database connection. It talks to its executor over a socket (``frames``): in
come ``{"submit": […]}``, ``{"kill": [ids], "reason": …}``, ``{"stop": seconds}``; out go ``{"ended": [[task instance,
run, state], …]}`` and ``{"gone": [ids]}`` for tries that came to nothing here.

Each turn of the loop first hears everybody, then does all it has to do in the database in one transaction (``turns``),
then answers. When the database is away, what is at hand is kept and tried again; the tasks go on.

When its executor dies, it takes no new work, brings the running tries to their ends, and ends.
"""

from __future__ import annotations

import contextlib
import getpass
import logging
import os
import selectors
import signal
import socket
import time
import uuid
from collections import deque
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.utils import timezone

from orchestration.conf import conf
from orchestration.execution import processes, task_log, turns
from orchestration.execution.claims import Claimant
from orchestration.execution.executors.base import Workload
from orchestration.execution.tries import Ending, Try, outcome_of
from orchestration.execution.turns import Batch, Call, Crash, Done
from orchestration.execution.warm_parents import WarmParent, WarmParents
from orchestration.models import outcomes, session_limits, wakeups
from orchestration.models.outages import first_line
from orchestration.processes import frames, kernel
from orchestration.processes.hosts import hostname
from orchestration.states import TaskInstanceState

log = logging.getLogger(__name__)

#: Seconds after which the process id of a try that still runs is shown, and its rendered fields.
NOTE_AFTER = 0.5
#: Seconds between looks at files, limits and processes.
TIDY_EVERY = 1.0
#: The same where nothing runs: warm parents that are kept for another try are let go, too.
TIDY_IDLE_EVERY = 10.0
LONGEST_SLEEP = 60.0
#: Seconds between looks at processes that are being ended.
LOOK_EVERY = 0.1
#: Seconds between searches for processes of tries whose supervisor died.
SWEEP_EVERY = 60.0
#: Seconds that a process gets to end after it has said how its try ended, and its descendants after it.
LAST_WORDS = 5.0
#: Seconds beyond ``execution_timeout`` after which a process that did not end itself is ended.
TIMEOUT_GRACE = 3.0
_LONGEST_BACKOFF = 5.0
#: Seconds after which that is tried again whose lock somebody keeps.
LOCKED_PAUSE = 0.3
LOST = "The try lost its claim."
FAILURES = frozenset({TaskInstanceState.FAILED, TaskInstanceState.UP_FOR_RETRY})


class Supervisor:
    """See the module. ``run`` ends when there is nothing left to do."""

    def __init__(
        self, executor: socket.socket, *, supervisor_id: str | None = None, hears_wakeups: bool = False
    ) -> None:
        self.id = supervisor_id or uuid.uuid4().hex
        self._selector = selectors.DefaultSelector()
        self._executor = executor
        self._executor_inbox = frames.Inbox()
        self._executor_outbox = frames.Outbox(executor)
        self._is_alone = False
        self._stop_at: float | None = None
        self._tries: dict[int, Try] = {}
        self._numbers = 0
        self._to_claim: list[Try] = []
        self._calls: list[Call] = []
        self._crashes: dict[int, Crash] = {}
        self._restarted: list[int] = []
        #: Results that were stored but may not last yet, and when they were.
        self._unsettled: deque[tuple[float, outcomes.Outcome]] = deque()
        #: Those of them that are stored again, because the database may have lost them.
        self._again: list[outcomes.Outcome] = []
        self._warm = WarmParents(self._watch, self._unwatch)
        self._claimant = Claimant(self.id, hostname(), getpass.getuser())
        self._next_beat = 0.0
        self._next_tidy = 0.0
        self._next_sweep = 0.0
        self._failures = 0
        self._retry_at = 0.0
        self._listener = wakeups.Listener("scheduler") if hears_wakeups else None
        self._must_check_claims = False
        executor.setblocking(False)

    # The loop

    def run(self) -> None:
        """Serve until told to stop, or until the executor is gone, and the last try has ended."""
        kernel.adopt_orphans()
        connection_created.connect(_limit_waits, dispatch_uid="supervisor_limits")
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal's; who started this process tells it to stop
        signal.signal(signal.SIGTERM, lambda *_: self._stop(0.0))
        self._watch(self._executor, self._executor)
        if self._listener is not None:
            self._listener.__enter__()
            self._selector.register(self._listener.fileno(), selectors.EVENT_READ, self._listener)
        with contextlib.suppress(OSError):  # there is no process left: the first try asks again
            self._warm.start()
        try:
            while not self._is_done():
                self._hear(self._seconds_to_wait())
                self._turn()
        finally:
            self._warm.stop()
            if self._listener is not None:
                self._listener.close()
            connection.close()

    def _is_done(self) -> bool:
        is_ending = self._is_alone or self._stop_at is not None
        return is_ending and not self._tries and not self._restarted and not self._crashes

    def _hear(self, seconds: float) -> None:
        if self._listener is not None and self._listener.revive():
            self._must_check_claims = True
        for key, mask in self._selector.select(seconds):
            if isinstance(key.data, Try):
                self._hear_try(key.data, mask)
            elif isinstance(key.data, WarmParent):
                self._hear_parent(key.data, key.fileobj, mask)
            elif key.data is self._warm:
                self._hear_zygote()
            elif key.data is self._executor:
                self._hear_executor()
            else:
                self._hear_wakeup()

    def _seconds_to_wait(self) -> float:
        now = time.monotonic()
        if self._failures:
            return max(self._retry_at - now, 0.0)
        if self._calls or self._restarted or any(self._has_end(t) for t in self._all()):
            return 0.0
        if any(not self._has_older(t) for t in self._to_claim):
            return 0.0
        idle = TIDY_IDLE_EVERY if self._warm.everyone() else LONGEST_SLEEP
        moments = [self._next_beat, self._next_tidy] if self._tries else [now + idle]
        if self._unsettled:
            moments.append(self._unsettled[0][0] + turns.LASTING_AFTER)
        moments += [t.started + NOTE_AFTER for t in self._all() if t.is_running and not t.is_pid_noted and t.started]
        if any(t.ending is not None for t in self._all()):
            moments.append(now + LOOK_EVERY)
        return max(min(moments) - now, 0.0)

    def _has_end(self, each: Try) -> bool:
        """Whether there is an end to be stored now."""
        return (each.outcome is not None or each.number in self._crashes) and each.may_be_stored

    def _all(self) -> Iterable[Try]:
        return list(self._tries.values())

    # Sockets

    def _watch(self, sock: socket.socket, data: Any) -> None:
        self._selector.register(sock, selectors.EVENT_READ, data)

    def _unwatch(self, sock: socket.socket) -> None:
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(sock)

    def _hear_executor(self) -> None:
        data, is_closed = frames.drain(self._executor)
        for message in self._executor_inbox.feed(data):
            if "submit" in message:
                for document in message["submit"]:
                    self._take(Workload.from_json(document))
            elif "kill" in message:
                self._kill(message["kill"], message["reason"])
            elif "stop" in message:
                self._stop(message["stop"])
        if is_closed:
            log.warning("The executor is gone; %s tries are brought to their ends", len(self._tries))
            self._unwatch(self._executor)
            self._is_alone = True
            self._drop_unclaimed()

    def _tell_executor(self, message: dict[str, Any]) -> None:
        if self._is_alone:
            return
        with contextlib.suppress(OSError):  # its end is heard as the end of its socket
            self._executor_outbox.put(message)

    def _hear_wakeup(self) -> None:
        assert self._listener is not None
        self._listener.drain()
        self._must_check_claims = True

    def _hear_try(self, each: Try, mask: int) -> None:
        if mask & selectors.EVENT_WRITE:
            self._flush(each.sock, each.outbox, each)
        if not mask & selectors.EVENT_READ:
            return
        data, is_closed = frames.drain(each.sock)
        try:
            for message in each.inbox.feed(data):
                self._take_message(each, message)
        except (frames.FrameError, KeyError, TypeError, ValueError) as error:
            log.warning("%s sent no message: %s", each.workload.task_id, error)
            is_closed = True
        if is_closed and not each.is_silent:
            each.is_silent = True
            self._unwatch(each.sock)

    def _take_message(self, each: Try, message: Any) -> None:
        name, args, kwargs = message
        if name == "result":
            each.result = args[0]
            each.deadline = None
            self._settle(each)
        elif name == "deadline":
            each.deadline = None if args[0] is None else time.monotonic() + args[0] + TIMEOUT_GRACE
        elif name == "set_rendered_fields":
            each.rendered = args[0] if args else kwargs["fields"]
            each.is_pid_noted = False
        else:
            self._calls.append(Call(each.number, each.held, name, args, kwargs))

    def _flush(self, sock: socket.socket, outbox: frames.Outbox, data: Any) -> None:
        """Send what waits; hear when more can be sent if some still does."""
        try:
            outbox.flush()
        except OSError:
            return
        with contextlib.suppress(KeyError, ValueError):
            wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if outbox else 0)
            self._selector.modify(sock, wanted, data)

    def _send(self, sock: socket.socket, outbox: frames.Outbox, message: Any, data: Any) -> None:
        with contextlib.suppress(OSError):  # who is gone is heard of otherwise
            outbox.put(message)
            if outbox:
                self._flush(sock, outbox, data)

    # Warm parents

    def _hear_zygote(self) -> None:
        control = self._warm.control
        if control is None:
            return
        for message in self._warm.messages(control):
            if "closed" in message:
                log.error("The zygote is gone; it is started again with the next try")
                self._warm.restart_zygote()
                return
            self._warm.hear_zygote(message)

    def _hear_parent(self, parent: WarmParent, sock: Any, mask: int) -> None:
        if sock is parent.store:
            self._hear_import(parent, mask)
            return
        for message in self._warm.messages(parent.control):
            if "pid" in message and (each := self._tries.get(message["number"])):
                each.pid = message["pid"]
            elif "exit" in message:
                pid, status = message["exit"]
                for each in [t for t in self._all() if t.parent is parent and t.pid == pid]:
                    self._gone(each, status)
            elif "failed" in message and (each := self._tries.get(message["number"])):
                self._gone(each, None, message["failed"])
            elif "orphans" in message:
                parent.orphans = set(message["orphans"])
            elif "ready" in message:
                self._warm.ready(parent, message["ready"])
            elif "closed" in message:
                self._parent_gone(parent)
                return

    def _hear_import(self, parent: WarmParent, mask: int) -> None:
        if mask & selectors.EVENT_WRITE:
            self._flush(parent.store, parent.store_outbox, parent)
        data, is_closed = frames.drain(parent.store)
        with contextlib.suppress(frames.FrameError):
            for name, args, kwargs in parent.store_inbox.feed(data):
                self._calls.append(Call(-parent.number, None, name, args, kwargs))
        if is_closed:
            self._warm.close_store(parent)

    def _parent_gone(self, parent: WarmParent) -> None:
        self._hear_zygote()  # which may have said why
        was_importing = parent.fingerprint is None
        reason = parent.failure or (
            f"The process that imports {parent.path} ended before it was done."
            if was_importing
            else f"The process that the tasks of {parent.path} are forked from was killed, and they with it."
        )
        self._warm.forget(parent)
        for each in [t for t in self._all() if t.parent is parent]:
            self._gone(each, None, reason)

    # The life of a try

    def _take(self, workload: Workload) -> None:
        same = [t for t in self._all() if t.workload.ti_id == workload.ti_id]
        if any(t.workload.claim == workload.claim for t in same) or self._is_alone or self._stop_at is not None:
            return
        if same:
            self._must_check_claims = True  # there is a new try: the old one must have lost its claim
        try:
            self._to_claim.append(self._start_process(workload))
        except OSError as error:
            log.error("No process could be started for %s: %s", workload.task_id, error)
            self._tell_executor({"gone": [[workload.ti_id, workload.claim]]})

    def _start_process(self, workload: Workload) -> Try:
        """Have a process forked that waits for its start document. OSError when there can be none."""
        parent = self._warm.for_file(workload.fileloc)
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        self._numbers += 1
        each = Try(self._numbers, workload, ours, parent=parent)
        self._tries[each.number] = each
        self._watch(ours, each)
        self._warm.fork(parent, each.number, theirs)
        return each

    def _start_again(self, before: Try) -> bool:
        """Run a claimed try in a process that imports its file anew; whether that could be begun.

        A file may define other DAGs than when it was imported although it did not change: what it reads has.
        """
        if before.parent is None or before.is_second or before.held is None or before.ending is not None:
            return False
        self._warm.retire(before.parent)
        try:
            each = self._start_process(before.workload)
        except OSError:
            return False
        each.is_second = before.is_replaced = True
        self._began(each, before.held, before.document)
        before.held = None
        return True

    def _began(self, each: Try, held: outcomes.Held, document: dict[str, Any]) -> None:
        each.held = held
        each.document = document
        each.started = time.monotonic()
        self._send(each.sock, each.outbox, document, each)
        if each.is_gone:
            self._settle(each)

    def _gone(self, each: Try, wait_status: int | None, parent_reason: str | None = None) -> None:
        """The process is gone: what it still said is in the socket."""
        if each.is_gone:
            return
        each.is_gone, each.wait_status = True, wait_status
        while not each.is_silent:
            data, is_closed = frames.drain(each.sock)
            with contextlib.suppress(frames.FrameError, KeyError, TypeError, ValueError):
                for message in each.inbox.feed(data):
                    self._take_message(each, message)
            if is_closed or not data:
                each.is_silent = True
                self._unwatch(each.sock)
        if each.held is not None and each.result is None and each.outcome is None and not each.is_stored:
            reason = each.crash_reason(parent_reason)
            task_log.add(each.document["log_path"], reason, "supervisor.py:0")
            self._crash(each, reason)
        self._sweep(each)

    def _settle(self, each: Try) -> None:
        """The process said how the try ended."""
        if each.held is None or each.result is None or each.outcome is not None:
            return
        if each.ending is not None and each.ending.is_stop:
            self._crash(each, each.ending.reason)
            return
        if each.result["state"] == "unknown":  # the task could not even be found
            if not (each.result["is_stale"] and self._start_again(each)):
                self._crash(each, each.result["reason"])  # the stored DAG says whether to retry
            return
        try:
            # The parent's word of the fork may come later than the result of a task that took no time.
            pid = int(each.result["pid"]) if each.pid is None else each.pid
            outcome = outcome_of(each.held, each.result, pid=pid, rendered=each.rendered)
        except (KeyError, ValueError, TypeError) as error:
            self._crash(each, f"The task's process sent a result that cannot be read: {error!r}")
            return
        is_killed = each.ending is not None and outcome.state in FAILURES
        each.outcome = replace(outcome, reason=each.ending.reason) if is_killed and each.ending else outcome

    def _crash(self, each: Try, reason: str) -> None:
        assert each.held is not None
        self._crashes.setdefault(each.number, Crash(each.held, reason, timezone.now()))

    def _sweep(self, each: Try) -> None:
        """End what the process left behind."""
        parent = each.parent
        leftovers: list[Any] = []
        if each.ending is not None or (parent is not None and (parent.orphans or parent.is_gone)):
            leftovers = processes.tree(each.pid, each.tag)
        if not leftovers:
            self._finish(each)
            return
        if each.ending is None:
            each.ending = Ending("Processes of the try were left behind.", False, time.monotonic() + LAST_WORDS)
        each.ending.processes = leftovers
        processes.send_signal(leftovers, signal.SIGTERM)

    def _finish(self, each: Try) -> None:
        """No process of the try is left; it leaves the supervisor's hands when its end is stored."""
        if each.parent is not None:
            self._warm.done(each.parent, each.number)
            each.parent = None
        if each.held is None or each.is_stored:
            self._drop(each)

    def _drop(self, each: Try) -> None:
        """Forget the try, and tell the executor if it came to nothing here."""
        if self._tries.pop(each.number, None) is None:
            return
        self._unwatch(each.sock)
        each.sock.close()
        if each in self._to_claim:
            self._to_claim.remove(each)
        if each.is_lost:
            self._restarted.append(each.workload.ti_id)  # where it was cleared
        if not each.is_replaced:
            self._tell_executor({"gone": [[each.workload.ti_id, each.workload.claim]]})

    # Ending tries

    def _kill(self, ti_ids: Iterable[int], reason: str) -> None:
        wanted = set(ti_ids)
        for each in [t for t in self._all() if t.workload.ti_id in wanted]:
            self._end(each, reason)

    def _end(self, each: Try, reason: str, *, is_lost: bool = False, is_stop: bool = False) -> None:
        if each.held is None:
            self._drop(each)
            return
        if is_lost:
            self._lose(each)
        if each.ending is not None:
            return
        grace = conf.getfloat("core", "killed_task_cleanup_time")
        each.ending = Ending(reason, is_stop, time.monotonic() + grace)
        log.info("Ending %s try %s: %s", each.workload.task_id, each.workload.try_number, reason)
        each.ending.processes = processes.tree(each.pid, each.tag)
        processes.send_signal(each.ending.processes, signal.SIGTERM)

    def _lose(self, each: Try) -> None:
        """Somebody took the claim: there is nothing to store any more."""
        each.is_lost = each.is_stored = True
        self._crashes.pop(each.number, None)

    def _push_endings(self, now: float) -> None:
        """Kill what did not end in time; find out what is gone."""
        for each in self._all():
            ending = each.ending
            if ending is None:
                continue
            if now >= ending.kill_at:
                ending.processes = processes.tree(each.pid, each.tag)
                processes.send_signal(ending.processes, signal.SIGKILL)
                ending.kill_at = now + TIDY_EVERY
            if each.is_gone and not processes.alive(ending.processes):
                ending.processes = processes.tree(each.pid, each.tag)
                if not ending.processes:
                    self._finish(each)

    def _stop(self, grace_seconds: float) -> None:
        self._stop_at = time.monotonic() + grace_seconds
        self._next_tidy = 0.0
        self._drop_unclaimed()

    def _drop_unclaimed(self) -> None:
        for each in [t for t in self._all() if t.held is None and not t.is_replaced]:
            self._drop(each)

    # The database

    def _turn(self) -> None:
        now = time.monotonic()
        if now >= self._next_tidy:
            self._tidy(now)
        self._push_endings(now)
        if self._failures and now < self._retry_at:
            return
        batch, tries = self._gather(now)
        if not batch:
            self._failures = 0
            return
        try:
            done = turns.run(batch, self._claimant, now=timezone.now(), is_repeated=self._failures > 0)
        except turns.TROUBLE as error:
            self._failures += 1
            self._retry_at = now + min(0.1 * 2**self._failures, _LONGEST_BACKOFF)
            log.warning("The database cannot be written (%s); tried again", first_line(error))
            self._again = [outcome for _, outcome in self._unsettled]
            self._note_again(batch)
            with contextlib.suppress(Exception):
                connection.close()
            return
        self._apply(batch, done, tries, now)
        self._failures = min(len(done.left), 1)
        if done.left:  # the next turn waits a moment, and for no lock for long
            self._retry_at = time.monotonic() + LOCKED_PAUSE

    def _gather(self, now: float) -> tuple[Batch, dict[str, Try]]:
        """Everything there is to do, and the tries that are to be claimed."""
        waiting = [t for t in self._to_claim if not self._has_older(t)]
        batch = Batch(
            workloads=[t.workload for t in waiting],
            calls=list(self._calls),
            outcomes=[*self._again, *(t.outcome for t in self._all() if t.outcome is not None and t.may_be_stored)],
            restarted=list(self._restarted),
        )
        for number, crash in self._crashes.items():
            each = self._tries[number]
            if each.may_be_stored:
                is_stop = each.ending is not None and each.ending.is_stop
                (batch.queued_again if is_stop else batch.crashes).append(crash)
        for each in self._all():
            if each.is_running and each.held is not None and not each.is_pid_noted and now >= each.started + NOTE_AFTER:
                if each.pid is not None:
                    batch.pids[each.held.ti_id] = (each.held, each.pid)
                if each.rendered is not None:
                    batch.rendered[each.held.ti_id] = (each.held, each.rendered)
                each.is_pid_noted = each.pid is not None
        batch.is_check = self._must_settle(now)
        if now >= self._next_beat or self._must_check_claims:
            batch.beats = [t.held for t in self._all() if t.held is not None and t.is_running]
        return batch, {t.workload.claim: t for t in waiting}

    def _must_settle(self, now: float) -> bool:
        """Whether to look if the database that stored results is still the one that answers: it may have crashed."""
        return bool(self._unsettled) and now - self._unsettled[0][0] >= turns.LASTING_AFTER

    def _has_older(self, each: Try) -> bool:
        """Whether a process of an earlier try of the same instance is not gone yet."""
        return any(t is not each and t.held and t.workload.ti_id == each.workload.ti_id for t in self._tries.values())

    def _apply(self, batch: Batch, done: Done, waiting: dict[str, Try], now: float) -> None:
        """The turn is stored: tell everybody."""
        if batch.beats:
            self._next_beat = now + conf.getfloat("scheduler", "job_heartbeat_sec")
            self._must_check_claims = False
        left = done.left
        self._calls = [*(call for part in left for call in part.calls), *self._calls[len(batch.calls) :]]
        self._restarted = [*(ti for part in left for ti in part.restarted), *self._restarted[len(batch.restarted) :]]
        known = {id(each.outcome) for each in self._all()}
        self._again = [outcome for part in left for outcome in part.outcomes if id(outcome) not in known]
        for part in left:
            self._note_again(part)
        if connection.vendor == "postgresql":
            self._unsettled.extend((now, outcome) for outcome in batch.outcomes if outcome.held.ti_id in done.ended)
        while self._unsettled and now - self._unsettled[0][0] >= turns.LASTING_AFTER:
            self._unsettled.popleft()
        locked = {workload.claim for part in left for workload in part.workloads}
        for claim, each in waiting.items():
            if claim in locked:
                continue
            self._to_claim.remove(each)
            if claim in done.starts:
                start = done.starts[claim]
                self._began(each, start.held, start.document)
            else:
                log.info("The try %s of %s is not ours to run", each.workload.try_number, each.workload.task_id)
                self._drop(each)
        for number, is_done, answer in done.answers:
            self._answer(number, is_done, answer)
        self._apply_ends(done)
        for each in [t for t in self._all() if t.held is not None and t.workload.ti_id in done.lost]:
            if each.is_running:
                self._end(each, LOST, is_lost=True)

    def _note_again(self, batch: Batch) -> None:
        """What could not be noted of tries is noted with the next turn."""
        for each in self._all():
            if each.held is not None and (each.held.ti_id in batch.pids or each.held.ti_id in batch.rendered):
                each.is_pid_noted = False

    def _answer(self, number: int, is_done: bool, answer: Any) -> None:
        if number < 0:
            for parent in self._warm.everyone():
                if parent.number == -number:
                    self._send(parent.store, parent.store_outbox, [is_done, answer], parent)
        elif each := self._tries.get(number):
            self._send(each.sock, each.outbox, [is_done, answer], each)

    def _apply_ends(self, done: Done) -> None:
        ended: list[list[Any]] = []
        for each in self._all():
            held = each.held
            if held is None or each.is_stored or held.ti_id not in done.ended:
                continue
            if not self._has_end(each):
                continue
            each.is_stored = True
            self._crashes.pop(each.number, None)
            state = done.ended[held.ti_id]
            if state is not None:
                ended.append([held.ti_id, held.run_pk, state.value, each.workload.claim])
            else:
                self._lose(each)
                if not each.is_gone:
                    self._end(each, LOST, is_lost=True)
            if each.is_gone and (each.ending is None or not each.ending.processes):
                self._finish(each)
        if ended:
            self._tell_executor({"ended": ended})
            if self._is_alone or self._listener is not None:
                with contextlib.suppress(*turns.TROUBLE):
                    wakeups.notify("scheduler")

    def _tidy(self, now: float) -> None:
        self._next_tidy = now + TIDY_EVERY
        if now >= self._next_sweep:
            self._next_sweep = now + SWEEP_EVERY
            processes.send_signal(processes.strays(), signal.SIGKILL)
        for parent in self._warm.tidy():
            log.error("%s took too long to import; its process is killed", parent.path)
            if parent.pid is not None:
                with contextlib.suppress(OSError):
                    os.kill(parent.pid, signal.SIGKILL)
        if self._warm.zygote_ended():
            self._warm.restart_zygote()
        for each in self._all():
            if each.deadline is not None and now >= each.deadline and each.is_running:
                self._end(each, "The task ran longer than its execution_timeout and did not stop by itself.")
            if self._stop_at is not None and now >= self._stop_at:
                self._end(each, "The executor was stopped; the task is queued again.", is_stop=True)


def _limit_waits(*, connection: BaseDatabaseWrapper, **_: Any) -> None:
    """While the supervisor waits for a lock it hears no task, and ends none that takes too long."""
    session_limits.limit(connection, lock_timeout=turns.LOCK_TIMEOUT)


def run(executor: socket.socket, supervisor_id: str, *, hears_wakeups: bool = False) -> None:
    """Be a supervisor until the work is done."""
    Supervisor(executor, supervisor_id=supervisor_id, hears_wakeups=hears_wakeups).run()
