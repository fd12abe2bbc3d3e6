"""Skipping in runs that are not the latest. Mirrors ``airflow.operators.latest_only``."""

from __future__ import annotations

from orchestration.authoring import timezone
from orchestration.authoring.context import Context
from orchestration.authoring.operators.branch import BaseBranchOperator


class LatestOnlyOperator(BaseBranchOperator):
    """Skips the tasks directly downstream unless now lies in the interval after the run's own.

    Runs that were triggered by hand, and the last run of a schedule, always go on.
    """

    ui_color = "#e9ffdb"

    def choose_branch(self, context: Context) -> list[str]:
        """All tasks directly downstream, or none."""
        everything = sorted(context["task"].get_direct_relative_ids(upstream=False))
        run = context["dag_run"]
        if run.external_trigger:
            self.log.info("The run was triggered by hand, so the tasks after this one go on")
            return everything
        dag = context["dag"]
        coming = dag.next_dagrun_info(dag.get_run_data_interval(run), restricted=False)
        if coming is None:
            self.log.info("The schedule has no run after this one, so the tasks after this one go on")
            return everything
        left, right = coming.data_interval
        now = timezone.utcnow()
        is_latest = left < now <= right
        self.log.info(
            "The run is %sthe latest: the next interval is %s to %s", "" if is_latest else "not ", left, right
        )
        return everything if is_latest else []
