"""Permissions: the actions that roles combine with resources."""

from __future__ import annotations

from django.http import HttpResponse

from api_v1.filters.permissions import PermissionListParameters
from api_v1.operations import Operation
from api_v1.pagination import page
from api_v1.serializers.roles import ActionCollection
from api_v1.viewsets.base import OperationViewSet
from orchestration.services import roles


class PermissionViewSet(OperationViewSet):
    """Permissions."""

    operations = (
        Operation(
            "get_permissions",
            "list",
            PermissionListParameters,
            answer=ActionCollection,
            tag="Permission",
            summary="List permissions",
        ),
    )

    def list(self) -> HttpResponse:
        """All actions."""
        part = page(self.query)
        names = roles.actions()
        chosen = names[part.offset : part.offset + part.limit]
        return self.paged(
            {"actions": [{"name": name} for name in chosen], "total_entries": len(names)}, part, len(names)
        )
