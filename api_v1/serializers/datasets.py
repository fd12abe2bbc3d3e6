"""Datasets, their events and queued events: what is sent, what is answered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework import serializers

from api_v1.rows import Row, Shape
from api_v1.serializers.base import BodySerializer, Object, Text
from orchestration.access import permissions
from orchestration.access.permissions import Caller
from orchestration.models import (
    DagDatasetAliasReference,
    DagDatasetReference,
    DatasetAlias,
    DatasetEvent,
    DatasetQueuedEvent,
    TaskOutletReference,
)
from orchestration.states import DagRunState


class DatasetEventBody(BodySerializer):
    """A new event of a dataset."""

    dataset_uri = Text(required=True, help_text="The URI of the dataset.")
    extra = Object(required=False, allow_null=True, help_text="Anything about the event.")

    def validate_extra(self, value: Any) -> Any:
        """Null is looked at with the meaning, as in the reference."""
        if value is None:
            raise serializers.ValidationError("Field may not be null.")
        return value

    required_late: ClassVar = ()


class ConsumingDagAnswer(serializers.Serializer[Any]):
    """A DAG that waits for a dataset."""

    dag_id = serializers.CharField(allow_null=True, help_text="The DAG that waits for the dataset.")
    created_at = serializers.CharField()
    updated_at = serializers.CharField()


class ProducingTaskAnswer(serializers.Serializer[Any]):
    """A task that writes a dataset."""

    dag_id = serializers.CharField(allow_null=True, help_text="The DAG of the task.")
    task_id = serializers.CharField(allow_null=True, help_text="The task that writes the dataset.")
    created_at = serializers.CharField()
    updated_at = serializers.CharField()


class DatasetAliasAnswer(serializers.Serializer[Any]):
    """A dataset's alias."""

    id = serializers.IntegerField()
    name = serializers.CharField()


class DatasetAnswer(serializers.Serializer[Any]):
    """A dataset item."""

    id = serializers.IntegerField(help_text="The dataset id.")
    uri = serializers.CharField(help_text="The dataset uri.")
    extra = serializers.DictField(allow_null=True, help_text="What the DAG file says about it.")
    created_at = serializers.CharField()
    updated_at = serializers.CharField()
    consuming_dags = ConsumingDagAnswer(many=True)
    producing_tasks = ProducingTaskAnswer(many=True)
    aliases = DatasetAliasAnswer(many=True)


class DatasetCollection(serializers.Serializer[Any]):
    """Collection of datasets."""

    datasets = DatasetAnswer(many=True)
    total_entries = serializers.IntegerField(help_text="Of all datasets that the caller may see, filtered or not.")


class BasicDagRunAnswer(serializers.Serializer[Any]):
    """A run that an event started."""

    dag_run_id = serializers.CharField()
    run_id = serializers.CharField(help_text="The same.")
    dag_id = serializers.CharField(read_only=True)
    logical_date = serializers.DateTimeField()
    start_date = serializers.DateTimeField(read_only=True, allow_null=True)
    end_date = serializers.DateTimeField(read_only=True, allow_null=True)
    data_interval_start = serializers.DateTimeField(read_only=True, allow_null=True)
    data_interval_end = serializers.DateTimeField(read_only=True, allow_null=True)
    state = serializers.ChoiceField([state.value for state in DagRunState])


class DatasetEventAnswer(serializers.Serializer[Any]):
    """A dataset event."""

    id = serializers.IntegerField()
    dataset_id = serializers.IntegerField(help_text="The dataset id.")
    dataset_uri = serializers.CharField(help_text="The URI of the dataset.")
    extra = serializers.DictField(allow_null=True)
    source_dag_id = serializers.CharField(allow_null=True, help_text="The DAG that wrote the dataset.")
    source_task_id = serializers.CharField(allow_null=True, help_text="The task that wrote the dataset.")
    source_run_id = serializers.CharField(allow_null=True, help_text="The run that wrote the dataset.")
    source_map_index = serializers.IntegerField(allow_null=True, help_text="The map index that wrote the dataset.")
    created_dagruns = BasicDagRunAnswer(many=True)
    timestamp = serializers.CharField(help_text="When it happened.")


class DatasetEventCollection(serializers.Serializer[Any]):
    """Collection of dataset events."""

    dataset_events = DatasetEventAnswer(many=True)
    total_entries = serializers.IntegerField()


class QueuedEventAnswer(serializers.Serializer[Any]):
    """A dataset was written and a DAG has not yet run for it."""

    uri = serializers.CharField(help_text="The dataset's URI.")
    dag_id = serializers.CharField(help_text="The DAG that waits.")
    created_at = serializers.DateTimeField()


class QueuedEventCollection(serializers.Serializer[Any]):
    """Collection of queued dataset events."""

    queued_events = QueuedEventAnswer(many=True)
    total_entries = serializers.IntegerField()


_DATASET = Shape({"id": "pk", "uri": "uri", "extra": "extra", "created_at": "created_at", "updated_at": "updated_at"})
_EVENT = Shape(
    {
        "id": "pk",
        "dataset_id": "dataset_id",
        "dataset_uri": "dataset__uri",
        "extra": "extra",
        "source_task_id": "source_task_id",
        "source_dag_id": "source_dag_id",
        "source_run_id": "source_run_id",
        "source_map_index": "source_map_index",
        "timestamp": "timestamp",
    }
)
_RUN = {
    "dag_run_id": "dagrun__run_id",
    "run_id": "dagrun__run_id",
    "dag_id": "dagrun__dag_id",
    "logical_date": "dagrun__logical_date",
    "start_date": "dagrun__start_date",
    "end_date": "dagrun__end_date",
    "state": "dagrun__state",
    "data_interval_start": "dagrun__data_interval_start",
    "data_interval_end": "dagrun__data_interval_end",
}


def _is_readable(caller: Caller) -> Callable[[str], bool]:
    dag_ids = permissions.readable_dag_ids(caller)
    return lambda dag_id: dag_ids is None or dag_id in dag_ids


def dataset_rows(datasets: QuerySet[Any], caller: Caller) -> list[Row]:
    """Datasets as they are answered: only DAGs that the caller may read are named. Four queries."""
    rows = _DATASET.rows(datasets)
    at = {row["id"]: row for row in rows}
    for row in rows:
        row.update(consuming_dags=[], producing_tasks=[], aliases=[])
    readable = _is_readable(caller)
    dates = ("created_at", "updated_at")
    consumers = DagDatasetReference.objects.filter(dataset__in=at).order_by("dag_id")
    for pk, dag_id, *moments in consumers.values_list("dataset_id", "dag_id", *dates):
        if readable(dag_id):
            at[pk]["consuming_dags"].append({"dag_id": dag_id, **dict(zip(dates, moments, strict=True))})
    producers = TaskOutletReference.objects.filter(dataset__in=at).order_by("dag_id", "task_id")
    for pk, dag_id, task_id, *moments in producers.values_list("dataset_id", "dag_id", "task_id", *dates):
        if readable(dag_id):
            task = {"dag_id": dag_id, "task_id": task_id, **dict(zip(dates, moments, strict=True))}
            at[pk]["producing_tasks"].append(task)
    for pk, alias_id, name in _aliases(at, caller):
        at[pk]["aliases"].append({"id": alias_id, "name": name})
    return rows


def _aliases(dataset_ids: Iterable[int], caller: Caller) -> Sequence[tuple[int, int, str]]:
    """(dataset, alias, its name); for who may not read every DAG only aliases that a readable DAG waits for."""
    links = DatasetAlias.datasets.through.objects.filter(dataset__in=list(dataset_ids))
    dag_ids = permissions.readable_dag_ids(caller)
    if dag_ids is not None:
        waiting = DagDatasetAliasReference.objects.filter(dag__in=dag_ids).values("alias")
        links = links.filter(datasetalias__in=waiting)
    ordered = links.order_by("datasetalias_id")
    return list(ordered.values_list("dataset_id", "datasetalias_id", "datasetalias__name"))


def event_rows(events: QuerySet[DatasetEvent], caller: Caller) -> list[Row]:
    """Dataset events as they are answered: only runs that the caller may read are named. Two queries."""
    rows = _EVENT.rows(events)
    at = {row["id"]: row for row in rows}
    for row in rows:
        row["created_dagruns"] = []
    readable = _is_readable(caller)
    runs = DatasetEvent.created_dag_runs.through.objects.filter(datasetevent__in=at).order_by("pk")
    for pk, *values in runs.values_list("datasetevent_id", *_RUN.values()):
        run = dict(zip(_RUN, values, strict=True))
        if readable(run["dag_id"]):
            at[pk]["created_dagruns"].append(run)
    return rows


def queued_rows(events: QuerySet[DatasetQueuedEvent]) -> list[Row]:
    """Queued events as they are answered; one query."""
    found = events.values_list("dataset__uri", "dag_id", "created_at")
    return [{"uri": uri, "dag_id": dag_id, "created_at": created_at} for uri, dag_id, created_at in found]
