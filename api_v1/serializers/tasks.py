"""Tasks of a DAG: what is answered."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from api_v1.rows import Row
from api_v1.serializers.dags import TimeDeltaAnswer, shown_params, time_delta
from orchestration.authoring.trigger_rule import TriggerRule
from orchestration.serialization.values import SerializedDag, SerializedTask


class ClassReferenceAnswer(serializers.Serializer[Any]):
    """A class by name."""

    module_path = serializers.CharField(read_only=True)
    class_name = serializers.CharField(read_only=True)


class TaskAnswer(serializers.Serializer[Any]):
    """Task."""

    class_ref = ClassReferenceAnswer()
    task_id = serializers.CharField(read_only=True)
    dag_id = serializers.CharField(read_only=True)
    task_type = serializers.CharField(read_only=True, help_text="The operator's class name.")
    operator_name = serializers.CharField(read_only=True)
    task_display_name = serializers.CharField(read_only=True)
    owner = serializers.CharField(read_only=True)
    start_date = serializers.DateTimeField(read_only=True, allow_null=True)
    end_date = serializers.DateTimeField(read_only=True, allow_null=True)
    trigger_rule = serializers.ChoiceField([rule.value for rule in TriggerRule])
    extra_links = ClassReferenceAnswer(many=True, read_only=True)
    depends_on_past = serializers.BooleanField(read_only=True)
    is_mapped = serializers.BooleanField(read_only=True)
    wait_for_downstream = serializers.BooleanField(read_only=True)
    retries = serializers.FloatField(read_only=True)
    queue = serializers.CharField(read_only=True, allow_null=True)
    executor = serializers.CharField(read_only=True, allow_null=True)
    pool = serializers.CharField(read_only=True)
    pool_slots = serializers.FloatField(read_only=True)
    execution_timeout = TimeDeltaAnswer(allow_null=True)
    retry_delay = TimeDeltaAnswer(allow_null=True)
    retry_exponential_backoff = serializers.BooleanField(read_only=True)
    priority_weight = serializers.FloatField(read_only=True)
    weight_rule = serializers.CharField()
    ui_color = serializers.CharField()
    ui_fgcolor = serializers.CharField()
    template_fields = serializers.ListField(child=serializers.CharField(), read_only=True)
    downstream_task_ids = serializers.ListField(child=serializers.CharField(), read_only=True)
    params = serializers.DictField(read_only=True)
    doc_md = serializers.CharField(read_only=True, allow_null=True)


class TaskCollection(serializers.Serializer[Any]):
    """Collection of tasks."""

    tasks = TaskAnswer(many=True)
    total_entries = serializers.IntegerField()


#: Links of a task instance: name → address, or null where there is none yet.
LINKS = {"type": "object", "additionalProperties": {"type": "string", "nullable": True}}


#: The classes behind the kinds of links that need no user code.
_LINK_CLASSES = {
    "trigger_dag_run": {"module_path": "airflow.operators.trigger_dagrun", "class_name": "TriggerDagRunLink"},
    "external_task": {"module_path": "airflow.sensors.external_task", "class_name": "ExternalDagLink"},
}


def task_row(dag: SerializedDag, task: SerializedTask) -> Row:
    """A task as it is answered."""
    links = (task.extra_link_specs.get(name, {}).get("kind") for name in task.extra_links)
    return {
        "class_ref": {"module_path": task.module, "class_name": task.task_type},
        "task_id": task.task_id,
        "dag_id": dag.dag_id,
        "task_type": task.task_type,
        "operator_name": task.operator_name,
        "task_display_name": task.task_display_name,
        "owner": task.owner,
        "start_date": task.start_date,
        "end_date": task.end_date,
        "trigger_rule": task.trigger_rule,
        "extra_links": [_LINK_CLASSES[kind] for kind in links if kind in _LINK_CLASSES],
        "depends_on_past": task.depends_on_past,
        "is_mapped": task.is_mapped,
        "wait_for_downstream": task.wait_for_downstream,
        "retries": float(task.retries),
        "queue": task.queue,
        "executor": task.executor,
        "pool": task.pool,
        "pool_slots": float(task.pool_slots),
        "execution_timeout": time_delta(task.execution_timeout_seconds),
        "retry_delay": time_delta(task.retry_delay_seconds),
        "retry_exponential_backoff": task.retry_exponential_backoff,
        "priority_weight": float(task.priority_weight),
        "weight_rule": task.weight_rule,
        "ui_color": task.ui_color,
        "ui_fgcolor": task.ui_fgcolor,
        "template_fields": list(task.template_fields),
        "downstream_task_ids": sorted(task.downstream_task_ids),
        "params": shown_params({**dag.params, **task.params}),
        "doc_md": task.doc_md,
    }
