"""Providers."""

from __future__ import annotations

from api_v1.operations import Operation
from api_v1.rows import Row
from api_v1.serializers.providers import ProviderCollection
from api_v1.viewsets.base import OperationViewSet
from orchestration.services import providers


class ProviderViewSet(OperationViewSet):
    """Providers."""

    operations = (
        Operation(
            "get_providers",
            "list",
            None,
            answer=ProviderCollection,
            tag="Provider",
            summary="List providers",
        ),
    )

    def list(self) -> Row:
        """The provider packages of Airflow whose imports work here."""
        rows = [
            {"package_name": found.package, "description": found.description, "version": found.version}
            for found in providers.all_provided()
        ]
        return {"providers": rows, "total_entries": len(rows)}
