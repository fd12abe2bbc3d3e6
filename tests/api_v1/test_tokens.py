"""Personal access tokens over HTTP."""

from __future__ import annotations

import pytest

from orchestration.models import EventLog, PersonalAccessToken
from tests.api_v1.conftest import Api
from tests.factories import UserFactory


def test_a_token_is_shown_once_and_works_until_it_is_revoked(api: Api) -> None:
    made = api.post("/tokens", {"name": "ci"}, user="viewer").json
    assert (made["name"], made["username"], made["scope"]) == ("ci", "viewer", "full")
    assert (made["expires_at"], made["last_used_at"]) == (None, None)
    token = made.pop("token")
    assert token.startswith(made["token_id"])
    header = {"Authorization": f"Bearer {token}"}
    assert api.get("/pools", user=None, headers=header).status == 200
    seen = api.get(f"/tokens/{made['token_id']}", user="viewer").json
    assert seen.pop("last_used_at") is not None
    made.pop("last_used_at")
    assert seen == made
    assert api.delete(f"/tokens/{made['token_id']}", user="viewer").status == 204
    assert api.get("/pools", user=None, headers=header).status == 401
    assert token not in str(list(EventLog.objects.values()))


def test_everybody_sees_their_own_and_administrators_all(api: Api) -> None:
    for user in ("viewer", "op"):
        api.post("/tokens", {"name": "t"}, user=user)
    assert [row["username"] for row in api.get("/tokens", user="viewer").json["tokens"]] == ["viewer"]
    assert [row["username"] for row in api.get("/tokens").json["tokens"]] == ["viewer", "op"]
    assert api.get("/tokens", username="op").json["total_entries"] == 1
    assert api.get("/tokens", user="viewer", username="op").json["total_entries"] == 0


def test_another_s_token_is_not_there(api: Api) -> None:
    token_id = api.post("/tokens", {"name": "t"}, user="op").json["token_id"]
    for answer in (api.get(f"/tokens/{token_id}", user="viewer"), api.delete(f"/tokens/{token_id}", user="viewer")):
        assert answer.status == 404
    assert api.delete(f"/tokens/{token_id}").status == 204


def test_an_administrator_makes_one_for_another(api: Api) -> None:
    assert api.post("/tokens", {"name": "t", "username": "op"}).json["username"] == "op"
    assert api.post("/tokens", {"name": "t", "username": "admin"}, user="op").status == 403
    assert api.post("/tokens", {"name": "t", "username": "nobody"}).status == 404
    assert api.post("/tokens", {"name": "t", "username": "nobody"}, user="op").status == 403


def test_a_public_user_makes_none(api: Api) -> None:
    assert api.post("/tokens", {"name": "t"}, user="public").status == 403
    assert api.get("/tokens", user="public").status == 403
    assert api.get("/tokens", user=None).status == 401


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"name": ""}, 400),
        ({"name": "x" * 201}, 400),
        ({"name": "t", "scope": "root"}, 400),
        ({"name": "t", "expires_at": "tomorrow"}, 400),
        ({"name": "t", "expires_at": "2020-01-01T00:00:00Z"}, 400),
        ({"name": "t", "digest": "x"}, 400),
        ({"name": "t", "user": 1}, 400),
        ({"name": "t", "expires_at": None}, 200),
        ({"name": "t", "scope": "read", "expires_at": "2999-01-01T00:00:00+02:00"}, 200),
    ],
)
def test_bodies(api: Api, body: dict[str, object], status: int) -> None:
    assert api.post("/tokens", body).status == status
    assert PersonalAccessToken.objects.count() == (1 if status == 200 else 0)


def test_a_name_is_used_once(api: Api) -> None:
    assert [api.post("/tokens", {"name": "t"}).status for _ in range(2)] == [200, 409]


@pytest.mark.parametrize(
    ("order", "names"),
    [("name", ["a", "b"]), ("-name", ["b", "a"]), ("created_at", ["b", "a"]), ("-created_at", ["a", "b"])],
)
def test_the_list_is_ordered(api: Api, order: str, names: list[str]) -> None:
    for name in ("b", "a"):
        api.post("/tokens", {"name": name})
    assert [row["name"] for row in api.get("/tokens", order_by=order).json["tokens"]] == names


@pytest.mark.parametrize("query", [{"order_by": "digest"}, {"order_by": "user__password"}, {"user__password": "x"}])
def test_other_queries_are_refused(api: Api, query: dict[str, str]) -> None:
    assert api.get("/tokens", **query).status == 400


@pytest.mark.parametrize("tokens", [1, 20])
def test_listing_costs_the_same_for_one_and_for_many(api: Api, tokens: int, django_assert_num_queries) -> None:
    from orchestration.services.tokens import issue

    for number in range(tokens):
        issue(UserFactory(), actor=None, name=str(number))
    api.get("/tokens")
    with django_assert_num_queries(4):  # user, permissions, count, page
        assert api.get("/tokens").json["total_entries"] == tokens
