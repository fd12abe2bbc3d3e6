"""What can be compared of a DAG object, ours or the reference's: plain JSON, without what has its usual value.

``recorded/dags.json`` was made with this module under Airflow 2.10.5, from the sources that it holds.
"""

from __future__ import annotations

import datetime
import re
from typing import Any

_ADDRESS = re.compile(r" at 0x[0-9a-f]+|(airflow\.models\.param|orchestration\.authoring\.params)\.")

_PLAIN = (
    "owner", "retries", "pool", "pool_slots", "queue", "priority_weight", "depends_on_past", "wait_for_downstream",
    "ignore_first_depends_on_past", "wait_for_past_depends_before_skipping", "retry_exponential_backoff",
    "max_active_tis_per_dag", "max_active_tis_per_dagrun", "is_setup", "is_teardown", "on_failure_fail_dagrun", "doc",
    "doc_md", "ui_color", "ui_fgcolor", "map_index_template", "executor", "run_as_user",
    "inherits_from_empty_operator",
)  # fmt: skip
_OF_SINGLE_TASKS = ("do_xcom_push", "multiple_outputs", "email_on_retry", "email_on_failure")
_DURATIONS = ("retry_delay", "max_retry_delay", "execution_timeout", "sla")
_CALLBACKS = (
    "on_execute_callback", "on_failure_callback", "on_success_callback", "on_retry_callback", "on_skipped_callback",
)  # fmt: skip
_OF_DAGS = (
    "description", "max_active_tasks", "max_active_runs", "max_consecutive_failed_dag_runs", "default_view",
    "orientation", "catchup", "doc_md", "is_paused_upon_creation", "fail_stop", "render_template_as_native_obj",
    "owner_links",
)  # fmt: skip

#: Facts that most tasks share; only others are written.
USUAL_TASK = {
    "type": "EmptyOperator", "name": "EmptyOperator", "up": [], "down": [], "owner": "airflow", "retries": 0,
    "pool": "default_pool", "pool_slots": 1, "queue": "default", "priority_weight": 1, "depends_on_past": False,
    "wait_for_downstream": False, "ignore_first_depends_on_past": True, "wait_for_past_depends_before_skipping": False,
    "retry_exponential_backoff": False, "max_active_tis_per_dag": None, "max_active_tis_per_dagrun": None,
    "is_setup": False, "is_teardown": False, "on_failure_fail_dagrun": False, "doc": None, "doc_md": None,
    "ui_color": "#e8f7e4", "ui_fgcolor": "#000", "map_index_template": None, "executor": None, "run_as_user": None,
    "inherits_from_empty_operator": True, "do_xcom_push": True, "multiple_outputs": False, "email_on_retry": True,
    "email_on_failure": True, "retry_delay": 300.0, "max_retry_delay": None, "execution_timeout": None, "sla": None,
    "email": None, "trigger_rule": "all_success", "weight_rule": "downstream", "weight": 1,
    "start": "2024-01-01T00:00:00+00:00", "end": None, "mapped": None, "fields": [], "values": {}, "params": {},
    "inlets": [], "outlets": [], "links": [], "callbacks": [], "count": "NotMapped",
}  # fmt: skip
USUAL_DAG = {
    "description": None, "max_active_tasks": 16, "max_active_runs": 16, "max_consecutive_failed_dag_runs": 0,
    "default_view": "grid", "orientation": "LR", "catchup": True, "doc_md": None, "is_paused_upon_creation": None,
    "fail_stop": False, "render_template_as_native_obj": False, "owner_links": {}, "name": None, "tags": [],
    "timeout": None, "access_control": {}, "summary": "None", "timetable": "NullTimetable", "interval": "None",
    "timezone": "UTC", "start": "2024-01-01T00:00:00+00:00", "end": None, "params": {}, "edges": {},
}  # fmt: skip


def dag_facts(dag: Any) -> dict[str, Any]:
    found: dict[str, Any] = {name: getattr(dag, name) for name in _OF_DAGS}
    found["name"] = dag.dag_display_name if dag.dag_display_name != dag.dag_id else None
    found["tags"] = sorted(dag.tags)
    found["timeout"] = _seconds(dag.dagrun_timeout)
    found["access_control"] = {
        role: {resource: sorted(actions) for resource, actions in grants.items()}
        for role, grants in (dag.access_control or {}).items()
    }
    found["summary"] = str(dag.timetable.summary)
    found["timetable"] = type(dag.timetable).__name__
    found["interval"] = repr(dag.schedule_interval)
    found["timezone"] = str(dag.timezone.name)
    found["start"], found["end"] = _moment(dag.start_date), _moment(dag.end_date)
    found["params"] = _params(dag.params)
    found["edges"] = {
        before: {after: info["label"] for after, info in edges.items()} for before, edges in dag.edge_info.items()
    }
    found = {name: value for name, value in found.items() if value != USUAL_DAG[name]}
    found["groups"] = _tree(dag.task_group)
    found["order"] = [task.task_id for task in dag.topological_sort()]
    found["tasks"] = {task.task_id: _task_facts(task) for task in dag.tasks}
    return found


def _task_facts(task: Any) -> dict[str, Any]:
    is_mapped = "Mapped" in type(task).__name__
    found: dict[str, Any] = {name: getattr(task, name, None) for name in _PLAIN}
    found |= {name: USUAL_TASK[name] if is_mapped else getattr(task, name) for name in _OF_SINGLE_TASKS}
    found |= {name: _seconds(getattr(task, name)) for name in _DURATIONS}
    found["type"], found["name"] = task.task_type, task.operator_name
    found["up"], found["down"] = sorted(task.upstream_task_ids), sorted(task.downstream_task_ids)
    found["email"] = None if task.email is None else repr(task.email)
    found["trigger_rule"] = str(getattr(task.trigger_rule, "value", task.trigger_rule))
    rule = type(task.weight_rule).__name__
    found["weight_rule"] = rule.removeprefix("_").removesuffix("PriorityWeightStrategy").lower()
    found["weight"] = task.priority_weight_total
    found["start"], found["end"] = _moment(task.start_date), _moment(task.end_date)
    found["mapped"] = type(task).__name__ if is_mapped else None
    found["fields"] = sorted(task.template_fields)
    found["values"] = {} if is_mapped else {name: text for name in task.template_fields if (text := _value(task, name))}
    found["params"] = _params(task.params)
    for name in ("inlets", "outlets"):
        found[name] = [getattr(x, "uri", None) or getattr(x, "name", None) or str(x) for x in getattr(task, name)]
    found["links"] = sorted(task.extra_links)
    found["callbacks"] = [name for name in _CALLBACKS if getattr(task, name)]
    try:
        found["count"] = task.get_parse_time_mapped_ti_count()
    except Exception as error:
        found["count"] = type(error).__name__
    return {name: value for name, value in found.items() if value != USUAL_TASK[name]}


def _value(task: Any, name: str) -> Any:
    value = getattr(task, name, None)
    if isinstance(value, str):
        return _ADDRESS.sub("", value)
    text = repr(value)
    is_shown = value and " at 0x" not in text and "Argument" not in text and type(value).__name__ != "ArgNotSet"
    return text if is_shown else None


def _tree(group: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, child in group.children.items():
        found[key] = "task"
        if hasattr(child, "children"):
            found[key] = {
                "kind": type(child).__name__,
                "tooltip": child.tooltip,
                "label": child.label,
                "joined": [
                    sorted(map(str, ids))
                    for ids in (
                        child.upstream_group_ids,
                        child.downstream_group_ids,
                        child.upstream_task_ids,
                        child.downstream_task_ids,
                    )
                ],
                "children": _tree(child),
            }
    return found


def _params(params: Any) -> dict[str, Any]:
    found = {}
    for name, param in params.items():
        value = None if type(param.value).__name__ == "ArgNotSet" else repr(param.value)
        found[name] = [value, param.description, repr(sorted(param.schema.items(), key=str))]
    return found


def _moment(moment: Any) -> str | None:
    return None if moment is None else moment.astimezone(datetime.timezone.utc).isoformat()  # noqa: UP017 also for 3.8


def _seconds(duration: Any) -> Any:
    return duration.total_seconds() if hasattr(duration, "total_seconds") else duration
