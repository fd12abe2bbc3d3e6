"""A DAG within a task. Mirrors ``airflow.operators.subdag``, deprecated there in favour of task groups."""

from __future__ import annotations

import warnings
from enum import Enum
from typing import Any

from orchestration.authoring import store
from orchestration.authoring.context import Context
from orchestration.authoring.dag import DAG, DagContext
from orchestration.authoring.exceptions import AirflowException, RemovedInAirflow3Warning
from orchestration.authoring.sensors.base import BaseSensorOperator
from orchestration.states import RUN_FINISHED, DagRunState, TaskInstanceState


class SkippedStatePropagationOptions(Enum):
    """When skipped tasks of the inner DAG skip what comes after the task."""

    ALL_LEAVES = "all_leaves"
    ANY_LEAF = "any_leaf"


class SubDagOperator(BaseSensorOperator):
    """Makes a run of ``subdag`` at the task's logical date, waits for it, and fails with it.

    The inner DAG's id is ``<dag_id>.<task_id>``. A run that is there is waited for; a failed one is cleared first.
    """

    ui_color = "#555"
    ui_fgcolor = "#fff"

    def __init__(
        self,
        *,
        subdag: DAG,
        session: Any = None,
        conf: dict[str, Any] | None = None,
        propagate_skipped_state: SkippedStatePropagationOptions | None = None,
        **kwargs: Any,
    ) -> None:
        warnings.warn(
            "SubDagOperator will go away: put its tasks into a TaskGroup.",
            RemovedInAirflow3Warning,
            stacklevel=4,
        )
        super().__init__(**kwargs)
        self.subdag, self.conf = subdag, conf
        self.propagate_skipped_state = propagate_skipped_state
        dag = kwargs.get("dag") or DagContext.get_current_dag()
        if not dag:
            raise AirflowException("A SubDagOperator is part of a DAG: make it within `with DAG(…):`, or give it dag=…")
        if subdag.dag_id != (wanted := f"{dag.dag_id}.{kwargs['task_id']}"):
            raise AirflowException(f"The inner DAG's id joins the outer one's and the task's: {wanted!r}")

    def execute(self, context: Context) -> Any:
        """Make the run, wait for it, and judge it."""
        moment = context["logical_date"].isoformat()
        run = self._run(moment)
        if run is None:
            run = store.current().trigger_dag_run(
                dag_id=self.subdag.dag_id, run_id=None, logical_date=moment, conf=self.conf
            )
            self.log.info("Run %s of the inner DAG was made", run["run_id"])
        elif run["state"] == DagRunState.FAILED:
            self.log.info("Run %s of the inner DAG failed, and is cleared to run again", run["run_id"])
            store.current().clear_task_instances(dag_id=self.subdag.dag_id, run_id=run["run_id"])
        super().execute(context)
        run = self._run(moment)
        state = run["state"] if run else None
        if run is None or state != DagRunState.SUCCESS:
            raise AirflowException(f"The run of the inner DAG did not succeed; its state is {state}")
        if self.propagate_skipped_state and self._is_skipped(run["run_id"]):
            self.log.info("The inner DAG ended with skipped tasks, so what comes after is skipped too")
            self.skip(
                context["dag_run"],
                context["logical_date"],
                context["task"].downstream_list,
                map_index=context["ti"].map_index,
            )

    def poke(self, context: Context) -> bool:
        """Whether the run is over."""
        run = self._run(context["logical_date"].isoformat())
        return run is None or run["state"] in RUN_FINISHED

    def _run(self, moment: str) -> store.RunValue | None:
        return next(iter(store.current().get_dag_runs(dag_id=self.subdag.dag_id, logical_dates=[moment])), None)

    def _is_skipped(self, run_id: str) -> bool:
        leaves = store.current().get_task_instances(
            dag_id=self.subdag.dag_id, run_ids=[run_id], task_ids=[leaf.task_id for leaf in self.subdag.leaves]
        )
        skipped = [leaf["state"] == TaskInstanceState.SKIPPED for leaf in leaves]
        return any(skipped) if self.propagate_skipped_state is SkippedStatePropagationOptions.ANY_LEAF else all(skipped)
