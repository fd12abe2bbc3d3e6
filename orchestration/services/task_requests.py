"""The verbs that running tasks may ask for: trigger a run, clear task instances. Fits ``execution.verbs.Verbs``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from orchestration.errors import Conflict, NotFound
from orchestration.models import Dag, DagRun, versions
from orchestration.models.outcomes import Held
from orchestration.services import dag_runs, task_instances


class TaskRequests:
    """Tasks act for the system: they may do what their DAG file says, as in Airflow."""

    def trigger_dag_run(
        self,
        *,
        dag_id: str,
        run_id: str | None,
        logical_date: datetime | None,
        conf: Any,
        reset_dag_run: bool,
        caller: Held | None,
    ) -> DagRun:
        """Make a run; with ``reset_dag_run`` clear one that is there. Raises NotFound, Invalid, Conflict."""
        dag = Dag.objects.filter(pk=dag_id).first()
        if dag is None:
            raise NotFound(f"DAG with dag_id: '{dag_id}' not found", title="DAG not found")
        try:
            return dag_runs.trigger(dag, actor=None, run_id=run_id, logical_date=logical_date, conf=conf)
        except Conflict:
            existing = _existing(dag_id, run_id, logical_date)
            if not reset_dag_run or existing is None:
                raise
        task_instances.clear_run(existing, actor=None)
        existing.refresh_from_db()
        return existing

    def clear_task_instances(
        self, *, dag_id: str, run_id: str, task_ids: Sequence[str] | None, caller: Held | None
    ) -> int:
        """Clear task instances of a run, all of them by default; how many. Raises NotFound."""
        run = DagRun.objects.filter(dag=dag_id, run_id=run_id).first()
        if run is None:
            raise NotFound(f"DAGRun with DAG ID: '{dag_id}' and DagRun ID: '{run_id}' not found")
        return len(task_instances.clear(versions.current(dag_id), actor=None, run=run, task_ids=task_ids))


def _existing(dag_id: str, run_id: str | None, logical_date: datetime | None) -> DagRun | None:
    """The run that has this date, else the one that has this id."""
    runs = DagRun.objects.filter(dag=dag_id)
    by_date = None if logical_date is None else runs.filter(logical_date=logical_date).first()
    return by_date if by_date is not None or run_id is None else runs.filter(run_id=run_id).first()
