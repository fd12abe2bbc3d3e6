"""The audit log's rows, as they are answered."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from api_v1.rows import Shape


class EventLogAnswer(serializers.Serializer[Any]):
    """Log of user operations."""

    event_log_id = serializers.IntegerField(read_only=True, help_text="The event log ID.")
    when = serializers.DateTimeField(read_only=True, help_text="The time when it happened.")
    dag_id = serializers.CharField(read_only=True, allow_null=True, help_text="The DAG ID.")
    task_id = serializers.CharField(read_only=True, allow_null=True, help_text="The task ID.")
    run_id = serializers.CharField(read_only=True, allow_null=True, help_text="The DAG run ID.")
    map_index = serializers.IntegerField(read_only=True, allow_null=True, help_text="The map index.")
    try_number = serializers.IntegerField(read_only=True, allow_null=True, help_text="The try number.")
    event = serializers.CharField(read_only=True, help_text="What happened.")
    execution_date = serializers.DateTimeField(read_only=True, allow_null=True, help_text="The logical date.")
    owner = serializers.CharField(read_only=True, allow_null=True, help_text="Who did it.")
    extra = serializers.CharField(read_only=True, allow_null=True, help_text="More, as JSON text; secrets hidden.")


class EventLogCollection(serializers.Serializer[Any]):
    """Collection of the audit log's rows."""

    event_logs = EventLogAnswer(many=True)
    total_entries = serializers.IntegerField()


SHAPE = Shape(
    {
        "event_log_id": "pk",
        "when": "when",
        "dag_id": "dag_id",
        "task_id": "task_id",
        "run_id": "run_id",
        "map_index": "map_index",
        "try_number": "try_number",
        "event": "event",
        "execution_date": "logical_date",
        "owner": "owner",
        "extra": "extra",
    }
)
