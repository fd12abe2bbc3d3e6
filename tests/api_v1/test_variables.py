"""Variables over HTTP."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group

from orchestration.access.permissions import Pair
from orchestration.models import EventLog, Variable
from tests.api_v1.conftest import Api
from tests.factories import VariableFactory
from tests.people import person, role


def test_a_variable_is_answered_under_both_names(api: Api) -> None:
    VariableFactory(key="k", val="v", description="d")
    assert api.get("/variables/k").json == {"key": "k", "value": "v", "val": "v", "description": "d"}
    assert api.get("/variables").json == {
        "variables": [{"key": "k", "value": "v", "val": "v", "description": "d"}],
        "total_entries": 1,
    }


@pytest.mark.parametrize("variables", [1, 20])
def test_listing_costs_the_same_for_one_and_for_many(api: Api, variables: int, django_assert_num_queries) -> None:
    VariableFactory.create_batch(variables)
    api.get("/variables")
    with django_assert_num_queries(4):  # user, permissions, count, page
        assert api.get("/variables").json["total_entries"] == variables


@pytest.mark.parametrize("name", ["value", "val"])
def test_either_name_is_accepted(api: Api, name: str) -> None:
    assert api.post("/variables", {"key": "k", name: "v"}).json == {"key": "k", "value": "v", "val": "v"}
    assert api.patch("/variables/k", {"key": "k", name: "w"}).json["value"] == "w"
    assert api.put("/variables/k", {name: "x"}).json["value"] == "x"


def test_creating_overwrites_and_drops_the_description(api: Api) -> None:
    api.post("/variables", {"key": "k", "value": "one", "description": "d"})
    api.post("/variables", {"key": "k", "value": "two"})
    assert api.get("/variables/k").json["description"] is None
    assert Variable.objects.get().val == "two"


def test_what_overwrites_is_last_in_the_list(api: Api) -> None:
    for key in ("a", "b", "a"):
        assert api.post("/variables", {"key": key, "value": "v"}).status == 200
    assert [one["key"] for one in api.get("/variables").json["variables"]] == ["b", "a"]


def test_who_may_only_create_gets_a_conflict(api: Api) -> None:
    role("creator", [Pair("can_create", "Variables")])
    person("creator", username="creator")
    VariableFactory(key="k", val="old")
    assert api.post("/variables", {"key": "k", "value": "new"}, user="creator").status == 409
    assert Variable.objects.get().val == "old"


def test_secret_values_are_hidden_from_everybody(api: Api) -> None:
    body = {"key": "db_password", "value": "S3CRET"}
    answers = [
        api.post("/variables", body),
        api.patch("/variables/db_password", body),
        api.put("/variables/db_password", {"val": "S3CRET"}),
        api.get("/variables/db_password"),
        api.get("/variables"),
        api.get("/variables/db_password", user="op"),
    ]
    assert all(answer.status == 200 and b"S3CRET" not in answer.content for answer in answers)
    assert Variable.objects.get().val == "S3CRET"
    assert "S3CRET" not in str(list(EventLog.objects.values()))


def test_the_option_shows_them(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__HIDE_SENSITIVE_VAR_CONN_FIELDS", "False")
    assert api.post("/variables", {"key": "db_password", "value": "S3CRET"}).json["value"] == "S3CRET"


@pytest.mark.parametrize("path", ["a/b/c", "a%2Fb%2Fc"])
def test_a_key_may_hold_slashes(api: Api, path: str) -> None:
    api.post("/variables", {"key": "a/b/c", "value": "v"})
    assert api.get(f"/variables/{path}").json["key"] == "a/b/c"
    assert api.delete(f"/variables/{path}").status == 204


@pytest.mark.parametrize(
    ("body", "title"),
    [
        ({}, "Invalid Variable schema"),
        ({"key": "k"}, "Invalid Variable schema"),
        ({"value": "v"}, "Invalid Variable schema"),
        ({"key": "k", "value": "v", "surplus": 1}, "Invalid Variable schema"),
        ({"key": "k", "value": "v", "description": None}, "Invalid Variable schema"),
        ({"key": "k", "value": None}, "Bad Request"),
        ({"key": "k", "value": 5}, "Bad Request"),
        ({"key": 5, "value": "v"}, "Bad Request"),
        ({"key": "k", "value": "a", "val": "b"}, "Invalid Variable schema"),
        ({"key": "k" * 251, "value": "v"}, "Bad Request"),
        ("text", "Bad Request"),
        ([], "Bad Request"),
    ],
)
def test_a_wrong_body_is_refused(api: Api, body: object, title: str) -> None:
    answer = api.post("/variables", body)
    assert (answer.status, answer.title) == (400, title)
    assert not Variable.objects.exists()


def test_a_refused_value_is_not_told(api: Api) -> None:
    for body in ({"key": "password", "value": ["S3CRET"]}, {"key": "password", "val": {"a": "S3CRET"}}):
        answer = api.post("/variables", body)
        assert answer.status == 400
        assert b"S3CRET" not in answer.content


@pytest.mark.parametrize(
    ("body", "query", "status", "title"),
    [
        ({"key": "k", "value": "w"}, {}, 200, None),
        ({"key": "k", "value": "w", "description": "e"}, {"update_mask": "description"}, 200, None),
        ({"key": "k", "value": "w"}, {"update_mask": "val"}, 200, None),
        ({"key": "k", "value": "w"}, {"update_mask": "value"}, 400, "Bad Request"),
        ({"key": "k", "value": "w"}, {"update_mask": "key"}, 400, "Bad Request"),
        ({"key": "k", "value": "w"}, {"update_mask": "description"}, 400, "Bad Request"),
        ({"key": "other", "value": "w"}, {}, 400, "Invalid post body"),
        ({"value": "w"}, {}, 400, "Invalid Variable schema"),
        ({"key": "k"}, {}, 400, "Invalid Variable schema"),
    ],
)
def test_a_change_by_patch(api: Api, body: object, query: dict[str, str], status: int, title: str | None) -> None:
    VariableFactory(key="k", val="v", description="d")
    answer = api.patch("/variables/k", body, **query)
    assert answer.status == status, answer
    if title:
        assert answer.title == title
        assert list(Variable.objects.values_list("val", "description")) == [("v", "d")]


def test_the_mask_decides_what_changes(api: Api) -> None:
    VariableFactory(key="k", val="v", description="d")
    body = {"key": "k", "value": "w", "description": "e"}
    assert api.patch("/variables/k", body, update_mask="description").json["value"] == "v"
    assert api.patch("/variables/k", body, update_mask="val").json["value"] == "w"


def test_put_changes_what_is_sent(api: Api) -> None:
    VariableFactory(key="k", val="v", description="d")
    assert api.put("/variables/k", {"description": "e"}).json == {
        "key": "k",
        "value": "v",
        "val": "v",
        "description": "e",
    }
    assert api.put("/variables/k", {"key": "other", "val": "x"}).status == 400


def test_a_missing_variable(api: Api) -> None:
    for answer in (api.get("/variables/k"), api.patch("/variables/k", {"key": "k", "value": "v"})):
        assert (answer.status, answer.title, answer.detail) == (404, "Variable not found", "Variable does not exist")
    deleted = api.delete("/variables/k")
    assert (deleted.status, deleted.title, deleted.detail) == (404, "Variable not found", None)


@pytest.mark.parametrize(
    ("order", "keys"), [(None, ["b", "a"]), ("key", ["a", "b"]), ("-key", ["b", "a"]), ("-id", ["a", "b"])]
)
def test_the_list_is_ordered(api: Api, order: str | None, keys: list[str]) -> None:
    for key in ("b", "a"):
        VariableFactory(key=key)
    query = {"order_by": order} if order else {}
    assert [row["key"] for row in api.get("/variables", **query).json["variables"]] == keys


@pytest.mark.parametrize("order", ["val", "description", "", "password", "__class__"])
def test_other_orders_are_refused(api: Api, order: str) -> None:
    assert api.get("/variables", order_by=order).status == 400


def test_reading_needs_more_than_a_viewer(api: Api) -> None:
    VariableFactory(key="k", val="S3CRET")
    for user in ("public", "viewer", "user"):
        for answer in (api.get("/variables", user=user), api.get("/variables/k", user=user)):
            assert answer.status == 403
            assert b"S3CRET" not in answer.content
    assert Group.objects.filter(name="Op").exists()
    assert api.get("/variables/k", user="op").status == 200
