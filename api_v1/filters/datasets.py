"""Parameters of datasets."""

from __future__ import annotations

from typing import Any

from django.db.models import F, Q

from api_v1.filters.base import (
    GivenTextParameter,
    MomentParameter,
    ParameterSet,
    TextParameter,
    WholeParameter,
    ordered_by,
    page_limit,
    page_offset,
)
from api_v1.sql import ILike
from orchestration.models import DagDatasetReference, TaskOutletReference


class UriPatternParameter(TextParameter):
    """Text within the URI, in any case; ``%`` is any text and ``_`` any sign."""

    def filter(self, qs: Any, value: str) -> Any:
        return qs.filter(ILike(F("uri"), f"%{value}%")) if value else qs


class DagIdsParameter(TextParameter):
    """DAG ids separated by commas: the datasets that any of them waits for or writes."""

    def filter(self, qs: Any, value: str) -> Any:
        if not value:
            return qs
        dag_ids = value.split(",")
        consumed = DagDatasetReference.objects.filter(dag__in=dag_ids).values("dataset")
        produced = TaskOutletReference.objects.filter(dag__in=dag_ids).values("dataset")
        return qs.filter(Q(pk__in=consumed) | Q(pk__in=produced))


class DatasetListParameters(ParameterSet):
    """Of the list of datasets."""

    limit = page_limit()
    offset = page_offset()
    order_by = ordered_by("id, uri, created_at, updated_at")
    uri_pattern = UriPatternParameter(help_text="Only datasets whose URI holds this text; % and _ are wildcards.")
    dag_ids = DagIdsParameter(help_text="Only datasets that one of these DAGs waits for or writes; comma-separated.")


class DatasetEventListParameters(ParameterSet):
    """Of the list of dataset events."""

    limit = page_limit()
    offset = page_offset()
    order_by = ordered_by("source_dag_id, source_task_id, source_run_id, source_map_index, timestamp")
    dataset_id = WholeParameter("dataset_id", help_text="Only of the dataset with this id.")
    source_dag_id = GivenTextParameter("source_dag_id", help_text="Only made by this DAG.")
    source_task_id = GivenTextParameter("source_task_id", help_text="Only made by this task.")
    source_run_id = GivenTextParameter("source_run_id", help_text="Only made by this run.")
    source_map_index = WholeParameter("source_map_index", help_text="Only made by this map index.")


class QueuedEventParameters(ParameterSet):
    """Of queued events."""

    before = MomentParameter(help_text="Only those queued before this moment.")
