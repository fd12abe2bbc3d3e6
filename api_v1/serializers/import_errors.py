"""Import errors: what is answered."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from api_v1.rows import Shape


class ImportErrorAnswer(serializers.Serializer[Any]):
    """Why a DAG file could not be read."""

    import_error_id = serializers.IntegerField(read_only=True)
    timestamp = serializers.DateTimeField(read_only=True)
    filename = serializers.CharField(read_only=True)
    stack_trace = serializers.CharField(read_only=True)


class ImportErrorCollection(serializers.Serializer[Any]):
    """Collection of import errors."""

    import_errors = ImportErrorAnswer(many=True)
    total_entries = serializers.IntegerField()


SHAPE = Shape({"import_error_id": "pk", "timestamp": "timestamp", "filename": "filename", "stack_trace": "stack_trace"})
