"""Tasks of DAGs, and the links of their instances."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode

from api_v1.filters.task_instances import MapIndexParameters
from api_v1.filters.tasks import TaskListParameters
from api_v1.operations import Operation
from api_v1.problems import bad_request, not_found
from api_v1.serializers.tasks import LINKS, TaskAnswer, TaskCollection, task_row
from api_v1.viewsets.base import OperationViewSet
from api_v1.viewsets.task_instances import serialized_or
from orchestration.models import TaskInstance
from orchestration.serialization.values import SerializedTask
from orchestration.services.extra_links import Target, targets

#: Attributes of the reference's tasks under other names than the serialised task has.
_ORDERS = {
    "_task_type": "task_type",
    "execution_timeout": "execution_timeout_seconds",
    "inherits_from_empty_operator": "is_empty",
    "max_retry_delay": "max_retry_delay_seconds",
    "node_id": "task_id",
    "params": "task_id",
    "retry_delay": "retry_delay_seconds",
    "sla": "sla_seconds",
}
#: Attributes by which all tasks of a DAG are equal, or have no order: they stay as the DAG has them.
_EQUAL = frozenset(
    {
        "allow_nested_operators", "dag", "dag_id", "deps", "do_xcom_push", "leaves", "on_execute_callback",
        "on_failure_callback", "on_retry_callback", "on_skipped_callback", "on_success_callback",
        "operator_extra_links", "resources", "roots", "run_as_user", "start_trigger_args", "subdag", "task_group",
    }
)  # fmt: skip
#: Fields of the serialised task that the reference's tasks do not have.
_NOT_ORDERS = frozenset(
    {
        "execution_timeout_seconds", "expansion", "external_dag", "extra_link_specs", "group_id", "is_empty",
        "is_mapped", "is_sensor", "max_retry_delay_seconds", "module", "retry_delay_seconds", "sla_seconds",
        "start_trigger", "template_values",
    }
)  # fmt: skip


class TaskViewSet(OperationViewSet):
    """Tasks."""

    operations = (
        Operation("get_tasks", "list", TaskListParameters, answer=TaskCollection, codes=(404,), summary="List tasks"),
        Operation("get_task", "get", answer=TaskAnswer, codes=(404,), summary="Get a task"),
    )

    def list(self) -> Any:
        """The tasks of a DAG as its file defines them now."""
        dag = serialized_or(self.kwargs["dag_id"], not_found("DAG not found"))
        asked = self.query.get("order_by", "task_id")
        name = asked.lstrip("-")
        attribute = _ORDERS.get(name, name)
        if name in _NOT_ORDERS or (attribute not in SerializedTask.__dataclass_fields__ and name not in _EQUAL):
            raise bad_request(f"A task has no attribute {name[:100]!r} to order by")
        tasks = list(dag.tasks.values())
        if name not in _EQUAL:
            tasks.sort(key=_sortable(attribute), reverse=asked.startswith("-"))
        return {"tasks": [task_row(dag, task) for task in tasks], "total_entries": len(tasks)}

    def get(self) -> Any:
        """One task."""
        dag = serialized_or(self.kwargs["dag_id"], not_found("DAG not found"))
        task = dag.tasks.get(self.kwargs["task_id"])
        if task is None:
            raise not_found("Task not found")
        return task_row(dag, task)


def _sortable(attribute: str) -> Callable[[SerializedTask], tuple[bool, int, Any]]:
    """Sorts by the attribute: numbers, then texts, then sequences by their items; None last. Equal tasks stay put."""

    def key(task: SerializedTask) -> tuple[bool, int, Any]:
        value = getattr(task, attribute)
        if isinstance(value, bool | int | float):
            return (False, 0, value)
        if isinstance(value, list | tuple | frozenset):
            items = [str(item) for item in value]
            return (False, 2, tuple(items if not isinstance(value, frozenset) else sorted(items)))
        return (value is None, 1, str(value))

    return key


class LinkViewSet(OperationViewSet):
    """Links of task instances to other places."""

    operations = (
        Operation(
            "get_extra_links",
            "list",
            MapIndexParameters,
            answer=LINKS,
            codes=(404,),
            tag="TaskInstance",
            summary="List extra links",
        ),
    )

    def list(self) -> Any:
        """The links of an instance by name; null for one that is not known (yet)."""
        dag_id, run_id, task_id = self.kwargs["dag_id"], self.kwargs["dag_run_id"], self.kwargs["task_id"]
        dag = serialized_or(dag_id, not_found("DAG not found", f'DAG with ID = "{dag_id}" not found'))
        task = dag.tasks.get(task_id)
        if task is None:
            raise not_found("Task not found", f'Task with ID = "{task_id}" not found')
        index = self.query.get("map_index", -1)
        named = TaskInstance.objects.filter(run__dag_id=dag_id, run__run_id=run_id, task_id=task_id)
        instance = named.filter(map_index=index).select_related("run").first() if abs(index) < 2**31 else None
        if instance is None:
            raise not_found("DAG Run not found", f'DAG Run with ID = "{run_id}" not found')
        return {name: _link(target) for name, target in targets(task, instance).items()}


def _link(target: Target | None) -> str | None:
    if target is None:
        return None
    if target.logical_date is not None:
        return _page(target.dag_id, "execution_date", target.logical_date.isoformat())
    return _page(target.dag_id, "dag_run_id", target.run_id)


def _page(dag_id: str, name: str, value: str | None) -> str:
    query = f"?{urlencode({name: value})}" if value is not None else ""
    return f"/dags/{quote(dag_id)}/grid{query}"
