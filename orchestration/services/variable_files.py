"""Variables as a file: the reference's JSON, ``{key: value, …}``, there and back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from django.db import transaction

from orchestration.access import permissions
from orchestration.access.permissions import Caller
from orchestration.errors import Conflict, Invalid
from orchestration.models import Variable
from orchestration.services import variables

#: Variables that one file may hold.
MOST: Final = 10_000


class Existing(StrEnum):
    """What to do with a key that is there already."""

    OVERWRITE = "overwrite"
    SKIP = "skip"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Imported:
    """How many variables were set, and the keys that were left as they are."""

    count: int
    skipped: tuple[str, ...] = ()


def export(rows: Iterable[Variable]) -> str:
    """The variables as JSON text; a value that is JSON as JSON, one under a secret key as the mask."""
    found = {row.key: _decoded(variables.shown_value(row.key, row.val)) for row in rows}
    return json.dumps(found, sort_keys=True, indent=4, ensure_ascii=False)


def parse(data: bytes) -> dict[str, Any]:
    """A file's variables. Raises Invalid for anything but a JSON object in UTF-8."""
    try:
        found = json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise Invalid("The file is no text in UTF-8.") from None
    except (ValueError, RecursionError):
        raise Invalid('The file is no JSON. Write {"key": "value", …}.') from None
    if not isinstance(found, dict):
        raise Invalid('The file must hold one JSON object: {"key": "value", …}.')
    if len(found) > MOST:
        raise Invalid(f"The file holds {len(found)} variables; at most {MOST} are taken at once. Split it.")
    return found


@transaction.atomic
def import_(found: Mapping[str, Any], *, actor: Caller | None, existing: Existing = Existing.OVERWRITE) -> Imported:
    """Set all variables or none. The mask as value keeps the hidden value that it stands for.

    Raises Conflict where a key is there and ``existing`` is FAIL, or the actor may not change variables; Invalid,
    Forbidden.
    """
    permissions.require(actor, permissions.CREATE, permissions.VARIABLES)
    known = dict(Variable.objects.filter(key__in=list(found)).values_list("key", "description"))
    if known and existing is Existing.FAIL:
        named = ", ".join(repr(key) for key in sorted(known)[:10])
        raise Conflict(f"{len(known)} of these keys are there already: {named}. Nothing was imported.")
    wanted = {key: value for key, value in found.items() if existing is Existing.OVERWRITE or key not in known}
    for key, value in wanted.items():
        text = value if isinstance(value, str) else json.dumps(value, indent=2)
        if "\0" in text or "\0" in key:
            raise Invalid(f"The variable {key.split(chr(0))[0]!r} holds a NUL character. Nothing was imported.")
        variables.put(actor=actor, key=key, val=text, description=known.get(key))
    return Imported(len(wanted), tuple(sorted(key for key in found if key not in wanted)))


def _decoded(value: str | None) -> Any:
    try:
        return json.loads(value or "")
    except (ValueError, RecursionError):
        return value
