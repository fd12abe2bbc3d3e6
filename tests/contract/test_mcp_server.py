"""mcp-server-apache-airflow 0.2.10, tools for language models: each called through MCP against a live server."""

from __future__ import annotations

import json

import pytest

from tests.contract.clients import installed, run
from tests.live import LiveSystem

pytestmark = pytest.mark.processes

#: Tools that fail in themselves before or after the call, whatever server they ask (2.10.5 as well) → how.
OWN_FAULTS = {
    **dict.fromkeys(
        ("create_connection", "update_connection", "test_connection", "create_variable", "update_variable",
         "update_task_instance"),
        "missing 1 required positional argument",  # of the client that they were written for an older version of
    ),
    **dict.fromkeys(
        ("delete_connection", "delete_variable", "delete_dag", "delete_dag_run", "delete_dag_dataset_queued_event",
         "delete_dag_dataset_queued_events", "delete_dataset_queued_events", "reparse_dag_file"),
        "'NoneType' object has no attribute 'to_dict'",  # the call itself was answered with 201 or 204
    ),
    "clear_dag_run": "'dict' object has no attribute 'to_dict'",
    "get_providers": "'dict' object has no attribute 'to_dict'",
    "get_dag_stats": "Required value type is str and passed type was list",
    "patch_dags": "multiple values for keyword argument",
    "patch_pool": "Missing required property",  # sends neither the name nor a mask
    "set_task_instances_state": "Bad Request",  # sends none of the flags
}  # fmt: skip


@pytest.mark.timeout(900)
def test_every_tool_does_what_it_can(live: LiveSystem) -> None:
    folder = installed("mcp-server-apache-airflow", "0.2.10")
    user, password = live.credentials
    with live.api as api:
        api.post("/variables", json={"key": "mcp", "value": "one"}).raise_for_status()
        api.post("/connections", json={"connection_id": "mcp", "conn_type": "http", "host": "h.example"})
        token = api.get("/dags/contract_flow").json()["file_token"]
        event = api.get("/eventLogs").json()["event_logs"][0]["event_log_id"]
        error = api.get("/importErrors").json()["import_errors"][0]["import_error_id"]
    variables = {"AIRFLOW_HOST": live.url, "AIRFLOW_USERNAME": user, "AIRFLOW_PASSWORD": password}
    told = json.loads(run(folder, "mcp_client.py", token, str(event), str(error), **variables))
    assert len(told) > 60
    wrong = {name: said for name, said in told.items() if said is not None}
    assert {name: said for name, said in wrong.items() if name not in OWN_FAULTS} == {}
    assert {name: wrong.get(name) for name, fault in OWN_FAULTS.items() if fault not in wrong.get(name, "")} == {}
    with live.api as api:  # what the faulty tools asked for was done all the same
        assert api.get("/variables/mcp").status_code == 404
        assert api.get("/connections/mcp").status_code == 404
        assert api.get("/dags/contract_hold/dagRuns/mcp_held").status_code == 404
