"""XCom values as the faces show them: literal data, or the few plain kinds that need no user's class.

A value that JSON lacks is stored as ``{"__classname__", "__version__", "__data__"}``. Nothing here imports a class that
data names: what is not one of the kinds below is shown as text, ``package.Class@version=1(member=value,…)``, as
``airflow.serialization.serde`` shows it.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

_CLASSNAME: Final = "__classname__"
_VERSION: Final = "__version__"
_DATA: Final = "__data__"


def literal(text: str) -> Any:
    """The stored value with whatever JSON lacks as text."""
    return json.loads(text, object_hook=_as_text)


def decoded(text: str) -> Any:
    """The stored value with dates, durations, decimals, tuples and sets as what they were."""
    return json.loads(text, object_hook=_as_value)


def _is_wrapped(found: Mapping[str, Any]) -> bool:
    return isinstance(found.get(_CLASSNAME), str) and _VERSION in found


def _as_text(found: dict[str, Any]) -> Any:
    if not _is_wrapped(found):
        return found
    data = found.get(_DATA)
    if isinstance(data, Mapping):
        shown = ",".join(f"{name}={value}" for name, value in data.items())
    elif isinstance(data, list):
        shown = ",".join(map(str, data))
    else:
        shown = str(data)
    return f"{found[_CLASSNAME]}@version={found[_VERSION]}({shown})"


def _as_value(found: dict[str, Any]) -> Any:
    if not _is_wrapped(found):
        return found
    make = _KINDS.get(found[_CLASSNAME])
    if make is None:
        return _as_text(found)
    try:
        return make(found.get(_DATA))
    except (ValueError, TypeError, KeyError, OverflowError, ArithmeticError):
        return _as_text(found)


def _datetime(data: Any) -> dt.datetime:
    if not isinstance(data, Mapping):
        return dt.datetime.fromisoformat(str(data))
    if data["tz"] is None:
        return dt.datetime.fromtimestamp(data["timestamp"], dt.UTC).replace(tzinfo=None)
    return dt.datetime.fromtimestamp(data["timestamp"], _zone(data["tz"]))


def _zone(data: Any) -> dt.tzinfo:
    name = data[0] if isinstance(data, (list, tuple)) else data
    return dt.timezone(dt.timedelta(seconds=name)) if isinstance(name, int) else ZoneInfo(str(name))


_KINDS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "builtins.tuple": tuple,
    "builtins.set": set,
    "builtins.frozenset": frozenset,
    "datetime.datetime": _datetime,
    "pendulum.datetime.DateTime": _datetime,
    "datetime.date": dt.date.fromisoformat,
    "datetime.timedelta": lambda data: dt.timedelta(seconds=data),
    "decimal.Decimal": lambda data: Decimal(str(data)),
}
