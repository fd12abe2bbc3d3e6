"""Pools."""

from __future__ import annotations

import pytest

from orchestration.models import EventLog, Pool
from orchestration.services import pools


@pytest.fixture(autouse=True)
def default_pool(people):
    pools.ensure_default()
    return Pool.objects.get()


def test_pools_are_a_bare_array(call, default_pool):
    assert call("GET", "/pools").json() == [
        {
            "id": default_pool.pk,
            "pool": "default_pool",
            "slots": 128,
            "description": "Default pool",
            "include_deferred": False,
        }
    ]


def test_a_pool_is_made_changed_and_deleted(call):
    made = call("POST", "/pools", {"name": "p", "slots": 3, "description": "d"})
    assert made.status_code == 200
    row = {"id": Pool.objects.get(name="p").pk, "pool": "p", "slots": 3, "description": "d", "include_deferred": False}
    assert made.json() == row
    changed = call("POST", "/pools", {"name": "p", "slots": "4", "description": ""})
    assert changed.json() == {**row, "slots": 4, "description": ""}
    assert call("GET", "/pools/p").json() == changed.json()
    assert call("DELETE", "/pools/p").json() == changed.json()
    gone = call("DELETE", "/pools/p")
    assert (gone.status_code, gone.json()) == (404, {"error": "Pool 'p' doesn't exist"})
    assert list(EventLog.objects.values_list("event", flat=True)) == ["api.post_pool"] * 2 + ["api.delete_pool"] * 2


@pytest.mark.parametrize(("slots", "stored"), [(1.7, 1), (True, 1), ("-1", -1), (" 5 ", 5)])
def test_slots_become_whole_numbers(call, slots, stored):
    answer = call("POST", "/pools", {"name": "p", "slots": slots, "description": None})
    assert (answer.status_code, answer.json()["slots"]) == (200, stored)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"name": "", "slots": 1, "description": ""}, "Pool name shouldn't be empty"),
        ({"name": " ", "slots": 1, "description": ""}, "Pool name shouldn't be empty"),
        ({"name": None, "slots": 1, "description": ""}, "Pool name shouldn't be empty"),
        ({"name": 5, "slots": 1, "description": ""}, "The pool's name must be text."),
        ({"name": "p" * 257, "slots": 1, "description": ""}, "Pool name can't be more than 256 characters"),
        ({"name": "b", "slots": "many", "description": ""}, "Bad value for `slots`: many"),
        ({"name": "b", "slots": "1.5", "description": ""}, "Bad value for `slots`: 1.5"),
        ({"name": "b", "slots": None, "description": ""}, "Bad value for `slots`: None"),
        ({"name": "b", "slots": [], "description": ""}, "Bad value for `slots`: []"),
        ({"name": "b", "slots": 1, "description": 5}, "The pool's description must be text or null."),
        ({"name": "b"}, "The pool's description, slots must be given."),
        ({}, "The pool's description, name, slots must be given."),
    ],
)
def test_what_cannot_be_a_pool_is_refused(call, body, text):
    answer = call("POST", "/pools", body)
    assert (answer.status_code, answer.json()) == (400, {"error": text})
    assert Pool.objects.count() == 1


@pytest.mark.parametrize("slots", [-5, 2**31, 10**20, 1e300])
def test_slots_that_no_database_holds_are_refused(call, slots):
    assert call("POST", "/pools", {"name": "p", "slots": slots, "description": ""}).status_code == 400


def test_include_deferred_may_be_given_or_left_out(call):
    body = {"name": "p", "slots": 1, "description": ""}
    assert call("POST", "/pools", {**body, "include_deferred": True}).json()["include_deferred"] is True
    assert call("POST", "/pools", body).json()["include_deferred"] is True
    assert call("POST", "/pools", {**body, "include_deferred": False}).json()["include_deferred"] is False
    assert call("POST", "/pools", {**body, "include_deferred": None}).json()["include_deferred"] is False


def test_the_default_pool_may_be_changed_but_not_deleted(call):
    assert call("POST", "/pools", {"name": "default_pool", "slots": 100, "description": "x"}).json()["slots"] == 100
    answer = call("DELETE", "/pools/default_pool")
    assert (answer.status_code, answer.json()) == (400, {"error": "default_pool cannot be deleted"})


def test_a_name_of_blanks_is_a_400_and_an_unknown_one_a_404(call):
    assert call("GET", "/pools/%20").json() == {"error": "Pool name shouldn't be empty"}
    assert call("GET", "/pools/nope").json() == {"error": "Pool 'nope' doesn't exist"}
    assert call("GET", "/pools/nope").status_code == 404


def test_who_may_create_but_not_edit_pools_changes_none(call, people):
    from django.contrib.auth.models import Group

    from orchestration.access.permissions import Pair, permission

    maker = Group.objects.create(name="maker")
    maker.permissions.add(permission(Pair("can_create", "Pools")))
    people["public"].groups.set([maker])
    body = {"name": "p", "slots": 1, "description": ""}
    assert call("POST", "/pools", body, user="public").status_code == 200
    assert call("POST", "/pools", {**body, "slots": 9}, user="public").status_code == 403
    assert Pool.objects.get(name="p").slots == 1
