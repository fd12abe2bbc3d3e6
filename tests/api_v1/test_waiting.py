"""Following a run until it ends."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client

from api_v1 import watching
from orchestration.models import DagRun, User
from orchestration.services import dag_runs
from orchestration.states import DagRunState
from tests.api_v1.conftest import Api, path_of
from tests.factories import make_dag, make_run
from tests.people import basic


def states(answer) -> list[str | None]:
    assert answer.status == 200, answer
    assert answer.type == "application/x-ndjson"
    return [json.loads(line)["state"] for line in answer.content.splitlines()]


@pytest.mark.parametrize("state", ["success", "failed"])
def test_a_run_that_is_over_is_told_at_once(api: Api, state: str) -> None:
    run = make_run(make_dag("a", dag_id="d1"), state=state)
    began = time.monotonic()
    assert states(api.get(f"{path_of(run)}/wait")) == [state]
    assert time.monotonic() - began < 1


def test_a_wait_ends_with_its_time(api: Api) -> None:
    run = make_run(make_dag("a", dag_id="d1"), state="running")
    began = time.monotonic()
    assert states(api.get(f"{path_of(run)}/wait", timeout="0.5", interval="0.1")) == ["running"]
    assert 0.4 < time.monotonic() - began < 3
    assert states(api.get(f"{path_of(run)}/wait", timeout="0")) == ["running"]


def meanwhile(*steps: Callable[[], object]) -> threading.Thread:
    """Take the steps in a thread, a moment apart."""

    def work() -> None:
        try:
            for step in steps:
                time.sleep(0.4)
                step()
        finally:
            connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    return thread


@pytest.mark.django_db(transaction=True)
def test_changes_are_told_as_they_come(api: Api) -> None:
    run = make_run(make_dag("a", dag_id="d1"), state="queued")
    other = meanwhile(
        lambda: DagRun.objects.filter(pk=run.pk).update(state="running"),
        lambda: dag_runs.set_state(run, DagRunState.SUCCESS, actor=None),
    )
    assert states(api.get(f"{path_of(run)}/wait", timeout="20", interval="0.1")) == ["queued", "running", "success"]
    other.join()


@pytest.mark.django_db(transaction=True)
def test_a_change_wakes_who_sleeps(api: Api) -> None:
    run = make_run(make_dag("a", dag_id="d1"), state="running")
    other = meanwhile(lambda: dag_runs.set_state(run, DagRunState.FAILED, actor=None))
    began = time.monotonic()
    assert states(api.get(f"{path_of(run)}/wait", timeout="60", interval="60")) == ["running", "failed"]
    assert time.monotonic() - began < 10
    other.join()


@pytest.mark.django_db(transaction=True)
def test_a_run_that_is_deleted_ends_in_null(api: Api) -> None:
    run = make_run(make_dag("a", dag_id="d1"), state="running")
    other = meanwhile(lambda: dag_runs.delete(run, actor=None))
    assert states(api.get(f"{path_of(run)}/wait", timeout="20", interval="0.1")) == ["running", None]
    other.join()


@pytest.mark.django_db(transaction=True)
def test_nothing_more_is_told_to_who_may_not_know_any_more(api: Api, people: dict[str, User]) -> None:
    run = make_run(make_dag("a", dag_id="d1"), state="running")
    other = meanwhile(
        lambda: people["viewer"].groups.clear(), lambda: dag_runs.set_state(run, DagRunState.SUCCESS, actor=None)
    )
    assert states(api.get(f"{path_of(run)}/wait", timeout="20", interval="0.1", user="viewer")) == ["running"]
    other.join()


@pytest.mark.parametrize(
    "query", [{"interval": "0"}, {"interval": "61"}, {"timeout": "-1"}, {"timeout": "3601"}, {"timeout": "x"}, {"a": 1}]
)
def test_bad_waits_are_refused(api: Api, query) -> None:
    run = make_run(make_dag("a", dag_id="d1"), state="running")
    assert api.get(f"{path_of(run)}/wait", **query).status == 400


def test_a_wait_needs_a_run_and_the_permission(api: Api, d1only: User) -> None:
    run = make_run(make_dag("a", dag_id="d2"), state="success", run_id="r")
    make_dag("a", dag_id="d1")
    assert api.get("/dags/d1/dagRuns/r/wait").status == 404
    assert api.get(f"{path_of(run)}/wait", user="d1only").status == 403
    assert api.get(f"{path_of(run)}/wait", user="public").status == 403
    assert api.get(f"{path_of(run)}/wait", user=None).status == 401


def test_only_so_many_wait_at_once_and_who_leaves_makes_room(api: Api) -> None:
    run = make_run(make_dag("a", dag_id="d1"), state="running")

    def begin():
        return Client(headers={"Authorization": basic("admin")}).get(f"/api/v1{path_of(run)}/wait", {"timeout": "0"})

    def end(response) -> None:
        for close in response._resource_closers:  # as its close() does, which would end the test's transaction, too
            close()

    held = [begin() for _ in range(watching.most_waiting())]
    refused = begin()
    assert (refused.status_code, refused["Retry-After"]) == (503, "5")
    end(held[0])  # it never read a line
    again = begin()
    assert again.status_code == 200
    for response in (*held[1:], again):
        assert b"".join(response.streaming_content)
        end(response)
    assert watching.hub._waiting == 0


def test_asking_for_the_head_does_not_wait(api: Api) -> None:
    run = make_run(make_dag("a", dag_id="d1"), state="running")
    began = time.monotonic()
    answer = api.send("HEAD", f"{path_of(run)}/wait")
    assert (answer.status, answer.content, answer.type) == (200, b"", "application/x-ndjson")
    assert time.monotonic() - began < 2
