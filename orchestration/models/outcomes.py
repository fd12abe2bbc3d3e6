"""How tries end: the one place that writes it, for supervisors, the scheduler and triggerers.

A try ends once. Every write is fenced: it changes only the row whose claim, or else whose state and try number, is
still what the writer saw. Who comes late changes nothing, and none of what it brought (XComs, dataset events, skips) is
kept. All functions are to be called in a transaction; on PostgreSQL the fenced UPDATE locks the row until it ends.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q

from orchestration.errors import NotFound
from orchestration.models import dataset_events, versions
from orchestration.models.callback import CallbackRequest
from orchestration.models.dataset_events import Change, Source
from orchestration.models.event_log import EventLog
from orchestration.models.statements import RowStatement
from orchestration.models.task_instance import (
    RenderedFields,
    TaskInstance,
    TaskInstanceQuerySet,
    TaskReschedule,
    keep_tries,
)
from orchestration.models.trigger import Trigger
from orchestration.models.xcom import XCom
from orchestration.serialization.retries import delay_seconds, may_retry
from orchestration.serialization.values import SerializedDag, SerializedTask
from orchestration.states import FINISHED, TaskInstanceState

log = logging.getLogger(__name__)

_S = TaskInstanceState

#: The states in which a try waits and may be skipped by a task before it.
_SKIPPABLE = (_S.NONE, _S.SCHEDULED, _S.QUEUED, _S.UP_FOR_RETRY, _S.UP_FOR_RESCHEDULE)
#: Columns that a deferral leaves and every end but another deferral clears.
_NOT_DEFERRED = {"next_method": None, "next_kwargs": None, "trigger": None, "trigger_timeout_at": None}
#: The method that a deferred task resumes at when its wait failed; it raises TaskDeferralError.
FAIL_METHOD = "__fail__"
TRIGGER_FAILURE = "Trigger failure"
TRIGGER_TIMEOUT = "Trigger timeout"


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A try somebody holds, with what the audit log and dataset events say of it."""

    ti_id: int
    run_pk: int
    dag_id: str
    run_id: str
    task_id: str
    map_index: int
    try_number: int
    logical_date: datetime
    started_at: datetime | None
    claim: UUID | None
    #: Where there is no claim: the state the writer saw.
    state: str = _S.RUNNING

    @classmethod
    def of(cls, ti: TaskInstance) -> Held:
        """The present try of a row; needs ``ti.run``."""
        return cls(
            ti_id=ti.pk,
            run_pk=ti.run_id,
            dag_id=ti.dag_id,
            run_id=ti.run.run_id,
            task_id=ti.task_id,
            map_index=ti.map_index,
            try_number=ti.try_number,
            logical_date=ti.run.logical_date,
            started_at=ti.start_date,
            claim=ti.claim,
            state=ti.state,
        )

    def row(self) -> TaskInstanceQuerySet:
        """The row, if this try still holds it."""
        same = TaskInstance.objects.filter(pk=self.ti_id, try_number=self.try_number, state=self.state)
        return same.filter(claim=self.claim)


@dataclass(frozen=True, slots=True)
class PushedXCom:
    """One XCom: ``value`` is JSON text, ``length`` that of a list or object."""

    key: str
    value: str
    length: int | None


@dataclass(frozen=True, slots=True)
class Deferral:
    """What a deferred task waits for and where it goes on; ``trigger_kwargs`` and ``next_kwargs`` are JSON."""

    classpath: str
    trigger_kwargs: str
    next_method: str
    next_kwargs: Any
    timeout_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a try ended. ``state`` is one of success, skipped, failed, up_for_retry, up_for_reschedule, deferred."""

    held: Held
    state: TaskInstanceState
    ended_at: datetime
    reason: str = ""
    pid: int | None = None
    owner: str | None = None
    xcoms: Sequence[PushedXCom] = ()
    rendered_fields: dict[str, Any] | None = None
    rendered_map_index: str | None = None
    #: Tasks directly after this one that are skipped.
    skip_task_ids: Sequence[str] = ()
    changes: Sequence[Change] = ()
    #: When the retry or the next check is due.
    not_before: datetime | None = None
    deferral: Deferral | None = None
    #: Of a DAG that stops at its first failure: the tasks that run nevertheless. None: the DAG goes on.
    stop_except: frozenset[str] | None = None
    #: Tries that do not count against the task's retries.
    extra_tries: int = 0


def write(outcomes: Iterable[Outcome]) -> frozenset[int]:
    """Store how tries ended; the ids of the task instances whose try still held its claim.

    One UPDATE for all that ran and are over, one for each other, and one statement for each further kind of thing that
    any of them brought.
    """
    wanted = list(outcomes)
    plain = [outcome for outcome in wanted if _is_plain(outcome)]
    ended = _end_all(plain)
    others = {outcome.held.ti_id for outcome in wanted if not _is_plain(outcome) and _end(outcome)}
    stored = [outcome for outcome in wanted if outcome.held.ti_id in ended | others]
    _keep_xcoms(stored)
    _keep_rendered(stored)
    for outcome in stored:
        if outcome.skip_task_ids:
            _skip(outcome)
        if outcome.changes:
            held = outcome.held
            source = Source(held.dag_id, held.task_id, held.run_id, held.map_index)
            dataset_events.register(outcome.changes, source=source, now=outcome.ended_at)
        if outcome.stop_except is not None:
            _stop_run(outcome, outcome.stop_except)
    _log(stored)
    return frozenset(outcome.held.ti_id for outcome in stored)


def fail_or_retry(
    ti: TaskInstance,
    task: SerializedTask | None,
    *,
    reason: str,
    now: datetime,
    is_final: bool = False,
    fenced_by: UUID | None = None,
    dag: SerializedDag | None = None,
) -> TaskInstanceState | None:
    """End a try that cannot speak for itself: lost, timed out, never started. None if it was no longer there.

    ``task`` is the run's version of the task (None: the DAG no longer has it; nothing is retried), ``dag`` its DAG,
    needed for ``fail_stop`` and callbacks. ``fenced_by`` is the claim the writer knows (default: the row's as read).
    The task's callbacks and mails are left to a DAG processor. Reads ``ti.run``.
    """
    held = Held.of(ti)
    if fenced_by is not None and fenced_by != held.claim:
        return None
    retries = task is not None and not is_final and may_retry(task.retries, ti.try_number, ti.max_tries)
    delay = timedelta(0)
    if task is not None and retries:
        delay = timedelta(seconds=retry_delay(task, held))
    teardowns = None
    if dag is not None and dag.fail_stop and not retries:
        teardowns = frozenset(each.task_id for each in dag.tasks.values() if each.is_teardown)
    outcome = Outcome(
        held=held,
        state=_S.UP_FOR_RETRY if retries else _S.FAILED,
        ended_at=now,
        reason=reason,
        owner=task.owner if task is not None else None,
        not_before=now + delay if retries else None,
        stop_except=teardowns,
    )
    if not write([outcome]):
        return None
    if task is not None and dag is not None:
        _ask_for_callback(held, task, dag, outcome)
    return outcome.state


def queue_again(held: Held, *, reason: str, now: datetime, owner: str | None = None) -> bool:
    """End a try because its executor stops: another try is due at once, and does not count against the retries."""
    outcome = Outcome(
        held=held, state=_S.UP_FOR_RETRY, ended_at=now, reason=reason, owner=owner, not_before=now, extra_tries=1
    )
    return bool(write([outcome]))


def restarted(ti_ids: Iterable[int], *, now: datetime) -> int:
    """The processes of cleared running tries are gone: the instances may be scheduled again. How many there were."""
    return TaskInstance.objects.filter(pk__in=list(ti_ids), state=_S.RESTARTING).move(
        _S.NONE, now=now, claim=None, not_before=None, **_NOT_DEFERRED
    )


def resume(payloads: Mapping[int, Any], *, now: datetime) -> list[tuple[int, int]]:
    """Triggers fired: their tasks go on with ``event=payload`` (JSON) in the same try. (task instance, run) of each."""
    return _resume({trigger_id: (None, {"event": payload}) for trigger_id, payload in payloads.items()}, now)


def resume_failed(traces: Mapping[int, Sequence[str] | None], *, now: datetime) -> list[tuple[int, int]]:
    """Triggers failed: their tasks go on only to raise the error, so that retries and callbacks are the task's own."""
    answers = {t: (FAIL_METHOD, {"error": TRIGGER_FAILURE, "traceback": trace}) for t, trace in traces.items()}
    return _resume(answers, now)


def end_deferred(
    trigger_id: int, state: TaskInstanceState, xcoms: Sequence[PushedXCom], *, now: datetime
) -> list[tuple[int, int]]:
    """A trigger's event ends its tasks without another process: success, failed or skipped. As ``resume``."""
    rows = TaskInstance.objects.filter(trigger=trigger_id, state=_S.DEFERRED).select_related("run")
    outcomes = [Outcome(held=Held.of(ti), state=state, ended_at=now, xcoms=xcoms) for ti in rows]
    stored = [outcome for outcome in outcomes if outcome.held.ti_id in write([outcome])]
    versions_of = {ti.pk: ti.run.dag_version_id for ti in rows}
    for outcome in stored:
        dag = readable(versions_of[outcome.held.ti_id])
        task = None if dag is None else dag.tasks.get(outcome.held.task_id)
        if dag is not None and task is not None:
            _ask_for_callback(outcome.held, task, dag, outcome)
    return [(outcome.held.ti_id, outcome.held.run_pk) for outcome in stored]


def time_out_deferred(*, now: datetime) -> list[tuple[int, int]]:
    """Deferred tasks that waited too long go on to raise the timeout. (task instance, run) of each."""
    late = TaskInstance.objects.filter(state=_S.DEFERRED, trigger_timeout_at__lt=now)
    found = list(late.values_list("pk", "run_id"))
    moved = []
    for ti_id, run_pk in found:
        if late.filter(pk=ti_id).move(
            _S.SCHEDULED,
            now=now,
            next_method=FAIL_METHOD,
            next_kwargs={"error": TRIGGER_TIMEOUT},
            trigger=None,
            trigger_timeout_at=None,
        ):
            moved.append((ti_id, run_pk))
    return moved


def retry_delay(task: SerializedTask, held: Held) -> float:
    """Seconds until the try after this one."""
    return delay_seconds(
        task, dag_id=held.dag_id, task_id=held.task_id, logical_date=held.logical_date, try_number=held.try_number
    )


def _is_plain(outcome: Outcome) -> bool:
    """Whether the try ran and its instance is done with: nothing waits for another try."""
    return outcome.state in _PLAIN and outcome.held.claim is not None and outcome.held.state == _S.RUNNING


_PLAIN = frozenset({_S.SUCCESS, _S.SKIPPED, _S.FAILED})
_END = RowStatement(
    """
    UPDATE {ti}
    SET state = ended.state, end_date = ended.at, updated_at = ended.at, duration = ended.duration, claim = NULL,
        reason = ended.reason, not_before = NULL, next_method = NULL, next_kwargs = NULL, trigger_id = NULL,
        trigger_timeout_at = NULL, pid = coalesce(ended.pid, {ti}.pid),
        rendered_map_index = coalesce(ended.label, {ti}.rendered_map_index)
    FROM {rows} AS ended
    WHERE {ti}.id = ended.id AND {ti}.claim = ended.claim AND {ti}.try_number = ended.try_number
          AND {ti}.state = 'running'
    RETURNING {ti}.id""",
    {
        "id": "bigint", "claim": "uuid", "try_number": "integer", "state": "text", "at": "timestamptz",
        "duration": "float8", "reason": "text", "pid": "integer", "label": "text",
    },
    ti=TaskInstance,
)  # fmt: skip


def _end_all(plain: Sequence[Outcome]) -> frozenset[int]:
    """The fenced UPDATE for all of these; the ids of those whose try still held its row."""
    rows = [
        {
            "id": outcome.held.ti_id,
            "claim": outcome.held.claim,
            "try_number": outcome.held.try_number,
            "state": outcome.state.value,
            "at": outcome.ended_at,
            "duration": _seconds(outcome.held.started_at, outcome.ended_at),
            "reason": outcome.reason,
            "pid": outcome.pid,
            "label": None if outcome.rendered_map_index is None else outcome.rendered_map_index[:250],
        }
        for outcome in plain
    ]
    return frozenset(row[0] for row in _END.run(rows))


def _end(outcome: Outcome) -> int:
    """The fenced UPDATE; 1 if the try still held its row."""
    held, now = outcome.held, outcome.ended_at
    columns: dict[str, Any] = {
        "end_date": now,
        "duration": _seconds(held.started_at, now),
        "claim": None,
        "reason": outcome.reason,
        "not_before": outcome.not_before,
        **_NOT_DEFERRED,
    }
    if outcome.pid is not None:
        columns["pid"] = outcome.pid
    if outcome.rendered_map_index is not None:
        columns["rendered_map_index"] = outcome.rendered_map_index[:250]
    if outcome.state == _S.UP_FOR_RETRY:
        return _end_with_retry(outcome, columns)
    if outcome.state == _S.DEFERRED:
        return _defer(outcome, columns)
    if not held.row().move(outcome.state, now=now, **columns):
        return 0
    if outcome.state == _S.UP_FOR_RESCHEDULE:
        TaskReschedule.objects.create(
            task_instance_id=held.ti_id,
            try_number=held.try_number,
            start_date=held.started_at or now,
            end_date=now,
            duration=columns["duration"] or 0.0,
            reschedule_date=outcome.not_before or now,
        )
    return 1


def _end_with_retry(outcome: Outcome, columns: dict[str, Any]) -> int:
    # The try is kept as a failed one first: its history must not say that it waits.
    rows = TaskInstance.objects.filter(pk=outcome.held.ti_id)
    if not outcome.held.row().move(_S.FAILED, now=outcome.ended_at, **columns):
        return 0
    keep_tries(rows)
    more = (
        {"max_tries": rows.values_list("max_tries", flat=True)[0] + outcome.extra_tries} if outcome.extra_tries else {}
    )
    return rows.update(state=_S.UP_FOR_RETRY, **more)


def _defer(outcome: Outcome, columns: dict[str, Any]) -> int:
    deferral = outcome.deferral
    assert deferral is not None, "a deferred outcome says what it waits for"
    columns |= {
        # The try goes on later: it is not over.
        "end_date": None,
        "duration": None,
        "next_method": deferral.next_method,
        "next_kwargs": deferral.next_kwargs,
        "trigger_timeout_at": deferral.timeout_at,
    }
    if not outcome.held.row().move(_S.DEFERRED, now=outcome.ended_at, **columns):
        return 0
    trigger = Trigger.objects.create(
        classpath=deferral.classpath, kwargs=deferral.trigger_kwargs, created_at=outcome.ended_at
    )
    return TaskInstance.objects.filter(pk=outcome.held.ti_id).update(trigger=trigger)


def _seconds(start: datetime | None, end: datetime) -> float | None:
    # A clock that was set back must not give a negative duration.
    return None if start is None else max((end - start).total_seconds(), 0.0)


_KEEP_XCOMS = RowStatement(
    """
    INSERT INTO {xcom} (task_instance_id, dag_id, task_id, run_id, map_index, key, value, length, timestamp)
    SELECT ti_id, dag_id, task_id, run_id, map_index, key, value, length, at FROM {rows} AS pushed WHERE true
    ON CONFLICT (task_instance_id, key)
    DO UPDATE SET value = excluded.value, length = excluded.length, timestamp = excluded.timestamp""",
    {
        "ti_id": "bigint", "dag_id": "text", "task_id": "text", "run_id": "text", "map_index": "integer",
        "key": "text", "value": "text", "length": "integer", "at": "timestamptz",
    },
    xcom=XCom,
)  # fmt: skip
_KEEP_RENDERED = RowStatement(
    """
    INSERT INTO {rendered} (task_instance_id, fields) SELECT ti_id, fields FROM {rows} AS given WHERE true
    ON CONFLICT (task_instance_id) DO UPDATE SET fields = excluded.fields""",
    {"ti_id": "bigint", "fields": "text"},
    rendered=RenderedFields,
)
_LOG = RowStatement(
    """
    INSERT INTO {log} ("when", event, owner, owner_display_name, dag_id, task_id, run_id, map_index, try_number,
                       logical_date)
    SELECT at, event, owner, owner, dag_id, task_id, run_id, map_index, try_number, logical_date FROM {rows} AS said""",
    {
        "at": "timestamptz", "event": "text", "owner": "text", "dag_id": "text", "task_id": "text", "run_id": "text",
        "map_index": "integer", "try_number": "integer", "logical_date": "timestamptz",
    },
    log=EventLog,
)  # fmt: skip


def _keep_xcoms(stored: Sequence[Outcome]) -> None:
    _KEEP_XCOMS.run(
        [
            {
                "ti_id": o.held.ti_id,
                "dag_id": o.held.dag_id,
                "task_id": o.held.task_id,
                "run_id": o.held.run_id,
                "map_index": o.held.map_index,
                "key": x.key,
                "value": x.value,
                "length": x.length,
                "at": o.ended_at,
            }
            for o in stored
            for x in o.xcoms
        ]
    )


def _keep_rendered(stored: Sequence[Outcome]) -> None:
    keep_rendered({o.held.ti_id: o.rendered_fields for o in stored if o.rendered_fields is not None})


def keep_rendered(fields: Mapping[int, Any]) -> None:
    """Store rendered template fields by task instance; the caller knows that the tries hold their claims."""
    column = RenderedFields._meta.get_field("fields")
    _KEEP_RENDERED.run(
        [{"ti_id": ti_id, "fields": column.get_prep_value(value)} for ti_id, value in sorted(fields.items())]
    )


def _skip(outcome: Outcome) -> None:
    held = outcome.held
    rows = TaskInstance.objects.filter(
        run_id=held.run_pk, task_id__in=list(outcome.skip_task_ids), state__in=_SKIPPABLE
    )
    if held.map_index >= 0:
        rows = rows.filter(map_index=held.map_index)
    # Nothing ran: there is no duration, as in the reference.
    rows.move(_S.SKIPPED, now=outcome.ended_at, start_date=outcome.ended_at, reason=f"Skipped by {held.task_id}.")


def _stop_run(outcome: Outcome, spared: frozenset[str]) -> None:
    """``fail_stop``: fail what runs, skip what waits, but for teardowns."""
    held, now = outcome.held, outcome.ended_at
    others = TaskInstance.objects.filter(run_id=held.run_pk).exclude(
        Q(task_id=held.task_id) | Q(task_id__in=spared) | Q(state__in=[_S.SUCCESS, _S.FAILED])
    )
    reason = f"The DAG stops at its first failure, that of {held.task_id}."
    others.filter(state__in=[_S.RUNNING, _S.RESTARTING]).move(_S.FAILED, now=now, reason=reason)
    others.exclude(state__in=FINISHED).move(_S.SKIPPED, now=now, start_date=now, reason=reason, **_NOT_DEFERRED)


def _log(stored: Sequence[Outcome]) -> None:
    """The try's start and end in the audit log, as the reference has them."""
    lines: list[dict[str, Any]] = []
    for outcome in stored:
        held = outcome.held
        common = {
            "owner": outcome.owner,
            "dag_id": held.dag_id,
            "task_id": held.task_id,
            "run_id": held.run_id,
            "map_index": held.map_index,
            "try_number": held.try_number,
            "logical_date": held.logical_date,
        }
        if held.started_at is not None and held.state == _S.RUNNING:
            lines.append({"event": "running", "at": held.started_at, **common})
        event = _S.FAILED if outcome.state == _S.UP_FOR_RETRY else outcome.state
        if outcome.state in FINISHED or outcome.state == _S.UP_FOR_RETRY:
            lines.append({"event": event.value, "at": outcome.ended_at, **common})
    _LOG.run(lines)


def _ask_for_callback(held: Held, task: SerializedTask, dag: SerializedDag, outcome: Outcome) -> None:
    """Leave the callback and mail of a try that no process speaks for to a DAG processor."""
    if outcome.state in (_S.SUCCESS, _S.SKIPPED):
        wanted = outcome.state == _S.SUCCESS and task.has_on_success_callback
    elif outcome.state == _S.UP_FOR_RETRY:
        wanted = task.has_on_retry_callback or (bool(task.email) and task.email_on_retry)
    else:
        wanted = task.has_on_failure_callback or (bool(task.email) and task.email_on_failure)
    if not wanted:
        return
    data: Any = {
        "dag_id": held.dag_id,
        "run_id": held.run_id,
        "task_id": held.task_id,
        "map_index": held.map_index,
        "try_number": held.try_number,
        "state": outcome.state.value,
        "reason": outcome.reason,
    }
    CallbackRequest.objects.create(
        kind=CallbackRequest.Kind.TASK,
        fileloc=dag.fileloc,
        priority_weight=task.priority_weight_total,
        data=data,
    )


def readable(version_id: int | None) -> SerializedDag | None:
    """The DAG of a version; None where it is gone or cannot be decoded: no end waits for that."""
    if version_id is None:
        return None
    try:
        return versions.serialized(version_id)
    except (NotFound, ValueError):
        log.exception("The DAG version %s cannot be read", version_id)
        return None


def _resume(answers: Mapping[int, tuple[str | None, dict[str, Any]]], now: datetime) -> list[tuple[int, int]]:
    """Deferred tasks go on: trigger → (the method, None for the one the task named, and further arguments)."""
    rows = TaskInstance.objects.filter(trigger__in=list(answers), state=_S.DEFERRED)
    moved = []
    for ti_id, run_pk, trigger_id, next_kwargs in rows.values_list("pk", "run_id", "trigger_id", "next_kwargs"):
        method, more = answers[trigger_id]
        kept: Any = next_kwargs or {}
        columns: dict[str, Any] = {"next_kwargs": more if method else {**kept, **more}}
        if method:
            columns["next_method"] = method
        if rows.filter(pk=ti_id).move(_S.SCHEDULED, now=now, trigger=None, trigger_timeout_at=None, **columns):
            moved.append((ti_id, run_pk))
    return moved
