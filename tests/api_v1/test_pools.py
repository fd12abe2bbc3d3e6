"""Pools over HTTP."""

from __future__ import annotations

import pytest

from orchestration.models import EventLog, Pool
from orchestration.states import TaskInstanceState
from tests.api_v1.conftest import Api
from tests.factories import PoolFactory, TaskInstanceFactory

MEMBERS = {
    "name", "pool_id", "slots", "occupied_slots", "running_slots", "queued_slots", "scheduled_slots", "open_slots",
    "deferred_slots", "description", "include_deferred",
}  # fmt: skip


def test_a_pool_is_answered_with_every_member(api: Api) -> None:
    TaskInstanceFactory(pool="default_pool", state=TaskInstanceState.RUNNING, pool_slots=3)
    row = api.get("/pools/default_pool").json
    assert set(row) == MEMBERS
    assert (row["name"], row["pool_id"], row["slots"]) == ("default_pool", "default_pool", 128)
    assert (row["occupied_slots"], row["running_slots"], row["open_slots"]) == (3, 3, 125)


def test_a_pool_without_limit_is_answered(api: Api) -> None:
    row = api.post("/pools", {"name": "p", "slots": -1}).json
    assert (row["slots"], row["open_slots"]) == (-1, -1)


@pytest.mark.parametrize("pools", [1, 20])
def test_listing_costs_the_same_for_one_pool_and_for_many(api: Api, pools: int, django_assert_num_queries) -> None:
    PoolFactory.create_batch(pools)
    api.get("/pools")
    with django_assert_num_queries(5):  # user, permissions, count, page, use
        assert api.get("/pools").json["total_entries"] == pools + 1


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({}, ["default_pool", "b", "a"]),
        ({"order_by": "name"}, ["a", "b", "default_pool"]),
        ({"order_by": "-name"}, ["default_pool", "b", "a"]),
        ({"order_by": "slots"}, ["b", "a", "default_pool"]),
        ({"order_by": "-id"}, ["a", "b", "default_pool"]),
        ({"limit": 1}, ["default_pool"]),
        ({"limit": 1, "offset": 1}, ["b"]),
        ({"limit": 0}, ["default_pool", "b", "a"]),
        ({"offset": 9}, []),
    ],
)
def test_the_list_is_ordered_and_paged(api: Api, query: dict[str, object], names: list[str]) -> None:
    PoolFactory(name="b", slots=1)
    PoolFactory(name="a", slots=2)
    answer = api.get("/pools", **query).json
    assert [row["name"] for row in answer["pools"]] == names
    assert answer["total_entries"] == 3


@pytest.mark.parametrize(
    "query", [{"order_by": "open_slots"}, {"order_by": ""}, {"limit": -1}, {"offset": -1}, {"limit": "x"}, {"nope": 1}]
)
def test_a_wrong_query_is_refused(api: Api, query: dict[str, object]) -> None:
    assert api.get("/pools", **query).status == 400


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({}, "Missing required property(ies): ['name', 'slots']"),
        ({"name": "x"}, "Missing required property(ies): ['slots']"),
        ({"pool_id": "x"}, "Missing required property(ies): ['slots']"),
        ({"name": "x", "slots": "many"}, "'many' is not of type 'integer' - 'slots'"),
        ({"name": "x", "slots": 1.5}, "1.5 is not of type 'integer' - 'slots'"),
        ({"name": "x", "slots": True}, "True is not of type 'integer' - 'slots'"),
        ({"name": None, "slots": 1}, "None is not of type 'string' - 'name'"),
        ({"name": "x", "slots": 1, "open_slots": 3}, "Property is read-only - 'open_slots'"),
        ({"name": "x", "slots": 1, "id": 3}, "{'id': ['Unknown field.']}"),
        (
            {"name": "x", "pool_id": "y", "slots": 1},
            "pool_id and name are the same thing and differ. Send one of them.",
        ),
    ],
)
def test_a_wrong_body_is_refused(api: Api, body: dict[str, object], detail: str) -> None:
    answer = api.post("/pools", body)
    assert (answer.status, answer.title, answer.detail) == (400, "Bad Request", detail)
    assert Pool.objects.count() == 1


def test_the_short_form_s_name_is_accepted(api: Api) -> None:
    assert api.post("/pools", {"pool_id": "p", "slots": 2}).json["name"] == "p"
    assert api.patch("/pools/p", {"pool_id": "p", "slots": 3}).json["slots"] == 3


def test_a_taken_name_is_a_conflict(api: Api) -> None:
    answer = api.post("/pools", {"name": "default_pool", "slots": 1})
    assert (answer.status, answer.title) == (409, "Conflict")
    PoolFactory(name="p")
    assert api.patch("/pools/p", {"name": "default_pool", "slots": 1}).status == 409


@pytest.mark.parametrize(
    ("body", "query", "expected"),
    [
        ({"name": "p", "slots": 9}, {}, {"slots": 9, "description": "d", "include_deferred": False}),
        ({"slots": 2}, {"update_mask": "slots"}, {"slots": 2, "description": "d", "include_deferred": True}),
        (
            {"name": "n", "slots": 2, "description": "e"},
            {"update_mask": "description"},
            {"name": "p", "slots": 5, "description": "e"},
        ),
        ({"slots": 2}, {"update_mask": "slots, include_deferred"}, {"slots": 2, "include_deferred": False}),
        ({"name": "q", "slots": 3}, {}, {"name": "q", "slots": 3}),
        ({"pool_id": "q", "slots": 3}, {"update_mask": "pool_id"}, {"name": "q", "slots": 5}),
    ],
)
def test_a_change_is_made(api: Api, body: object, query: dict[str, str], expected: dict[str, object]) -> None:
    PoolFactory(name="p", slots=5, description="d", include_deferred=True)
    answer = api.patch("/pools/p", body, **query)
    assert answer.status == 200
    assert {name: answer.json[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("name", "body", "query", "status"),
    [
        ("p", {"slots": 9}, {}, 400),
        ("p", {"name": "p"}, {}, 400),
        ("p", {"slots": 9}, {"update_mask": "nope"}, 400),
        ("p", {"slots": 9}, {"update_mask": "open_slots"}, 400),
        ("p", {"slots": 9}, {"update_mask": "name"}, 400),
        ("p", {"name": "p", "slots": 9, "bogus": 1}, {}, 400),
        ("gone", {"name": "gone", "slots": 9}, {}, 404),
        ("default_pool", {"slots": 9}, {}, 400),
        ("default_pool", {"name": "other", "slots": 9}, {}, 400),
        ("default_pool", {"slots": 9, "description": "x"}, {"update_mask": "description"}, 400),
        ("default_pool", {"slots": 9, "description": "x"}, {"update_mask": "slots,description"}, 400),
    ],
)
def test_a_wrong_change_changes_nothing(api: Api, name: str, body: object, query: dict[str, str], status: int) -> None:
    PoolFactory(name="p", slots=5)
    before = list(Pool.objects.order_by("id").values())
    assert api.patch(f"/pools/{name}", body, **query).status == status
    assert list(Pool.objects.order_by("id").values()) == before


def test_the_default_pool_s_slots_may_change(api: Api) -> None:
    assert api.patch("/pools/default_pool", {"slots": 64}, update_mask="slots").json["slots"] == 64
    assert api.patch("/pools/default_pool", {"name": "default_pool", "slots": 32}).json["slots"] == 32


def test_put_changes_what_is_sent(api: Api) -> None:
    PoolFactory(name="p", slots=5, description="d", include_deferred=True)
    row = api.put("/pools/p", {"slots": 6}).json
    assert (row["slots"], row["description"], row["include_deferred"]) == (6, "d", True)
    assert api.put("/pools/gone", {"slots": 6}).status == 404


def test_a_pool_is_deleted_once(api: Api) -> None:
    PoolFactory(name="p")
    assert [api.delete("/pools/p").status for _ in range(2)] == [204, 404]
    answer = api.delete("/pools/default_pool")
    assert (answer.status, answer.detail) == (400, "Default Pool can't be deleted")


@pytest.mark.parametrize("name", ["with blank", "größe", "a.b", "%2e", "a;b", "a'b", "..", "%"])
def test_names_of_any_text_are_found_again(api: Api, name: str) -> None:
    from urllib.parse import quote

    assert api.post("/pools", {"name": name, "slots": 1}).status == 200
    assert api.get(f"/pools/{quote(name, safe='')}").json["name"] == name
    assert api.delete(f"/pools/{quote(name, safe='')}").status == 204


def test_who_did_what_is_logged(api: Api) -> None:
    api.post("/pools", {"name": "p", "slots": 1}, user="op")
    api.patch("/pools/p", {"name": "p", "slots": 2})
    api.delete("/pools/p")
    api.delete("/pools/p")
    rows = list(EventLog.objects.order_by("id").values_list("event", "owner", "extra"))
    assert rows == [
        ("api.post_pool", "op", '{"name": "p", "slots": 1}'),
        ("api.patch_pool", "admin", '{"pool_name": "p", "name": "p", "slots": 2}'),
        ("api.delete_pool", "admin", '{"pool_name": "p"}'),
        ("api.delete_pool", "admin", '{"pool_name": "p"}'),
    ]
