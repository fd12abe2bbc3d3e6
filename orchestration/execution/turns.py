"""What a supervisor does in the database in one turn of its loop: everything at hand in one transaction."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.db import InterfaceError, OperationalError, connection, transaction

from orchestration.authoring.store import StoreError
from orchestration.execution import claims, store_server
from orchestration.execution.claims import Claimant, Start
from orchestration.execution.executors.base import Workload
from orchestration.models import outcomes, statements
from orchestration.models.dag_run import DagRun
from orchestration.models.outages import first_line, is_contention, is_outage
from orchestration.models.outcomes import Held, Outcome
from orchestration.models.task_instance import TaskInstance
from orchestration.serialization.values import SerializedDag, SerializedTask
from orchestration.states import TaskInstanceState

log = logging.getLogger(__name__)

#: The database is away or busy: the same turn may succeed later.
TROUBLE = (OperationalError, InterfaceError)

#: Seconds after which PostgreSQL has written what it was not waited for: thrice its ``wal_writer_delay``, and more.
LASTING_AFTER = 2.0

#: How long a statement of a supervisor waits for a lock that somebody keeps; where one was met, each thing so long.
LOCK_TIMEOUT = "1s"
LOCK_TIMEOUT_APART = "100ms"

LOST = "This try is over: its claim was taken. Nothing was stored."


@dataclass(frozen=True, slots=True)
class Call:
    """A question of a try (``number``), or of a DAG file's import (``held`` None)."""

    number: int
    held: Held | None
    name: str
    args: Sequence[Any]
    kwargs: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Crash:
    """A try whose process ended without a word, or had to be ended."""

    held: Held
    reason: str
    at: datetime


@dataclass(slots=True)
class Batch:
    """What is at hand."""

    workloads: list[Workload] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    rendered: dict[int, tuple[Held, dict[str, Any]]] = field(default_factory=dict)
    outcomes: list[Outcome] = field(default_factory=list)
    crashes: list[Crash] = field(default_factory=list)
    #: Tries that end because the executor stops.
    queued_again: list[Crash] = field(default_factory=list)
    #: Instances whose cleared try is gone.
    restarted: list[int] = field(default_factory=list)
    pids: dict[int, tuple[Held, int]] = field(default_factory=dict)
    beats: list[Held] = field(default_factory=list)
    #: Whether to find out if the connection has lived on.
    is_check: bool = False

    def __bool__(self) -> bool:
        return any(getattr(self, name) for name in self.__slots__)

    def only_reads(self) -> bool:
        """Whether nothing changes rows."""
        others = any(getattr(self, name) for name in self.__slots__ if name != "calls")
        return not others and not any(store_server.is_write(call.name) for call in self.calls)

    def only_ends(self) -> bool:
        """Whether there are only results, and what is noted of tries on the way."""
        return not any((self.workloads, self.calls, self.crashes, self.queued_again, self.restarted))

    def parts(self) -> Iterator[Batch]:
        """The same as batches of one thing each."""
        yield from (Batch(calls=[each]) for each in self.calls)
        yield from (Batch(rendered={key: value}) for key, value in self.rendered.items())
        yield from (Batch(outcomes=[each]) for each in self.outcomes)
        yield from (Batch(crashes=[each]) for each in self.crashes)
        yield from (Batch(queued_again=[each]) for each in self.queued_again)
        yield from (Batch(restarted=[each]) for each in self.restarted)
        yield from (Batch(pids={key: value}) for key, value in self.pids.items())
        yield from (Batch(beats=[each]) for each in self.beats)
        yield from (Batch(workloads=[each]) for each in self.workloads)


@dataclass(slots=True)
class Done:
    """What came of a batch."""

    starts: dict[str, Start] = field(default_factory=dict)
    #: (try, whether it was done, the answer or why not)
    answers: list[tuple[int, bool, Any]] = field(default_factory=list)
    #: Where instances went: by task instance; None where the try no longer held its claim.
    ended: dict[int, TaskInstanceState | None] = field(default_factory=dict)
    lost: set[int] = field(default_factory=set)
    #: What was not done, because somebody keeps a lock that it needs.
    left: list[Batch] = field(default_factory=list)

    def add(self, other: Done) -> None:
        """Take over what another batch came to."""
        self.starts |= other.starts
        self.answers += other.answers
        self.ended |= other.ended
        self.lost |= other.lost
        self.left += other.left


def run(batch: Batch, claimant: Claimant, *, now: datetime, is_repeated: bool = False) -> Done:
    """Do it all, in one transaction. Raises one of ``TROUBLE`` when the database is away; nothing was done then.

    If one thing cannot be done for another reason, the others are done one by one, and that one is refused; if it waits
    for a lock that somebody keeps, it is left for later.
    ``is_repeated``: the same batch was tried before, and perhaps stored although the answer was lost. On PostgreSQL a
    transaction of results alone does not wait for the disk: the caller has them stored again when the connection breaks
    within ``LASTING_AFTER`` seconds.
    """
    try:
        if batch.only_reads():
            return Done(answers=[_answer(call, None) for call in batch.calls])
        with transaction.atomic():
            if batch.only_ends():
                _do_not_wait()
            if is_repeated:
                _wait_shortly()
            return _do(batch, claimant, now, is_repeated)
    except TROUBLE as error:
        if not is_contention(error):
            raise
        log.warning("Somebody keeps a lock (%s); all is tried one by one", first_line(error))
    except Exception as error:
        _raise_outage(error)
        log.exception("Something could not be stored; all is tried one by one")
    done = Done()
    for part in batch.parts():
        try:
            with transaction.atomic():
                _wait_shortly()
                found = _do(part, claimant, now, is_repeated)
            done.add(found)
        except TROUBLE as error:
            if not is_contention(error):
                raise
            done.left.append(part)
        except Exception as error:
            _raise_outage(error)
            done.add(_refuse(part, error, claimant, now))
    return done


def _raise_outage(error: Exception) -> None:
    """A database that may only be read is trouble like one that is away: no result is refused for that."""
    if is_outage(error):
        raise OperationalError(str(error)) from error


def _do_not_wait() -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL synchronous_commit = off")


def _wait_shortly() -> None:
    """Wait for no lock for long in this transaction: each wait keeps all other tries of the supervisor waiting."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [LOCK_TIMEOUT_APART])


def _do(batch: Batch, claimant: Claimant, now: datetime, is_repeated: bool) -> Done:
    done = Done()
    writers = {call.held.ti_id: call.held for call in batch.calls if call.held and store_server.is_write(call.name)}
    writers |= {ti_id: held for ti_id, (held, _) in batch.rendered.items()}
    holding = claims.lock_held(writers.values()) if writers else frozenset()
    done.lost |= writers.keys() - holding
    done.answers += [_answer(call, holding) for call in batch.calls]
    outcomes.keep_rendered({ti_id: fields for ti_id, (_, fields) in batch.rendered.items() if ti_id in holding})
    _write_outcomes(batch.outcomes, done, is_repeated)
    for crash in batch.crashes:
        done.ended[crash.held.ti_id] = end(crash)
    for crash in batch.queued_again:
        is_stored = outcomes.queue_again(crash.held, reason=crash.reason, now=crash.at, owner=_owner(crash.held))
        done.ended[crash.held.ti_id] = TaskInstanceState.UP_FOR_RETRY if is_stored else None
    if batch.restarted:
        outcomes.restarted(batch.restarted, now=now)
    claims.note_pids(batch.pids)
    if batch.is_check:
        statements.execute("SELECT 1")
    done.lost |= claims.beat(batch.beats, now=now)
    done.starts = claims.claim(batch.workloads, claimant, now=now)
    return done


def _answer(call: Call, holding: frozenset[int] | None) -> tuple[int, bool, Any]:
    if store_server.is_write(call.name) and call.held is not None and call.held.ti_id not in (holding or ()):
        return call.number, False, LOST
    try:
        return call.number, True, store_server.call(call.held, call.name, call.args, call.kwargs)
    except StoreError as error:
        return call.number, False, str(error)


def _write_outcomes(wanted: Sequence[Outcome], done: Done, is_repeated: bool) -> None:
    if not wanted:
        return
    stored = set(outcomes.write(sorted(wanted, key=lambda outcome: outcome.held.ti_id)))
    if is_repeated and len(stored) < len(wanted):
        ends = {o.held.ti_id: (o.state, o.ended_at) for o in wanted if o.held.ti_id not in stored}
        rows = TaskInstance.objects.filter(pk__in=list(ends)).values_list("pk", "state", "end_date")
        stored |= {ti_id for ti_id, state, end_date in rows if ends[ti_id] == (state, end_date)}
    for outcome in wanted:
        done.ended[outcome.held.ti_id] = outcome.state if outcome.held.ti_id in stored else None


def end(crash: Crash) -> TaskInstanceState | None:
    """Fail or retry a try that cannot speak for itself; where it went, None if its claim was taken before."""
    held = crash.held
    ti = TaskInstance.objects.select_related("run").filter(pk=held.ti_id).first()
    if ti is None or ti.claim != held.claim:
        return None
    dag, task = _form(ti.run.dag_version_id, held)
    return outcomes.fail_or_retry(ti, task, reason=crash.reason, now=crash.at, fenced_by=held.claim, dag=dag)


def _owner(held: Held) -> str | None:
    """Of the try's task; None where the run's DAG has it no more."""
    version_id = DagRun.objects.filter(pk=held.run_pk).values_list("dag_version_id", flat=True).first()
    _, task = _form(version_id, held)
    return None if task is None else task.owner


def _form(version_id: int | None, held: Held) -> tuple[SerializedDag | None, SerializedTask | None]:
    """The DAG as the try's run has it, and the task in it; None for what cannot be read or is not there."""
    dag = outcomes.readable(version_id)
    return dag, None if dag is None else dag.tasks.get(held.task_id)


def _refuse(part: Batch, error: Exception, claimant: Claimant, now: datetime) -> Done:
    """The one thing of this batch cannot be done: say so where somebody can hear it."""
    text = f"It could not be stored: {type(error).__name__}: {error}"
    done = Done(answers=[(call.number, False, text) for call in part.calls])
    for outcome in part.outcomes:
        log.error("The result of %s could not be stored", outcome.held, exc_info=error)
        bare = replace(
            outcome,
            state=TaskInstanceState.FAILED,
            reason=f"The result of the task could not be stored: {error}".replace("\0", ""),
            xcoms=(),
            rendered_fields=None,
            rendered_map_index=None,
            skip_task_ids=(),
            changes=(),
            not_before=None,
            deferral=None,
        )
        with transaction.atomic():
            _write_outcomes([bare], done, is_repeated=False)
    for workload in part.workloads:
        log.error("The try %s could not be claimed", workload, exc_info=error)
    return done
