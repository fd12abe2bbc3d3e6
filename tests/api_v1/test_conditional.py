"""ETag, If-None-Match and If-Match."""

from __future__ import annotations

import threading
from urllib.parse import quote

import pytest
from django.contrib.auth.models import Group
from django.db import connection

from orchestration.models import Dag, EventLog, Pool, TaskInstance
from tests.api_v1.conftest import Api
from tests.factories import ConnectionFactory, PoolFactory, UserFactory, VariableFactory, make_dag, make_run

RUN = "/dags/d1/dagRuns/r"
#: What is tagged → a change of it: method, path below, body.
CHANGES = {
    "/dags/d1": ("PATCH", "", {"is_paused": True}),
    RUN: ("PATCH", "/setNote", {"note": "changed"}),
    f"{RUN}/taskInstances/a": ("PATCH", "/setNote", {"note": "changed"}),
    "/pools/p": ("PATCH", "", {"name": "p", "slots": 77}),
    "/connections/c": ("PATCH", "", {"connection_id": "c", "conn_type": "changed"}),
    "/variables/v": ("PATCH", "", {"key": "v", "value": "changed"}),
    "/roles/R": ("PATCH", "", {
        "name": "R", "actions": [{"action": {"name": "can_read"}, "resource": {"name": "DAGs"}}],
    }),
    "/users/u": ("PATCH", "", {
        "username": "u", "first_name": "Changed", "last_name": "L", "email": "u@example.org",
        "roles": [{"name": "Viewer"}],
    }),
}  # fmt: skip


@pytest.fixture
def things(api: Api) -> None:
    make_run(make_dag("a", dag_id="d1"), {"a": "success"}, run_id="r")
    PoolFactory(name="p")
    ConnectionFactory(conn_id="c")
    VariableFactory(key="v")
    Group.objects.create(name="R")
    UserFactory(username="u", email="u@example.org").groups.add(Group.objects.get(name="Viewer"))


def tag(api: Api, path: str) -> str:
    answer = api.get(path)
    assert answer.status == 200, answer
    return str(answer.headers["ETag"])


def change(api: Api, path: str, **headers: str):
    method, tail, body = CHANGES[path]
    return api.send(method, path + tail, body, headers={name.replace("_", "-"): text for name, text in headers.items()})


@pytest.mark.parametrize("path", CHANGES)
def test_a_tag_stays_while_nothing_changes_and_changes_with_what_is_seen(api: Api, things: None, path: str) -> None:
    first = tag(api, path)
    assert first.startswith('"')
    assert first.endswith('"')
    assert tag(api, path) == first
    assert change(api, path).status == 200
    assert tag(api, path) != first


@pytest.mark.parametrize("path", CHANGES)
def test_who_has_it_is_answered_304(api: Api, things: None, path: str) -> None:
    known = tag(api, path)
    for header in (known, f"W/{known}", f'"other", {known}', f'{known},"x"', "*"):
        answer = api.get(path, headers={"If-None-Match": header})
        assert (answer.status, answer.content, answer.headers["ETag"]) == (304, b"", known), header
        assert answer.headers["Cache-Control"] == "no-store"
    for header in ('"other"', known.strip('"'), "", "garbage,,", f"{known[:-2]}"):
        assert api.get(path, headers={"If-None-Match": header}).status == 200, header


@pytest.mark.parametrize("path", CHANGES)
def test_a_change_is_made_only_to_what_was_read(api: Api, things: None, path: str) -> None:
    known = tag(api, path)
    for header in ('"other"', f"W/{known}", "garbage", "", '"other", W/' + known):
        answer = change(api, path, If_Match=header)
        assert (answer.status, answer.type) == (412, "application/problem+json"), header
        assert tag(api, path) == known
    done = change(api, path, If_Match=f'"other", {known}')
    assert done.status == 200, done
    assert done.headers["ETag"] == tag(api, path) != known
    assert change(api, path, If_Match=known).status == 412
    assert change(api, path, If_Match="*").status == 200


@pytest.mark.parametrize(
    "path", ["/dags/d1", RUN, "/pools/p", "/connections/c", "/variables/v", "/roles/R", "/users/u"]
)
def test_a_deletion_is_guarded(api: Api, things: None, path: str) -> None:
    known = tag(api, path)
    assert api.delete(path, headers={"If-Match": '"other"'}).status == 412
    assert tag(api, path) == known
    answer = api.delete(path, headers={"If-Match": known})
    assert answer.status == 204, answer
    assert api.delete(path, headers={"If-Match": known}).status == 404


@pytest.mark.parametrize("path", CHANGES)
def test_what_is_wrong_otherwise_is_said_first(api: Api, things: None, path: str) -> None:
    method, tail, body = CHANGES[path]
    stale = {"If-Match": '"stale"'}
    assert api.send(method, path + tail, body, headers=stale, user=None).status == 401
    assert api.send(method, path + tail, body, headers=stale, user="public").status == 403
    assert api.send(method, path + tail, {"nope": 1}, headers=stale).status == 400
    gone = path.rpartition("/")[0] + "/nowhere"
    body = {key: "nowhere" if value == path.rpartition("/")[2] else value for key, value in body.items()}
    assert api.send(method, gone + tail, body, headers=stale).status == 404


def test_fields_do_not_change_the_tag(api: Api, things: None) -> None:
    for path, fields in (("/dags/d1", "dag_id"), (RUN, "dag_run_id")):
        answer = api.get(path, fields=fields)
        assert set(answer.json) == {fields}
        assert answer.headers["ETag"] == tag(api, path)


def test_mapped_instances_have_tags_of_their_own(api: Api, things: None) -> None:
    TaskInstance.objects.update(map_index=0)
    path = f"{RUN}/taskInstances/a/0"
    known = tag(api, path)
    assert api.patch(f"{path}/setNote", {"note": "x"}, headers={"If-Match": '"other"'}).status == 412
    assert api.patch(f"{path}/setNote", {"note": "x"}, headers={"If-Match": known}).status == 200
    assert tag(api, path) != known


def test_a_list_has_no_tag_and_is_not_changed_under_one(api: Api, things: None) -> None:
    assert "ETag" not in api.get("/dags").headers
    answer = api.patch("/dags", {"is_paused": True}, dag_id_pattern="d", headers={"If-Match": "*"})
    assert answer.status == 412
    assert Dag.objects.get(pk="d1").is_paused is False


def test_a_creation_may_be_only_a_creation(api: Api, things: None) -> None:
    star = {"If-None-Match": "*"}
    for path, body in (
        ("/pools", {"name": "p", "slots": 1}),
        ("/connections", {"connection_id": "c", "conn_type": "http"}),
        ("/variables", {"key": "v", "value": "overwritten"}),
        ("/roles", {"name": "R", "actions": []}),
        ("/dags/d1/dagRuns", {"dag_run_id": "r"}),
    ):
        answer = api.post(path, body, headers=star)
        assert answer.status == 412, (path, answer)
    assert api.get("/variables/v").json["value"] != "overwritten"
    assert api.put("/pools/p", {"name": "p", "slots": 1}, headers=star).status == 412
    assert Pool.objects.get(name="p").slots != 1
    assert api.post("/pools", {"name": "new", "slots": 1}, headers=star).status == 200
    assert api.post("/variables", {"key": "new", "value": "x"}, headers=star).status == 200
    assert api.post("/dags/d1/dagRuns", {"dag_run_id": "new"}, headers=star).status == 200


def test_what_was_refused_is_logged_and_did_nothing(api: Api, things: None) -> None:
    EventLog.objects.all().delete()
    assert change(api, "/dags/d1", If_Match='"stale"').status == 412
    assert list(EventLog.objects.values_list("event", "dag_id")) == [("api.patch_dag", "d1")]
    assert Dag.objects.get(pk="d1").is_paused is False


@pytest.mark.django_db(transaction=True)
def test_of_many_changes_under_one_tag_one_is_made(api: Api) -> None:
    PoolFactory(name="p")
    known = tag(api, f"/pools/{quote('p')}")
    answers: list[int] = []

    def patch(slots: int) -> None:
        try:
            body = {"name": "p", "slots": slots}
            answers.append(Api().patch("/pools/p", body, headers={"If-Match": known}).status)
        finally:
            connection.close()

    threads = [threading.Thread(target=patch, args=(1000 + number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(answers) == [200] + [412] * 7
    assert EventLog.objects.filter(event="api.patch_pool").count() == 8
