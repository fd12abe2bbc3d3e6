"""Links from a task to another DAG. Mirrors ``TriggerDagRunLink`` and ``ExternalDagLink``."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote, urlencode

from orchestration.authoring import store
from orchestration.authoring.operator_link import BaseOperatorLink

#: The XComs that a triggering task leaves.
XCOM_LOGICAL_DATE_ISO = "trigger_logical_date_iso"
XCOM_RUN_ID = "trigger_run_id"


def grid_url(dag_id: str, **query: str | None) -> str:
    """The path of a DAG's page, with those query values that are known."""
    known = {name: value for name, value in query.items() if value is not None}
    return f"/dags/{quote(dag_id)}/grid{'?' if known else ''}{urlencode(known)}"


def build_airflow_url_with_query(query: dict[str, Any]) -> str:
    """The path of a DAG's page; ``query`` has ``dag_id`` and what the page shows."""
    return grid_url(**query)


class TriggerDagRunLink(BaseOperatorLink):
    """To the run that the task triggered."""

    name = "Triggered DAG"
    #: How the link is made without user code, for ``SerializedTask.extra_link_specs``.
    kind = "trigger_dag_run"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """The page of the triggered DAG, at the run where there is one."""
        found = store.current().get_xcoms(
            dag_id=ti_key.dag_id,
            run_id=ti_key.run_id,
            task_ids=[ti_key.task_id],
            map_indexes=[ti_key.map_index],
            key=XCOM_RUN_ID,
        )
        return grid_url(operator.trigger_dag_id, dag_run_id=json.loads(found[0]["value"]) if found else None)


class ExternalDagLink(BaseOperatorLink):
    """To the DAG that a sensor waits for, or a marker names."""

    name = "External DAG"
    kind = "external_task"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """The page of the other DAG, at the task's own logical date."""
        runs = store.current().get_dag_runs(dag_id=ti_key.dag_id, run_ids=[ti_key.run_id])
        return grid_url(operator.external_dag_id, execution_date=runs[0]["logical_date"] if runs else None)
