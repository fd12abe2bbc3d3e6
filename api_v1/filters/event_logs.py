"""Parameters of the audit log."""

from __future__ import annotations

from typing import Any

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


class NamesParameter(TextParameter):
    """Texts separated by commas that narrow unless they are empty; ``is_excluded``: the rows with others."""

    def __init__(self, on: str, *, is_excluded: bool = False, **more: Any) -> None:
        super().__init__(on, "in", **more)
        self.is_excluded = is_excluded

    def filter(self, qs: Any, value: str) -> Any:
        if not value:
            return qs
        names = {f"{self.field_name}__in": value.split(",")}
        return qs.exclude(**names) if self.is_excluded else qs.filter(**names)


class EventLogListParameters(ParameterSet):
    """Of the list of the audit log's rows."""

    limit = page_limit()
    offset = page_offset()
    order_by = ordered_by("event_log_id, when, dag_id, task_id, run_id, event, execution_date, owner, extra")
    dag_id = GivenTextParameter("dag_id", help_text="Only of this DAG.")
    task_id = GivenTextParameter("task_id", help_text="Only of this task.")
    run_id = GivenTextParameter("run_id", help_text="Only of this run.")
    map_index = WholeParameter("map_index", help_text="Only of this map index.")
    try_number = WholeParameter("try_number", help_text="Only of this try.")
    event = GivenTextParameter("event", help_text="Only events of this name.")
    owner = GivenTextParameter("owner", help_text="Only what this user did.")
    before = MomentParameter("when", "lt", help_text="Only before this moment.")
    after = MomentParameter("when", "gt", help_text="Only after this moment.")
    included_events = NamesParameter("event", help_text="Only events of these names, separated by commas.")
    excluded_events = NamesParameter(
        "event", is_excluded=True, help_text="No events of these names, separated by commas."
    )
