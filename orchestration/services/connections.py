"""Connections: create, change, delete, and what of them is shown."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from django.db import IntegrityError, transaction

from orchestration.access import permissions
from orchestration.access.permissions import Caller
from orchestration.authoring.secrets import MASK, redact
from orchestration.errors import Conflict, Invalid, NotFound
from orchestration.models import Connection
from orchestration.services import audit

LONGEST_ID: Final = 200
LONGEST_TYPE: Final = 500
_ID = re.compile(r"[\w.-]+")


def find(conn_id: str) -> Connection:
    """The connection of this id; raises NotFound."""
    connection = Connection.objects.filter(conn_id=conn_id).first()
    if connection is None:
        raise NotFound(f"The Connection with connection_id: `{conn_id}` was not found", title="Connection not found")
    return connection


def shown_extra(extra: str | None) -> str | None:
    """``extra`` as readers see it: secret members of JSON hidden, other text as it is."""
    if not extra:
        return extra
    try:
        value = json.loads(extra)
    except (ValueError, RecursionError):
        return extra
    return json.dumps(redact(value))


def shown_body(body: Mapping[str, Any]) -> dict[str, Any]:
    """A caller's body as the audit log keeps it. The password is hidden whatever the options say."""
    shown = audit.connection_extra(body)
    return {**shown, "password": MASK} if body.get("password") else shown


@transaction.atomic
def create(*, actor: Caller | None, **fields: Any) -> Connection:
    """Make a connection from the model's fields. Raises Conflict when the id is taken, Invalid, Forbidden."""
    permissions.require(actor, permissions.CREATE, permissions.CONNECTIONS)
    connection = Connection(**fields)
    check_id(connection.conn_id)
    _check(connection)
    try:
        with transaction.atomic():
            connection.save()
    except IntegrityError:
        raise Conflict(f"Connection already exist. ID: {connection.conn_id}") from None
    audit.record("connection.create", actor=actor, extra=shown_body({"connection_id": connection.conn_id, **fields}))
    return connection


@transaction.atomic
def update(connection: Connection, *, actor: Caller | None, **changes: Any) -> Connection:
    """Change some fields. A member of ``extra`` that is sent as ``***`` keeps the secret it stands for.

    Raises Invalid for another ``conn_id``, Forbidden.
    """
    permissions.require(actor, permissions.EDIT, permissions.CONNECTIONS)
    refuse_new_id(connection, changes.get("conn_id", connection.conn_id))
    if "extra" in changes:
        changes["extra"] = _with_kept_secrets(changes["extra"], connection.extra)
    for field, value in changes.items():
        setattr(connection, field, value)
    _check(connection)
    connection.save()
    audit.record("connection.edit", actor=actor, extra=shown_body({"connection_id": connection.conn_id, **changes}))
    return connection


@transaction.atomic
def delete(connection: Connection, *, actor: Caller | None) -> None:
    """Delete a connection."""
    permissions.require(actor, permissions.DELETE, permissions.CONNECTIONS)
    connection.delete()
    audit.record("connection.delete", actor=actor, extra={"connection_id": connection.conn_id})


def refuse_new_id(connection: Connection, conn_id: str) -> None:
    """Raise Invalid for another id: a connection keeps its own."""
    if conn_id != connection.conn_id:
        raise Invalid("The connection_id cannot be updated.")


def check_id(conn_id: str) -> None:
    """Raise Invalid unless the text can name a connection."""
    if len(conn_id) > LONGEST_ID:
        raise Invalid(f"A connection's id has {LONGEST_ID} characters at most.")
    if not _ID.fullmatch(conn_id):
        raise Invalid(f"{conn_id!r} cannot name a connection: take letters, digits, dashes, dots and underscores.")


def _check(connection: Connection) -> None:
    if len(connection.conn_type or "") > LONGEST_TYPE:
        raise Invalid(f"conn_type is longer than {LONGEST_TYPE} characters.")
    for field in ("host", "schema"):
        if len(getattr(connection, field) or "") > LONGEST_TYPE:
            raise Invalid(f"{field} is longer than {LONGEST_TYPE} characters.")


def _with_kept_secrets(sent: str | None, stored: str | None) -> str | None:
    if not sent or MASK not in sent or not stored:
        return sent
    try:
        new, old = json.loads(sent), json.loads(stored)
    except (ValueError, RecursionError):
        return sent
    if not isinstance(new, dict) or not isinstance(old, dict):
        return sent
    return json.dumps(_merged(new, old))


def _merged(new: dict[str, Any], old: dict[str, Any]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for name, value in new.items():
        kept = old.get(name)
        if value == MASK and kept is not None:
            merged[name] = kept
        elif isinstance(value, dict) and isinstance(kept, dict):
            merged[name] = _merged(value, kept)
        else:
            merged[name] = value
    return merged
