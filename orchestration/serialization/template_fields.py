"""Templated fields as JSON, as written in the DAG file or as rendered: secrets are masked, long values cut."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from orchestration.authoring.secrets import redact
from orchestration.authoring.xcom import LazyXComSelectSequence
from orchestration.conf import conf

if TYPE_CHECKING:
    from orchestration.authoring.abstractoperator import AbstractOperator

#: Deeper structures are shown as text.
_DEEPEST = 20

#: Addresses in texts of objects: they differ from one parse to the next.
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")

Json = Any


def rendered_fields(task: AbstractOperator) -> dict[str, Json]:
    """The task's templated fields after rendering, by name, ready to be stored and shown."""
    return {name: template_field(getattr(task, name, None), name) for name in task.template_fields}


def template_field(value: Any, name: str) -> Json:
    """One field: JSON with secrets masked; what is longer than ``core.max_templated_field_length`` becomes a cut text.

    Masking comes before cutting, so that no part of a secret is left at the cut.
    """
    if _holds_lazy_values(value):
        shown = redact(str(redact(value, name, _DEEPEST)))  # all of the field as text, as in the reference
    else:
        shown = redact(plain(value), name, _DEEPEST)
    longest = conf.getint("core", "max_templated_field_length")
    text = shown if isinstance(shown, str) else str(shown)
    if not shown or len(text) <= longest:
        return shown
    notice = "Truncated. You can change this behaviour in [core]max_templated_field_length. "
    return f"{notice}{text[: max(longest - len(notice) - 10, 0)]!r}... "


def _holds_lazy_values(value: Any, depth: int = 0) -> bool:
    if isinstance(value, LazyXComSelectSequence):
        return True
    if depth >= _DEEPEST or not isinstance(value, (dict, list, tuple)):
        return False
    members = value.values() if isinstance(value, dict) else value
    return any(_holds_lazy_values(member, depth + 1) for member in members)


def plain(value: Any, depth: int = 0) -> Json:
    """The value with everything that JSON lacks as text; the same at each parse."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else str(value)
    if depth >= _DEEPEST:
        return _text(value)
    if isinstance(value, Mapping) and hasattr(value, "items"):
        return {_key(key): plain(member, depth + 1) for key, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(member, depth + 1) for member in value]
    if isinstance(value, (set, frozenset)):
        return sorted((plain(member, depth + 1) for member in value), key=json.dumps)
    return _text(value)


def _key(key: Any) -> str:
    return key if type(key) is str else _text(key)


def _text(value: Any) -> str:
    """A function's path, or what ``str`` gives without addresses."""
    name = getattr(value, "__qualname__", None)
    if callable(value) and isinstance(name, str):
        return f"{getattr(value, '__module__', '')}.{name}"
    try:
        return _ADDRESS.sub("", str(value))
    except Exception as error:
        return f"<{type(value).__name__}: {type(error).__name__} in str()>"
