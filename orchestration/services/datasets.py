"""Datasets: what a caller may see of them, events that a caller makes, queued events."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from orchestration.access import permissions
from orchestration.access.permissions import Caller
from orchestration.errors import Forbidden, NotFound
from orchestration.models import (
    DagDatasetReference,
    Dataset,
    DatasetEvent,
    DatasetQueuedEvent,
    TaskOutletReference,
    dataset_events,
    wakeups,
)
from orchestration.services import audit

#: What marks an event that a caller made.
MARK = "from_rest_api"


def visible(actor: Caller | None) -> QuerySet[Dataset]:
    """The datasets that DAGs which the actor may read wait for or write; all of them for one who may read every DAG."""
    dag_ids = None if actor is None else permissions.readable_dag_ids(actor)
    if dag_ids is None:
        return Dataset.objects.all()
    consumers = DagDatasetReference.objects.filter(dataset=OuterRef("pk"), dag__in=dag_ids)
    producers = TaskOutletReference.objects.filter(dataset=OuterRef("pk"), dag__in=dag_ids)
    return Dataset.objects.filter(Exists(consumers) | Exists(producers))


def visible_events(actor: Caller | None) -> QuerySet[DatasetEvent]:
    """The events of visible datasets, without those that a DAG made which the actor may not read."""
    dag_ids = None if actor is None else permissions.readable_dag_ids(actor)
    if dag_ids is None:
        return DatasetEvent.objects.all()
    is_readable = Q(source_dag_id=None) | Q(source_dag_id__in=dag_ids)
    return DatasetEvent.objects.filter(is_readable, dataset__in=visible(actor).values("pk"))


def find(uri: str, *, actor: Caller | None) -> Dataset:
    """The visible dataset of this URI; raises NotFound."""
    dataset = visible(actor).filter(uri=uri).first()
    if dataset is None:
        raise NotFound(f"The Dataset with uri: `{uri}` was not found", title="Dataset not found")
    return dataset


@transaction.atomic
def create_event(*, actor: Caller | None, uri: str, extra: Mapping[str, Any] | None = None) -> DatasetEvent:
    """Say that a dataset was written, and queue that for the DAGs which wait for it.

    The actor must be allowed to run each of those DAGs. Raises NotFound for a dataset that is not there or not visible,
    Forbidden.
    """
    permissions.require(actor, permissions.CREATE, permissions.DATASETS)
    dataset = visible(actor).filter(uri=uri).first()
    if dataset is None:
        raise NotFound(f"Dataset with uri: '{uri}' not found", title="Dataset not found")
    if actor is not None:
        _require_runs(actor, dataset)
    change = dataset_events.Change(uri, {**(extra or {}), MARK: True})
    event = dataset_events.register([change], source=None, now=timezone.now())[0]
    audit.record("create_dataset_event", actor=actor, extra={"dataset_uri": uri, "extra": extra})
    wakeups.notify("scheduler")
    return event


def queued(
    actor: Caller | None, *, dag_id: str | None = None, uri: str | None = None, before: datetime | None = None
) -> QuerySet[DatasetQueuedEvent]:
    """Queued events of a DAG, of a dataset, or of both; those of DAGs that the actor may not read are left out."""
    events = DatasetQueuedEvent.objects.select_related("dataset").order_by("created_at", "pk")
    if dag_id is not None:
        events = events.filter(dag_id=dag_id)
    if uri is not None:
        events = events.filter(dataset__uri=uri)
    if before is not None:
        events = events.filter(created_at__lt=before)
    readable = None if actor is None else permissions.readable_dag_ids(actor)
    return events if readable is None else events.filter(dag__in=readable)


@transaction.atomic
def delete_queued(
    *, actor: Caller | None, dag_id: str | None = None, uri: str | None = None, before: datetime | None = None
) -> int:
    """Delete queued events as ``queued`` selects them; how many there were."""
    permissions.require(actor, permissions.DELETE, permissions.DATASETS)
    count, _ = queued(actor, dag_id=dag_id, uri=uri, before=before).delete()
    audit.record("delete_dataset_queued_events", actor=actor, dag_id=dag_id, extra={"uri": uri} if uri else {})
    return count


def _require_runs(actor: Caller, dataset: Dataset) -> None:
    consumers = DagDatasetReference.objects.filter(dataset=dataset).values_list("dag_id", flat=True)
    if not all(
        permissions.is_allowed(actor, permissions.CREATE, permissions.DAG_RUNS, dag_id)
        and permissions.is_allowed(actor, permissions.EDIT, permissions.DAGS, dag_id)
        for dag_id in consumers
    ):
        raise Forbidden("An event of this dataset would start a DAG that you may not run.")
