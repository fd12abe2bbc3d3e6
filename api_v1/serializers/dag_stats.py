"""How many runs DAGs have in each state: what is answered."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


class StateCountAnswer(serializers.Serializer[Any]):
    """Runs in one state."""

    state = serializers.CharField()
    count = serializers.IntegerField()


class DagStatsAnswer(serializers.Serializer[Any]):
    """Runs of one DAG."""

    dag_id = serializers.CharField()
    stats = StateCountAnswer(many=True, allow_null=True)


class DagStatsCollection(serializers.Serializer[Any]):
    """Runs of several DAGs."""

    dags = DagStatsAnswer(many=True)
    total_entries = serializers.IntegerField()
