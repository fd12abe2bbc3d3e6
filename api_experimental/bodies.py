"""What callers send: JSON whatever the content type says, moments, truth values."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson
from django.http import HttpRequest, UnreadablePostError

from orchestration.authoring import timezone
from orchestration.errors import Invalid
from orchestration.models.moments import storable

#: Levels of arrays and objects in a body.
_DEPTH = 100
_LONGEST_MOMENT = 100
_TRUE = frozenset({"on", "t", "true", "y", "yes", "1"})


def body_of(request: HttpRequest) -> dict[str, Any]:
    """The request's JSON object.

    Raises Invalid for what is no JSON object, holds NUL, or is too deep to be stored. Integers beyond 64 bits come as
    floats and are refused where a whole number is asked for.
    """
    try:
        value = orjson.loads(request.body)
    except orjson.JSONDecodeError:
        raise Invalid("The request's body is not valid JSON. Send an object such as {}.") from None
    except UnreadablePostError:
        raise Invalid("The request's body did not come whole. Send it again.") from None
    if not isinstance(value, dict):
        raise Invalid("The request's body must be a JSON object.")
    _check(value)
    return value


def _check(value: Any) -> None:
    level = [value]
    for _ in range(_DEPTH):
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                below.extend(item)
                below.extend(item.values())
            elif isinstance(item, list):
                below.extend(item)
            elif isinstance(item, str) and "\0" in item:
                raise Invalid("NUL is not allowed in text.")
        if not below:
            return
        level = below
    raise Invalid(f"The request's body is nested more than {_DEPTH} levels deep.")


def moment(text: Any) -> datetime:
    """The moment in ``text`` in the offset it was written with (in UTC where no place has it), without one in the
    default zone.

    Raises Invalid for anything else and for moments outside the years 1 to 9999 of UTC.
    """
    try:
        value = timezone.parse(text) if isinstance(text, str) and len(text) <= _LONGEST_MOMENT else None
        if not isinstance(value, datetime):
            raise ValueError("no moment")
        return storable(value)
    except (ValueError, TypeError, OverflowError):
        raise Invalid(
            f"Given execution date, {str(text)[:200]}, could not be identified as a date. "
            "Example date format: 2015-11-16T14:34:15+00:00"
        ) from None


def conf_of(value: Any) -> dict[str, Any]:
    """A run's conf: an object, JSON text of an object, or null for an empty one. Raises Invalid for anything else."""
    if isinstance(value, str):
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            value = ...
        else:
            _check(value)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Invalid("Dag Run conf must be a dictionary object, other types are not supported")
    return value


def truth(value: Any) -> bool:
    """A truth value: true, or a word such as ``true``, ``yes``, ``1``; anything else is false."""
    return value.strip().lower() in _TRUE if isinstance(value, str) else value is True or value == 1
