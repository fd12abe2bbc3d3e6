"""What two real clients send, as it was recorded from them, and what they read of the answers.

``airflow-api`` 0.1.8 of npm (it sends no credentials) and ``airflow.api.client.json_client`` of apache-airflow 2.10.5.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from django.test import Client

from orchestration.models import Dag, DagRun, Pool
from tests.factories import XComFactory, make_dag, make_run, serialized

AXIOS = {"HTTP_ACCEPT": "application/json, text/plain, */*", "HTTP_USER_AGENT": "axios/0.19.2"}
HTTPX = {"HTTP_ACCEPT": "*/*", "HTTP_ACCEPT_ENCODING": "gzip, deflate", "HTTP_USER_AGENT": "python-httpx/0.28.1"}


@pytest.fixture
def server(experimental, people):
    """The open server that both clients expect."""
    experimental("airflow.api.auth.backend.default")
    return Client()


@pytest.fixture
def dag(db):
    return make_dag(serialized("a", dag_id="d1"), is_paused=False)


def send(server, method, path, body=None, kind="application/json;charset=utf-8", **headers):
    data = {"data": body, "content_type": kind} if body is not None else {}
    return server.generic(method, f"/api/experimental{path}", **data, **headers)


def test_the_npm_client_finds_all_that_it_asks_for(server, dag):
    make_run(dag, logical_date=datetime(2022, 1, 1, tzinfo=UTC), state="success")
    calls = {
        "checkTest": ("GET", "/test", None),
        "createDAGRunById": ("POST", "/dags/d1/dag_runs", '{"conf":"{\\"key\\":\\"value\\"}"}'),
        "getDAGRunById": ("GET", "/dags/d1/dag_runs", None),
        "getDAGRunByIdandDate": ("GET", "/dags/d1/dag_runs/2022-01-01T00:00:00", None),
        "getDAGTaskById": ("GET", "/dags/d1/tasks/a", None),
        "getDAGTaskByDateandId": ("GET", "/dags/d1/dag_runs/2022-01-01T00:00:00/tasks/a", None),
        "pauseDAGById": ("GET", "/dags/d1/paused/true", None),
        "latestDAGRuns": ("GET", "/latest_runs", None),
        "createPool": ("POST", "/pools", '{"name":"p","slots":3,"description":"d"}'),
        "getAllPools": ("GET", "/pools", None),
        "getPoolByName": ("GET", "/pools/p", None),
        "removePoolByName": ("DELETE", "/pools/p", None),
    }
    answers = {name: send(server, *call, **AXIOS) for name, call in calls.items()}
    assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(calls, 200)
    assert DagRun.objects.exclude(state="success").get().conf == {"key": "value"}
    assert Dag.objects.get().is_paused
    assert answers["getPoolByName"].json()["slots"] == 3
    assert not Pool.objects.filter(name="p").exists()


def json_client(server, method, path, **body):
    """A call of json_client: what it sends, and how it reads the answer."""
    text = json.dumps(body) if body else None
    answer = send(server, method, path, text, "application/json", **HTTPX)
    if answer.status_code >= 400:
        raise OSError(answer.json().get("error", "Server error"))
    return answer.json()


def test_json_client_triggers_with_its_defaults(server, dag):
    """replace_microseconds is a boolean and conf null: the reference answers 500 and 400."""
    sent = {"run_id": None, "conf": None, "execution_date": None, "replace_microseconds": True}
    assert json_client(server, "POST", "/dags/d1/dag_runs", **sent)["message"].startswith("Created <DagRun d1 @ ")


def test_json_client_deletes_a_dag_by_its_own_address(server, dag):
    assert json_client(server, "DELETE", "/dags/d1/delete_dag")["message"].startswith("Removed ")
    with pytest.raises(OSError, match="Dag id d1 not found"):
        json_client(server, "DELETE", "/dags/d1/delete_dag")


@pytest.mark.parametrize("include_deferred", [None, True, False])
def test_json_client_manages_pools(server, include_deferred):
    sent = {"name": "p", "slots": 3, "description": "d", "include_deferred": include_deferred}
    made = json_client(server, "POST", "/pools", **sent)
    assert (made["pool"], made["slots"], made["description"]) == ("p", 3, "d")
    assert made["include_deferred"] is bool(include_deferred)
    found = [(p["pool"], p["slots"], p["description"]) for p in json_client(server, "GET", "/pools")]
    assert found == [("default_pool", 128, "Default pool"), ("p", 3, "d")] or found == [("p", 3, "d")]
    assert json_client(server, "GET", "/pools/p")["pool"] == "p"
    assert json_client(server, "DELETE", "/pools/p")["pool"] == "p"
    with pytest.raises(OSError, match="Pool 'p' doesn't exist"):
        json_client(server, "GET", "/pools/p")


def test_json_client_reads_lineage_under_message(server, dag):
    run = make_run(dag, logical_date=datetime(2022, 1, 1, tzinfo=UTC))
    XComFactory(task_instance=run.task_instances.get(), key="pipeline_outlets", value=["x"])
    answer = json_client(server, "GET", "/lineage/d1/2022-01-01T00:00:00")
    assert answer["message"] == {"task_ids": {"a": {"outlets": ["x"]}}}
