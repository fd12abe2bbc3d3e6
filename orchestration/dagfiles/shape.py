"""When a DAG's document makes a new version, and when it only renews the present one.

The shape is what a run holds on to from its beginning: which tasks there are, how they follow one another, how they
multiply, and when each may run. A change of anything else (a retry count, a doc text, a start date that is made anew at
each parse) counts for all runs at once, as in Airflow 2.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson

#: The fields of tasks and groups that make the shape. Fields that are not in a document have their defaults.
TASK_SHAPE = (
    "task_type",
    "module",
    "upstream_task_ids",
    "group_id",
    "expansion",
    "trigger_rule",
    "is_setup",
    "is_teardown",
    "on_failure_fail_dagrun",
)
GROUP_SHAPE = ("parent_group_id", "expansion", "children")


def digests(document: Mapping[str, Any]) -> tuple[str, str]:
    """SHA-256 of a document's shape, and of all of it, in hex; the order of keys does not count."""
    shape = {
        "tasks": _fields(document["tasks"], "task_id", TASK_SHAPE),
        "groups": _fields(document["groups"], "group_id", GROUP_SHAPE),
    }
    return _digest(shape), _digest(document)


def _fields(parts: Mapping[str, Any] | list[Any], key: str, names: tuple[str, ...]) -> dict[str, list[Any]]:
    listed = parts.values() if isinstance(parts, Mapping) else parts
    return {part.get(key) or "": [part.get(name) for name in names] for part in listed}


def _digest(value: Any) -> str:
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)).hexdigest()
