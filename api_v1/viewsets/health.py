"""The health of the system."""

from __future__ import annotations

from api_v1.operations import Operation
from api_v1.rows import Row
from api_v1.serializers.health import HealthAnswer, health_row
from api_v1.viewsets.base import OperationViewSet
from orchestration.services import health


class HealthViewSet(OperationViewSet):
    """Health; anybody may ask."""

    operations = (
        Operation(
            "get_health",
            "retrieve",
            None,
            answer=HealthAnswer,
            tag="Monitoring",
            summary="Get the health of the system",
        ),
    )

    def retrieve(self) -> Row:
        """The status of the database, the scheduler, the triggerer and the DAG processor."""
        return health_row(health.check())
