"""Users over HTTP."""

from __future__ import annotations

import re

import pytest

from orchestration.models import EventLog, User
from tests.api_v1.conftest import Api
from tests.people import person

BODY = {
    "username": "new",
    "email": "new@example.org",
    "first_name": "N",
    "last_name": "U",
    "password": "S3CRET-password",
    "roles": [{"name": "Viewer"}, {"name": "Op"}],
}
NAIVE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?")


def test_a_user_is_answered_with_every_member_and_no_password(api: Api) -> None:
    made = api.post("/users", BODY).json
    assert api.get("/users/new").json == made
    assert made["roles"] == [{"name": "Viewer"}, {"name": "Op"}]
    assert (made["active"], made["is_active"], made["is_admin"]) == (True, True, False)
    assert [made[name] for name in ("last_login", "login_count", "fail_login_count", "failed_login_count")] == [
        None
    ] * 4
    assert NAIVE.fullmatch(made["created_on"])
    assert NAIVE.fullmatch(made["changed_on"])
    assert not [name for name in made if "password" in name or name in {"id", "is_superuser", "is_staff"}]


@pytest.mark.parametrize("users", [1, 20])
def test_listing_costs_the_same_for_one_and_for_many(api: Api, users: int, django_assert_num_queries) -> None:
    for _ in range(users):
        person("Viewer", "Op")
    api.get("/users")
    with django_assert_num_queries(5):  # user, permissions, count, page, roles
        assert api.get("/users").json["total_entries"] == users + 5


def test_no_answer_and_no_log_holds_a_password(api: Api) -> None:
    answers = [
        api.post("/users", BODY),
        api.post("/users", BODY),
        api.post("/users", {**BODY, "password": ["S3CRET-password"]}),
        api.post("/users", {**BODY, "username": "x", "email": "x@example.org", "bogus": 1}),
        api.patch("/users/new", BODY),
        api.get("/users"),
    ]
    assert [answer.status for answer in answers] == [200, 409, 400, 400, 200, 200]
    assert all(b"S3CRET" not in answer.content for answer in answers)
    assert "S3CRET" not in str(list(EventLog.objects.values()))
    assert all(b"argon2" not in answer.content and b"md5$" not in answer.content for answer in answers)


def test_the_short_form_makes_users(api: Api) -> None:
    short = {"username": "short", "email": "s@example.org", "password": "S3CRET-password"}
    made = api.post("/users", short).json
    assert (made["is_active"], made["is_admin"], made["roles"]) == (True, False, [{"name": "Public"}])
    made = api.post("/users", {**short, "username": "a", "email": "a@example.org", "is_admin": True}).json
    assert (made["is_admin"], made["roles"]) == (True, [{"name": "Admin"}])
    made = api.post("/users", {**short, "username": "i", "email": "i@example.org", "is_active": False}).json
    assert (made["is_active"], made["active"]) == (False, False)


@pytest.mark.parametrize(
    ("body", "status", "detail"),
    [
        ({"username": "admin"}, 409, "Username `admin` already exists. Use PATCH to update."),
        ({"email": "admin@example.com"}, 409, "The email `admin@example.com` is already taken."),
        ({"roles": [{"name": "Ghost"}, {"name": "Wraith"}]}, 400, "Unknown roles: 'Ghost', 'Wraith'"),
        ({"username": ""}, 400, "'' should be non-empty - 'username'"),
        ({"email": ""}, 400, "'' should be non-empty - 'email'"),
        ({"active": False}, 400, "Property is read-only - 'active'"),
        ({"login_count": 5}, 400, "Property is read-only - 'login_count'"),
        ({"unknown": True}, 400, "{'unknown': ['Unknown field.']}"),
        ({"is_superuser": True}, 400, "{'is_superuser': ['Unknown field.']}"),
        ({"is_staff": True}, 400, "{'is_staff': ['Unknown field.']}"),
        ({"id": 1}, 400, "{'id': ['Unknown field.']}"),
        ({"roles": "Admin"}, 400, "'Admin' is not of type 'array' - 'roles'"),
        ({"roles": [{}]}, 400, "Each of the roles needs a name."),
        ({"roles": [None]}, 400, "Each of the roles needs a name."),
        ({"password": ""}, 400, None),
    ],
)
def test_a_wrong_new_user_is_refused(api: Api, body: dict[str, object], status: int, detail: str | None) -> None:
    answer = api.post("/users", {**BODY, **body})
    assert answer.status == status
    if detail is not None:
        assert answer.detail == detail
    assert not User.objects.filter(username="new").exists()


def test_names_are_required_as_in_the_reference(api: Api) -> None:
    answer = api.post("/users", {"username": "n", "email": "n@example.org"})
    assert answer.detail == (
        "{'first_name': ['Missing data for required field.'], 'last_name': ['Missing data for required field.']}"
    )
    assert api.patch("/users/viewer", {"first_name": "Only"}).status == 400
    assert api.patch("/users/viewer", {}).status == 400


FULL = {"username": "viewer", "email": "viewer@example.com", "first_name": "F", "last_name": "L"}


@pytest.mark.parametrize(
    ("body", "query", "expected"),
    [
        (FULL, {}, {"first_name": "F", "roles": [{"name": "Viewer"}]}),
        ({**FULL, "roles": []}, {}, {"roles": []}),
        (
            {**FULL, "roles": [{"name": "Op"}]},
            {"update_mask": "first_name"},
            {"first_name": "F", "roles": [{"name": "Viewer"}]},
        ),
        (
            {**FULL, "roles": [{"name": "Op"}]},
            {"update_mask": " roles "},
            {"first_name": "", "roles": [{"name": "Op"}]},
        ),
        ({**FULL, "username": "renamed"}, {}, {"username": "renamed"}),
        ({"email": "e@example.org"}, {}, {"email": "e@example.org"}),
        ({"is_admin": True}, {}, {"is_admin": True, "roles": [{"name": "Viewer"}, {"name": "Admin"}]}),
        ({"is_active": False}, {}, {"is_active": False, "active": False}),
    ],
)
def test_a_change(api: Api, body: object, query: dict[str, str], expected: dict[str, object]) -> None:
    answer = api.patch("/users/viewer", body, **query)
    assert answer.status == 200, answer
    assert {name: answer.json[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("name", "body", "query", "status"),
    [
        ("viewer", {**FULL, "username": "admin"}, {}, 409),
        ("viewer", {**FULL, "email": "admin@example.com"}, {}, 409),
        ("viewer", {**FULL, "roles": [{"name": "Ghost"}]}, {}, 400),
        ("viewer", FULL, {"update_mask": "nope"}, 400),
        ("viewer", FULL, {"update_mask": "password"}, 400),
        ("viewer", {**FULL, "is_superuser": True}, {}, 400),
        ("viewer", {**FULL, "active": False}, {}, 400),
        ("nobody", {**FULL, "username": "nobody"}, {}, 404),
        ("admin", {"is_admin": False}, {}, 409),
        ("admin", {"is_active": False}, {}, 409),
    ],
)
def test_a_wrong_change_changes_nothing(api: Api, name: str, body: object, query: dict[str, str], status: int) -> None:
    api.get("/version")
    columns = ("username", "email", "first_name", "is_active", "is_superuser", "groups__name", "password")
    before = list(User.objects.order_by("id").values(*columns))
    assert api.patch(f"/users/{name}", body, **query).status == status
    assert list(User.objects.order_by("id").values(*columns)) == before


def test_a_name_is_found_in_any_case_of_letters(api: Api) -> None:
    assert api.get("/users/VIEWER").json["username"] == "viewer"
    assert api.post("/users", {**BODY, "username": "VIEWER"}).status == 409


def test_a_user_is_deleted_once_and_the_last_administrator_never(api: Api) -> None:
    assert [api.delete("/users/viewer").status for _ in range(2)] == [204, 404]
    assert api.delete("/users/admin").status == 409


@pytest.mark.parametrize("order", ["id", "first_name", "last_name", "email"])
def test_the_list_is_ordered(api: Api, order: str) -> None:
    rows = api.get("/users", order_by=order).json["users"]
    key = {"id": "username"}.get(order, order)
    if order != "id":
        assert [row[key] for row in rows] == sorted(row[key] for row in rows)


@pytest.mark.parametrize("order", ["-id", "user_id", "username", "password", "-user__password", "is_active", ""])
def test_other_orders_are_refused(api: Api, order: str) -> None:
    assert api.get("/users", order_by=order).status == 400


@pytest.mark.parametrize("user", ["public", "viewer", "user", "op"])
def test_only_administrators_see_and_change_users(api: Api, user: str) -> None:
    calls = [
        api.get("/users", user=user),
        api.get("/users/admin", user=user),
        api.get("/users/nobody", user=user),
        api.post("/users", BODY, user=user),
        api.patch(f"/users/{user}", {"is_admin": True}, user=user),
        api.delete("/users/admin", user=user),
    ]
    assert {answer.status for answer in calls} == {403}
    assert not User.objects.get(username=user).groups.filter(name="Admin").exists()
