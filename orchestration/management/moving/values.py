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


def moment(value: Any) -> datetime | None:
    """A stored moment in UTC; SQLite's text has no zone and means UTC."""
    if value is None:
        return None
    found = datetime.fromisoformat(value) if isinstance(value, str) else value
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def stamps(vendor: str) -> Callable[[Any], Any]:
    """How a moment is handed to a driver of this program's database; the form that Django's own columns have."""
    return moment if vendor == "postgresql" else _sqlite_stamp


def _sqlite_stamp(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, str) and len(value) == _LENGTH and value[10] == " ":
        return value.removesuffix(".000000")
    found = moment(value)
    assert found is not None
    return str(found.replace(tzinfo=None))


#: Of ``2024-01-31 23:59:59.123456``, the text that SQLAlchemy writes.
_LENGTH = 26
