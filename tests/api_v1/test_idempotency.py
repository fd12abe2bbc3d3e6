"""Idempotency-Key."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.utils import timezone

from orchestration.models import DagGrant, DagRun, EventLog, IdempotencyRecord, Pool, TaskInstance
from orchestration.services import dag_runs
from tests.api_v1.conftest import Api, path_of
from tests.factories import UserFactory, make_dag, make_run

KEY = {"Idempotency-Key": "one"}
RUNS = "/dags/d1/dagRuns"


@pytest.fixture
def dag(api: Api):
    return make_dag("a", dag_id="d1")


def test_asking_again_gives_the_first_answer_and_makes_nothing(api: Api, dag) -> None:
    first = api.post(RUNS, {"conf": {"x": 1}}, headers=KEY)
    again = api.post(RUNS, {"conf": {"x": 1}}, headers=KEY)
    assert (first.status, again.status) == (200, 200)
    assert again.content == first.content
    assert again.type == first.type
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert DagRun.objects.count() == 1
    assert EventLog.objects.filter(event="api.post_dag_run").count() == 1


def test_without_a_key_nothing_is_kept(api: Api, dag) -> None:
    api.post(RUNS, {})
    assert not IdempotencyRecord.objects.exists()


def test_members_may_come_in_another_order(api: Api, dag) -> None:
    first = api.post(RUNS, raw='{"conf": {"a": 1, "b": 2}, "dag_run_id": "r"}', headers=KEY)
    again = api.post(RUNS, raw='{"dag_run_id":"r","conf":{"b":2,"a":1}}', headers=KEY)
    assert again.content == first.content


@pytest.mark.parametrize("other", [{"conf": {"x": 2}}, {}, {"conf": {"x": "1"}}, {"conf": {"x": 1}, "note": "n"}])
def test_a_key_is_for_one_request(api: Api, dag, other) -> None:
    api.post(RUNS, {"conf": {"x": 1}}, headers=KEY)
    answer = api.post(RUNS, other, headers=KEY)
    assert (answer.status, answer.type) == (422, "application/problem+json")
    assert DagRun.objects.count() == 1


def test_a_query_belongs_to_the_request(api: Api, dag) -> None:
    body = {"is_paused": True}
    assert api.patch("/dags/d1", body, headers=KEY, update_mask="is_paused").status == 200
    assert api.patch("/dags/d1", body, headers=KEY).status == 422


def test_a_key_is_one_user_s_for_one_address(api: Api, dag) -> None:
    make_dag("a", dag_id="d2")
    ids = {
        api.post(path, {}, headers=KEY, user=user).json["dag_run_id"]
        for path in (RUNS, "/dags/d2/dagRuns")
        for user in ("admin", "op", "user")
    }
    assert (len(ids), DagRun.objects.count(), IdempotencyRecord.objects.count()) == (6, 6, 6)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/dags/nowhere/dagRuns", {}, 404),
        (RUNS, {"dag_run_id": "taken"}, 409),
    ],
)
def test_what_could_not_be_done_is_said_again(api: Api, dag, path, body, status) -> None:
    make_run(dag, run_id="taken")
    first = api.post(path, body, headers=KEY)
    DagRun.objects.all().delete()
    make_dag("a", dag_id="nowhere")
    again = api.post(path, body, headers=KEY)
    assert (first.status, again.status, again.content) == (status, status, first.content)
    assert again.type == "application/problem+json"
    assert not DagRun.objects.exists()


@pytest.mark.parametrize("body", [{"dag_run_id": "a/b"}, {"nope": 1}, {"conf": 1}])
def test_what_was_malformed_may_be_put_right(api: Api, dag, body) -> None:
    assert api.post(RUNS, body, headers=KEY).status == 400
    assert not IdempotencyRecord.objects.exists()
    assert api.post(RUNS, {}, headers=KEY).status == 200


def test_who_may_not_leaves_no_answer(api: Api, dag) -> None:
    assert api.post(RUNS, {}, headers=KEY, user="viewer").status == 403
    assert api.post(RUNS, {}, headers=KEY, user=None).status == 401
    assert not IdempotencyRecord.objects.exists()


def test_a_replay_needs_the_permission_still(api: Api, dag, people) -> None:
    assert api.post(RUNS, {}, headers=KEY, user="op").status == 200
    people["op"].groups.clear()
    assert api.post(RUNS, {}, headers=KEY, user="op").status == 403


def test_an_answer_about_many_dags_is_not_given_again_to_who_may_not_change_them_all_any_more(api: Api, dag) -> None:
    make_dag("a", dag_id="d2")
    may = {"user": "twodags", "headers": KEY, "dag_id_pattern": "d"}
    group = Group.objects.create(name="two")
    UserFactory(username="twodags").groups.add(group)
    for dag_id in ("d1", "d2"):
        for action in ("can_read", "can_edit"):
            DagGrant.objects.create(group=group, dag_id=dag_id, action=action, resource="DAGs")
    first = api.patch("/dags", {"is_paused": True}, **may)
    assert (first.status, first.json["total_entries"]) == (200, 2)
    assert api.patch("/dags", {"is_paused": True}, **may).content == first.content
    group.dag_grants.filter(dag_id="d2").delete()
    again = api.patch("/dags", {"is_paused": True}, **may)
    assert again.status == 422
    assert b"d2" not in again.content


def test_a_failure_of_the_server_keeps_nothing_and_may_be_tried_again(
    api: Api, dag, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = dag_runs.trigger

    def fail(*args, **more):
        real(*args, **more)
        raise RuntimeError

    api.client.raise_request_exception = False
    monkeypatch.setattr(dag_runs, "trigger", fail)
    assert api.post(RUNS, {}, headers=KEY).status == 500
    assert (DagRun.objects.count(), IdempotencyRecord.objects.count()) == (0, 0)
    monkeypatch.undo()
    assert api.post(RUNS, {}, headers=KEY).status == 200
    assert DagRun.objects.count() == 1


@pytest.mark.parametrize("key", ["", " ", "a b", "é", "x" * 256, "a\tb"])
def test_odd_keys_are_refused(api: Api, dag, key: str) -> None:
    answer = api.post(RUNS, {}, headers={"Idempotency-Key": key})
    assert answer.status == 400, answer
    assert not DagRun.objects.exists()


def test_a_key_is_taken_up_to_its_length(api: Api, dag) -> None:
    assert api.post(RUNS, {}, headers={"Idempotency-Key": "!" + "x" * 253 + "~"}).status == 200


def test_answers_are_kept_for_a_day(api: Api, dag) -> None:
    first = api.post(RUNS, {}, headers=KEY).json["dag_run_id"]
    IdempotencyRecord.objects.update(created_at=timezone.now() - timedelta(hours=23, minutes=59))
    assert api.post(RUNS, {}, headers=KEY).json["dag_run_id"] == first
    IdempotencyRecord.objects.update(created_at=timezone.now() - timedelta(hours=24, minutes=1))
    assert api.post(RUNS, {}, headers=KEY).json["dag_run_id"] != first
    IdempotencyRecord.objects.update(created_at=timezone.now() - timedelta(hours=25))
    api.post(RUNS, {}, headers={"Idempotency-Key": "two"})
    assert list(IdempotencyRecord.objects.values_list("key", flat=True)) == ["two"]


def test_answers_are_kept_encrypted(api: Api, dag) -> None:
    api.post("/variables", {"key": "k", "value": "S3CRET-value"}, headers=KEY)
    assert "S3CRET" not in str(IdempotencyRecord.objects.values())
    again = api.post("/variables", {"key": "k", "value": "S3CRET-value"}, headers=KEY)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json["key"] == "k"


def test_a_token_is_shown_once(api: Api) -> None:
    answer = api.post("/tokens", {"name": "t"}, headers=KEY)
    assert answer.status == 400
    assert "Idempotency-Key" in answer.detail


def test_changes_of_all_kinds_are_made_once(api: Api, dag) -> None:
    run = make_run(dag, {"a": "failed"}, run_id="r", state="failed")
    TaskInstance.objects.update(try_number=1)
    clear = {"dry_run": False, "reset_dag_runs": True}
    for _ in range(2):
        assert api.post("/dags/d1/clearTaskInstances", clear, headers=KEY).json["task_instances"]
        assert api.patch(f"{path_of(run)}/setNote", {"note": "n"}, headers=KEY).status == 200
        assert api.post("/pools", {"name": "p", "slots": 1}, headers=KEY).status == 200
        assert api.post(f"{path_of(run)}/taskInstances/a/clear", headers=KEY).status == 200
    assert Pool.objects.filter(name="p").count() == 1
    run.refresh_from_db()
    assert run.clear_number == 1


def test_reading_minds_no_key(api: Api, dag) -> None:
    for _ in range(2):
        assert api.get("/dags/d1", headers=KEY).status == 200
        assert api.post("/dags/~/dagRuns/list", {}, headers=KEY).status == 200
    assert not IdempotencyRecord.objects.exists()


def test_a_guarded_change_is_answered_alike(api: Api, dag) -> None:
    stale = {**KEY, "If-Match": '"stale"'}
    assert [api.patch("/dags/d1", {"is_paused": True}, headers=stale).status for _ in range(2)] == [412, 412]
    fresh = {"Idempotency-Key": "two", "If-Match": api.get("/dags/d1").headers["ETag"]}
    answers = [api.patch("/dags/d1", {"is_paused": True}, headers=fresh) for _ in range(2)]
    assert [answer.status for answer in answers] == [200, 200]
    assert answers[0].headers["ETag"] == answers[1].headers["ETag"]


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_one_is_done(api: Api) -> None:
    make_dag("a", dag_id="d1")
    answers: list[tuple[int, bytes]] = []

    def trigger() -> None:
        try:
            answer = Api().post(RUNS, {}, headers=KEY)
            answers.append((answer.status, answer.content))
            if answer.status == 409:
                assert answer.headers["Retry-After"] == "1"
        finally:
            connection.close()

    threads = [threading.Thread(target=trigger) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert DagRun.objects.count() == 1
    assert {status for status, _ in answers} <= {200, 409}
    assert len({content for status, content in answers if status == 200}) == 1
