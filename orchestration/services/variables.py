"""Variables: set, change, delete, and what of them is shown."""

from __future__ import annotations

from typing import Any, Final

from django.db import IntegrityError, transaction

from orchestration.access import permissions
from orchestration.access.permissions import Caller
from orchestration.authoring.secrets import MASK, redact, should_hide_value_for_key
from orchestration.errors import Conflict, Invalid, NotFound
from orchestration.models import Variable
from orchestration.services import audit

LONGEST_KEY: Final = 250


def find(key: str) -> Variable:
    """The variable of this key; raises NotFound."""
    variable = Variable.objects.filter(key=key).first()
    if variable is None:
        raise NotFound("Variable does not exist", title="Variable not found")
    return variable


def shown_value(key: str, value: str | None) -> str | None:
    """The value as readers see it: hidden where the key looks secret (``core.hide_sensitive_var_conn_fields``)."""
    if value and should_hide_value_for_key(key):
        return MASK
    return value


@transaction.atomic
def put(*, actor: Caller | None, key: str, val: str, description: str | None = None) -> Variable:
    """Make a variable, or one in place of that of this key, its description too.

    What replaces is a new row, so a list by id has it last. To replace one must be allowed to edit variables; without
    that it is a Conflict. Raises Invalid, Forbidden.
    """
    permissions.require(actor, permissions.CREATE, permissions.VARIABLES)
    _check_key(key)
    variable = None
    while variable is None:
        stored = _taken_away(actor, key, val)
        try:
            with transaction.atomic():
                variable = Variable.objects.create(key=key, val=stored, description=description)
        except IntegrityError:
            continue  # another caller made one just now: replace that
    _record("create", actor, variable, {"key": key, "value": val})
    return variable


@transaction.atomic
def update(variable: Variable, *, actor: Caller | None, **changes: Any) -> Variable:
    """Change ``val`` or ``description``. The mask as value keeps the hidden value that it stands for."""
    permissions.require(actor, permissions.EDIT, permissions.VARIABLES)
    if "val" in changes:
        changes["val"] = _kept(variable, changes["val"])
    for field, value in changes.items():
        setattr(variable, field, value)
    variable.save(update_fields=list(changes) or None)
    _record("edit", actor, variable, {"key": variable.key, **changes})
    return variable


@transaction.atomic
def delete(variable: Variable, *, actor: Caller | None) -> None:
    """Delete a variable."""
    permissions.require(actor, permissions.DELETE, permissions.VARIABLES)
    variable.delete()
    _record("delete", actor, variable, {"variable_key": variable.key})


def _taken_away(actor: Caller | None, key: str, val: str) -> str | None:
    """Delete the variable of this key, if any; return what to store in its place. Raises Conflict."""
    existing = Variable.objects.select_for_update().filter(key=key).first()
    if existing is None:
        return val
    if actor is not None and not permissions.is_allowed(actor, permissions.EDIT, permissions.VARIABLES):
        raise Conflict(f"The variable {key!r} exists, and you may not change variables.")
    existing.delete()
    return _kept(existing, val)


def _kept(variable: Variable, value: str | None) -> str | None:
    """What to store where ``value`` was sent: a caller who read the mask and sends it back changes nothing."""
    return variable.val if value == MASK and shown_value(variable.key, variable.val) == MASK else value


def _check_key(key: str) -> None:
    if not key or len(key) > LONGEST_KEY:
        raise Invalid(f"The key must have 1 to {LONGEST_KEY} characters.")


def _record(verb: str, actor: Caller | None, variable: Variable, extra: dict[str, Any]) -> None:
    shown = {name: redact(value, variable.key) if name in {"val", "value"} else value for name, value in extra.items()}
    audit.record(f"variable.{verb}", actor=actor, extra=shown)
