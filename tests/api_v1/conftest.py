"""A caller of the stable API, with one user for each built-in role and one who may read and edit a single DAG."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib.auth.models import Group
from django.http import HttpResponse
from django.test import Client

from orchestration import models
from orchestration.access.permissions import GRANTABLE, Pair, permission
from tests.factories import UserFactory
from tests.people import forget_credentials, one_of_each_role

#: What ``d1only`` holds beside its grants on one DAG.
_D1ONLY = (
    ("can_read", "DAG Runs"), ("can_create", "DAG Runs"), ("can_edit", "DAG Runs"), ("can_delete", "DAG Runs"),
    ("can_read", "Task Instances"), ("can_create", "Task Instances"), ("can_edit", "Task Instances"),
    ("can_delete", "Task Instances"), ("can_read", "Task Logs"), ("can_read", "XComs"), ("can_read", "DAG Code"),
    ("can_read", "DAG Warnings"), ("can_read", "ImportError"), ("can_read", "Datasets"),
)  # fmt: skip


class Answer:
    """An answer, with its body read."""

    def __init__(self, response: HttpResponse) -> None:
        self.response = response
        self.status = response.status_code
        self.headers = response.headers
        self.content = b"".join(response.streaming_content) if response.streaming else response.content
        self.type = response.headers.get("Content-Type", "").partition(";")[0]

    @property
    def json(self) -> Any:
        return json.loads(self.content)

    @property
    def title(self) -> Any:
        return self.json["title"]

    @property
    def detail(self) -> Any:
        return self.json["detail"]

    def __repr__(self) -> str:
        return f"<{self.status} {self.content[:300]!r}>"


class Api:
    """``api.get("/dags", limit=1)``, ``api.post("/dags/x/dagRuns", {...}, user="viewer")``; paths below ``/api/v1``."""

    def __init__(self) -> None:
        self.client = Client(raise_request_exception=True)

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        user: str | None = "admin",
        raw: bytes | str | None = None,
        content_type: str = "application/json",
        headers: dict[str, str] | None = None,
        **query: Any,
    ) -> Answer:
        sent = {"Accept": "application/json", **(headers or {})}
        if user is not None:
            sent["Authorization"] = "Basic " + base64.b64encode(f"{user}:password".encode()).decode()
        data = raw if raw is not None else b"" if body is None else json.dumps(body)
        address = path if path.startswith("//") else f"/api/v1{path}"
        return Answer(
            self.client.generic(
                method,
                address.removeprefix("/") if address.startswith("//") else address,
                data,
                content_type if raw is not None or body is not None else "",
                headers=sent,
                query_params=query or None,
            )
        )

    def get(self, path: str, **options: Any) -> Answer:
        return self.send("GET", path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> Answer:
        return self.send("POST", path, body, **options)

    def patch(self, path: str, body: Any = None, **options: Any) -> Answer:
        return self.send("PATCH", path, body, **options)

    def put(self, path: str, body: Any = None, **options: Any) -> Answer:
        return self.send("PUT", path, body, **options)

    def delete(self, path: str, **options: Any) -> Answer:
        return self.send("DELETE", path, **options)


@pytest.fixture(autouse=True)
def _no_remembered_credentials() -> Iterator[None]:
    forget_credentials()
    yield
    forget_credentials()


@pytest.fixture
def people(db: None) -> dict[str, models.User]:
    """See ``one_of_each_role``."""
    return one_of_each_role()


@pytest.fixture
def api(people: dict[str, models.User]) -> Api:
    """A caller, ``admin`` unless told otherwise."""
    return Api()


@pytest.fixture
def d1only(people: dict[str, models.User]) -> models.User:
    """Who may read, edit and delete the DAG ``d1`` and no other, and use runs and instances."""
    group = Group.objects.create(name="d1 only")
    group.permissions.add(*(permission(Pair(*pair)) for pair in _D1ONLY))
    for action in ("can_read", "can_edit", "can_delete"):
        models.DagGrant.objects.create(group=group, dag_id="d1", action=action, resource=next(iter(GRANTABLE)))
    user = UserFactory(username="d1only")
    user.groups.add(group)
    return user


def path_of(run: models.DagRun) -> str:
    """The run's address below ``/api/v1``."""
    return f"/dags/{quote(run.dag_id)}/dagRuns/{quote(run.run_id)}"
