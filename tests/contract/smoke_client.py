"""A day's work through an older apache-airflow-client: ``smoke_client.py URL USER PASSWORD VERSION``.

The answers of 2.10 have members that these versions do not know; they must not mind. Prints what was done, one name a
line; ends with a traceback where something is not as it should be.
"""

from __future__ import annotations

import sys
import time
from datetime import datetime, timezone
from typing import Any

from airflow_client import client
from airflow_client.client import apis, exceptions, models

URL, USER, PASSWORD, VERSION = sys.argv[1:5]
FLOW = "contract_flow"


def main() -> None:
    connection = client.ApiClient(client.Configuration(host=f"{URL}/api/v1", username=USER, password=PASSWORD))
    dags, runs, instances = apis.DAGApi(connection), apis.DAGRunApi(connection), apis.TaskInstanceApi(connection)
    run_id = f"smoke_{VERSION.replace('.', '_')}"

    assert apis.MonitoringApi(connection).get_version().version
    done("version")
    listed = dags.get_dags(limit=10, tags=["contract"])
    assert [dag.dag_id for dag in listed.dags] == [FLOW]
    assert dags.get_dag(FLOW).schedule_interval.value == "30 4 * * *"
    assert {task.task_id for task in dags.get_tasks(FLOW).tasks} == {"double", "fire", "push", "say"}
    assert dags.patch_dag(FLOW, models.DAG(is_paused=False)).is_paused is False
    done("dags")

    day = datetime(2022, 1, int(VERSION.split(".")[1]), tzinfo=timezone.utc)  # noqa: UP017
    made = runs.post_dag_run(FLOW, models.DAGRun(dag_run_id=run_id, logical_date=day, conf={"count": 2}))
    assert (made.dag_run_id, made.conf, made.logical_date) == (run_id, {"count": 2}, day)
    state = until_over(runs, run_id)
    assert state == "success", state
    assert run_id in [run.dag_run_id for run in runs.get_dag_runs(FLOW, order_by="-execution_date").dag_runs]
    done("runs")

    found = instances.get_task_instances(FLOW, run_id)
    assert found.total_entries == 5
    assert {each.state.value for each in found.task_instances} == {"success"}
    log = instances.get_log(FLOW, run_id, "say", 1, full_content=True)
    assert "contract-marker" in (log if isinstance(log, str) else log.content)
    entry = apis.XComApi(connection).get_xcom_entry(FLOW, run_id, "push", "return_value")
    assert "answer" in entry.value
    done("task instances")

    variables, pools = apis.VariableApi(connection), apis.PoolApi(connection)
    assert variables.post_variables(models.Variable(key=run_id, value="1")).value == "1"
    assert variables.get_variable(run_id).key == run_id
    variables.delete_variable(run_id)
    assert pools.post_pool(models.Pool(name=run_id, slots=2)).slots == 2
    assert pools.patch_pool(run_id, models.Pool(slots=3), update_mask=["slots"]).slots == 3
    pools.delete_pool(run_id)
    done("variables and pools")

    runs.delete_dag_run(FLOW, run_id)
    try:
        runs.get_dag_run(FLOW, run_id)
    except exceptions.NotFoundException as error:
        assert error.status == 404
    else:
        raise AssertionError("a deleted run was found")
    done("errors")


def until_over(runs: Any, run_id: str) -> str:
    limit = time.monotonic() + 120
    while (state := str(runs.get_dag_run(FLOW, run_id).state.value)) not in {"success", "failed"}:
        assert time.monotonic() < limit, f"the run is still {state}"
        time.sleep(0.2)
    return state


def done(name: str) -> None:
    print(name)


if __name__ == "__main__":
    main()
