"""Filters of the tables that cost an index range and no scan: no list of distinct values is read from a big table."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import DropdownFilter, TextFilter

from orchestration.models import Dag, Pool

#: DAGs whose ids a filter's text may match.
_MOST_DAGS: Final = 500


class DagFilter(TextFilter):  # type: ignore[misc]  # unfold has no types
    """Rows of DAGs whose id holds a text."""

    title = "DAG"
    parameter_name = "dag"
    #: From a row to its DAG's id.
    path: ClassVar[str] = "dag_id"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The ids are looked up first, in the small table; one query."""
        text = (self.value() or "").strip()
        if not text:
            return queryset
        found = Dag.objects.filter(dag_id__icontains=text).order_by("dag_id").values_list("dag_id", flat=True)
        return queryset.filter(**{f"{self.path}__in": list(found[:_MOST_DAGS])})


class InstanceDagFilter(DagFilter):
    """Rows of task instances' DAGs."""

    path = "task_instance__dag_id"


class ExactFilter(TextFilter):  # type: ignore[misc]  # unfold has no types
    """Rows whose column is exactly the text. Subclasses set ``title`` and ``parameter_name``, the column."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """By the column's index."""
        text = (self.value() or "").strip()
        return queryset.filter(**{self.parameter_name: text}) if text else queryset


class EventFilter(ExactFilter):
    """Audit rows of one event."""

    title = "event (exactly)"
    parameter_name = "event"


class OwnerFilter(ExactFilter):
    """Audit rows of one person."""

    title = "who (exactly)"
    parameter_name = "owner"


class RunIdFilter(ExactFilter):
    """Rows of the runs with this id."""

    title = "run id (exactly)"
    parameter_name = "run__run_id"


class PoolFilter(DropdownFilter):  # type: ignore[misc]  # unfold has no types
    """Task instances of one pool."""

    title = "pool"
    parameter_name = "pool"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The pools' names, from their own small table."""
        return [(name, name) for name in Pool.objects.order_by("name").values_list("name", flat=True)[:500]]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """By the pool's index."""
        return queryset.filter(pool=self.value()) if self.value() else queryset
