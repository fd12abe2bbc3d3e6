"""How long a session lives, and who ends it."""

from __future__ import annotations

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse

from orchestration.access import sessions
from orchestration.conf import ConfigError
from tests.people import PASSWORD, person

pytestmark = pytest.mark.django_db
START = 1_900_000_000


def logged_in(user, address: str = "192.0.2.1") -> Client:
    client = Client(REMOTE_ADDR=address)
    answer = client.post("/admin/login/", {"username": user.username, "password": PASSWORD})
    assert answer.status_code == 302, answer.content
    return client


def is_in(client: Client) -> bool:
    return client.get("/api/v1/pools").status_code == 200


def test_a_session_ends_after_its_lifetime_however_much_it_is_used(settings):
    settings.SESSION_COOKIE_AGE = 3600
    settings.SESSION_SAVE_EVERY_REQUEST = True  # else the database's own limit would do
    with time_machine.travel(START, tick=False) as clock:
        client = logged_in(person("Viewer"))
        for _ in range(4):
            clock.shift(900)
            assert is_in(client)
        clock.shift(1)
        assert not is_in(client)
        assert not Session.objects.exists()


def test_a_session_that_is_not_used_ends_before(monkeypatch):
    monkeypatch.setenv("AIRFLOW__WEBSERVER__SESSION_IDLE_MINUTES", "10")
    with time_machine.travel(START, tick=False) as clock:
        client, other = logged_in(person("Viewer")), logged_in(person("Viewer"))
        for _ in range(4):
            clock.shift(540)
            assert is_in(client)
        assert not is_in(other)
        assert other.get("/admin/").status_code == 302
        assert Session.objects.count() == 1


def test_without_the_option_an_unused_session_lives_on():
    with time_machine.travel(START, tick=False) as clock:
        client = logged_in(person("Viewer"))
        clock.shift(86_400)
        assert is_in(client)


def test_one_s_sessions_are_listed_and_one_of_them_is_ended():
    user, other = person("Viewer"), person("Viewer")
    here, there, third = logged_in(user), logged_in(user, "198.51.100.7"), logged_in(user)
    stranger = logged_in(other)
    listed = sessions.of_user(user)
    assert {each.address for each in listed} == {"192.0.2.1", "198.51.100.7"}
    assert len(listed) == 3
    page = here.get(reverse("admin:desk_profile")).content.decode()
    assert "198.51.100.7" in page
    assert not any(each.key in page for each in listed)
    name = next(each.name for each in listed if each.address == "198.51.100.7")

    def end(client: Client, session: object) -> int:
        url = reverse("admin:desk_profile_sessions")
        return client.post(url, {"session": session}, content_type="application/json").status_code

    assert end(stranger, name) == 404
    assert end(here, 5) == 400
    assert end(here, name) == 200
    assert end(here, name) == 404
    assert [is_in(client) for client in (here, there, third, stranger)] == [True, False, True, True]


def code_is_the_user_s_name(user, code: str) -> bool:
    return code == f"code of {user.username}"


class TestSecondFactor:
    @pytest.fixture(autouse=True)
    def _hook(self, monkeypatch):
        monkeypatch.setenv("AIRFLOW__WEBSERVER__SECOND_FACTOR", f"{__name__}:code_is_the_user_s_name")

    def log_in(self, user, **more: str):
        return Client().post("/admin/login/", {"username": user.username, "password": PASSWORD, **more})

    def test_the_form_asks_for_a_code(self):
        page = Client().get("/admin/login/").content.decode()
        assert 'name="code"' in page
        assert 'form="login-form"' in page

    def test_who_has_the_code_gets_in(self):
        user = person("Admin")
        assert self.log_in(user, code=f"code of {user.username}").status_code == 302

    @pytest.mark.parametrize("code", ["", "code of another", None])
    def test_others_are_refused_as_with_a_wrong_password_and_counted(self, code):
        user = person("Admin")
        answer = self.log_in(user, **({} if code is None else {"code": code}))
        assert answer.status_code == 200
        assert not Session.objects.exists()
        user.refresh_from_db()
        assert user.failed_login_count == 1

    def test_a_function_that_is_not_there_lets_nobody_in(self, monkeypatch):
        monkeypatch.setenv("AIRFLOW__WEBSERVER__SECOND_FACTOR", "no.such:thing")
        with pytest.raises(ConfigError, match="second_factor"):
            self.log_in(person("Admin"))


def test_no_code_is_asked_for_by_default():
    assert 'name="code"' not in Client().get("/admin/login/").content.decode()
