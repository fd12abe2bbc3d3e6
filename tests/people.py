"""Callers for tests: users with roles and grants, and a client of the stable API that calls as one of them."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.models import Group
from django.http import HttpResponse
from django.test import Client

from orchestration.access import credentials, permissions, roles
from orchestration.access.permissions import Pair
from orchestration.models import DagGrant, User
from tests.factories import UserFactory

PASSWORD = "password"
#: The built-in roles, weakest first.
ROLES = (roles.PUBLIC, roles.VIEWER, roles.USER, roles.OP, roles.ADMIN)


def person(*role_names: str, **fields: Any) -> User:
    """A user with these roles; the password is ``password``."""
    user: User = UserFactory(**fields)
    user.groups.set(Group.objects.filter(name__in=role_names))
    return user


def one_of_each_role() -> dict[str, User]:
    """A user with each built-in role, named as the role in lower case; the password is ``password``."""
    roles.ensure_built_in()
    return {name.lower(): person(name, username=name.lower()) for name in ROLES}


def role(name: str, pairs: Iterable[Pair] = (), grants: Mapping[str, Iterable[str]] | None = None) -> Group:
    """A role with these pairs; ``grants`` are actions on DAGs by DAG id (``can_read``; ``DAG Runs:can_create``)."""
    group = Group.objects.create(name=name)
    group.permissions.set([permissions.permission(pair) for pair in pairs])
    for dag_id, actions in (grants or {}).items():
        for text in actions:
            resource, _, action = text.rpartition(":")
            DagGrant.objects.create(group=group, dag_id=dag_id, action=action, resource=resource or permissions.DAGS)
    return group


def restricted(name: str = "d1only", dag_id: str = "d1", also: Iterable[Pair] = ()) -> User:
    """A Viewer but for DAGs, of which only one may be read and edited; may create, edit and delete runs and tasks."""
    pairs = {pair for pair in roles.BUILT_IN[roles.VIEWER] if pair.resource != permissions.DAGS}
    for resource in (permissions.DAG_RUNS, permissions.TASK_INSTANCES):
        pairs |= {Pair(action, resource) for action in (permissions.CREATE, permissions.EDIT, permissions.DELETE)}
    role(name, {*pairs, *also}, {dag_id: (permissions.READ, permissions.EDIT)})
    return person(name, username=name)


def basic(username: str, password: str = PASSWORD) -> str:
    """An ``Authorization`` header."""
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


class Api:
    """A client of the stable API. ``authorization`` None is a caller without credentials."""

    def __init__(self, user: User | None = None, *, authorization: str | None = None, **headers: str) -> None:
        self.authorization = basic(user.username) if user is not None else authorization
        self.client = Client(headers=headers or None)

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        raw: bytes | None = None,
        kind: str = "application/json",
        **query: Any,
    ) -> HttpResponse:
        """Call ``/api/v1{path}`` (or ``path`` itself where it starts with two slashes)."""
        address = path[1:] if path.startswith("//") else f"/api/v1{path}"
        if query:
            address += "?" + urlencode(query, doseq=True)
        data = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        headers = {"Authorization": self.authorization} if self.authorization else {}
        content_type = kind if data else ""
        return self.client.generic(method, address, data, content_type=content_type, headers=headers)  # type: ignore[return-value]

    def get(self, path: str, **query: Any) -> HttpResponse:
        return self.call("GET", path, **query)

    def post(self, path: str, body: Any = None, **query: Any) -> HttpResponse:
        return self.call("POST", path, body, **query)

    def patch(self, path: str, body: Any = None, **query: Any) -> HttpResponse:
        return self.call("PATCH", path, body, **query)

    def put(self, path: str, body: Any = None, **query: Any) -> HttpResponse:
        return self.call("PUT", path, body, **query)

    def delete(self, path: str, **query: Any) -> HttpResponse:
        return self.call("DELETE", path, **query)


def forget_credentials() -> None:
    """Forget verified credentials, which outlive a test's rows."""
    credentials.verified.clear()
