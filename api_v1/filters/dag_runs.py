"""Parameters of DAG runs."""

from __future__ import annotations

from typing import Any

from api_v1.filters.base import (
    ListParameter,
    ParameterSet,
    moment_range,
    ordered_by,
    page_limit,
    page_offset,
    return_fields,
)

#: Names a list of runs may be ordered by → columns.
ORDERS = {
    "id": "id",
    "state": "state",
    "dag_id": "dag_id",
    "execution_date": "logical_date",
    "dag_run_id": "run_id",
    "start_date": "start_date",
    "end_date": "end_date",
    "updated_at": "updated_at",
    "external_trigger": "external_trigger",
    "conf": "conf",
}


class DagRunListParameters(ParameterSet):
    """Of the list of runs."""

    limit = page_limit()
    offset = page_offset()
    execution_date_gte, execution_date_lte = moment_range("logical_date", "Runs for logical dates")
    start_date_gte, start_date_lte = moment_range("start_date", "Runs that started")
    end_date_gte, end_date_lte = moment_range("end_date", "Runs that ended")
    updated_at_gte, updated_at_lte = moment_range("updated_at", "Runs that changed last")
    state = ListParameter("state", help_text="Runs in one of these states.")
    order_by = ordered_by(", ".join(ORDERS))
    fields = return_fields()


class DagRunFieldsParameters(ParameterSet):
    """Of one run."""

    fields = return_fields()


def narrow(runs: Any, form: dict[str, Any]) -> Any:
    """The runs that a batch form selects; its names are those of the list's parameters, but for ``states``."""
    ranges = {name: value for name, value in form.items() if value is not None and name.endswith(("_gte", "_lte"))}
    if form.get("states"):
        runs = runs.filter(state__in=form["states"])
    return DagRunListParameters.apply(runs, ranges)
