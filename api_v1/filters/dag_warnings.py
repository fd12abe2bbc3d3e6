"""Parameters of warnings about DAGs."""

from __future__ import annotations

from api_v1.filters.base import ParameterSet, TextParameter, ordered_by, page_limit, page_offset

ORDERS = ("dag_id", "warning_type", "message", "timestamp")


class DagWarningListParameters(ParameterSet):
    """Of the list of warnings."""

    dag_id = TextParameter("dag_id", help_text="Warnings about this DAG.")
    warning_type = TextParameter("warning_type", help_text="Warnings of this type.")
    limit = page_limit()
    offset = page_offset()
    order_by = ordered_by(", ".join(ORDERS))
