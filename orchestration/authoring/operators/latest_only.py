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
            self.log.info("Externally triggered DAG_Run: allowing execution to proceed.")
            return everything
        dag = context["dag"]
        coming = dag.next_dagrun_info(dag.get_run_data_interval(run), restricted=False)
        if coming is None:
            self.log.info("Last scheduled execution: allowing execution to proceed.")
            return everything
        left, right = coming.data_interval
        now = timezone.utcnow()
        self.log.info("Checking latest only with left_window: %s right_window: %s now: %s", left, right, now)
        if left < now <= right:
            self.log.info("Latest, allowing execution to proceed.")
            return everything
        self.log.info("Not latest execution, skipping downstream.")
        return []
