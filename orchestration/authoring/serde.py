"""XCom values as JSON and back; what JSON lacks as Airflow writes it: ``{"__classname__", "__version__", "__data__"}``.

Reading back makes only the kinds of this module, and classes that ``core.allowed_deserialization_classes`` names; it
happens in task processes only. Everything else shows the JSON as it is.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import fnmatch
import importlib
import json
import math
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from orchestration.conf import conf

CLASSNAME, VERSION, DATA, SCHEMA_ID = "__classname__", "__version__", "__data__", "__id__"


def dumps(value: Any) -> str:
    """The value as JSON text. TypeError for what has no JSON form, AttributeError for a dict with reserved keys."""
    plain = _wrap("builtins.tuple", list(value)) if isinstance(value, tuple) else value
    try:
        return json.dumps(plain, default=_encode, allow_nan=False)
    except ValueError as error:
        if "Circular" in str(error):
            raise
        return json.dumps(_without_nan(plain), default=_encode)


def loads(text: str) -> Any:
    """The value of a JSON text. ImportError for a class that is not allowed."""
    return json.loads(text, object_hook=_decode)


def _wrap(classname: str, data: Any, version: int = 1) -> dict[str, Any]:
    return {CLASSNAME: classname, VERSION: version, DATA: data}


def _encode(value: Any) -> Any:
    """What ``json`` cannot write, as something it can."""
    for kind, encoder in _ENCODERS:
        if isinstance(value, kind):
            return encoder(value)
    cls = type(value)
    name = f"{cls.__module__}.{cls.__qualname__}"
    if cls.__module__ == "numpy" and callable(getattr(value, "item", None)) and getattr(value, "ndim", 1) == 0:
        return _wrap(f"numpy.{cls.__name__}", value.item())
    if name == "pandas.core.frame.DataFrame":
        return _wrap(name, value.to_parquet(None).hex())
    if name == "orchestration.authoring.datasets.Dataset":
        return _wrap("airflow.datasets.Dataset", {"uri": value.uri, "extra": value.extra})
    if name == "orchestration.authoring.datasets.DatasetAlias":
        return _wrap("airflow.datasets.DatasetAlias", {"name": value.name})
    own_version = getattr(cls, "__version__", 0)
    if callable(serialize := getattr(value, "serialize", None)):
        return _wrap(_shown_name(cls), serialize(), own_version)
    if callable(dump := getattr(value, "model_dump", None)) and hasattr(cls, "model_fields"):
        return _wrap(name, dump(), own_version)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _wrap(_shown_name(cls), dataclasses.asdict(value), own_version)
    if (fields := getattr(cls, "__attrs_attrs__", None)) is not None:
        return _wrap(name, {field.name: getattr(value, field.name) for field in fields if field.init}, own_version)
    if isinstance(value, Mapping):
        return dict(value)
    if type(value).__name__ in {"LazyXComSelectSequence", "_MapResult", "_ZipResult", "_ConcatResult"}:
        return list(value)
    raise TypeError(
        f"A {name} cannot be pushed as an XCom: return JSON values, dates, a dataclass, or a class with serialize()."
    )


def _shown_name(cls: type) -> str:
    """The class's path as DAG files import it."""
    if cls.__name__ == "ObjectStoragePath":
        return "airflow.io.path.ObjectStoragePath"
    module = cls.__dict__.get("_airflow_module") or cls.__module__
    return f"{module}.{cls.__qualname__}"


def _encode_datetime(value: dt.datetime) -> dict[str, Any]:
    cls = type(value)
    is_pendulum = cls.__module__.startswith("pendulum")
    zone = None
    if value.tzinfo is not None:
        name = getattr(value.tzinfo, "key", None) or getattr(value.tzinfo, "name", None) or value.tzname()
        offset = value.utcoffset() or dt.timedelta()
        fixed = getattr(value.tzinfo, "key", None) is None and name not in {"UTC"}
        zone = (
            _wrap("builtins.tuple", [int(offset.total_seconds()), "pendulum.tz.timezone.FixedTimezone", 1, True])
            if fixed
            else _wrap("builtins.tuple", [name, "pendulum.tz.timezone.Timezone", 1, True])
        )
    stamp = value.timestamp() if value.tzinfo else value.replace(tzinfo=dt.UTC).timestamp()
    return _wrap(
        "pendulum.datetime.DateTime" if is_pendulum else "datetime.datetime", {"timestamp": stamp, "tz": zone}, 2
    )


def _encode_enum(value: enum.Enum) -> Any:
    raise TypeError(f"An enum cannot be pushed as an XCom: push {value}.value")


def _encode_bytes(value: Any) -> Any:
    raise TypeError("Bytes cannot be pushed as an XCom: push a text, or write a file and push its path")


def _encode_decimal(value: Decimal) -> dict[str, Any]:
    exponent = value.as_tuple().exponent
    is_whole = isinstance(exponent, int) and exponent >= 0
    return _wrap("decimal.Decimal", int(value) if is_whole else float(value))


def _zone_key(value: Any) -> str:
    return str(getattr(value, "key", None) or getattr(value, "name", value))


_ENCODERS: tuple[tuple[Any, Callable[[Any], Any]], ...] = (
    (dt.datetime, _encode_datetime),
    (dt.date, lambda value: _wrap("datetime.date", value.isoformat(), 2)),
    (dt.timedelta, lambda value: _wrap("datetime.timedelta", value.total_seconds(), 2)),
    (dt.tzinfo, lambda value: _wrap("pendulum.tz.timezone.Timezone", _zone_key(value))),
    (Decimal, _encode_decimal),
    (tuple, lambda value: _wrap("builtins.tuple", list(value))),
    (frozenset, lambda value: _wrap("builtins.frozenset", list(value))),
    (set, lambda value: _wrap("builtins.set", list(value))),
    (enum.Enum, _encode_enum),
    ((bytes, bytearray), _encode_bytes),
)


def _without_nan(value: Any) -> Any:
    """The value with numbers that JSON lacks wrapped."""
    if isinstance(value, float) and not math.isfinite(value):
        return _wrap("builtins.float", repr(value))
    if isinstance(value, dict):
        return {key: _without_nan(member) for key, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(member) for member in value]
    return value


def _decode(found: dict[str, Any]) -> Any:
    if CLASSNAME not in found or VERSION not in found:
        return found
    name, data = found[CLASSNAME], found.get(DATA)
    if name in _DECODERS:
        return _DECODERS[name](data)
    if isinstance(name, str) and name.startswith("numpy."):
        return data
    return _decode_class(name, data, found[VERSION])


def _decode_datetime(data: Any) -> dt.datetime:
    if not isinstance(data, Mapping):
        return dt.datetime.fromisoformat(str(data))
    if data["tz"] is None:
        return dt.datetime.fromtimestamp(data["timestamp"], dt.UTC).replace(tzinfo=None)
    return dt.datetime.fromtimestamp(data["timestamp"], _decode_zone(data["tz"]))


def _decode_pendulum(data: Any) -> Any:
    import pendulum

    return pendulum.instance(_decode_datetime(data))


def _decode_zone(data: Any) -> Any:
    import pendulum

    name = data[0] if isinstance(data, (tuple, list)) else data
    return pendulum.timezone(name)


def _decode_dataset(data: Any) -> Any:
    from orchestration.authoring.datasets import Dataset

    return Dataset(**data)


def _decode_alias(data: Any) -> Any:
    from orchestration.authoring.datasets import DatasetAlias

    return DatasetAlias(**data)


def _decode_frame(data: str) -> Any:
    import io

    pandas = importlib.import_module("pandas")
    return pandas.read_parquet(io.BytesIO(bytes.fromhex(data)))


def _decode_path(data: Any) -> Any:
    from orchestration.authoring.object_storage import ObjectStoragePath

    return ObjectStoragePath.deserialize(data, 1)


_DECODERS: dict[Any, Callable[[Any], Any]] = {
    "builtins.tuple": tuple,
    "builtins.set": set,
    "builtins.frozenset": frozenset,
    "builtins.float": float,
    "datetime.datetime": _decode_datetime,
    "datetime.date": lambda data: dt.date.fromisoformat(data),
    "datetime.timedelta": lambda data: dt.timedelta(seconds=data),
    "decimal.Decimal": lambda data: Decimal(str(data)),
    "pendulum.datetime.DateTime": _decode_pendulum,
    "pendulum.tz.timezone.Timezone": _decode_zone,
    "zoneinfo.ZoneInfo": _decode_zone,
    "airflow.datasets.Dataset": _decode_dataset,
    "airflow.datasets.DatasetAlias": _decode_alias,
    "airflow.io.path.ObjectStoragePath": _decode_path,
    "pandas.core.frame.DataFrame": _decode_frame,
}


def _decode_class(name: Any, data: Any, version: int) -> Any:
    patterns = conf.get("core", "allowed_deserialization_classes").split()
    if not isinstance(name, str) or not any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns):
        raise ImportError(
            f"{name} may not be made from an XCom. Add it to [core] allowed_deserialization_classes, or push a dict."
        )
    module, _, attribute = name.rpartition(".")
    cls: Any = getattr(importlib.import_module(module), attribute)
    if hasattr(cls, "deserialize"):
        return cls.deserialize(data, version)
    is_plain = dataclasses.is_dataclass(cls) or hasattr(cls, "__attrs_attrs__") or hasattr(cls, "model_fields")
    if isinstance(cls, type) and is_plain and isinstance(data, Mapping):
        return cls(**data)
    raise TypeError(f"{name} has no deserialize(data, version) to read it back.")
