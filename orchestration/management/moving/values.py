"""Values as Airflow stores them, turned into what this program's tables take."""

from __future__ import annotations

import io
import json
import pickle
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson


class Unreadable(Exception):
    """A stored value that is not plain data."""


class _PlainUnpickler(pickle.Unpickler):
    """Reads dicts, lists, texts, numbers … and nothing that needs a class: no code of the database can run."""

    def find_class(self, module: str, name: str) -> Any:
        raise Unreadable(f"it holds {module}.{name}")


@lru_cache(maxsize=4096)
def _unpickled(data: bytes) -> str:
    try:
        value = _PlainUnpickler(io.BytesIO(data)).load()
        return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_PASSTHROUGH_DATACLASS).decode()
    except Unreadable:
        raise
    except Exception as error:  # a broken pickle can raise anything
        raise Unreadable(f"it is no plain data ({type(error).__name__})") from error


def json_of_pickle(data: bytes | memoryview | None) -> str | None:
    """Pickled plain data as JSON text. Raises Unreadable for anything else."""
    return None if data is None else _unpickled(bytes(data))


def json_of_xcom(data: bytes | memoryview | str | None) -> tuple[str, int | None]:
    """An XCom as JSON text, and its length where it is a list or an object. Raises Unreadable for other formats."""
    if data is None:
        return "null", None
    raw = data.encode() if isinstance(data, str) else bytes(data)
    try:
        value = orjson.loads(raw)
        text = raw.decode()
    except ValueError:
        value, text = _with_nan(raw)
    return text, len(value) if isinstance(value, list | dict) else None


def _with_nan(raw: bytes) -> tuple[Any, str]:
    """JSON with NaN and Infinity, which JSON lacks, as this program writes them."""
    try:
        value = json.loads(raw, parse_constant=_number)
    except (ValueError, RecursionError) as error:
        raise Unreadable("it is no JSON (pickled, or of an own XCom backend)") from error
    return value, json.dumps(value)


def _number(name: str) -> dict[str, Any]:
    return {"__classname__": "builtins.float", "__version__": 1, "__data__": repr(float(name))}


def json_text(value: str | None, default: str) -> str:
    """A JSON column's value, which either database gives as text; SQLAlchemy writes None as JSON's null."""
    return default if value in (None, "null") else value


def moment(value: str | None) -> datetime | None:
    """A stored moment in UTC; SQLite's text has no zone and means UTC."""
    if value is None:
        return None
    found = datetime.fromisoformat(value)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def stamps(vendor: str) -> Callable[[str | None], str | None]:
    """How a moment is handed to a driver of this program's database; the form that Django's own columns have.

    It stays text on its way: making a datetime of each of millions and text again takes a third of the copy's time.
    """
    return _postgres_stamp if vendor == "postgresql" else _sqlite_stamp


def _postgres_stamp(value: str | None) -> str | None:
    if value is None:
        return None
    if value[10:11] == " ":
        if value.endswith(_UTC):
            return value
        if _is_of_sqlalchemy(value):
            return value + _UTC
    return str(moment(value))


def _sqlite_stamp(value: str | None) -> str | None:
    if value is None:
        return None
    if value[10:11] == " ":
        if value.endswith(_UTC):
            text = value.removesuffix(_UTC)
            return text if len(text) == _SECONDS else text.ljust(_LENGTH, "0")
        if _is_of_sqlalchemy(value):
            return value.removesuffix(".000000")
    found = moment(value)
    assert found is not None
    return str(found.replace(tzinfo=None))


def _is_of_sqlalchemy(value: str) -> bool:
    """Whether it is like ``2024-01-31 23:59:59.123456``."""
    return len(value) == _LENGTH and value[_SECONDS] == "." and value[_SECONDS + 1 :].isdecimal()


#: How PostgreSQL ends a moment in a session whose time zone is UTC; a fraction comes without its last zeros.
_UTC = "+00"
#: The length of a moment with whole seconds, and with six digits behind them.
_SECONDS, _LENGTH = 19, 26
