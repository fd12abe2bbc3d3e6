"""Parameters of backfills."""

from __future__ import annotations

from api_v1.filters.base import (
    ListParameter,
    ParameterSet,
    TruthParameter,
    ordered_by,
    page_limit,
    page_offset,
)

#: Names a list of backfills may be ordered by.
ORDERS = ("id", "dag_id", "from_date", "to_date", "created_at", "completed_at")


class BackfillListParameters(ParameterSet):
    """Of the list of backfills."""

    limit = page_limit()
    offset = page_offset()
    dag_id = ListParameter("dag_id", help_text="Only of these DAGs.")
    active = TruthParameter("completed_at", "isnull", help_text="Only those that are not over, or only those that are.")
    order_by = ordered_by(", ".join(ORDERS))
