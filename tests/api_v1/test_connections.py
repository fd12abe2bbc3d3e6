"""Connections over HTTP."""

from __future__ import annotations

import json

import pytest

from orchestration.models import Connection, EventLog
from tests.api_v1.conftest import Api
from tests.factories import ConnectionFactory

BODY = {
    "connection_id": "c",
    "conn_type": "http",
    "host": "h.example",
    "login": "bob",
    "password": "S3CRET",
    "port": 8080,
    "schema": "https",
    "description": "d",
    "extra": '{"token": "S3CRET", "region": "eu"}',
}


def test_a_connection_is_answered_without_its_secrets(api: Api) -> None:
    expected = {
        "connection_id": "c",
        "conn_id": "c",
        "conn_type": "http",
        "host": "h.example",
        "login": "bob",
        "port": 8080,
        "schema": "https",
        "description": "d",
    }
    shown = {**expected, "extra": '{"token": "***", "region": "eu"}'}
    assert api.post("/connections", BODY).json == shown
    assert api.get("/connections/c").json == shown
    assert api.get("/connections").json == {"connections": [expected], "total_entries": 1}
    stored = Connection.objects.get()
    assert (stored.password, json.loads(stored.extra or "")["token"]) == ("S3CRET", "S3CRET")


def test_no_answer_and_no_log_holds_a_secret(api: Api) -> None:
    answers = [
        api.post("/connections", BODY),
        api.post("/connections", BODY),
        api.patch("/connections/c", {"password": "S3CRET2"}),
        api.put("/connections/c", {"password": "S3CRET3", "extra": '{"password": "S3CRET4"}'}),
        api.get("/connections/c"),
        api.get("/connections"),
        api.post("/connections", {**BODY, "connection_id": "bad id"}),
        api.post("/connections", {**BODY, "port": "x"}),
        api.post("/connections", {**BODY, "password": ["S3CRET"]}),
        api.post("/connections", {**BODY, "extra": {"password": "S3CRET"}}),
        api.post("/connections", {**BODY, "bogus": 1}),
        api.post("/connections/test", BODY),
    ]
    assert [answer.status for answer in answers] == [200, 409, 200, 200, 200, 200, 400, 400, 400, 400, 400, 403]
    assert all(b"S3CRET" not in answer.content for answer in answers)
    assert "S3CRET" not in str(list(EventLog.objects.values()))


@pytest.mark.parametrize("connections", [1, 20])
def test_listing_costs_the_same_for_one_and_for_many(api: Api, connections: int, django_assert_num_queries) -> None:
    ConnectionFactory.create_batch(connections)
    api.get("/connections")
    with django_assert_num_queries(4):  # user, permissions, count, page
        assert api.get("/connections").json["total_entries"] == connections


def test_the_short_form_s_name_is_accepted(api: Api) -> None:
    assert api.post("/connections", {"conn_id": "c", "conn_type": "x"}).json["connection_id"] == "c"
    assert api.put("/connections/c", {"conn_id": "c", "host": "h"}).json["host"] == "h"


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (
            {},
            "{'connection_id': ['Missing data for required field.'], "
            "'conn_type': ['Missing data for required field.']}",
        ),
        ({"conn_type": "x"}, "{'connection_id': ['Missing data for required field.']}"),
        ({"connection_id": "c"}, "{'conn_type': ['Missing data for required field.']}"),
        ({"connection_id": "c", "conn_type": "x", "wrong": 1}, "{'wrong': ['Unknown field.']}"),
        ({"connection_id": 5, "conn_type": "x"}, "5 is not of type 'string' - 'connection_id'"),
        ({"connection_id": "c", "conn_type": "x", "port": "80"}, "'80' is not of type 'integer' - 'port'"),
        ({"connection_id": "c", "conn_type": None}, "None is not of type 'string' - 'conn_type'"),
        ({"connection_id": "c" * 201, "conn_type": "x"}, "A connection's id has 200 characters at most."),
        ([1], "[1] is not of type 'object'"),
    ],
)
def test_a_wrong_body_is_refused(api: Api, body: object, detail: str) -> None:
    answer = api.post("/connections", body)
    assert (answer.status, answer.title, answer.detail) == (400, "Bad Request", detail)


@pytest.mark.parametrize("port", [2**31, -(2**31) - 1, 2**63])
def test_a_port_beyond_the_column_is_refused(api: Api, port: int) -> None:
    assert api.post("/connections", {"connection_id": "c", "conn_type": "x", "port": port}).status == 400


def test_a_taken_id_is_a_conflict(api: Api) -> None:
    ConnectionFactory(conn_id="c", host="kept")
    answer = api.post("/connections", {"connection_id": "c", "conn_type": "x"})
    assert (answer.status, answer.detail) == (409, "Connection already exist. ID: c")
    assert Connection.objects.get().host == "kept"


@pytest.mark.parametrize(
    ("body", "query", "status", "expected"),
    [
        ({"host": "new"}, {}, 200, {"host": "new", "login": "bob"}),
        ({"connection_id": "c", "conn_type": "ftp"}, {}, 200, {"conn_type": "ftp"}),
        ({"port": None, "login": None}, {}, 200, {"port": None, "login": None}),
        ({}, {}, 200, {"host": "old"}),
        (
            {"conn_type": "ftp", "port": 21, "login": "z"},
            {"update_mask": "port,login"},
            200,
            {"conn_type": "http", "port": 21},
        ),
        ({"connection_id": "c"}, {"update_mask": "connection_id"}, 400, None),
        ({"port": 1}, {"update_mask": "port,nope"}, 400, None),
        ({"port": 1}, {"update_mask": "host"}, 400, None),
        ({"connection_id": "other"}, {}, 400, None),
        ({"bogus": 1}, {}, 400, None),
        ({"port": "x"}, {}, 400, None),
        ({"password": None}, {}, 400, None),
    ],
)
@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_a_change(
    api: Api, method: str, body: object, query: dict[str, str], status: int, expected: dict | None
) -> None:
    ConnectionFactory(conn_id="c", host="old", login="bob", port=1)
    answer = api.send(method, "/connections/c", body, **query)
    if method == "PUT" and query:  # it takes no mask
        assert (answer.status, Connection.objects.get().host) == (400, "old")
        return
    assert answer.status == status, answer
    if expected is not None:
        assert {name: answer.json[name] for name in expected} == expected
    else:
        assert list(Connection.objects.values_list("host", "login", "port")) == [("old", "bob", 1)]


def test_a_missing_connection(api: Api) -> None:
    for answer in (api.get("/connections/c"), api.patch("/connections/c", {}), api.delete("/connections/c")):
        assert (answer.status, answer.title) == (404, "Connection not found")
        assert answer.detail == "The Connection with connection_id: `c` was not found"


def test_a_connection_is_deleted_once(api: Api) -> None:
    ConnectionFactory(conn_id="c")
    assert [api.delete("/connections/c").status for _ in range(2)] == [204, 404]


@pytest.mark.parametrize(
    ("order", "ids"),
    [
        ("connection_id", ["a", "b", "c"]),
        ("-connection_id", ["c", "b", "a"]),
        ("id", ["b", "c", "a"]),
        ("-conn_type", ["a", "c", "b"]),
    ],
)
def test_the_list_is_ordered(api: Api, order: str, ids: list[str]) -> None:
    for conn_id, conn_type in (("b", "x"), ("c", "y"), ("a", "z")):
        ConnectionFactory(conn_id=conn_id, conn_type=conn_type)
    assert [row["connection_id"] for row in api.get("/connections", order_by=order).json["connections"]] == ids


@pytest.mark.parametrize("order", ["conn_id", "password", "extra", "login", "", "-", "id;drop"])
def test_other_orders_are_refused(api: Api, order: str) -> None:
    assert api.get("/connections", order_by=order).status == 400


class TestTest:
    def test_it_is_off_by_default_even_for_administrators(self, api: Api) -> None:
        answer = api.post("/connections/test", {"connection_id": "c", "conn_type": "sqlite"})
        assert (answer.status, answer.type) == (403, "text/html")
        assert b"disabled" in answer.content

    def test_a_viewer_is_refused_otherwise(self, api: Api) -> None:
        assert api.post("/connections/test", {}, user="viewer").type == "application/problem+json"

    def test_it_tries_and_stores_nothing(self, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AIRFLOW__CORE__TEST_CONNECTION", "Enabled")
        body = {"connection_id": "c", "conn_type": "sqlite", "host": ":memory:"}
        assert api.post("/connections/test", body).json == {"status": True, "message": "Connection successfully tested"}
        assert api.post("/connections/test", {"connection_id": "c", "conn_type": "odd"}).json == {
            "status": False,
            "message": 'Unknown hook type "odd"',
        }
        assert api.post("/connections/test", {"conn_type": "sqlite"}).status == 400
        assert not Connection.objects.exists()
