"""The health of the system, as it is answered."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from api_v1.rows import Row
from orchestration.services.health import Health

_STATUSES = ["healthy", "unhealthy"]


class MetadatabaseStatus(serializers.Serializer[Any]):
    """The status of the metadatabase."""

    status = serializers.ChoiceField(choices=_STATUSES, allow_null=True)


class SchedulerStatus(serializers.Serializer[Any]):
    """The status and the latest heartbeat of the scheduler."""

    status = serializers.ChoiceField(choices=_STATUSES, allow_null=True)
    latest_scheduler_heartbeat = serializers.DateTimeField(read_only=True, allow_null=True)


class TriggererStatus(serializers.Serializer[Any]):
    """The status and the latest heartbeat of the triggerer."""

    status = serializers.ChoiceField(choices=_STATUSES, allow_null=True)
    latest_triggerer_heartbeat = serializers.DateTimeField(read_only=True, allow_null=True)


class DagProcessorStatus(serializers.Serializer[Any]):
    """The status and the latest heartbeat of the DAG processor."""

    status = serializers.ChoiceField(choices=_STATUSES, allow_null=True)
    latest_dag_processor_heartbeat = serializers.DateTimeField(read_only=True, allow_null=True)


class HealthAnswer(serializers.Serializer[Any]):
    """Health of the system."""

    metadatabase = MetadatabaseStatus()
    scheduler = SchedulerStatus()
    triggerer = TriggererStatus()
    dag_processor = DagProcessorStatus()


def health_row(health: Health) -> Row:
    """The health as it is answered."""
    row: Row = {"metadatabase": {"status": health.metadatabase}}
    for name in ("scheduler", "triggerer", "dag_processor"):
        process = getattr(health, name)
        row[name] = {"status": process.status, f"latest_{name}_heartbeat": process.latest_heartbeat}
    return row
