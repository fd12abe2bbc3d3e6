"""How many runs DAGs have in each state."""

from __future__ import annotations

from typing import Any

from api_v1.filters.dag_stats import DagStatsParameters
from api_v1.operations import Operation
from api_v1.serializers.dag_stats import DagStatsCollection
from api_v1.viewsets.base import OperationViewSet
from orchestration.access.permissions import readable_dag_ids
from orchestration.models import Dag, DagRun
from orchestration.states import DagRunState


class DagStatsViewSet(OperationViewSet):
    """Numbers of runs."""

    operations = (
        Operation(
            "get_dag_stats",
            "list",
            DagStatsParameters,
            answer=DagStatsCollection,
            tag="DagStats",
            summary="Count the runs of DAGs by state",
        ),
    )

    def list(self) -> Any:
        """Runs in each state, zeros included; ids that are unknown or that the caller may not read are passed by."""
        asked = dict.fromkeys(self.query["dag_ids"].split(","))
        readable = readable_dag_ids(self.caller)
        if readable is not None:
            asked = {dag_id: None for dag_id in asked if dag_id in readable}
        known = set(Dag.objects.filter(dag_id__in=asked).values_list("dag_id", flat=True))
        numbers = self.tally(
            ("runs", *sorted(known)), lambda: DagRun.objects.filter(dag_id__in=known), "dag_id", "state"
        )
        found = [
            {
                "dag_id": dag_id,
                "stats": [
                    {"state": state.value, "count": numbers.get((dag_id, state.value), 0)} for state in DagRunState
                ],
            }
            for dag_id in asked
            if dag_id in known
        ]
        return {"dags": found, "total_entries": len(found)}
