"""Parameters of the numbers of runs."""

from __future__ import annotations

from api_v1.filters.base import ParameterSet, TextParameter


class DagStatsParameters(ParameterSet):
    """Which DAGs are counted."""

    dag_ids = TextParameter(is_required=True, help_text="DAG ids, separated by commas.")
