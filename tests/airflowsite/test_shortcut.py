"""The short way of calls without a cookie: the same answers, from less."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils.module_loading import import_string

from airflowsite.shortcut import SHORT_WAY
from tests.people import basic, person

HOOKS = ("process_view", "process_exception", "process_template_response")


@pytest.mark.parametrize("name", SHORT_WAY)
def test_what_stands_at_the_short_way_needs_no_hook(name: str) -> None:
    assert not [hook for hook in HOOKS if hasattr(import_string(name), hook)]


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/api/v1/pools", "/api/v1/nowhere", "/api/experimental/test", "/api/nowhere"])
def test_both_ways_answer_the_same(path: str) -> None:
    user = person("Viewer")
    answers = []
    for cookies in ({}, {"other": "cookie"}):
        client = Client()
        client.cookies.load(cookies)
        answers.append(client.get(path, headers={"Authorization": basic(user.username)}))
    short, long = answers
    assert (short.status_code, short.content) == (long.status_code, long.content)
    assert dict(short.headers) == dict(long.headers)
    assert short["X-Frame-Options"] == "DENY"
    assert short["X-Content-Type-Options"] == "nosniff"


@pytest.mark.django_db
def test_a_foreign_host_is_refused_on_the_short_way() -> None:
    client = Client(raise_request_exception=False)
    assert client.get("/api/v1/version", headers={"Host": "evil.example"}).status_code == 400


@pytest.mark.django_db
def test_a_session_is_known_by_its_cookie() -> None:
    user, client = person("Viewer"), Client()
    assert client.get("/api/v1/pools").status_code == 401
    client.force_login(user, "orchestration.access.backends.RoleBackend")
    assert client.get("/api/v1/pools").status_code == 200
