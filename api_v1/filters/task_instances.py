"""Parameters of task instances."""

from __future__ import annotations

from typing import Any

from django.db.models import F, Value
from django.db.models.functions import NullIf

from api_v1.filters.base import (
    ListParameter,
    NumberParameter,
    ParameterSet,
    WholeParameter,
    moment_range,
    ordered_by,
    page_limit,
    page_offset,
)
from api_v1.problems import bad_request
from api_v1.serializers.task_instances import stored_states


class StateParameter(ListParameter):
    """Instances in one of these states; ``none`` is no state."""

    def filter(self, qs: Any, value: list[str | None]) -> Any:
        return qs.filter(state__in=stored_states(value))


class TaskInstanceListParameters(ParameterSet):
    """Of the list of task instances."""

    execution_date_gte, execution_date_lte = moment_range("run__logical_date", "Of runs for logical dates")
    start_date_gte, start_date_lte = moment_range("start_date", "Instances that started")
    end_date_gte, end_date_lte = moment_range("end_date", "Instances that ended")
    updated_at_gte, updated_at_lte = moment_range("updated_at", "Instances that changed last")
    duration_gte = NumberParameter("duration", "gte", help_text="Instances that took as many seconds or more.")
    duration_lte = NumberParameter("duration", "lte", help_text="Instances that took as many seconds or fewer.")
    state = StateParameter(help_text="Instances in one of these states; none is no state.")
    pool = ListParameter("pool", help_text="Instances in one of these pools.")
    queue = ListParameter("queue", help_text="Instances in one of these queues.")
    executor = ListParameter("executor", help_text="Instances of one of these executors.")
    limit = page_limit()
    offset = page_offset()


class MappedListParameters(TaskInstanceListParameters):
    """Of the list of a mapped task's instances."""

    order_by = ordered_by("state, duration, start_date, end_date, -map_index")


class TriesParameters(ParameterSet):
    """Of the list of tries. The reference declares these and minds none of them."""

    limit = page_limit(is_heeded=False)
    offset = page_offset()
    order_by = ordered_by()


class MapIndexParameters(ParameterSet):
    """Of what belongs to one instance of a task."""

    map_index = WholeParameter(help_text="The instance of a mapped task; -1 or nothing for other tasks.")


_MAPPED_ORDERS = ("state", "duration", "start_date", "end_date")


def mapped_order(asked: str | None) -> list[Any]:
    """How a mapped task's instances are ordered. Raises Problem (400) for names that are not known."""
    if asked is None:
        return ["map_index"]
    if asked == "-map_index":
        return ["-map_index"]
    name = asked.removeprefix("-")
    if name not in _MAPPED_ORDERS:
        raise bad_request(f"Ordering with '{asked[:100]}' is not supported")
    column = NullIf(F(name), Value("")) if name == "state" else F(name)
    # nulls as PostgreSQL places them, on every database
    return [column.desc(nulls_first=True) if asked.startswith("-") else column.asc(nulls_last=True), "map_index"]


def narrow(instances: Any, form: dict[str, Any]) -> Any:
    """The instances that a batch form selects; its DAGs are the caller's affair. An empty list selects nothing away."""
    names = TaskInstanceListParameters.base_filters
    chosen = {name: value for name, value in form.items() if name in names and value not in (None, [])}
    for member, column in (("dag_run_ids", "run__run_id__in"), ("task_ids", "task_id__in")):
        if form.get(member):
            instances = instances.filter(**{column: form[member]})
    return TaskInstanceListParameters.apply(instances, chosen)
