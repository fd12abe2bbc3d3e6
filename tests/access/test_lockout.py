"""Who guesses is kept waiting."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from orchestration.access import lockout
from tests.people import Api, basic, person

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def five_failures(monkeypatch):
    monkeypatch.setenv("AIRFLOW__WEBSERVER__LOGIN_FAILURE_LIMIT", "5")


def guess(name: str, password: str = "wrong", address: str = "192.0.2.1"):
    return Client(REMOTE_ADDR=address, headers={"Authorization": basic(name, password)}).get("/api/v1/pools")


def test_too_many_wrong_passwords_for_one_user_are_answered_with_429():
    user = person("Viewer")
    statuses = [guess(user.username).status_code for _ in range(8)]
    assert statuses[0] == 401
    assert statuses[5:] == [429] * 3
    answer = guess(user.username)
    assert int(answer["Retry-After"]) > 0
    assert answer["Content-Type"] == "application/problem+json"


def test_the_right_password_waits_too_from_that_address_and_works_from_elsewhere():
    user = person("Viewer")
    for _ in range(6):
        guess(user.username)
    assert guess(user.username, "password").status_code == 429
    assert guess(user.username, "password", "198.51.100.7").status_code == 200


def test_too_many_wrong_names_from_one_address_are_answered_with_429():
    statuses = [guess(f"user{number}").status_code for number in range(8)]
    assert statuses[5:] == [429] * 3
    assert guess("somebody", address="198.51.100.7").status_code == 401


def test_a_name_in_other_letters_gives_no_further_guesses():
    person("Viewer", username="jo")
    statuses = [guess(name).status_code for name in ("jo", "Jo", "jO", "JO", "jo", "Jo", "jO", "JO")]
    assert statuses[5:] == [429] * 3


def test_wrong_tokens_count():
    client = Client(REMOTE_ADDR="192.0.2.1", headers={"Authorization": "Bearer afs_nothing"})
    statuses = [client.get("/api/v1/pools").status_code for _ in range(8)]
    assert statuses[0] == 401
    assert statuses[-1] == 429


def test_the_login_page_counts():
    user = person("Viewer")
    client = Client(REMOTE_ADDR="192.0.2.1")
    form = {"username": user.username, "password": "wrong"}
    statuses = [client.post("/admin/login/", form).status_code for _ in range(8)]
    assert statuses[0] == 200
    assert statuses[-1] == 429
    assert client.post("/admin/login/", form)["Retry-After"]
    assert guess(user.username, "password").status_code == 429


def test_a_token_and_a_remembered_credential_go_on_working():
    user = person("Viewer")
    api = Api(user)
    assert api.get("/pools").status_code == 200
    for _ in range(8):
        Api(authorization=basic(user.username, "wrong")).get("/pools")
    assert api.get("/pools").status_code == 200


def test_it_ends_after_some_minutes():
    user = person("Viewer")
    for _ in range(6):
        guess(user.username)
    with time_machine.travel(timezone.now() + timedelta(seconds=301), tick=False):
        assert guess(user.username, "password").status_code == 200


def test_a_good_login_forgets_the_failures_of_that_name():
    user = person("Viewer")
    for _ in range(4):
        guess(user.username)
    assert guess(user.username, "password").status_code == 200
    assert [guess(user.username).status_code for _ in range(4)] == [401] * 4


def test_zero_keeps_nobody_waiting(monkeypatch):
    monkeypatch.setenv("AIRFLOW__WEBSERVER__LOGIN_FAILURE_LIMIT", "0")
    assert {guess("nobody").status_code for _ in range(30)} == {401}


@pytest.mark.parametrize(
    ("proxied", "forwarded", "expected"),
    [
        (False, "203.0.113.9", "192.0.2.1"),
        (True, "203.0.113.9", "203.0.113.9"),
        (True, "6.6.6.6, 203.0.113.9", "203.0.113.9"),
        (True, "", "192.0.2.1"),
    ],
)
def test_the_address_is_the_proxy_s_word_only_behind_a_proxy(monkeypatch, rf, proxied, forwarded, expected):
    monkeypatch.setenv("AIRFLOW__WEBSERVER__ENABLE_PROXY_FIX", str(proxied))
    request = rf.get("/", REMOTE_ADDR="192.0.2.1", HTTP_X_FORWARDED_FOR=forwarded)
    assert lockout.client_address(request) == expected
