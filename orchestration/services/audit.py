"""The audit log: one row for each verb that a caller asked for, done or refused.

A face opens ``request`` around a verb, with the event's name as Airflow's (``api.post_dag_run``). The service that does
the work calls ``record`` inside its transaction, so that effect and row are committed together. Where nothing was
recorded (a dry run, a refusal, a failure) ``request`` writes the row at its end, in a transaction of its own.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db import DatabaseError, transaction

from orchestration.authoring.secrets import MASK, redact
from orchestration.models import EventLog, User
from orchestration.models.outages import is_outage

log = logging.getLogger(__name__)

#: Characters of ``extra`` that are kept; a longer one is replaced by a note of its length.
MAX_EXTRA = 65_536
_NOBODY = "anonymous"

Actor = User | AnonymousUser | None


@dataclass(slots=True)
class Request:
    """What a caller asked for.

    ``columns`` are EventLog's: dag_id, run_id, task_id, map_index, try_number, logical_date. ``is_told_more``: the
    service that records adds those the door does not know. Rows of Airflow's APIs only tell what their address says.
    """

    event: str
    actor: Actor
    extra: Mapping[str, Any]
    columns: dict[str, Any] = field(default_factory=dict)
    is_recorded: bool = False
    is_told_more: bool = False

    def write(self) -> None:
        """Write the row in the present transaction."""
        self.is_recorded = True
        EventLog.record(self.event, **_owner(self.actor), **self.columns, extra=as_text(self.extra))


_request: ContextVar[Request | None] = ContextVar("audit_request", default=None)


@contextmanager
def request(
    event: str,
    *,
    actor: Actor,
    extra: Mapping[str, Any] | None = None,
    dag_id: str | None = None,
    run_id: str | None = None,
    task_id: str | None = None,
    logical_date: datetime | None = None,
    is_told_more: bool = False,
) -> Iterator[Request]:
    """Whatever happens inside leaves exactly one row. ``extra`` is masked when it is written."""
    columns = {"dag_id": dag_id, "run_id": run_id, "task_id": task_id, "logical_date": logical_date}
    known = {name: value for name, value in columns.items() if value is not None}
    asked = Request(event, actor, extra or {}, known, is_told_more=is_told_more)
    token = _request.set(asked)
    try:
        yield asked
    except BaseException:
        _write_apart(asked)  # what the service recorded was rolled back with its work
        raise
    else:
        if not asked.is_recorded:
            _write_apart(asked)
    finally:
        _request.reset(token)


def concerns(**columns: Any) -> None:
    """Say of the present request what it is about, where its address does not; see ``Request`` for the columns."""
    asked = _request.get()
    if asked is not None:
        asked.columns.update(columns)


def record(event: str, *, actor: Actor, extra: Mapping[str, Any] | None = None, **columns: Any) -> None:
    """Write a verb's row in the present transaction.

    Within a ``request`` it is the request's row, once, whatever number of services take part; else a row of its own.
    """
    asked = _request.get()
    if asked is None:
        EventLog.record(event, **_owner(actor), **columns, extra=as_text(extra or {}))
    elif not asked.is_recorded:
        if asked.is_told_more:
            asked.columns = {**columns, **asked.columns}
        asked.write()


def _write_apart(asked: Request) -> None:
    try:
        with transaction.atomic():
            asked.write()
    except DatabaseError as error:  # an outage is no news to whoever reads the log
        log.error("The audit log could not be written: %s: %s", asked.event, error, exc_info=not is_outage(error))


def _owner(actor: Actor) -> dict[str, str | None]:
    if actor is None or not actor.is_authenticated:
        return {"owner": _NOBODY, "owner_display_name": ""}
    return {"owner": actor.get_username()[:500], "owner_display_name": actor.get_full_name()[:500]}


def as_text(extra: Mapping[str, Any]) -> str:
    """``extra`` as JSON text without secrets."""
    text = json.dumps({name: redact(value, name) for name, value in extra.items()}, default=str)
    return text if len(text) <= MAX_EXTRA else json.dumps({"omitted": f"{len(text)} characters"})


def variable_extra(body: Mapping[str, Any]) -> dict[str, Any]:
    """A variable's body with its value hidden where its key looks secret."""
    key = body.get("key")
    return {name: redact(value, key) if name in {"val", "value"} else value for name, value in body.items()}


def connection_extra(body: Mapping[str, Any]) -> dict[str, Any]:
    """A connection's body with the secret members of its ``extra`` hidden, all of it where it is no JSON object."""
    shown = {name: redact(value, name) for name, value in body.items()}
    if body.get("extra"):
        try:
            extra = json.loads(body["extra"])
            shown["extra"] = {name: redact(value, name) for name, value in extra.items()}
        except (ValueError, TypeError, AttributeError):
            shown["extra"] = MASK
    return shown
