"""One's own account: names, password, sessions, tokens."""

from __future__ import annotations

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse

from orchestration.access.permissions import Pair
from orchestration.models import EventLog, PersonalAccessToken
from orchestration.services import tokens
from tests.admin.conftest import client_of
from tests.people import PASSWORD, Api, person, role

pytestmark = pytest.mark.django_db

NEW = "a-long-new-Passw0rd"


def send(client, name, body=None, args=()):
    return client.post(reverse(f"admin:{name}", args=args), body or {}, content_type="application/json")


def test_one_changes_one_s_own_names_and_nothing_else():
    user = person("Viewer", username="me")
    body = {"first_name": " Ada ", "last_name": "L", "is_superuser": True, "username": "other", "roles": ["Admin"]}
    assert send(client_of(user), "desk_profile_names", body).status_code == 200
    user.refresh_from_db()
    assert (user.first_name, user.last_name, user.username, user.is_superuser) == ("Ada", "L", "me", False)
    assert list(user.groups.values_list("name", flat=True)) == ["Viewer"]
    assert send(client_of(user), "desk_profile_names", {"first_name": "x" * 257}).status_code == 400


def test_a_changed_password_ends_sessions_and_tokens():
    user = person("Viewer", username="me")
    here, elsewhere = client_of(user), client_of(user)
    tokens.issue(user, actor=user, name="t", scope="read")
    answer = send(here, "desk_profile_password", {"old_password": PASSWORD, "new_password": NEW})
    assert answer.json() == {"url": reverse("admin:login")}
    user.refresh_from_db()
    assert user.check_password(NEW)
    assert not PersonalAccessToken.objects.exists()
    for client in (here, elsewhere):
        assert client.get(reverse("admin:desk_profile")).status_code == 302
    assert NEW not in str(list(EventLog.objects.values()))
    assert EventLog.objects.filter(event="change_password", owner="me").count() == 1


@pytest.mark.parametrize(
    "body", [{"old_password": "wrong", "new_password": NEW}, {"old_password": PASSWORD, "new_password": ""}, {}]
)
def test_a_password_is_changed_only_with_the_present_one_and_to_a_good_one(body):
    user = person("Viewer")
    assert send(client_of(user), "desk_profile_password", body).status_code == 400
    user.refresh_from_db()
    assert user.check_password(PASSWORD)


def test_one_without_the_right_changes_no_password_on_any_page():
    role("reader", [Pair("can_read", "Website"), Pair("can_read", "My Profile")])
    user = person("reader")
    client = client_of(user)
    assert send(client, "desk_profile_password", {"old_password": PASSWORD, "new_password": NEW}).status_code == 403
    assert send(client, "desk_token_create", {"name": "t", "scope": "read"}).status_code == 403
    form = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}
    assert client.post(reverse("admin:password_change"), form).url == reverse("admin:desk_profile")
    user.refresh_from_db()
    assert user.check_password(PASSWORD)


def test_other_sessions_end_and_this_one_stays():
    user, other = person("Viewer"), person("Viewer")
    here, elsewhere, stranger = client_of(user), client_of(user), client_of(other)
    assert send(here, "desk_profile_sessions").json() == {"message": "1 other session ended."}
    assert here.get(reverse("admin:desk_profile")).status_code == 200
    assert stranger.get(reverse("admin:desk_profile")).status_code == 200
    assert elsewhere.get(reverse("admin:desk_profile")).status_code == 302
    assert Session.objects.count() == 2


def test_a_token_is_shown_once_works_and_is_revoked():
    user = person("Viewer", username="me")
    client = client_of(user)
    text = send(client, "desk_token_create", {"name": "t", "scope": "read", "expires_at": ""}).json()["token"]
    assert Api(authorization=f"Bearer {text}").get("/pools").status_code == 200
    page = client.get(reverse("admin:desk_profile")).content.decode()
    assert text not in page
    assert text not in str(list(EventLog.objects.values()))
    key = PersonalAccessToken.objects.get().token_key
    assert send(client_of(person("Op")), "desk_token_revoke", args=(key,)).status_code == 404
    assert send(client, "desk_token_revoke", args=(key,)).status_code == 200
    assert Api(authorization=f"Bearer {text}").get("/pools").status_code == 401


@pytest.mark.parametrize(
    "body",
    [
        {"name": "", "scope": "read"},
        {"name": "t", "scope": "all"},
        {"name": "t", "scope": "read", "expires_at": "tomorrow"},
        {"name": "t", "scope": "read", "expires_at": "2001-01-01T00:00"},
        {"name": 3, "scope": "read"},
    ],
)
def test_a_token_s_fields_are_checked(body):
    assert send(client_of(person("Viewer")), "desk_token_create", body).status_code == 400
    assert not PersonalAccessToken.objects.exists()


def test_verbs_of_the_account_need_the_csrf_token():
    client = Client(enforce_csrf_checks=True)
    user = person("Admin")
    client.force_login(user, backend="orchestration.access.backends.RoleBackend")
    for name in ("desk_profile_names", "desk_profile_password", "desk_profile_sessions", "desk_token_create"):
        assert send(client, name, {"old_password": PASSWORD, "new_password": NEW}).status_code == 403, name
