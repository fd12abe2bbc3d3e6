"""The audit log."""

from __future__ import annotations

from django.http import HttpResponse

from api_v1.filters.event_logs import EventLogListParameters
from api_v1.operations import Operation
from api_v1.pagination import by_id, ordering, page
from api_v1.rows import Row
from api_v1.serializers.event_logs import SHAPE, EventLogAnswer, EventLogCollection
from api_v1.viewsets.base import OperationViewSet
from orchestration.services import event_logs

_ORDER = {
    "event_log_id": "id",
    "when": "when",
    "dag_id": "dag_id",
    "task_id": "task_id",
    "run_id": "run_id",
    "event": "event",
    "execution_date": "logical_date",
    "owner": "owner",
    "extra": "extra",
}


class EventLogViewSet(OperationViewSet):
    """Who did what, and what the system noted; of DAGs that the caller may read."""

    operations = (
        Operation(
            "get_event_logs",
            "list",
            EventLogListParameters,
            answer=EventLogCollection,
            tag="EventLog",
            summary="List the audit log",
        ),
        Operation(
            "get_event_log",
            "retrieve",
            answer=EventLogAnswer,
            codes=(404,),
            tag="EventLog",
            summary="Get a row of the audit log",
        ),
    )

    def list(self) -> HttpResponse:
        """The audit log's rows."""
        part = page(self.query)
        if self.query.get("dag_id"):
            event_logs.require_dag(self.caller, self.query["dag_id"])
        rows = EventLogListParameters.apply(event_logs.visible(self.caller), self.query)
        total = self.count(rows)
        order = ordering(self.query.get("order_by"), _ORDER, default="id", key="id")
        chosen = part.of(by_id(rows, total) if order == ["id"] else rows.order_by(*order))
        return self.paged({"event_logs": SHAPE.rows(chosen), "total_entries": total}, part, total)

    def retrieve(self) -> Row:
        """One row."""
        return event_logs.found(SHAPE.one(event_logs.visible(self.caller).filter(pk=self.kwargs["event_log_id"])))
