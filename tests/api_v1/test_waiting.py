"""Following a run until it ends."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.db import connection
from django.test import Client

from api_v1 import watching
from api_v1.serializers.waiting import DagRunStateAnswer
from orchestration.models import DagRun, User
from orchestration.services import dag_runs
from orchestration.states import DagRunState
from tests.api_v1.conftest import Api, path_of
from tests.factories import START, make_dag, make_run
from tests.live import LiveSystem
from tests.people import basic


def lines(answer) -> list[dict[str, Any]]:
    assert answer.status == 200, answer
    assert answer.type == "application/x-ndjson"
    return [json.loads(line) for line in answer.content.splitlines()]


def states(answer) -> list[str | None]:
    return [line["state"] for line in lines(answer)]


@pytest.mark.parametrize("state", ["success", "failed"])
def test_a_run_that_is_over_is_told_at_once(api: Api, state: str) -> None:
    run = make_run(make_dag("a", dag_id="d1"), state=state)
    began = time.monotonic()
    assert states(api.get(f"{path_of(run)}/wait")) == [state]
    assert time.monotonic() - began < 10


def test_a_wait_ends_with_its_time(api: Api) -> None:
    run = make_run(make_dag("a", dag_id="d1"), state="running")
    began = time.monotonic()
    assert states(api.get(f"{path_of(run)}/wait", timeout="0.5", interval="0.1")) == ["running"]
    assert 0.4 < time.monotonic() - began < 10
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
    told = lines(api.get(f"{path_of(run)}/wait", timeout="20", interval="0.1"))
    other.join()
    assert {frozenset(line) for line in told} == {frozenset(DagRunStateAnswer().fields)}
    assert [(line["state"], line["changed"]) for line in told] == [
        ("queued", []),
        ("running", ["state"]),
        ("success", ["state", "end_date"]),
    ]
    assert told[1]["end_date"] is None
    assert told[2]["end_date"] is not None


@pytest.mark.django_db(transaction=True)
def test_a_run_that_began_anew_between_two_looks_is_told(api: Api) -> None:
    run = make_run(make_dag("a", dag_id="d1"), state="running", start_date=START)
    other = meanwhile(lambda: DagRun.objects.filter(pk=run.pk).update(start_date=START + timedelta(days=1)))
    told = lines(api.get(f"{path_of(run)}/wait", timeout="2", interval="0.1"))
    other.join()
    assert [(line["state"], line["changed"]) for line in told] == [("running", []), ("running", ["start_date"])]


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
    assert time.monotonic() - began < 10


def test_nobody_waits_where_there_is_one_thread_only(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__WEBSERVER__WORKER_THREADS", "1")
    run = make_run(make_dag("a", dag_id="d1"), state="running")
    answer = api.get(f"{path_of(run)}/wait", timeout="0")
    assert (answer.status, answer.type) == (503, "application/problem+json")
    assert "worker_threads" in answer.detail


def test_who_hung_up_is_told_nothing_more(api: Api) -> None:
    left = iter([False, False, True])
    following = watching.Following(
        lambda: {"state": "running"},
        is_allowed=lambda: True,
        is_gone=lambda: next(left),
        interval=0.1,
        timeout=60,
    )
    began = time.monotonic()
    assert len(list(following)) == 1
    following.close()
    assert time.monotonic() - began < 10


# ------------------------------------------------------------ with a real server

_FILE = """
from datetime import datetime
from airflow import DAG
from airflow.operators.empty import EmptyOperator
with DAG("waited", start_date=datetime(2024, 1, 1), schedule=None):
    EmptyOperator(task_id="a")
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveSystem]:
    """A web server of one process with four threads, and a DAG whose runs nobody runs."""
    folder = tmp_path_factory.mktemp("dags")
    (folder / "waited.py").write_text(_FILE)
    options = {("webserver", "workers"): 1, ("webserver", "worker_threads"): 4}
    with LiveSystem(dags=folder, options=options, parts=()) as system:
        system.manage("dags", "reserialize")
        person = ["-u", "admin", "-p", "a long password 7", "-e", "a@example.org", "-f", "A", "-l", "B", "-r", "Admin"]
        system.manage("users", "create", *person)
        system.start("webserver")
        system.wait_until_served()
        yield system


def caller(server: LiveSystem) -> httpx.Client:
    return httpx.Client(base_url=f"{server.url}/api/v1", auth=("admin", "a long password 7"), timeout=30)


@pytest.mark.processes
def test_waiters_leave_room_for_others_and_make_room_when_they_leave(server: LiveSystem) -> None:
    with caller(server) as api:
        api.post("/dags/waited/dagRuns", json={"dag_run_id": "room"}).raise_for_status()
        path = "/dags/waited/dagRuns/room/wait"
        query = {"timeout": "600", "interval": "60"}
        with caller(server) as first, caller(server) as second:
            with first.stream("GET", path, params=query) as one, second.stream("GET", path, params=query) as two:
                told = [one.iter_lines(), two.iter_lines()]  # a stream that is forgotten is closed
                assert [json.loads(next(each))["state"] for each in told] == ["queued", "queued"]
                refused = api.get(path, params=query)
                assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
                slowest = 0.0
                for _ in range(50):
                    began = time.monotonic()
                    assert api.get("/dags/waited/dagRuns/room").status_code == 200
                    slowest = max(slowest, time.monotonic() - began)
                assert slowest < 2
        for _ in range(100):  # both hung up without a word
            answer = api.get(path, params={"timeout": "0"})
            if answer.status_code == 200:
                break
            time.sleep(0.1)
        assert answer.status_code == 200


@pytest.mark.processes
def test_a_waiter_hears_of_the_end_at_once(server: LiveSystem) -> None:
    with caller(server) as api, caller(server) as waiter:
        api.post("/dags/waited/dagRuns", json={"dag_run_id": "heard"}).raise_for_status()
        query = {"timeout": "60", "interval": "60"}
        with waiter.stream("GET", "/dags/waited/dagRuns/heard/wait", params=query) as answer:
            told = answer.iter_lines()
            assert json.loads(next(told))["state"] == "queued"
            began = time.monotonic()
            api.patch("/dags/waited/dagRuns/heard", json={"state": "failed"}).raise_for_status()
            assert json.loads(next(told))["state"] == "failed"
            assert next(told, None) is None
            assert time.monotonic() - began < 5


@pytest.mark.processes
def test_a_server_that_stops_lets_its_waiters_go(server: LiveSystem) -> None:
    """The last test: it stops the server of the others."""
    with caller(server) as api, caller(server) as waiter:
        api.post("/dags/waited/dagRuns", json={"dag_run_id": "stopped"}).raise_for_status()
        query = {"timeout": "600", "interval": "60"}
        with waiter.stream("GET", "/dags/waited/dagRuns/stopped/wait", params=query) as answer:
            told = answer.iter_lines()
            next(told)
            server.processes[0].terminate()
            assert next(told, None) is None  # the answer ends as it should, and is not cut off
