"""User names and passwords in headers, and the memory of verified ones."""

from __future__ import annotations

import base64

import pytest

from orchestration.access.credentials import CredentialCache, Malformed, parse_basic
from tests.people import person


def encoded(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (encoded(b"user:password"), ("user", "password")),
        (encoded(b"user:pass:word:"), ("user", "pass:word:")),
        (encoded("jürgen:pässwort".encode()), ("jürgen", "pässwort")),
        (encoded(b" user : password "), (" user ", " password ")),
    ],
)
def test_credentials_are_read(text, expected):
    assert parse_basic(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "!!!",
        "",
        "user:password",
        encoded(b"no colon"),
        encoded(b":password"),
        encoded(b"user:"),
        encoded(b":"),
        encoded(b"us\0er:password"),
        encoded(b"user:pass\0word"),
        encoded("jürgen:x".encode("latin-1")),
        encoded(b"user:password") + ",Basic " + encoded(b"other:password"),
        encoded(b"user:password")[:-1] + "\udcff",
    ],
)
def test_what_is_malformed_is_refused(text):
    with pytest.raises(Malformed):
        parse_basic(text)


@pytest.mark.django_db
class TestCache:
    def test_a_verified_credential_is_known_again_with_one_query(self, django_assert_num_queries):
        cache, user = CredentialCache(), person()
        cache.remember(user.username, "right", user)
        with django_assert_num_queries(1):
            assert cache.find(user.username, "right")[0] == user

    def test_another_password_is_not_known(self):
        cache, user = CredentialCache(), person()
        cache.remember(user.username, "right", user)
        assert cache.find(user.username, "wrong") is None
        assert cache.find(user.username + "\0", "right") is None

    def test_name_and_password_cannot_trade_characters(self):
        cache, user = CredentialCache(), person(username="ab")
        cache.remember("ab", "cd", user)
        assert cache.find("a", "bcd") is None

    def test_a_changed_password_ends_it(self):
        cache, user = CredentialCache(), person()
        cache.remember(user.username, "right", user)
        user.set_password("new")
        user.save()
        assert cache.find(user.username, "right") is None

    def test_an_inactive_user_is_not_known(self):
        cache, user = CredentialCache(), person()
        cache.remember(user.username, "right", user)
        user.is_active = False
        user.save()
        assert cache.find(user.username, "right") is None

    def test_a_deleted_user_is_not_known(self):
        cache, user = CredentialCache(), person()
        cache.remember(user.username, "right", user)
        user.delete()
        assert cache.find(user.username, "right") is None

    def test_it_forgets_after_the_option_s_seconds(self, monkeypatch):
        monkeypatch.setattr("orchestration.access.credentials.time.monotonic", lambda: clock[0])
        clock = [0.0]
        cache, user = CredentialCache(), person()
        cache.remember(user.username, "right", user)
        clock[0] = 59
        assert cache.find(user.username, "right")[0] == user
        clock[0] = 61
        assert cache.find(user.username, "right") is None

    def test_zero_seconds_remembers_nothing(self, monkeypatch):
        monkeypatch.setenv("AIRFLOW__API__CREDENTIAL_CACHE_SECONDS", "0")
        cache, user = CredentialCache(), person()
        cache.remember(user.username, "right", user)
        assert cache.find(user.username, "right") is None

    def test_its_room_is_bounded(self):
        cache, user = CredentialCache(room=2), person()
        for password in ("one", "two", "three"):
            cache.remember(user.username, password, user)
        assert cache.find(user.username, "one") is None
        assert cache.find(user.username, "three")[0] == user

    def test_it_holds_no_password(self):
        cache, user = CredentialCache(), person()
        cache.remember(user.username, "S3CRET-canary", user)
        assert "S3CRET-canary" not in repr(vars(cache))
