"""Roles and permissions over HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group

from orchestration.models import DagGrant, EventLog
from tests.api_v1.conftest import Api
from tests.factories import DagFactory


def action(name: str, resource: str) -> dict[str, Any]:
    return {"action": {"name": name}, "resource": {"name": resource}}


READ, EDIT = action("can_read", "DAGs"), action("can_edit", "DAGs")


def test_a_role_is_made_and_answered(api: Api) -> None:
    assert api.post("/roles", {"name": "r", "actions": [EDIT, READ]}).json == {"name": "r", "actions": [EDIT, READ]}
    assert api.get("/roles/r").json == {"name": "r", "actions": [EDIT, READ]}


def test_the_built_in_roles_are_listed_by_name(api: Api) -> None:
    answer = api.get("/roles").json
    assert [row["name"] for row in answer["roles"]] == ["Admin", "Op", "Public", "User", "Viewer"]
    assert [len(row["actions"]) for row in answer["roles"]] == [90, 63, 0, 39, 30]
    assert answer["total_entries"] == 5
    by_id = [row["name"] for row in api.get("/roles", order_by="role_id").json["roles"]]
    assert by_id == ["Admin", "Public", "Viewer", "User", "Op"]


@pytest.mark.parametrize("roles", [1, 20])
def test_listing_costs_the_same_for_one_and_for_many(api: Api, roles: int, django_assert_num_queries) -> None:
    for number in range(roles):
        Group.objects.create(name=f"role {number}")
    api.get("/roles")
    with django_assert_num_queries(6):  # user, permissions, count, page, pairs, grants
        assert api.get("/roles").json["total_entries"] == roles + 5


@pytest.mark.parametrize("order", ["-name", "id", "", "permissions", "name,role_id"])
def test_other_orders_are_refused(api: Api, order: str) -> None:
    assert api.get("/roles", order_by=order).status == 400


def test_a_role_may_hold_a_single_dag(api: Api) -> None:
    DagFactory(dag_id="d1")
    made = api.post("/roles", {"name": "r", "actions": [action("can_read", "DAG:d1")]})
    assert made.json["actions"] == [action("can_read", "DAG:d1")]
    assert list(DagGrant.objects.values_list("dag_id", "action", "resource")) == [("d1", "can_read", "DAGs")]
    assert api.post("/roles", {"name": "s", "actions": [action("can_read", "DAG:d2")]}).status == 400


@pytest.mark.parametrize(
    ("body", "status", "detail"),
    [
        ({"name": "Viewer", "actions": []}, 409, None),
        ({"name": "r", "actions": [action("can_fly", "DAGs")]}, 400, "The specified action: 'can_fly' was not found"),
        ({"name": "r", "actions": [action("can_read", "X")]}, 400, "The specified resource: 'X' was not found"),
        ({"name": ""}, 400, "'' should be non-empty - 'name'"),
        ({"actions": []}, 400, "{'name': ['Missing data for required field.']}"),
        ({"name": "r", "bogus": 1}, 400, "{'bogus': ['Unknown field.']}"),
        ({"name": "r", "actions": "x"}, 400, "'x' is not of type 'array' - 'actions'"),
        ({"name": "r", "actions": [5]}, 400, "5 is not of type 'object' - 'actions.0'"),
        ({"name": "r", "actions": [{"action": {"name": "can_read"}}]}, 400, None),
        ({"name": "r", "actions": [{"action": {"name": 5}, "resource": {"name": "DAGs"}}]}, 400, None),
        ({"name": "r", "actions": [{"action": {"name": None}, "resource": {"name": "DAGs"}}]}, 400, None),
        ({"name": "r", "actions": [{**READ, "more": 1}]}, 400, None),
    ],
)
def test_a_wrong_role_is_refused(api: Api, body: dict[str, Any], status: int, detail: str | None) -> None:
    answer = api.post("/roles", body)
    assert answer.status == status, answer
    if detail is not None:
        assert answer.detail == detail
    assert Group.objects.count() == 5


@pytest.mark.parametrize("body", [{"name": "r"}, {"name": "r", "actions": []}, {"name": "r", "actions": [{}]}])
def test_a_role_may_be_empty(api: Api, body: dict[str, Any]) -> None:
    assert api.post("/roles", body).json == {"name": "r", "actions": []}


@pytest.mark.parametrize(
    ("body", "query", "status", "expected"),
    [
        ({"name": "r", "actions": [EDIT]}, {}, 200, {"name": "r", "actions": [READ, EDIT]}),
        ({"actions": [EDIT]}, {}, 400, None),
        ({}, {}, 400, None),
        ({"name": "s"}, {}, 200, {"name": "s", "actions": [READ]}),
        ({"name": "s", "actions": [EDIT]}, {"update_mask": "name"}, 200, {"name": "s", "actions": [READ]}),
        ({"name": "s", "actions": [EDIT]}, {"update_mask": "actions"}, 200, {"name": "r", "actions": [READ, EDIT]}),
        ({"name": "s"}, {"update_mask": "permissions"}, 400, None),
        ({"name": "s"}, {"update_mask": "nope"}, 400, None),
        ({"name": "s"}, {"update_mask": "actions"}, 400, None),
        ({"name": "Viewer"}, {}, 409, None),
        ({"bogus": 1}, {}, 400, None),
    ],
)
def test_a_change(api: Api, body: Any, query: dict[str, str], status: int, expected: dict[str, Any] | None) -> None:
    api.post("/roles", {"name": "r", "actions": [READ]})
    answer = api.patch("/roles/r", body, **query)
    assert answer.status == status, answer
    if expected is not None:
        assert answer.json == expected
    else:
        assert api.get("/roles/r").json == {"name": "r", "actions": [READ]}


@pytest.mark.parametrize("half", [{"action": {"name": "can_read"}, "resource": {}}, {"action": {}, "resource": {}}])
def test_half_a_pair_is_refused_before_the_role_is_looked_for_and_whatever_the_mask(api: Api, half: Any) -> None:
    Group.objects.create(name="r")
    body = {"name": "r", "actions": [half]}
    assert api.patch("/roles/missing", body).status == 400
    assert api.patch("/roles/r", body, update_mask="name").status == 400


@pytest.mark.parametrize("name", ["Public", "Viewer", "User", "Op", "Admin"])
def test_the_built_in_roles_are_protected(api: Api, name: str) -> None:
    assert api.delete(f"/roles/{name}").status == 409
    assert api.patch(f"/roles/{name}", {"name": "other"}).status == 409
    assert Group.objects.filter(name=name).exists()


def test_a_missing_role(api: Api) -> None:
    for answer in (api.get("/roles/r"), api.patch("/roles/r", {"name": "r"}), api.delete("/roles/r")):
        assert (answer.status, answer.title, answer.detail) == (
            404,
            "Role not found",
            "Role with name 'r' was not found",
        )


def test_a_role_is_deleted_once_and_logged(api: Api) -> None:
    api.post("/roles", {"name": "r", "actions": []})
    assert [api.delete("/roles/r").status for _ in range(2)] == [204, 404]
    events = list(EventLog.objects.order_by("id").values_list("event", flat=True))
    assert events == ["api.post_role", "api.delete_role", "api.delete_role"]


def test_permissions_are_the_actions(api: Api) -> None:
    answer = api.get("/permissions").json
    names = ["can_edit", "can_read", "can_create", "can_delete", "menu_access"]
    assert answer == {"actions": [{"name": name} for name in names], "total_entries": 5}
    assert [row["name"] for row in api.get("/permissions", limit=2, offset=1).json["actions"]] == names[1:3]
    assert api.get("/permissions", user="op").status == 403
