"""XCom entries: what is answered."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from api_v1.rows import Shape


class XComItemAnswer(serializers.Serializer[Any]):
    """XCom entry without its value."""

    key = serializers.CharField()
    timestamp = serializers.DateTimeField()
    execution_date = serializers.DateTimeField()
    map_index = serializers.IntegerField()
    task_id = serializers.CharField()
    dag_id = serializers.CharField()


class XComCollection(serializers.Serializer[Any]):
    """Collection of XCom entries."""

    xcom_entries = XComItemAnswer(many=True)
    total_entries = serializers.IntegerField()


class XComAnswer(XComItemAnswer):
    """XCom entry."""

    value = serializers.JSONField(allow_null=True, help_text="Python's text of the value, or (stringify=false) JSON.")


ITEM = Shape(
    {
        "key": "key",
        "timestamp": "timestamp",
        "execution_date": "task_instance__run__logical_date",
        "map_index": "map_index",
        "task_id": "task_id",
        "dag_id": "dag_id",
    }
)
WHOLE = Shape({**ITEM.columns, "value": "value"})
