"""A DAG as nodes and edges for the graph."""

from __future__ import annotations

from typing import Any

from orchestration.serialization.values import SerializedDag


def nodes_and_edges(dag: SerializedDag) -> dict[str, Any]:
    """``groups`` (id, label, parent), ``tasks`` (id, label, parent, operator, …), ``edges`` (source, target, label).

    Datasets that start the DAG and that its tasks write are nodes of kind ``dataset``.
    """
    groups = [
        {
            "id": f"group:{group_id}",
            "label": group.label or group_id,
            "parent": None if group.parent_group_id is None else f"group:{group.parent_group_id}",
            "is_mapped": group.expansion is not None,
            "tooltip": group.tooltip,
        }
        for group_id, group in dag.groups.items()
        if group_id is not None
    ]
    tasks = [
        {
            "id": task_id,
            "label": task.label if task.task_display_name == task_id else task.task_display_name,
            "parent": None if task.group_id is None else f"group:{task.group_id}",
            "operator": task.operator_name,
            "is_mapped": dag.is_multiplied(task_id),
            "is_setup": task.is_setup,
            "is_teardown": task.is_teardown,
            "trigger_rule": task.trigger_rule,
        }
        for task_id, task in dag.tasks.items()
    ]
    edges = [
        {
            "source": task_id,
            "target": other,
            "label": dag.edge_info.get(task_id, {}).get(other, {}).get("label") or "",
        }
        for task_id, task in dag.tasks.items()
        for other in sorted(task.downstream_task_ids)
        if other in dag.tasks
    ]
    datasets, links = _datasets(dag)
    return {
        "groups": groups,
        "tasks": tasks,
        "datasets": datasets,
        "edges": [*edges, *links],
        "orientation": dag.orientation,
    }


def _datasets(dag: SerializedDag) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    found: dict[str, dict[str, str]] = {}
    links: list[dict[str, str]] = []

    def add(uri: str) -> str:
        found[uri] = {"id": f"dataset:{uri}", "label": uri}
        return f"dataset:{uri}"

    for uri in _named(dag.dataset_condition):
        links += [{"source": add(uri), "target": root, "label": ""} for root in dag.roots]
    for task_id, task in dag.tasks.items():
        for outlet in task.outlets:
            name = outlet.get("uri") or outlet.get("name") if isinstance(outlet, dict) else None
            if name:
                links.append({"source": task_id, "target": add(name), "label": ""})
    return list(found.values()), links


def _named(condition: Any) -> list[str]:
    if not isinstance(condition, dict):
        return []
    if "uri" in condition:
        return [condition["uri"]]
    if "alias" in condition:
        return [str(condition["alias"])]
    parts = condition.get("any") or condition.get("all") or []
    return [uri for part in parts for uri in _named(part)]
