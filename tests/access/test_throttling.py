"""Limits on calls a minute."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ThreadPoolExecutor

import pytest
import time_machine
from django.test import Client

from orchestration.access import throttling
from orchestration.services import tokens
from tests.people import Api, basic, person

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _one_minute_with_fresh_counters(tmp_path, monkeypatch):
    counters = throttling.Counters(tmp_path / "counters")
    monkeypatch.setattr(throttling, "_counters", lambda path: counters)
    with time_machine.travel("2030-01-01T00:00:40Z", tick=False):
        yield


def call(address: str = "192.0.2.1", path: str = "/api/v1/pools", **headers: str):
    return Client(REMOTE_ADDR=address, headers=headers).get(path)


def test_nobody_waits_by_default():
    api = Api(person("Viewer"))
    assert {api.get("/pools").status_code for _ in range(50)} == {200}
    assert {call().status_code for _ in range(50)} == {401}


def test_a_user_who_calls_too_often_waits_for_the_next_minute(settings):
    settings.API_REQUESTS_PER_MINUTE_OF_USER = 3
    user = person("Viewer")
    token = f"Bearer {tokens.issue(user, actor=None, name='t')[1]}"
    assert [Api(user).get("/pools").status_code for _ in range(2)] == [200, 200]
    assert Api(authorization=token).get("/pools").status_code == 200
    for api in (Api(user), Api(authorization=token)):
        answer = api.get("/pools")
        assert answer.status_code == 429
        assert answer["Retry-After"] == "20"
        assert answer["Content-Type"] == "application/problem+json"
    assert Api(person("Viewer")).get("/pools").status_code == 200
    with time_machine.travel("2030-01-01T00:01:00Z", tick=False):
        assert Api(user).get("/pools").status_code == 200


def test_an_address_without_credentials_waits_and_another_does_not(settings):
    settings.API_REQUESTS_PER_MINUTE_OF_ADDRESS = 2
    wrong = {"Authorization": "Bearer afs_nothing"}
    assert [call().status_code, call(**wrong).status_code] == [401, 401]
    assert [call().status_code, call(**wrong).status_code] == [429, 429]
    assert call("198.51.100.7").status_code == 401
    user = person("Viewer")
    assert call(Authorization=basic(user.username)).status_code == 200


def test_health_is_never_refused(settings):
    settings.API_REQUESTS_PER_MINUTE_OF_USER = settings.API_REQUESTS_PER_MINUTE_OF_ADDRESS = 1
    user = person("Viewer")
    assert {call(path="/api/v1/health").status_code for _ in range(5)} == {200}
    assert {Api(user).get("/health").status_code for _ in range(5)} == {200}


def test_the_legacy_api_is_limited_too(settings, monkeypatch):
    monkeypatch.setenv("AIRFLOW__API__ENABLE_EXPERIMENTAL_API", "True")
    monkeypatch.setenv("AIRFLOW__API__AUTH_BACKENDS", "airflow.api.auth.backend.basic_auth")
    settings.API_REQUESTS_PER_MINUTE_OF_USER = 1
    user = person("Viewer")
    statuses = [call(path="/api/experimental/pools", Authorization=basic(user.username)).status_code for _ in range(2)]
    assert statuses == [200, 429]


def _add(path, calls: int) -> None:
    counters = throttling.Counters(path)
    for _ in range(calls):
        counters.add("user 1", 7)


def test_processes_and_threads_count_together(tmp_path):
    path = tmp_path / "shared"
    counters = throttling.Counters(path)
    processes = [multiprocessing.get_context("fork").Process(target=_add, args=(path, 500)) for _ in range(3)]
    for process in processes:
        process.start()
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: counters.add("user 1", 7), range(500)))
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    assert counters.add("user 1", 7) == 4 * 500 + 1
    assert counters.add("user 1", 8) == 1
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_full_table_lets_calls_pass(tmp_path):
    counters = throttling.Counters(tmp_path / "full")
    found = {counters.add(f"address {number}", 7) for number in range(40_000)}
    assert found == {0, 1}
