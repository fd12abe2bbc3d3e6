"""Roles."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group
from django.http import HttpResponse

from api_v1.filters.roles import RoleListParameters, RolePatchParameters
from api_v1.operations import Operation
from api_v1.pagination import order, page
from api_v1.problems import bad_request
from api_v1.rows import Row
from api_v1.serializers.roles import (
    RoleAnswer,
    RoleBody,
    RoleCollection,
    pairs_of,
    role_row,
    role_rows,
)
from api_v1.viewsets.base import OperationViewSet
from orchestration.services import roles

_ORDER = {"name": "name", "role_id": "id"}


class RoleViewSet(OperationViewSet):
    """Roles: sets of permissions that users hold."""

    operations = (
        Operation(
            "get_roles",
            "list",
            RoleListParameters,
            answer=RoleCollection,
            tag="Role",
            summary="List roles",
        ),
        Operation(
            "post_role",
            "create",
            body=RoleBody,
            answer=RoleAnswer,
            codes=(409,),
            event="post_role",
            tag="Role",
            summary="Create a role",
        ),
        Operation(
            "get_role",
            "retrieve",
            answer=RoleAnswer,
            codes=(404,),
            tag="Role",
            summary="Get a role",
        ),
        Operation(
            "patch_role",
            "partial_update",
            RolePatchParameters,
            body=RoleBody,
            answer=RoleAnswer,
            codes=(404, 409),
            event="patch_role",
            tag="Role",
            summary="Update a role",
        ),
        Operation(
            "delete_role",
            "destroy",
            status=204,
            codes=(404, 409),
            event="delete_role",
            tag="Role",
            summary="Delete a role",
        ),
    )

    def list(self) -> HttpResponse:
        """Roles and what they give."""
        part = page(self.query)
        asked = self.query.get("order_by")
        if asked is not None and asked not in _ORDER:
            raise bad_request(
                f"Ordering with '{asked[:100]}' is disallowed or the attribute does not exist on the model"
            )
        rows = Group.objects.all()
        total = rows.count()
        chosen = part.of(order(rows, asked, _ORDER, default="name", key="id"))
        return self.paged({"roles": role_rows(chosen), "total_entries": total}, part, total)

    def create(self) -> Row:
        """Make a role."""
        values = self.load()
        pairs = pairs_of(values.get("actions", ()))
        return role_row(roles.create(actor=self.caller, name=values["name"], pairs=pairs))

    def retrieve(self) -> Row:
        """One role."""
        return role_row(roles.find(self.kwargs["role_name"]))

    def partial_update(self) -> Row:
        """Rename a role or add actions to it; none is taken away."""
        values = self.load()
        sent = pairs_of(values.get("actions", ()))
        role = roles.find(self.kwargs["role_name"])
        values = _masked(values, self.query.get("update_mask"))
        pairs = sent if "actions" in values else None
        return role_row(roles.update(role, actor=self.caller, name=values.get("name"), pairs=pairs))

    def destroy(self) -> None:
        """Delete a role; its holders lose it."""
        roles.delete(roles.find(self.kwargs["role_name"]), actor=self.caller)


def _masked(values: dict[str, Any], mask: Any) -> dict[str, Any]:
    if mask is None:
        return values
    chosen = [name.strip() for name in mask]
    for name in chosen:
        if name not in values:
            raise bad_request(f"'{name[:100]}' in update_mask is unknown")
    return {name: values[name] for name in chosen}
