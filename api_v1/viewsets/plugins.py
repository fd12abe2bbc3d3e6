"""Plugins."""

from __future__ import annotations

from api_v1.filters.plugins import PluginListParameters
from api_v1.operations import Operation
from api_v1.pagination import page
from api_v1.rows import Row
from api_v1.serializers.plugins import PluginCollection
from api_v1.viewsets.base import OperationViewSet


class PluginViewSet(OperationViewSet):
    """Plugins."""

    operations = (
        Operation(
            "get_plugins",
            "list",
            PluginListParameters,
            answer=PluginCollection,
            codes=(404,),
            tag="Plugin",
            summary="List plugins",
        ),
    )

    def list(self) -> Row:
        """There are none: Airflow's plugins extend its web server and scheduler, which are not here."""
        page(self.query)
        return {"plugins": [], "total_entries": 0}
