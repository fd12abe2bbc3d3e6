"""Datasets, their events and queued events."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse

from api_v1.filters.datasets import DatasetEventListParameters, DatasetListParameters, QueuedEventParameters
from api_v1.operations import Operation
from api_v1.pagination import order, page
from api_v1.problems import not_found
from api_v1.rows import Row
from api_v1.serializers.datasets import (
    DatasetAnswer,
    DatasetCollection,
    DatasetEventAnswer,
    DatasetEventBody,
    DatasetEventCollection,
    QueuedEventAnswer,
    QueuedEventCollection,
    dataset_rows,
    event_rows,
    queued_rows,
)
from api_v1.viewsets.base import OperationViewSet
from orchestration.models import DatasetEvent
from orchestration.services import datasets

_ORDER = ("id", "uri", "created_at", "updated_at")
_EVENT_ORDER = ("source_dag_id", "source_task_id", "source_run_id", "source_map_index", "timestamp")


class DatasetViewSet(OperationViewSet):
    """Datasets that DAGs of the caller wait for or write."""

    operations = (
        Operation(
            "get_datasets",
            "list",
            DatasetListParameters,
            answer=DatasetCollection,
            tag="Dataset",
            summary="List datasets",
        ),
        Operation(
            "get_dataset",
            "retrieve",
            answer=DatasetAnswer,
            codes=(404,),
            tag="Dataset",
            summary="Get a dataset",
        ),
    )

    def list(self) -> HttpResponse:
        """Datasets. ``total_entries`` counts without the filters, as the reference does."""
        part = page(self.query)
        visible = datasets.visible(self.caller)
        total = self.count(visible)
        rows = DatasetListParameters.apply(visible, self.query)
        chosen = part.of(order(rows, self.query.get("order_by"), _ORDER, default="id", key="id"))
        return self.paged({"datasets": dataset_rows(chosen, self.caller), "total_entries": total}, part, total)

    def retrieve(self) -> Row:
        """One dataset."""
        dataset = datasets.find(self.kwargs["uri"], actor=self.caller)
        return dataset_rows(type(dataset).objects.filter(pk=dataset.pk), self.caller)[0]


class DatasetEventViewSet(OperationViewSet):
    """Events of datasets."""

    operations = (
        Operation(
            "get_dataset_events",
            "list",
            DatasetEventListParameters,
            answer=DatasetEventCollection,
            codes=(404,),
            tag="Dataset",
            summary="List dataset events",
        ),
        Operation(
            "create_dataset_event",
            "create",
            body=DatasetEventBody,
            answer=DatasetEventAnswer,
            codes=(404,),
            event="create_dataset_event",
            tag="Dataset",
            summary="Create a dataset event",
        ),
    )

    def list(self) -> HttpResponse:
        """Events, the oldest first."""
        part = page(self.query)
        rows = DatasetEventListParameters.apply(datasets.visible_events(self.caller), self.query)
        total = self.count(rows)
        chosen = part.of(order(rows, self.query.get("order_by"), _EVENT_ORDER, default="timestamp", key="id"))
        return self.paged({"dataset_events": event_rows(chosen, self.caller), "total_entries": total}, part, total)

    def create(self) -> Row:
        """Say that a dataset was written; DAGs that wait for it run when all their datasets were."""
        values = self.load()
        event = datasets.create_event(actor=self.caller, uri=values["dataset_uri"], extra=values.get("extra"))
        return event_rows(DatasetEvent.objects.filter(pk=event.pk), self.caller)[0]


class QueuedEventViewSet(OperationViewSet):
    """Queued events: datasets that were written and for which a DAG has not yet run."""

    operations = (
        Operation(
            "get_dataset_queued_events",
            "list",
            QueuedEventParameters,
            answer=QueuedEventCollection,
            codes=(404,),
            tag="Dataset",
            summary="List a dataset's queued events",
        ),
        Operation(
            "delete_dataset_queued_events",
            "destroy",
            QueuedEventParameters,
            status=204,
            codes=(404,),
            event="delete_dataset_queued_events",
            tag="Dataset",
            summary="Delete a dataset's queued events",
        ),
        Operation(
            "get_dag_dataset_queued_events",
            "list",
            QueuedEventParameters,
            answer=QueuedEventCollection,
            codes=(404,),
            tag="Dataset",
            summary="List a DAG's queued dataset events",
        ),
        Operation(
            "delete_dag_dataset_queued_events",
            "destroy",
            QueuedEventParameters,
            status=204,
            codes=(404,),
            event="delete_dag_dataset_queued_events",
            tag="Dataset",
            summary="Delete a DAG's queued dataset events",
        ),
        Operation(
            "get_dag_dataset_queued_event",
            "retrieve",
            QueuedEventParameters,
            answer=QueuedEventAnswer,
            codes=(404,),
            tag="Dataset",
            summary="Get a queued dataset event of a DAG",
        ),
        Operation(
            "delete_dag_dataset_queued_event",
            "destroy",
            QueuedEventParameters,
            status=204,
            codes=(404,),
            event="delete_dag_dataset_queued_event",
            tag="Dataset",
            summary="Delete a queued dataset event of a DAG",
        ),
    )

    def list(self) -> Row:
        """Queued events of a dataset, or of a DAG; none is a 404."""
        rows = queued_rows(datasets.queued(self.caller, **self._selection()))
        if not rows:
            raise self._missing()
        return {"queued_events": rows, "total_entries": len(rows)}

    def retrieve(self) -> Row:
        """The queued event of a dataset for a DAG."""
        rows = queued_rows(datasets.queued(self.caller, **self._selection()))
        if not rows:
            raise self._missing()
        return rows[0]

    def destroy(self) -> None:
        """Delete queued events; none is a 404."""
        if not datasets.delete_queued(actor=self.caller, **self._selection()):
            raise self._missing()

    def _selection(self) -> dict[str, Any]:
        asked = {"dag_id": self.kwargs.get("dag_id"), "uri": self.kwargs.get("uri"), "before": self.query.get("before")}
        return {name: value for name, value in asked.items() if value is not None}

    def _missing(self) -> Exception:
        dag_id, uri = self.kwargs.get("dag_id"), self.kwargs.get("uri")
        named = [f"dag_id: `{dag_id}`"] if dag_id else []
        named += [f"dataset uri: `{uri}`"] if uri else []
        return not_found("Queue event not found", f"Queue event with {' and '.join(named)} was not found")
