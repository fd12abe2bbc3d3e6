"""Filters of the tables that cost an index range and no scan: no list of distinct values is read from a big table."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from typing import Any, ClassVar, Final
from urllib.parse import unquote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from unfold.contrib.filters.admin import DropdownFilter, RangeDateTimeFilter, TextFilter
from unfold.contrib.filters.forms import SearchForm

from orchestration.admin.tables.paging import newest
from orchestration.models import Dag, DagRun, Pool
from orchestration.models.dag import owners_of

#: DAGs whose ids a filter's text may match.
_MOST_DAGS: Final = 500
#: Runs of one id that a filter reaches.
_MOST_RUNS: Final = 1000


class NamedFilter(TextFilter):  # type: ignore[misc]  # unfold has no types
    """A text that the browser completes with names of the kind ``names`` (``queries.names.KINDS``)."""

    names: ClassVar[str] = ""

    def choices(self, changelist: Any) -> Iterator[dict[str, SearchForm]]:
        """Unfold's form, whose box knows where the names are."""
        for choice in super().choices(changelist):
            if self.names:
                box = choice["form"].fields[self.parameter_name].widget
                box.attrs["data-names"] = reverse("admin:desk_names", args=(self.names,))
            yield choice


class DagFilter(NamedFilter):
    """Rows of DAGs whose id holds a text."""

    title = "DAG"
    names = "dag"
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


class ExactFilter(NamedFilter):
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
    names = "user"
    parameter_name = "owner"


class RunIdFilter(ExactFilter):
    """Task instances of the runs with this id."""

    title = "run id (exactly)"
    names = "run"
    parameter_name = "run__run_id"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The runs are looked up first, of which there is at most one in each DAG; one query."""
        text = (self.value() or "").strip()
        if not text:
            return queryset
        return queryset.filter(
            run__in=list(DagRun.objects.filter(run_id=text).values_list("pk", flat=True)[:_MOST_RUNS])
        )


class OwnRunIdFilter(ExactFilter):
    """Runs with this id, of which there is at most one in each DAG."""

    title = "run id (exactly)"
    names = "run"
    parameter_name = "run_id"


class TaskFilter(ExactFilter):
    """The newest rows of one task: no index leads from a task's id to all of them."""

    title = "task id (exactly, newest rows)"
    names = "task"
    parameter_name = "task_id"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """One short query more."""
        return super().queryset(request, newest(queryset)) if (self.value() or "").strip() else queryset


class DagOwnerFilter(NamedFilter):
    """Rows of the DAGs of an owner."""

    title = "owner (exactly)"
    names = "owner"
    parameter_name = "dag_owner"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The DAGs are looked up first, in the small table; one query."""
        text = (self.value() or "").strip()
        if not text:
            return queryset
        rows = Dag.objects.filter(owners__contains=text).order_by("dag_id").values_list("dag_id", "owners")
        found = [dag_id for dag_id, owners in rows if text in owners_of(owners)]
        return queryset.filter(dag_id__in=found[:_MOST_DAGS])


class MomentRangeFilter(RangeDateTimeFilter):  # type: ignore[misc]  # unfold has no types
    """From one moment to another, in the zone that the operator's pages show; a date alone is a whole day."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """What is no date is left out."""
        zone, name = _zone(request), self.parameter_name
        given = {part: str(self.used_parameters.get(f"{name}_{part}") or "") for part in self._PARTS}
        start = _moment(given["from_0"], given["from_1"] or "00:00:00", zone)
        end = _moment(given["to_0"], given["to_1"] or "23:59:59.999999", zone)
        if start is not None:
            queryset = queryset.filter(**{f"{name}__gte": start})
        return queryset if end is None else queryset.filter(**{f"{name}__lte": end})

    _PARTS: ClassVar = ("from_0", "from_1", "to_0", "to_1")


def _zone(request: HttpRequest) -> tzinfo:
    try:
        return ZoneInfo(unquote(request.COOKIES.get("desk_zone", "")))
    except (ValueError, OSError, ZoneInfoNotFoundError):  # none, or no zone's name
        return UTC


def _moment(date: str, time: str, zone: tzinfo) -> datetime | None:
    try:
        return datetime.fromisoformat(f"{date}T{time}").replace(tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


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
