"""Conditional requests: ``ETag`` on one thing, ``If-None-Match`` for readers, ``If-Match`` for those who change it.

A tag is made of the whole representation, so it changes with every visible change and with nothing else; it is strong.
Without these headers nothing here happens, and the last write wins.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import Model
from django.http import HttpResponse
from django.http.response import HttpResponseBase

from api_v1.calls import Call
from api_v1.operations import Operation
from api_v1.problems import Problem, foreseen
from api_v1.renderers import dumps
from api_v1.rows import only
from orchestration.models import Backfill, Connection, Dag, DagRun, Pool, TaskInstance, User, Variable

_INSTANCE: Final = {"dag_id": "run__dag_id", "dag_run_id": "run__run_id", "task_id": "task_id"}
#: The reading operations whose answers are tagged → the row behind it: its model, and path argument → column.
TAGGED: Final[Mapping[str, tuple[type[Model], Mapping[str, str]]]] = {
    "get_dag": (Dag, {"dag_id": "pk"}),
    "get_dag_run": (DagRun, {"dag_id": "dag_id", "dag_run_id": "run_id"}),
    "get_task_instance": (TaskInstance, _INSTANCE),
    "get_mapped_task_instance": (TaskInstance, {**_INSTANCE, "map_index": "map_index"}),
    "get_pool": (Pool, {"pool_name": "name"}),
    "get_connection": (Connection, {"connection_id": "conn_id"}),
    "get_variable": (Variable, {"variable_key": "key"}),
    "get_role": (Group, {"role_name": "name"}),
    "get_user": (User, {"username": "username"}),
    "get_backfill": (Backfill, {"backfill_id": "pk"}),
}
#: Changes at other addresses than what they change.
_READ_BY: Final = {
    "set_dag_run_note": "get_dag_run",
    "set_task_instance_note": "get_task_instance",
    "set_mapped_task_instance_note": "get_mapped_task_instance",
}
_TAG: Final = re.compile(r'\s*(W/)?("[\x21\x23-\x7e\x80-\xff]*")\s*(?:,|\Z)')
_CHANGED: Final = "It is not what it was when you read it, and was left as it is. Read it again."
_EXISTS: Final = "It exists already, and was left as it is."


@dataclass(frozen=True, slots=True)
class Part:
    """An answer of which only some members are wanted; its tag is that of the whole."""

    whole: Mapping[str, Any]
    wanted: list[str] | None


def tagged(view: Call, found: Any) -> HttpResponse:
    """What was read, with its tag; 304 without it for a caller who has it."""
    part = found if isinstance(found, Part) else Part(found, None)
    body = dumps(part.whole)
    headers = {"ETag": _tag_of(body)}
    known = view.request._request.META.get("HTTP_IF_NONE_MATCH")
    if known is not None and _names(known, headers["ETag"], is_strong=False):
        return HttpResponse(b"", status=304, headers=headers)
    if part.wanted is not None:
        body = dumps(only(part.whole, part.wanted))
    return HttpResponse(body, content_type="application/json", headers=headers)


def guarded(view: Call, work: Callable[[], HttpResponseBase]) -> HttpResponseBase:
    """The answer of ``work``, which changes something, if what it changes is what the caller says.

    The row is locked before it is compared, and what ``work`` did is taken back where the comparison fails: so what is
    missing or malformed is answered before 412. Raises Problem (412).
    """
    meta = view.request._request.META
    expected, unexpected = meta.get("HTTP_IF_MATCH"), meta.get("HTTP_IF_NONE_MATCH")
    is_creation = view.operation.method == "POST"
    if is_creation:
        expected = None  # what is made has no earlier representation
    if expected is None and (unexpected or "").strip() != "*":
        return work()
    reads = _reading(view)
    with transaction.atomic():
        before = _tag_now(view, reads, is_locked=True)
        try:
            response = work()
        except Exception as error:
            told = foreseen(error)
            if is_creation and told is not None and told.status == 409:
                raise Problem(412, _EXISTS) from None
            raise
        if expected is not None and (before is None or not _names(expected, before, is_strong=True)):
            raise Problem(412, _CHANGED)
        if expected is None and before is not None:
            raise Problem(412, _EXISTS)
        after = _tag_now(view, reads, is_locked=False)
    if after is not None:
        response["ETag"] = after
    return response


def _tag_of(body: bytes) -> str:
    return f'"{blake2b(body, digest_size=16).hexdigest()}"'


def _names(header: str, tag: str, *, is_strong: bool) -> bool:
    """Whether a list of tags (or ``*``) has this one. Weak tags count only where the comparison is weak."""
    if header.strip() == "*":
        return True
    place = 0
    while match := _TAG.match(header, place):
        if match[2] == tag and not (is_strong and match[1]):
            return True
        if match.end() == place:
            return False
        place = match.end()
    return False


def _reading(view: Call) -> Operation | None:
    """The tagged operation that reads what this one changes."""
    name = _READ_BY.get(view.operation.id)
    if name is not None:
        return next(operation for operation in view.operations if operation.id == name)
    if view.operation.id == "post_variables":  # it may overwrite
        return next(operation for operation in view.operations if operation.id == "get_variable")
    here = view.at_address.get("GET")
    return here if here is not None and here.id in TAGGED else None


def _tag_now(view: Call, reads: Operation | None, *, is_locked: bool) -> str | None:
    """The tag of what is there now; None where nothing is."""
    if reads is None:
        return None
    kept = view.operation, view.query, view.kwargs
    names = dict(view.kwargs)
    if view.operation.id == "post_variables":
        names["variable_key"] = str(view.body.get("key"))
    view.operation, view.query, view.kwargs = reads, {}, names
    try:
        if is_locked:
            _lock(reads, names)
        found = getattr(view, reads.action)()
    except Exception as error:
        told = foreseen(error)
        if told is not None and told.status == 404:
            return None
        raise
    finally:
        view.operation, view.query, view.kwargs = kept
    return _tag_of(dumps(found.whole if isinstance(found, Part) else found))


def _lock(reads: Operation, names: Mapping[str, str]) -> None:
    model, columns = TAGGED[reads.id]
    rows = model._default_manager.select_for_update(of=("self",))
    rows.filter(**{column: names[name] for name, column in columns.items()}).first()
