"""What a caller may count on when many ask at once, or when one asks twice (RELIABILITY 6.1, 6.5, 6.6, 6.7)."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Group
from django.db import connection

from orchestration.models import Dag, DagRun, TaskInstance
from tests.api_v1.conftest import Api
from tests.factories import ConnectionFactory, PoolFactory, UserFactory, VariableFactory, make_dag, make_run

PERSON = {
    "username": "new", "first_name": "F", "last_name": "L", "email": "new@example.org", "password": "a long one 7",
}  # fmt: skip
#: Address and body of what has a natural key.
CREATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "a run by its id": ("/dags/d1/dagRuns", {"dag_run_id": "new"}),
    "a run by its date": ("/dags/d1/dagRuns", {"logical_date": "2024-01-01T00:00:00Z"}),
    "a connection": ("/connections", {"connection_id": "new", "conn_type": "http"}),
    "a pool": ("/pools", {"name": "new", "slots": 1}),
    "a role": ("/roles", {"name": "new", "actions": []}),
    "a user": ("/users", PERSON),
    "a token": ("/tokens", {"name": "new"}),
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", CREATIONS)
def test_of_many_who_make_the_same_one_does(api: Api, name: str) -> None:
    path, body = CREATIONS[name]
    make_dag("a", dag_id="d1")
    api.get("/dags")
    answers: list[tuple[int, str]] = []
    ready = threading.Barrier(6)

    def make() -> None:
        try:
            ready.wait(30)
            answer = Api().post(path, body)
            answers.append((answer.status, answer.type))
        finally:
            connection.close()

    threads = [threading.Thread(target=make) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(answers) == [(200, "application/json")] + [(409, "application/problem+json")] * 5


#: What is tagged → a change of it: address below, body.
CHANGES: dict[str, tuple[str, dict[str, Any]]] = {
    "/dags/d1": ("", {"is_paused": True}),
    "/dags/d1/dagRuns/r": ("/setNote", {"note": "n"}),
    "/dags/d1/dagRuns/r/taskInstances/a": ("/setNote", {"note": "n"}),
    "/pools/p": ("", {"name": "p", "slots": 77}),
    "/connections/c": ("", {"connection_id": "c", "conn_type": "new", "password": "p"}),
    "/variables/v": ("", {"key": "v", "value": "new"}),
    "/roles/R": ("", {"name": "R", "actions": [{"action": {"name": "can_read"}, "resource": {"name": "DAGs"}}]}),
    "/users/u": ("", {**PERSON, "username": "u", "roles": [{"name": "Viewer"}]}),
}


@pytest.fixture
def things(api: Api) -> None:
    make_run(make_dag("a", dag_id="d1"), {"a": "failed"}, run_id="r", state="failed")
    PoolFactory(name="p")
    ConnectionFactory(conn_id="c")
    VariableFactory(key="v")
    Group.objects.create(name="R")
    UserFactory(username="u", email="u@example.org")


@pytest.mark.parametrize("path", CHANGES)
def test_a_change_that_is_made_twice_changes_nothing_the_second_time(api: Api, things: None, path: str) -> None:
    below, body = CHANGES[path]
    before = api.get(path).headers["ETag"]
    assert api.patch(path + below, body).status == 200
    first = api.get(path).headers["ETag"]
    assert first != before
    assert api.patch(path + below, body).status == 200
    assert api.get(path).headers["ETag"] == first


@pytest.mark.parametrize("path", ["/pools/p", "/connections/c", "/variables/v", "/roles/R", "/users/u", "/dags/d1"])
def test_what_is_deleted_is_gone(api: Api, things: None, path: str) -> None:
    assert api.delete(path).status == 204
    for method in ("GET", "DELETE"):
        assert api.send(method, path).status == 404


def test_a_dag_with_running_tasks_is_not_deleted(api: Api, things: None) -> None:
    TaskInstance.objects.update(state="running")
    assert api.delete("/dags/d1").status == 409
    assert Dag.objects.filter(pk="d1").exists()


def test_what_is_cleared_is_not_cleared_again(api: Api, things: None) -> None:
    body = {"dry_run": False, "only_failed": True}
    first, again = (api.post("/dags/d1/clearTaskInstances", body).json["task_instances"] for _ in range(2))
    assert [row["task_id"] for row in first] == ["a"]
    assert again == []


def everything() -> list[Any]:
    models = [model for model in apps.get_app_config("orchestration").get_models() if model._meta.managed]
    return [
        list(model._default_manager.order_by("pk").values())
        for model in models
        if model._meta.label not in {"orchestration.EventLog", "orchestration.User"}
    ]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/dags/d1/clearTaskInstances", {"only_failed": True, "reset_dag_runs": True}),
        ("/dags/d1/dagRuns/r/clear", {}),
        (
            "/dags/d1/updateTaskInstancesState",
            {
                "task_id": "a", "dag_run_id": "r", "new_state": "success", "include_upstream": True,
                "include_downstream": True, "include_future": True, "include_past": True,
            },
        ),
    ],
)  # fmt: skip
def test_a_dry_run_writes_nothing(api: Api, things: None, path: str, body: dict[str, Any]) -> None:
    before = everything()
    answer = api.post(path, {**body, "dry_run": True})
    assert answer.status == 200, answer
    assert len(answer.json["task_instances"]) == 1
    assert everything() == before


@pytest.mark.django_db(transaction=True)
def test_of_many_clears_at_once_one_counts(api: Api) -> None:
    make_run(make_dag("a", dag_id="d1"), {"a": "failed"}, run_id="r", state="failed")
    api.get("/dags")
    cleared: list[int] = []

    def clear() -> None:
        try:
            body = {"dry_run": False, "only_failed": True, "reset_dag_runs": True}
            answer = Api().post("/dags/d1/clearTaskInstances", body)
            cleared.append(len(answer.json["task_instances"]))
        finally:
            connection.close()

    threads = [threading.Thread(target=clear) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (len(cleared), max(cleared)) == (5, 1)
    run = DagRun.objects.get()
    assert (run.state, run.clear_number) == ("queued", 1)
