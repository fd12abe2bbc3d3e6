"""The outbox of automations: what is to be done is written down once, and then tried until it is done.

``collect`` finds what happened and writes a row for each automation and event, which a unique constraint keeps single
whatever number of processes look. ``deliver`` takes due rows and does them: a notice is sent at least once (its
receiver tells copies by their delivery's id), an action is done exactly once, in the transaction that closes its row.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any, Final
from urllib.parse import quote

from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.db.models import F

from orchestration.access import permissions
from orchestration.access.permissions import Caller
from orchestration.conf import conf
from orchestration.errors import Conflict, NotFound, OrchestrationError
from orchestration.models import Automation, Dag, DagRun, DagTag, Delivery, versions
from orchestration.services import audit, automations, dag_runs, dags, datasets, happenings, task_instances
from orchestration.services import notification_channels as channels
from orchestration.services.happenings import Happening

log = logging.getLogger(__name__)

_E, _A, _S = Automation.Event, Automation.Action, Delivery.State
#: How far back is read again: transactions may end so long after the moment that they write.
LOOK_BACK: Final = timedelta(minutes=2)
#: How often it is noted how far the tables were read while nothing happens.
_NOTE_EVERY: Final = timedelta(seconds=30)
#: Tries of one delivery, and the pauses between them.
MOST_ATTEMPTS: Final = 8
_FIRST_PAUSE: Final = timedelta(seconds=10)
_LONGEST_PAUSE: Final = timedelta(hours=1)
#: How long a row belongs to the process that took it.
_LEASE: Final = timedelta(minutes=3)
#: Rows that one call of ``deliver`` takes, and messages that are sent at once.
AT_ONCE: Final = 20
_SENDERS: Final = 4
#: Subjects that one process remembers to have written.
_REMEMBERED: Final = 20_000
#: The beginning of the ids of runs that automations start; the delivery's id follows.
RUN_PREFIX: Final = "automation__"


class Collector:
    """Writes down what is to be done; remembers what it has written, which it may forget without harm."""

    def __init__(self) -> None:
        self._written: OrderedDict[tuple[int, str], None] = OrderedDict()

    def collect(self, *, now: datetime) -> int:
        """Write a row for each automation and event; how many were tried. One query where there is no automation."""
        rules = list(Automation.objects.filter(is_enabled=True).order_by("pk"))
        if not rules:
            return 0
        since = max(min(rule.seen_until for rule in rules) - LOOK_BACK, now - happenings.OLDEST)
        found = [
            (rule, happening)
            for happening in happenings.read({rule.event for rule in rules}, since=since, now=now)
            for rule in rules
            if rule.event == happening.event and _counts(rule, happening, now)
        ]
        fresh = [pair for pair in found if (pair[0].pk, _subject(*pair)) not in self._written]
        about = _filtered(fresh)
        if about or any(now - rule.seen_until > _NOTE_EVERY for rule in rules):
            with transaction.atomic():
                Delivery.objects.bulk_create(
                    [_row(rule, happening, chain, now) for rule, happening, chain in about], ignore_conflicts=True
                )
                Automation.objects.filter(pk__in=[rule.pk for rule in rules], seen_until__lt=now).update(seen_until=now)
        for rule, happening in fresh:
            self._written[rule.pk, _subject(rule, happening)] = None
        while len(self._written) > _REMEMBERED:
            self._written.popitem(last=False)
        return len(about)


def deliver(*, now: datetime) -> int:
    """Do what is due; how many rows were taken. One query where nothing is."""
    due = Delivery.objects.filter(state=_S.PENDING, next_try_at__lte=now).exclude(channel__is_enabled=False)
    rows = list(due.select_related("channel", "automation").order_by("next_try_at", "pk")[:AT_ONCE])
    taken = [row for row in rows if _take(row, now)]
    notices = [row for row in taken if row.action == _A.NOTIFY]
    if notices:
        with ThreadPoolExecutor(_SENDERS, thread_name_prefix="notice") as senders:
            answers = list(senders.map(_send, notices))
        for row, answer in zip(notices, answers, strict=True):
            _close(row, answer, now)
    for row in taken:
        if row.action != _A.NOTIFY:
            _do(row, now)
    return len(taken)


@transaction.atomic
def resend(delivery: Delivery, *, actor: Caller | None, now: datetime) -> None:
    """Have a notice sent once more, or a given-up action tried again. Raises Conflict, Forbidden."""
    permissions.require(actor, permissions.EDIT, permissions.AUTOMATIONS)
    if delivery.action != _A.NOTIFY and delivery.state == _S.DELIVERED:
        raise Conflict(f"{delivery} was done; only messages are sent again.")
    Delivery.objects.filter(pk=delivery.pk).update(state=_S.PENDING, attempts=0, next_try_at=now, done_at=None)
    audit.record(
        "delivery.resend", actor=actor, extra={"delivery": delivery.pk, "automation": delivery.automation_name}
    )


def clean_up(*, now: datetime) -> int:
    """Delete rows that were done or given up long ago; how many."""
    old = now - timedelta(days=conf.getint("notifications", "keep_days"))
    count, _ = Delivery.objects.filter(created_at__lt=old).exclude(state=_S.PENDING).delete()
    return count


# Which events are whose


def _counts(rule: Automation, happening: Happening, now: datetime) -> bool:
    at = happening.at
    if happening.since is not None:
        at = happening.since + timedelta(minutes=rule.minutes)
        if at > now:
            return False
    if at <= rule.active_since:
        return False
    if happening.event == _E.DATASET and not fnmatchcase(happening.more["dataset"], rule.dataset_pattern or "*"):
        return False
    return rule.event not in automations.NARROWED or fnmatchcase(happening.dag_id, rule.dag_pattern)


def _is_narrow(rule: Automation) -> bool:
    return bool(rule.tag or rule.owner) and rule.event in automations.NARROWED


def _filtered(pairs: Sequence[tuple[Automation, Happening]]) -> list[tuple[Automation, Happening, list[int]]]:
    """Those whose tags and owners fit, without runs that an automation would start for ever; three queries at most.

    The third value is the automations that led to the run, where this one starts another.
    """
    tags: dict[str, set[str]] = {}
    owners: dict[str, str] = {}
    narrow = {happening.dag_id for rule, happening in pairs if _is_narrow(rule) and happening.dag_id}
    if narrow:
        for dag_id, name in DagTag.objects.filter(dag__in=narrow).values_list("dag_id", "name"):
            tags.setdefault(dag_id, set()).add(name)
        owners = dict(Dag.objects.filter(pk__in=narrow).values_list("pk", "owners"))
    chains = _chains(happening.run_id for rule, happening in pairs if rule.action == _A.TRIGGER)
    return [
        (rule, happening, chains.get(happening.run_id, []))
        for rule, happening in pairs
        if (
            not _is_narrow(rule)
            or automations.is_about(
                rule, happening.dag_id, tags.get(happening.dag_id, ()), owners.get(happening.dag_id, "")
            )
        )
        and not (rule.action == _A.TRIGGER and rule.pk in chains.get(happening.run_id, ()))
    ]


def _chains(run_ids: Iterable[str]) -> dict[str, list[int]]:
    """The automations that led to each of these runs, one after the other; one query."""
    keys = {run_id: _delivery_of(run_id) for run_id in run_ids}
    wanted = [pk for pk in keys.values() if pk is not None]
    if not wanted:
        return {}
    known = {
        pk: [*payload.get("chain", []), rule]
        for pk, rule, payload in Delivery.objects.filter(pk__in=wanted).values_list("pk", "automation_id", "payload")
    }
    return {run_id: known[pk] for run_id, pk in keys.items() if pk in known}


def _delivery_of(run_id: str) -> int | None:
    number = run_id.removeprefix(RUN_PREFIX)
    is_ours = run_id.startswith(RUN_PREFIX) and number.isascii() and number.isdigit() and len(number) < 18
    return int(number) if is_ours else None


def _subject(rule: Automation, happening: Happening) -> str:
    if rule.action == _A.CLEAR_FAILED:
        return f"clear_failed:{happening.run_pk}"  # once for a run, whatever fails in it again
    return happening.subject


def _row(rule: Automation, happening: Happening, chain: list[int], now: datetime) -> Delivery:
    payload: dict[str, Any] = {
        "event": str(happening.event),
        "summary": _summary(rule, happening),
        "automation": rule.name,
        "at": (happening.since or happening.at).isoformat(),
        "dag_id": happening.dag_id or None,
        "dag_run_id": happening.run_id or None,
        "task_id": happening.task_id or None,
        "map_index": happening.map_index,
        "try_number": happening.try_number,
        "url": _url(happening),
        **happening.more,
    }
    if rule.action == _A.TRIGGER:
        payload["chain"] = chain
    return Delivery(
        automation=rule,
        automation_name=rule.name,
        channel_id=rule.channel_id if rule.action == _A.NOTIFY else None,
        subject=_subject(rule, happening),
        event=happening.event,
        action=rule.action,
        dag_id=happening.dag_id,
        run_id=happening.run_id,
        payload=payload,
        next_try_at=now,
        created_at=now,
    )


def _summary(rule: Automation, happening: Happening) -> str:
    more = happening.more
    words = {
        _E.RUN_SUCCESS: "succeeded",
        _E.RUN_FAILED: "failed",
        _E.RUN_LONG: f"runs for longer than {rule.minutes} minutes",
        _E.TASK_FAILED: f"task {happening.task_id} failed",
        _E.TASK_RETRY: f"task {happening.task_id} failed in try {happening.try_number} and will be tried again",
        _E.SLA_MISS: f"task {happening.task_id} missed its SLA",
        _E.DAG_LATE: f"is late: its run was due at {more.get('due')}",
        _E.IMPORT_ERROR: f"{more.get('file')} cannot be imported: {more.get('error')}",
        _E.UNHEALTHY: f"{more.get('process')} on {more.get('host')} is silent since {more.get('last_heartbeat')}",
        _E.DATASET: f"dataset {more.get('dataset')} was updated",
    }[_E(happening.event)]
    if happening.dag_id and happening.event != _E.DATASET:
        run = f" run {happening.run_id}" if happening.run_id else ""
        return f"{happening.dag_id}{run}: {words}"
    return words


def _url(happening: Happening) -> str:
    base = conf.get("webserver", "base_url").rstrip("/") + "/admin/"
    if not happening.dag_id:
        return base
    path = f"dags/{quote(happening.dag_id, safe='')}/"
    return base + (path + f"runs/{quote(happening.run_id, safe='')}/" if happening.run_id else path)


# Doing it


def _take(row: Delivery, now: datetime) -> bool:
    """Whether this process has the row now; ``attempts`` fences others out."""
    mine = Delivery.objects.filter(pk=row.pk, state=_S.PENDING, attempts=row.attempts)
    taken = mine.update(attempts=F("attempts") + 1, next_try_at=now + _LEASE)
    row.attempts += 1
    return bool(taken)


def _send(row: Delivery) -> channels.Answer:
    if row.channel is None:
        return channels.Answer(False, "The channel is gone.")
    return channels.send(row.channel, {**row.payload, "delivery": row.pk}, delivery_id=str(row.pk))


def _close(row: Delivery, answer: channels.Answer, now: datetime) -> None:
    mine = Delivery.objects.filter(pk=row.pk, state=_S.PENDING, attempts=row.attempts)
    text = answer.text[:500]
    if answer.is_good:
        mine.update(state=_S.DELIVERED, done_at=now, last_answer=text)
    elif row.attempts >= MOST_ATTEMPTS or row.channel is None:
        log.warning("Delivery %s is given up: %s", row.pk, text)
        mine.update(state=_S.FAILED, done_at=now, last_answer=text)
    else:
        mine.update(next_try_at=now + pause(row.attempts), last_answer=text)


def pause(attempts: int) -> timedelta:
    """How long to wait after so many tries: 10 s, 40 s, 160 s … up to an hour."""
    return min(_FIRST_PAUSE * float(4 ** (attempts - 1)), _LONGEST_PAUSE)


class _Rule(AnonymousUser):
    """Who the audit log names for what an automation does."""

    def __init__(self, name: str) -> None:
        self._name = f"automation {name}"

    def get_username(self) -> str:
        return self._name

    @property
    def is_authenticated(self) -> bool:  # type: ignore[override]  # a constant in Django's types
        return True

    def get_full_name(self) -> str:
        """No other name."""
        return ""


def _do(row: Delivery, now: datetime) -> None:
    """Act, and close the row, in one transaction. What a service refuses is not tried again."""
    rule = row.automation
    mine = Delivery.objects.filter(pk=row.pk, state=_S.PENDING, attempts=row.attempts)
    try:
        if rule is None:
            raise NotFound("The automation is gone.")
        with (
            audit.request(
                f"automation.{row.action}",
                actor=_Rule(row.automation_name),
                extra={"automation": row.automation_name, "event": row.event},
                dag_id=row.dag_id or None,
                run_id=row.run_id or None,
            ),
            transaction.atomic(),
        ):
            said = _ACTIONS[_A(row.action)](rule, row)
            if not mine.update(state=_S.DELIVERED, done_at=now, last_answer=said[:500]):
                raise Conflict("Another process has done it.")
    except OrchestrationError as error:
        text = (error.detail or error.title or "refused")[:500]
        log.warning("What automation %s wanted was refused: %s", row.automation_name, text)
        mine.update(state=_S.FAILED, done_at=now, last_answer=text)


def _trigger(rule: Automation, row: Delivery) -> str:
    dag = Dag.objects.filter(pk=rule.target_dag_id).first()
    if dag is None:
        raise NotFound(f"There is no DAG {rule.target_dag_id!r}.")
    note = f"Started by the automation {rule.name}: {row.payload.get('summary', '')}"[:1000]
    run = dag_runs.trigger(dag, actor=None, run_id=f"{RUN_PREFIX}{row.pk}", conf=rule.target_conf or {}, note=note)
    return f"started {run.dag_id} {run.run_id}"


def _pause(rule: Automation, row: Delivery) -> str:
    if not dags.set_paused([row.dag_id], True, actor=None):
        raise NotFound(f"There is no DAG {row.dag_id!r}.")
    return f"paused {row.dag_id}"


def _create_dataset_event(rule: Automation, row: Delivery) -> str:
    datasets.create_event(actor=None, uri=rule.target_dataset, extra={"automation": rule.name})
    return f"wrote an event of {rule.target_dataset}"


def _clear_failed(rule: Automation, row: Delivery) -> str:
    run = DagRun.objects.filter(dag=row.dag_id, run_id=row.run_id).first()
    if run is None:
        raise NotFound(f"The run {row.run_id!r} is gone.")
    dag = versions.current(run.dag_id)
    cleared = task_instances.clear(dag, actor=None, run=run, only_failed=True, others=frozenset())
    return f"cleared {len(cleared)} task instances"


_ACTIONS: Final = {
    _A.TRIGGER: _trigger,
    _A.PAUSE: _pause,
    _A.DATASET_EVENT: _create_dataset_event,
    _A.CLEAR_FAILED: _clear_failed,
}
