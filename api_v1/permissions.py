"""Who may call an operation: a view asks ``access``, which knows what each operation needs."""

from __future__ import annotations

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from api_v1.calls import Call


class HoldsPermissions(BasePermission):
    """The caller holds what the operation asks, for the DAG in the path where there is one.

    Decided before anything is looked up, so that a missing DAG and a forbidden one answer the same 403.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        call: Call = view
        return call.operation.rule.allows(request.user, call.kwargs.get("dag_id"))
