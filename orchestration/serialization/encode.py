"""From the DAG object to its JSON document: what the parser sends, the tables keep and ``decode`` reads.

The document has the names of ``values.SerializedDag``; what has its default value is left out. It is the same at each
parse of the same file: sets are sorted, addresses of objects are left out.
"""

from __future__ import annotations

import dataclasses
import heapq
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from orchestration.authoring.exceptions import AirflowException, SerializationError
from orchestration.authoring.expandinput import DictOfListsExpandInput, ExpandInput
from orchestration.authoring.mappedoperator import MappedOperator
from orchestration.authoring.secrets import MASK, redact
from orchestration.authoring.weight_rule import WeightRule, db_safe_priority, flat_totals, rule_name
from orchestration.authoring.xcom_arg import ConcatXComArg, MapXComArg, PlainXComArg, XComArg, ZipXComArg
from orchestration.serialization.template_fields import plain, template_field
from orchestration.serialization.values import SerializedGroup, SerializedTask

if TYPE_CHECKING:
    from orchestration.authoring.abstractoperator import AbstractOperator
    from orchestration.authoring.dag import DAG
    from orchestration.authoring.task_group import TaskGroup

Json = Any

#: The version of the document's form; ``decode`` refuses a newer one.
FORMAT = 1


def encode_dag(dag: DAG) -> dict[str, Json]:
    """The document of a validated DAG.

    SerializationError names the task and what of it cannot be written as JSON.
    """
    from orchestration.authoring import timetables
    from orchestration.authoring.datasets import encode_condition

    totals = _priority_totals(dag)
    return {
        "format": FORMAT,
        "dag_id": dag.dag_id,
        "dag_display_name": dag.dag_display_name,
        "description": dag.description,
        "fileloc": dag.fileloc,
        "tasks": [_encode_task(dag.task_dict[task_id], totals[task_id]) for task_id in _topological(dag)],
        "groups": [_encode_group(group) for group in dag.task_group.get_task_group_dict().values()],
        "timetable": _checked(timetables.encode(dag.timetable), f"The timetable of DAG {dag.dag_id!r}"),
        "timetable_summary": str(dag.timetable.summary),
        "timetable_description": str(dag.timetable.description or ""),
        "schedule_interval": _schedule_interval(dag.schedule_interval),
        "dataset_condition": encode_condition(dag.timetable.dataset_condition),
        "timezone": _zone(dag.timezone),
        "start_date": _moment(dag.start_date),
        "end_date": _moment(dag.end_date),
        "catchup": dag.catchup,
        "max_active_tasks": dag.max_active_tasks,
        "max_active_runs": dag.max_active_runs,
        "max_consecutive_failed_dag_runs": dag.max_consecutive_failed_dag_runs,
        "dagrun_timeout_seconds": _seconds(dag.dagrun_timeout),
        "params": _params(dag.params, f"DAG {dag.dag_id!r}"),
        "default_view": dag.default_view,
        "orientation": dag.orientation,
        "tags": sorted({str(tag) for tag in dag.tags}),
        "owners": sorted({name.strip() for task in dag.tasks for name in str(task.owner).split(",")}),
        "owner_links": dict(sorted(dag.owner_links.items())),
        "access_control": {
            str(role): {str(resource): sorted(map(str, actions)) for resource, actions in sorted(grants.items())}
            for role, grants in sorted((dag.access_control or {}).items())
        },
        "is_paused_upon_creation": dag.is_paused_upon_creation,
        "is_subdag": dag.is_subdag,
        "parent_dag_id": dag.parent_dag.dag_id if dag.parent_dag else None,
        "fail_stop": dag.fail_stop,
        "render_template_as_native_obj": dag.render_template_as_native_obj,
        "template_searchpath": None if dag.template_searchpath is None else list(map(str, dag.template_searchpath)),
        "has_on_success_callback": bool(dag.on_success_callback),
        "has_on_failure_callback": bool(dag.on_failure_callback),
        "has_sla_miss_callback": bool(dag.sla_miss_callback),
        "doc_md": None if dag.doc_md is None else str(dag.doc_md),
        "edge_info": {
            before: {after: {"label": str(info["label"])} for after, info in sorted(edges.items())}
            for before, edges in sorted(dag.edge_info.items())
        },
    }


def _topological(dag: DAG) -> list[str]:
    """The task ids so that each comes after its upstream ones, otherwise in order of definition."""
    order = {task_id: position for position, task_id in enumerate(dag.task_dict)}
    names = list(dag.task_dict)
    waiting = {task_id: len(task.upstream_task_ids) for task_id, task in dag.task_dict.items()}
    ready = [order[task_id] for task_id, count in waiting.items() if not count]
    found: list[str] = []
    while ready:
        task_id = names[heapq.heappop(ready)]
        found.append(task_id)
        for later in dag.task_dict[task_id].downstream_task_ids:
            waiting[later] -= 1
            if not waiting[later]:
                heapq.heappush(ready, order[later])
    if len(found) < len(names):
        raise SerializationError(f"DAG {dag.dag_id!r} has a circle; validate it before it is encoded.")
    return found


def _priority_totals(dag: DAG) -> dict[str, int]:
    flat: dict[str, Mapping[str, int]] = {}
    totals: dict[str, int] = {}
    for task_id, task in dag.task_dict.items():
        rule = rule_name(task.weight_rule)
        if rule in (WeightRule.DOWNSTREAM, WeightRule.UPSTREAM):
            if rule not in flat:
                flat[rule] = flat_totals(dag, upstream=rule == WeightRule.UPSTREAM)
            totals[task_id] = db_safe_priority(flat[rule][task_id])
        else:
            totals[task_id] = task.priority_weight_total
    return totals


def _encode_task(task: Any, priority_total: int) -> dict[str, Json]:
    try:
        fields = _task_fields(task)
    except (TypeError, ValueError, AttributeError, RecursionError, AirflowException) as error:
        raise SerializationError(f"Task {task.task_id!r} cannot be serialised: {error}") from error
    fields["priority_weight_total"] = priority_total
    return _without_defaults(fields, SerializedTask)


def _task_fields(task: Any) -> dict[str, Json]:
    is_mapped = isinstance(task, MappedOperator)
    cls = task.operator_class
    owned = f"Task {task.task_id!r}"
    return {
        "task_id": task.task_id,
        "task_type": task.task_type,
        "module": shown_module(cls),
        "operator_name": task.operator_name,
        "task_display_name": task.task_display_name,
        "label": _label(task),
        "owner": str(task.owner),
        "email": _emails(task.email),
        "email_on_retry": _shared(task, "email_on_retry"),
        "email_on_failure": _shared(task, "email_on_failure"),
        "queue": task.queue,
        "pool": task.pool,
        "pool_slots": task.pool_slots,
        "priority_weight": task.priority_weight,
        "weight_rule": rule_name(task.weight_rule),
        "trigger_rule": str(task.trigger_rule),
        "depends_on_past": bool(task.depends_on_past),
        "ignore_first_depends_on_past": bool(task.ignore_first_depends_on_past),
        "wait_for_past_depends_before_skipping": bool(task.wait_for_past_depends_before_skipping),
        "wait_for_downstream": bool(task.wait_for_downstream),
        "retries": task.retries,
        "retry_delay_seconds": _seconds(task.retry_delay),
        "retry_exponential_backoff": bool(task.retry_exponential_backoff),
        "max_retry_delay_seconds": _seconds(task.max_retry_delay),
        "execution_timeout_seconds": _seconds(task.execution_timeout),
        "start_date": _moment(task.start_date),
        "end_date": _moment(task.end_date),
        "max_active_tis_per_dag": task.max_active_tis_per_dag,
        "max_active_tis_per_dagrun": task.max_active_tis_per_dagrun,
        "sla_seconds": _seconds(task.sla),
        "executor": task.executor,
        "executor_config": redact(plain(task.executor_config)) or None,
        "is_setup": task.is_setup,
        "is_teardown": task.is_teardown,
        "on_failure_fail_dagrun": task.on_failure_fail_dagrun,
        "is_empty": _is_empty(task),
        "is_sensor": _is_sensor(cls),
        "is_mapped": is_mapped,
        "expansion": _expansion(task._mapped_input) if is_mapped else None,
        **{f"has_{name}": bool(getattr(task, name)) for name in _CALLBACKS},
        "start_trigger": _start_trigger(task),
        "upstream_task_ids": sorted(task.upstream_task_ids),
        "downstream_task_ids": sorted(task.downstream_task_ids),
        "group_id": task.task_group.group_id if task.task_group else None,
        "params": _params(task.params, owned),
        "template_fields": list(task.template_fields),
        "template_fields_renderers": {str(k): str(v) for k, v in sorted(dict(task.template_fields_renderers).items())},
        "template_values": _template_values(task),
        "inlets": [_lineage(entity) for entity in task.inlets],
        "outlets": [_lineage(entity) for entity in task.outlets],
        "extra_links": task.extra_links,
        "extra_link_specs": _link_specs(task),
        "external_dag": _external_dag(task),
        **{name: None if (text := getattr(task, name)) is None else str(text) for name in _DOCS},
        "ui_color": task.ui_color,
        "ui_fgcolor": task.ui_fgcolor,
        "multiple_outputs": bool(task.multiple_outputs),
        "map_index_template": task.map_index_template,
    }


_CALLBACKS = (
    "on_execute_callback",
    "on_success_callback",
    "on_failure_callback",
    "on_retry_callback",
    "on_skipped_callback",
)
_DOCS = ("doc", "doc_md", "doc_json", "doc_yaml", "doc_rst")


def shown_module(cls: type) -> str:
    """The module a class is imported from in DAG files."""
    if not cls.__module__.startswith("orchestration."):
        return cls.__module__
    from orchestration.authoring.alias import airflow_module

    return airflow_module(cls)


def _label(task: AbstractOperator) -> str:
    group = task.task_group
    if group and group.node_id and group.prefix_group_id:
        return task.task_id[len(group.node_id) + 1 :]
    return task.task_id


def _emails(value: Any) -> list[str]:
    if not value:
        return []
    parts: Iterable[Any] = value.replace(";", ",").split(",") if isinstance(value, str) else value
    return [str(part).strip() for part in parts if str(part).strip()]


def _shared(task: Any, name: str) -> bool:
    """The argument; of a mapped task that does not say, the DAG's default argument."""
    if isinstance(task, MappedOperator) and name not in task.partial_kwargs and task.dag is not None:
        return bool(task.dag.default_args.get(name, getattr(task, name)))
    return bool(getattr(task, name))


def _is_empty(task: Any) -> bool:
    """Whether the scheduler may end the task without a process: it does nothing, and nothing is called."""
    return (
        task.inherits_from_empty_operator
        and not task.on_execute_callback
        and not task.on_success_callback
        and not task.outlets
        and not task.inlets
        and not getattr(task, "_pre_execute_hook", None)
        and not getattr(task, "_post_execute_hook", None)
        and not (isinstance(task, MappedOperator) and {"pre_execute", "post_execute"} & set(task.partial_kwargs))
    )


def _is_sensor(cls: type) -> bool:
    return any(base.__name__ == "BaseSensorOperator" for base in cls.__mro__)


def _expansion(expand_input: ExpandInput) -> dict[str, Json]:
    if isinstance(expand_input, DictOfListsExpandInput):
        return {"kind": "product", "lengths": {name: _length(value) for name, value in expand_input.value.items()}}
    return {"kind": "list", "lengths": {"": _length(expand_input.value)}}


def _length(value: Any) -> dict[str, Json]:
    """How long the value is, or whose result decides it."""
    if isinstance(value, PlainXComArg):
        return {"type": "xcom", "task_id": value.operator.task_id, "key": value.key}
    if isinstance(value, MapXComArg):
        return _length(value.arg)
    if isinstance(value, ZipXComArg):
        from orchestration.authoring.types import NOTSET

        is_longest = value.fillvalue is not NOTSET
        return {"type": "zip", "parts": [_length(part) for part in value.args], "is_longest": is_longest}
    if isinstance(value, ConcatXComArg):
        return {"type": "concat", "parts": [_length(part) for part in value.args]}
    if isinstance(value, XComArg) or not hasattr(value, "__len__"):
        raise TypeError(f"{value!r} cannot be expanded over: its length is unknown")
    return {"type": "literal", "length": len(value)}


def _start_trigger(task: Any) -> Json:
    args = task.start_trigger_args
    if not task.start_from_trigger or args is None:
        return None
    return {
        "trigger_cls": args.trigger_cls,
        "trigger_kwargs": _json(args.trigger_kwargs),
        "next_method": args.next_method,
        "next_kwargs": _json(args.next_kwargs),
        "timeout_seconds": _seconds(args.timeout),
    }


def _json(value: Any) -> Json:
    """Arguments of a trigger: JSON, moments and durations in the form of XComs."""
    from orchestration.authoring import serde

    return None if value is None else json.loads(serde.dumps(value))


def _template_values(task: Any) -> dict[str, Json]:
    if not isinstance(task, MappedOperator):
        return {name: template_field(getattr(task, name, None), name) for name in task.template_fields}
    shown = {name: value for name, value in task.partial_kwargs.items() if name in task.template_fields}
    return {name: template_field(value, name) for name, value in shown.items()}


def _lineage(entity: Any) -> Json:
    from orchestration.authoring.datasets import Dataset, DatasetAlias

    if isinstance(entity, Dataset):
        return {"type": "dataset", "uri": entity.uri, "extra": _checked(entity.extra, f"The extra of {entity.uri}")}
    if isinstance(entity, DatasetAlias):
        return {"type": "dataset_alias", "name": entity.name}
    if isinstance(entity, str):
        return {"type": "task", "task_id": entity}
    if dataclasses.is_dataclass(entity):
        names = [field.name for field in dataclasses.fields(entity)]
    else:
        names = [field.name for field in getattr(type(entity), "__attrs_attrs__", ())]
    return {
        "type": "entity",
        "class": f"{shown_module(type(entity))}.{type(entity).__name__}",
        "fields": {name: redact(plain(getattr(entity, name)), name) for name in names},
    }


def _link_specs(task: AbstractOperator) -> dict[str, Json]:
    found = {}
    for name, link in sorted(task.operator_extra_link_dict.items()):
        if (kind := getattr(link, "kind", None)) is not None:
            found[name] = {"kind": kind}
    return found


#: What the attributes of tasks that name another DAG are called: (kind, DAG, task).
_EXTERNAL: Mapping[str, tuple[str, str, str | None]] = {
    "TriggerDagRunOperator": ("trigger", "trigger_dag_id", None),
    "ExternalTaskSensor": ("sensor", "external_dag_id", "external_task_id"),
    "ExternalTaskMarker": ("marker", "external_dag_id", "external_task_id"),
}


def _external_dag(task: Any) -> Json:
    """The other DAG that the task triggers, waits for or marks."""
    for base in task.operator_class.__mro__:
        if base.__name__ in _EXTERNAL:
            kind, dag_attribute, task_attribute = _EXTERNAL[base.__name__]
            source: Callable[[str], Any] = (
                task.partial_kwargs.get if isinstance(task, MappedOperator) else lambda name: getattr(task, name, None)
            )
            dag_id, task_id = source(dag_attribute), task_attribute and source(task_attribute)
            found = {"kind": kind, "dag_id": None if dag_id is None else str(plain(dag_id))}
            if task_attribute:
                found["task_id"] = None if task_id is None else str(plain(task_id))
            if kind == "marker":
                found["execution_date"] = plain(source("execution_date"))
                found["recursion_depth"] = source("recursion_depth")
            return found
    return None


def _encode_group(group: TaskGroup) -> dict[str, Json]:
    expand_input = getattr(group, "_expand_input", None)
    parent = group.parent_group
    fields = {
        "group_id": group.group_id,
        "label": group.label,
        "tooltip": group.tooltip,
        "ui_color": group.ui_color,
        "ui_fgcolor": group.ui_fgcolor,
        "children": [
            ["group" if hasattr(child, "children") else "task", child.node_id] for child in group.children.values()
        ],
        "parent_group_id": parent.group_id if parent is not None else None,
        "expansion": None if expand_input is None else _expansion(expand_input),
        **{
            name: sorted(getattr(group, name))
            for name in ("upstream_group_ids", "downstream_group_ids", "upstream_task_ids", "downstream_task_ids")
        },
    }
    return {"group_id": group.group_id, **_without_defaults(fields, SerializedGroup)}


def _params(params: Any, owner: str) -> dict[str, Json]:
    """Name → value, description, schema. A value under a secret name is masked and marked so.

    A marked value is not checked against its schema by those who read the document: the task has the real one.
    """
    found: dict[str, Json] = {}
    for name, param in params.items():
        described = (
            param.serialize() if hasattr(param, "serialize") else {"value": param, "description": None, "schema": {}}
        )
        value = _checked(described["value"], f"Param {name!r} of {owner}")
        shown = redact(value, name)
        found[name] = {
            "value": shown,
            "description": None if described["description"] is None else str(described["description"]),
            "schema": _checked(described["schema"], f"The schema of param {name!r} of {owner}"),
        }
        if not getattr(param, "has_value", True) and described["value"] is None:
            from orchestration.authoring.types import NOTSET

            found[name]["is_required"] = param.value is NOTSET
        if MASK in json.dumps(shown) and shown != value:
            found[name]["is_masked"] = True
    return found


def _checked(value: Any, what: str) -> Json:
    """The value as plain JSON (dates as text), or SerializationError."""
    try:
        return json.loads(json.dumps(value, default=_fallback, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise SerializationError(f"{what} is no JSON: {error}") from error


def _fallback(value: Any) -> Json:
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    return plain(value)


def _without_defaults(fields: dict[str, Json], cls: type) -> dict[str, Json]:
    defaults = _defaults(cls)
    return {name: value for name, value in fields.items() if name not in defaults or value != defaults[name]}


@cache
def _defaults(cls: type) -> dict[str, Json]:
    """The default of each field that has one, as JSON."""
    found: dict[str, Json] = {}
    for field in dataclasses.fields(cls):
        factory = field.default_factory
        value = field.default if factory is dataclasses.MISSING else factory()
        if value is not dataclasses.MISSING:
            found[field.name] = list(value) if isinstance(value, (tuple, frozenset)) else value
    return found


def _schedule_interval(value: Any) -> Json:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, timedelta):
        return {"days": value.days, "seconds": value.seconds, "microseconds": value.microseconds}
    parts = {name: amount for name, amount in vars(value).items() if amount and not name.startswith("_")}
    weekday = parts.get("weekday")
    if weekday is not None:
        parts["weekday"] = [weekday.weekday, *([weekday.n] if weekday.n else [])]
    return {"relativedelta": dict(sorted(parts.items()))}


def _zone(zone: Any) -> str:
    return str(getattr(zone, "name", None) or getattr(zone, "key", None) or zone)


def _moment(moment: Any) -> str | None:
    return moment.isoformat() if isinstance(moment, datetime) else None


def _seconds(duration: Any) -> float | None:
    if duration is None:
        return None
    return duration.total_seconds() if isinstance(duration, timedelta) else float(duration)
