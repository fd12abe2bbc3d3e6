"""From a DAG's JSON document to the frozen values that everything but the parser and the task process reads.

Every field is checked while it is read, so that a damaged document is refused as a whole, with one exception. No class
that a document names is imported.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, Literal

from orchestration.serialization.values import (
    ConcatLength,
    Expansion,
    LengthExpression,
    LiteralLength,
    SerializedDag,
    SerializedGroup,
    SerializedTask,
    StartTrigger,
    XComLength,
    ZipLength,
)

Json = Any

#: The newest form this reads; see ``encode.FORMAT``.
FORMAT = 1

#: Fields that say where a DAG was read and how it looks, not what it is.
_NO_SHAPE = frozenset({"fileloc", "template_searchpath", "format"})


class DocumentError(ValueError):
    """A DAG's document is damaged, or of a newer form; its file must be parsed again."""


def decode_dag(document: Mapping[str, Json]) -> SerializedDag:
    """The DAG of a document that ``encode_dag`` made; DocumentError for any other."""
    dag_id = document.get("dag_id") if isinstance(document, Mapping) else None
    try:
        if document["format"] > FORMAT:
            raise DocumentError(f"it has form {document['format']}, and {FORMAT} is the newest known")
        tasks = {task["task_id"]: _decode_task(task) for task in document["tasks"]}
        groups = {group["group_id"]: _decode_group(group) for group in document["groups"]}
        fields = _fields(document, _DAG_READERS, SerializedDag)
        dag: SerializedDag = _make(SerializedDag, {**fields, "tasks": tasks, "groups": groups})
        _check_references(dag)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        reason = f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else str(error)
        raise DocumentError(
            f"The document of DAG {dag_id!r} cannot be read: {reason}. Parse its file again."
        ) from error
    return dag


def dag_hash(document: Mapping[str, Json]) -> str:
    """32 hex digits that change only when the DAG itself does, not when its file moves."""
    shape = {name: value for name, value in document.items() if name not in _NO_SHAPE}
    text = json.dumps(shape, sort_keys=True, separators=(",", ":"))
    return hashlib.md5(text.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()


def _decode_task(document: Mapping[str, Json]) -> SerializedTask:
    try:
        task: SerializedTask = _make(SerializedTask, _fields(document, _TASK_READERS, SerializedTask))
    except (KeyError, TypeError, ValueError) as error:
        raise DocumentError(f"task {document.get('task_id')!r}: {error}") from error
    return task


def _decode_group(document: Mapping[str, Json]) -> SerializedGroup:
    group: SerializedGroup = _make(SerializedGroup, _fields(document, _GROUP_READERS, SerializedGroup))
    return group


def _make(cls: Any, fields: dict[str, Any]) -> Any:
    """The value of a frozen dataclass without its constructor, which takes longer than all the rest."""
    value: Any = object.__new__(cls)
    value.__dict__.update(_plain_defaults(cls))
    for name, factory in _factories(cls).items():
        if name not in fields:
            value.__dict__[name] = factory()
    value.__dict__.update(fields)
    missing = _required(cls) - value.__dict__.keys()
    if missing:
        raise KeyError(min(missing))
    return value


@cache
def _plain_defaults(cls: Any) -> dict[str, Any]:
    return {f.name: f.default for f in dataclasses.fields(cls) if f.default is not dataclasses.MISSING}


@cache
def _factories(cls: Any) -> dict[str, Callable[[], Any]]:
    return {f.name: f.default_factory for f in dataclasses.fields(cls) if f.default_factory is not dataclasses.MISSING}


@cache
def _required(cls: Any) -> frozenset[str]:
    return frozenset(
        f.name
        for f in dataclasses.fields(cls)
        if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
    )


def _fields(document: Mapping[str, Json], readers: Mapping[str, Callable[[Json], Any]], cls: type) -> dict[str, Any]:
    found = {}
    for name, value in document.items():
        reader = readers.get(name)
        if reader is not None:
            try:
                found[name] = reader(value)
            except (TypeError, ValueError) as error:
                raise DocumentError(f"{name} of {cls.__name__} is wrong: {error}") from error
    return found


def _check_references(dag: SerializedDag) -> None:
    """Edges and groups name only what is there."""
    known = dag.tasks.keys()
    for task in dag.tasks.values():
        if not (task.upstream_task_ids <= known and task.downstream_task_ids <= known):
            raise DocumentError(f"task {task.task_id!r} has an edge to a task that is not there")
        if task.group_id not in dag.groups:
            raise DocumentError(f"task {task.task_id!r} is in a group that is not there: {task.group_id!r}")
    if None not in dag.groups:
        raise DocumentError("the outermost group is missing")
    for group in dag.groups.values():
        if group.parent_group_id not in dag.groups:
            raise DocumentError(f"group {group.group_id!r} is in a group that is not there")


def _expect(kind: type | tuple[type, ...], words: str, *, optional: bool = False) -> Callable[[Json], Any]:
    def read(value: Json) -> Any:
        if value is None and optional:
            return None
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise TypeError(f"{value!r} is not {words}")
        return value

    return read


_text = _expect(str, "a text")
_optional_text = _expect(str, "a text", optional=True)
_truth = _expect(bool, "a truth value")
_optional_truth = _expect(bool, "a truth value", optional=True)
_whole = _expect(int, "a whole number")
_optional_whole = _expect(int, "a whole number", optional=True)
_number = _expect((int, float), "a number")
_optional_number = _expect((int, float), "a number", optional=True)
_mapping = _expect(dict, "an object")


def _anything(value: Json) -> Json:
    return value


def _texts(value: Json) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(member, str) for member in value):
        raise TypeError(f"{value!r} is not a list of texts")
    return tuple(value)


def _optional_texts(value: Json) -> tuple[str, ...] | None:
    return None if value is None else _texts(value)


def _ids(value: Json) -> frozenset[str]:
    return frozenset(_texts(value))


def _group_ids(value: Json) -> frozenset[str]:
    return frozenset(_texts([member for member in value if member is not None]))


def _members(value: Json) -> tuple[Json, ...]:
    if not isinstance(value, list):
        raise TypeError(f"{value!r} is not a list")
    return tuple(value)


def _moment(value: Json) -> datetime | None:
    if value is None:
        return None
    moment = datetime.fromisoformat(_text(value))
    if moment.tzinfo is None:
        raise ValueError(f"{value!r} has no offset")
    return moment.astimezone(UTC)


def _expansion(value: Json) -> Expansion | None:
    if value is None:
        return None
    kinds: dict[Json, Literal["product", "list"]] = {"product": "product", "list": "list"}
    return Expansion(kinds[value["kind"]], {name: _length(length) for name, length in value["lengths"].items()})


def _length(value: Json) -> LengthExpression:
    match value["type"]:
        case "literal":
            return LiteralLength(_whole(value["length"]))
        case "xcom":
            return XComLength(_text(value["task_id"]), _text(value["key"]))
        case "zip":
            return ZipLength(tuple(map(_length, value["parts"])), _truth(value["is_longest"]))
        case "concat":
            return ConcatLength(tuple(map(_length, value["parts"])))
        case other:
            raise ValueError(f"there is no length of type {other!r}")


def _start_trigger(value: Json) -> StartTrigger | None:
    if value is None:
        return None
    return StartTrigger(
        trigger_cls=_text(value["trigger_cls"]),
        trigger_kwargs=value["trigger_kwargs"],
        next_method=_text(value["next_method"]),
        next_kwargs=value["next_kwargs"],
        timeout_seconds=_optional_number(value["timeout_seconds"]),
    )


def _children(value: Json) -> tuple[tuple[Literal["task", "group"], str], ...]:
    kinds: dict[Json, Literal["task", "group"]] = {"task": "task", "group": "group"}
    return tuple((kinds[kind], _text(node_id)) for kind, node_id in value)


def _grants(value: Json) -> dict[str, dict[str, tuple[str, ...]]]:
    return {
        role: {resource: _texts(actions) for resource, actions in resources.items()}
        for role, resources in value.items()
    }


_TASK_READERS: Mapping[str, Callable[[Json], Any]] = {
    **dict.fromkeys(
        (
            "task_id", "task_type", "module", "operator_name", "task_display_name", "label", "owner", "queue", "pool",
            "weight_rule", "trigger_rule", "ui_color", "ui_fgcolor",
        ),
        _text,
    ),
    **dict.fromkeys(
        ("executor", "group_id", "doc", "doc_md", "doc_json", "doc_yaml", "doc_rst", "map_index_template"),
        _optional_text,
    ),
    **dict.fromkeys(
        (
            "email_on_retry", "email_on_failure", "depends_on_past", "ignore_first_depends_on_past",
            "wait_for_past_depends_before_skipping", "wait_for_downstream", "retry_exponential_backoff", "is_setup",
            "is_teardown", "on_failure_fail_dagrun", "is_empty", "is_sensor", "is_mapped", "multiple_outputs",
            "has_on_execute_callback", "has_on_success_callback", "has_on_failure_callback", "has_on_retry_callback",
            "has_on_skipped_callback",
        ),
        _truth,
    ),
    **dict.fromkeys(("pool_slots", "priority_weight", "priority_weight_total", "retries"), _whole),
    **dict.fromkeys(("max_active_tis_per_dag", "max_active_tis_per_dagrun"), _optional_whole),
    "retry_delay_seconds": _number,
    **dict.fromkeys(("max_retry_delay_seconds", "execution_timeout_seconds", "sla_seconds"), _optional_number),
    **dict.fromkeys(("start_date", "end_date"), _moment),
    **dict.fromkeys(("email", "template_fields", "extra_links"), _texts),
    **dict.fromkeys(("upstream_task_ids", "downstream_task_ids"), _ids),
    **dict.fromkeys(("params", "template_fields_renderers", "template_values", "extra_link_specs"), _mapping),
    **dict.fromkeys(("inlets", "outlets"), _members),
    **dict.fromkeys(("executor_config", "external_dag"), _anything),
    "expansion": _expansion,
    "start_trigger": _start_trigger,
}  # fmt: skip

_GROUP_READERS: Mapping[str, Callable[[Json], Any]] = {
    **dict.fromkeys(("tooltip", "ui_color", "ui_fgcolor"), _text),
    **dict.fromkeys(("group_id", "label", "parent_group_id"), _optional_text),
    "children": _children,
    "expansion": _expansion,
    **dict.fromkeys(("upstream_group_ids", "downstream_group_ids"), _group_ids),
    **dict.fromkeys(("upstream_task_ids", "downstream_task_ids"), _ids),
}

_DAG_READERS: Mapping[str, Callable[[Json], Any]] = {
    **dict.fromkeys(
        (
            "dag_id", "dag_display_name", "fileloc", "timetable_summary", "timetable_description", "timezone",
            "default_view", "orientation",
        ),
        _text,
    ),
    **dict.fromkeys(("description", "parent_dag_id", "doc_md"), _optional_text),
    **dict.fromkeys(
        (
            "catchup", "is_subdag", "fail_stop", "render_template_as_native_obj", "has_on_success_callback",
            "has_on_failure_callback", "has_sla_miss_callback",
        ),
        _truth,
    ),
    "is_paused_upon_creation": _optional_truth,
    **dict.fromkeys(("max_active_tasks", "max_active_runs", "max_consecutive_failed_dag_runs"), _whole),
    "dagrun_timeout_seconds": _optional_number,
    **dict.fromkeys(("start_date", "end_date"), _moment),
    **dict.fromkeys(("timetable", "params", "owner_links", "edge_info"), _mapping),
    **dict.fromkeys(("schedule_interval", "dataset_condition"), _anything),
    **dict.fromkeys(("tags", "owners"), _texts),
    "template_searchpath": _optional_texts,
    "access_control": _grants,
}  # fmt: skip
