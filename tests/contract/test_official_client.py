"""apache-airflow-client, the official one: 2.10.0 with all of its methods, two older versions through a day's work."""

from __future__ import annotations

import json

import pytest

from tests.contract.clients import installed, run
from tests.live import LiveSystem

pytestmark = pytest.mark.processes

PACKAGE = "apache-airflow-client"
#: What the program goes through.
SECTIONS = {
    "monitoring", "config", "connections", "variables", "pools", "users_and_roles", "dags", "problems_of_files", "runs",
    "task_instances", "verbs_on_task_instances", "xcoms", "datasets", "event_logs", "deleting", "strangers",
}  # fmt: skip


@pytest.mark.timeout(900)
def test_the_client_understands_every_answer(live: LiveSystem) -> None:
    told = json.loads(run(installed(PACKAGE, "2.10.0"), "official_client.py", live.url, *live.credentials))
    assert {name: problem for name, problem in told["sections"].items() if problem is not None} == {}
    assert set(told["sections"]) == SECTIONS
    assert set(told["offered"]) <= set(told["called"])
    assert len(told["offered"]) == 90  # 89 operations, one of them in two classes


@pytest.mark.timeout(900)
@pytest.mark.parametrize("version", ["2.9.1", "2.7.3"])
def test_older_clients_work(live: LiveSystem, version: str) -> None:
    said = run(installed(PACKAGE, version), "smoke_client.py", live.url, *live.credentials, version)
    assert said.split("\n") == ["version", "dags", "runs", "task instances", "variables and pools", "errors", ""]
