"""Names of objects: what looks alike is not the same, and who may only create takes nobody's place."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from orchestration.access.permissions import Pair
from orchestration.models import Connection, Pool, Variable
from tests.people import Api, person, role

#: Names that look or count alike: composed and decomposed, Latin and Cyrillic, another direction, case, no width.
ALIKE = [("é", "e\u0301"), ("a", "\u0430"), ("ab", "a\u202eb"), ("Key", "key"), ("ab", "a\u200bb"), ("ß", "ss")]
OBJECTS = {
    "variables": (Variable, "key", {"value": "mine"}, "Variables"),
    "pools": (Pool, "name", {"slots": 7}, "Pools"),
    "connections": (Connection, "connection_id", {"conn_type": "http", "host": "mine"}, "Connections"),
}

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("one", "other"), ALIKE)
@pytest.mark.parametrize("kind", ["variables", "pools"])  # a connection's id is plain ASCII
def test_names_that_look_alike_are_different_names(kind: str, one: str, other: str) -> None:
    _, member, body, _ = OBJECTS[kind]
    api = Api(person("Admin"))
    assert api.post(f"/{kind}", {**body, member: one}).status_code == 200
    assert api.get(f"/{kind}/{quote(other)}").status_code == 404
    assert api.post(f"/{kind}", {**body, member: other}).status_code == 200
    assert [api.get(f"/{kind}/{quote(name)}").json()[member] for name in (one, other)] == [one, other]
    assert api.delete(f"/{kind}/{quote(one)}").status_code == 204
    assert api.get(f"/{kind}/{quote(other)}").status_code == 200


@pytest.mark.parametrize("kind", sorted(OBJECTS))
def test_who_may_only_create_changes_nothing_that_is_there(kind: str) -> None:
    model, member, body, resource = OBJECTS[kind]
    assert Api(person("Admin")).post(f"/{kind}", {**body, member: "x"}).status_code == 200
    before = list(model.objects.values())
    role("creator", [Pair("can_create", resource)])
    theirs = {name: 1 if name == "slots" else "theirs" for name in body}
    answer = Api(person("creator")).post(f"/{kind}", {**theirs, member: "x"})
    assert answer.status_code == 409
    assert list(model.objects.values()) == before
