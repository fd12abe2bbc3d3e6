"""Sessions and credentials (SECURITY 1).

Rows tested elsewhere: 2020-13927 of the experimental API (``tests/api_experimental``), 2021-26697 and 2021-38540, every
address (``test_hazards``), password changes, deactivation and revocation (``tests/access``), brute force
(``tests/access/test_lockout``), errors in backends (``test_hazards``), tokens of tasks in logs (tests of execution).
Not applicable: 2018-20245 (there is no LDAP).
"""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urljoin, urlsplit

import pytest
from django.contrib.auth import hashers
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from orchestration.access import roles
from orchestration.services import tokens
from tests.people import PASSWORD, Api, basic, person

pytestmark = pytest.mark.django_db
BACKEND = "orchestration.access.backends.RoleBackend"


def login(client: Client, user) -> None:
    answer = client.post("/admin/login/", {"username": user.username, "password": PASSWORD, "next": "/admin/"})
    assert answer.status_code == 302, answer.content


@pytest.fixture
def user():
    return person("Admin", is_staff=True)


def test_the_session_s_id_changes_at_login(user):
    client = Client()
    session = client.session
    session["before"] = "login"
    session.save()
    client.cookies["session"] = session.session_key
    login(client, user)
    assert client.cookies["session"].value != session.session_key
    assert not Session.objects.filter(session_key=session.session_key).exists()


def test_a_cookie_copied_before_logout_opens_nothing_after_it(user):
    client = Client()
    login(client, user)
    copied = client.cookies["session"].value
    assert client.get("/api/v1/pools").status_code == 200
    client.post("/admin/logout/")
    thief = Client()
    thief.cookies["session"] = copied
    assert thief.get("/api/v1/pools").status_code == 401


def test_the_cookie_is_http_only_same_site_and_of_the_mount_prefix(user, settings):
    settings.SESSION_COOKIE_PATH = "/flow"
    client = Client()
    login(client, user)
    cookie = client.cookies["session"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/flow")
    assert not cookie["secure"]


def test_over_tls_the_cookie_is_secure(user, settings):
    settings.SESSION_COOKIE_SECURE = True
    client = Client()
    login(client, user)
    assert client.cookies["session"]["secure"]


def test_a_session_of_another_installation_opens_nothing(user, settings):
    client = Client()
    login(client, user)
    assert client.get("/api/v1/pools").status_code == 200
    settings.SECRET_KEY = "the key of another installation, as long as it has to be"
    assert client.get("/api/v1/pools").status_code == 401


def test_the_login_page_is_protected_against_foreign_forms(user):
    client = Client(enforce_csrf_checks=True)
    answer = client.post("/admin/login/", {"username": user.username, "password": PASSWORD})
    assert answer.status_code == 403


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "/\\evil.example",
        "https:evil.example",
        "https://evil.example/",
        "%2f%2fevil.example",
        "javascript:x",
        "/x\r\ny: z",
    ],
)
def test_login_leads_nowhere_else(user, target):
    answer = Client().post("/admin/login/", {"username": user.username, "password": PASSWORD, "next": target})
    assert answer.status_code == 302
    assert urlsplit(urljoin("http://testserver/admin/login/", answer["Location"])).netloc == "testserver"
    assert not answer["Location"].startswith(("//", "/\\"))
    assert "\n" not in answer["Location"]


@pytest.mark.parametrize("case", ["unknown", "wrong", "inactive"])
def test_each_refused_login_pays_the_slow_hash_once(case, monkeypatch):
    person("Viewer", username="known")
    person("Viewer", username="inactive", is_active=False)
    hashed = []
    kind = type(hashers.get_hasher())
    original = kind.encode
    monkeypatch.setattr(kind, "encode", lambda self, *a, **k: hashed.append(1) or original(self, *a, **k))
    name, password = {"unknown": ("nobody", "x"), "wrong": ("known", "x"), "inactive": ("inactive", PASSWORD)}[case]
    assert Api(authorization=basic(name, password)).get("/pools").status_code == 401
    assert len(hashed) == 1


def test_each_refused_login_costs_the_same_queries():
    person("Viewer", username="known")
    person("Viewer", username="inactive", is_active=False)
    counts = []
    for name, password in (("nobody", "x"), ("known", "x"), ("inactive", PASSWORD)):
        with CaptureQueriesContext(connection) as queries:
            Api(authorization=basic(name, password)).get("/pools")
        counts.append(len(queries))
    assert len(set(counts)) == 1, counts


def test_no_credential_reaches_a_log(user, caplog):
    text = tokens.issue(user, actor=None, name="t")[1]
    with caplog.at_level(logging.DEBUG):
        Api(authorization=basic(user.username, "S3CRET-wrong")).get("/pools")
        Api(authorization=f"Bearer {text}").get("/pools")
        Api(authorization="Bearer afs_S3CRET").get("/pools")
        Api(authorization="Basic S3CRET").get("/pools")
        Api(user).patch(f"/users/{user.username}", {"password": "S3CRET-changed"})
        Client().post("/admin/login/", {"username": user.username, "password": "S3CRET-form"})
    lines = caplog.text
    assert "S3CRET" not in lines
    assert text not in lines
    assert PASSWORD not in lines.replace("password", "", lines.count("'password'"))


def test_failures_and_logins_are_logged_with_name_and_address(caplog):
    person("Viewer", username="known")
    with caplog.at_level(logging.INFO, logger="orchestration.access.lockout"):
        Api(authorization=basic("known", "x")).get("/pools")
        Api(authorization=basic("known")).get("/pools")
        Api(authorization=basic("new\nline", "x")).get("/pools")
    assert "failed login of 'known' from 127.0.0.1" in caplog.text
    assert "login of 'known' from 127.0.0.1" in caplog.text
    assert "new\\nline" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_callers_never_get_each_other_s_rights():
    roles.ensure_built_in()
    strong = tokens.issue(person("Admin"), actor=None, name="t")[1]
    weak = tokens.issue(person("Public"), actor=None, name="t")[1]

    def call(number: int) -> bool:
        token, expected = ((strong, 200), (weak, 403))[number % 2]
        try:
            return Api(authorization=f"Bearer {token}").get("/users").status_code == expected
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(call, range(80)))
    client = Client()
    for number in range(40):
        token, expected = ((strong, 200), (weak, 403))[number % 2]
        assert client.get("/api/v1/users", headers={"Authorization": f"Bearer {token}"}).status_code == expected
