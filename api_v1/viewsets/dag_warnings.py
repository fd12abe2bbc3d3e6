"""Warnings about DAGs."""

from __future__ import annotations

from typing import Any

from api_v1.filters.dag_warnings import ORDERS, DagWarningListParameters
from api_v1.operations import Operation
from api_v1.pagination import order, page
from api_v1.problems import Problem
from api_v1.serializers.dag_warnings import SHAPE, DagWarningCollection
from api_v1.viewsets.base import OperationViewSet
from orchestration.access.permissions import readable_dag_ids
from orchestration.models import DagWarning


class DagWarningViewSet(OperationViewSet):
    """Warnings about DAGs."""

    operations = (
        Operation(
            "get_dag_warnings",
            "list",
            DagWarningListParameters,
            answer=DagWarningCollection,
            tag="DagWarning",
            summary="List DAG warnings",
        ),
    )

    def list(self) -> Any:
        """Warnings about DAGs that the caller may read."""
        here = page(self.query)
        readable = readable_dag_ids(self.caller)
        asked = self.query.get("dag_id")
        if asked and readable is not None and asked not in readable:
            raise Problem(403)
        found = DagWarningListParameters.apply(
            DagWarning.objects.all(), {name: value for name, value in self.query.items() if value != ""}
        )
        if readable is not None:
            found = found.filter(dag_id__in=readable)
        ordered = order(found, self.query.get("order_by"), ORDERS, default="timestamp")
        total = found.count()
        return self.paged({"dag_warnings": SHAPE.rows(here.of(ordered)), "total_entries": total}, here, total)
