"""A caller of the legacy API, with one user for each built-in role."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from orchestration import models
from orchestration.access.credentials import verified
from tests.people import one_of_each_role

BASIC = "airflow.api.auth.backend.basic_auth"


def basic(name: str, password: str = "password") -> str:
    """The ``Authorization`` header of a user name and password."""
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


@pytest.fixture
def experimental(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Switch the API on with these backends; on already, with Basic."""

    def switch(*names: str) -> None:
        monkeypatch.setenv("AIRFLOW__API__ENABLE_EXPERIMENTAL_API", "True")
        monkeypatch.setenv("AIRFLOW__API__AUTH_BACKENDS", ",".join(names))

    verified.clear()
    switch(BASIC)
    return switch


@pytest.fixture
def people(db: None) -> dict[str, models.User]:
    """See ``one_of_each_role``."""
    return one_of_each_role()


@pytest.fixture
def call(experimental: Callable[..., None], people: dict[str, models.User]) -> Callable[..., HttpResponse]:
    """``call("GET", "/test", {"body": 1}, user="viewer")``: one request, as admin unless told otherwise."""
    client = Client()

    def send(
        method: str,
        path: str,
        body: Any = None,
        *,
        user: str | None = "admin",
        raw: bytes | None = None,
        **headers: str,
    ) -> HttpResponse:
        sent = {"HTTP_AUTHORIZATION": basic(user)} if user else {}
        data = {"data": raw, "content_type": "text/plain"} if raw is not None else {}
        if body is not None:
            data = {"data": body, "content_type": "application/json"}
        return client.generic(method, f"/api/experimental{path}", **_encoded(data), **{**sent, **headers})

    return send


def _encoded(data: dict[str, Any]) -> dict[str, Any]:
    import json

    if "data" in data and not isinstance(data["data"], bytes):
        data["data"] = json.dumps(data["data"])
    return data
