"""Warnings about DAGs: what is answered."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from api_v1.rows import Shape


class DagWarningAnswer(serializers.Serializer[Any]):
    """Something about a DAG that should be mended."""

    dag_id = serializers.CharField(read_only=True)
    warning_type = serializers.CharField(read_only=True)
    message = serializers.CharField(read_only=True)
    timestamp = serializers.DateTimeField(read_only=True)


class DagWarningCollection(serializers.Serializer[Any]):
    """Collection of warnings."""

    dag_warnings = DagWarningAnswer(many=True)
    total_entries = serializers.IntegerField()


SHAPE = Shape({"dag_id": "dag_id", "warning_type": "warning_type", "message": "message", "timestamp": "timestamp"})
