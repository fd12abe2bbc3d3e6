"""Parameters of tasks."""

from __future__ import annotations

from api_v1.filters.base import ParameterSet, ordered_by


class TaskListParameters(ParameterSet):
    """Of the list of a DAG's tasks."""

    order_by = ordered_by("any plain member of a task")
