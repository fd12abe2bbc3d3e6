"""The version."""

from __future__ import annotations

from airflowsite import API_VERSION, __version__
from api_v1.operations import Operation
from api_v1.rows import Row
from api_v1.serializers.version import VersionAnswer
from api_v1.viewsets.base import OperationViewSet


class VersionViewSet(OperationViewSet):
    """Version; anybody may ask."""

    operations = (
        Operation(
            "get_version",
            "retrieve",
            None,
            answer=VersionAnswer,
            tag="Monitoring",
            summary="Get version information",
        ),
    )

    def retrieve(self) -> Row:
        """The release of Airflow whose API this is, and this program's own version."""
        return {"version": API_VERSION, "git_version": f"airflowsite {__version__}"}
