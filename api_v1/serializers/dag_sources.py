"""Sources of DAG files: what is answered."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


class DagSourceAnswer(serializers.Serializer[Any]):
    """The text of a DAG file."""

    content = serializers.CharField()
