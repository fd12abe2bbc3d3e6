"""Where a task instance's extra links lead, for the kinds that need no user code.

Mirrors ``TriggerDagRunLink`` and ``ExternalDagLink`` of Airflow 2.10.5. The web processes run nobody's ``get_link``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from orchestration.models import RenderedFields, TaskInstance, XCom
from orchestration.serialization.values import SerializedTask


@dataclass(frozen=True, slots=True)
class Target:
    """A place in a DAG: a run by its id or by its logical date, or the DAG itself."""

    dag_id: str
    run_id: str | None = None
    logical_date: datetime | None = None


def targets(task: SerializedTask, instance: TaskInstance) -> dict[str, Target | None]:
    """Each link of the task by name; None for one that is not known (yet). At most two queries.

    ``instance`` needs its run.
    """
    if not task.extra_links:
        return {}
    dag_id = _other_dag(task, instance)
    return {name: _target(task, name, instance, dag_id) for name in sorted(task.extra_links)}


def _target(task: SerializedTask, name: str, instance: TaskInstance, dag_id: str | None) -> Target | None:
    kind = task.extra_link_specs.get(name, {}).get("kind")
    if not dag_id:
        return None
    if kind == "trigger_dag_run":
        stored = XCom.objects.filter(task_instance=instance, key="trigger_run_id").values_list("value", flat=True)
        run_id = orjson.loads(value) if (value := stored.first()) else None
        return Target(dag_id, run_id=run_id if isinstance(run_id, str) else None)
    if kind == "external_task":
        return Target(dag_id, logical_date=instance.run.logical_date)
    return None


def _other_dag(task: SerializedTask, instance: TaskInstance) -> str | None:
    """The other DAG: as it was rendered when the task ran, else as it is written."""
    fields: Any = RenderedFields.objects.filter(pk=instance.pk).values_list("fields", flat=True).first() or {}
    rendered = fields.get("trigger_dag_id") or fields.get("external_dag_id")
    if isinstance(rendered, str):
        return rendered
    written: str | None = (task.external_dag or {}).get("dag_id")
    return written
