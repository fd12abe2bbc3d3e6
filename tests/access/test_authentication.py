"""Who calls: each backend, over HTTP."""

from __future__ import annotations

import base64
from datetime import timedelta

import pytest
from django.http import HttpRequest
from django.test import Client
from django.utils import timezone

from orchestration.access import authentication
from orchestration.access.permissions import Pair
from orchestration.conf import ConfigError
from orchestration.models import PersonalAccessToken, User
from orchestration.services import tokens, users
from tests.people import PASSWORD, Api, basic, person, role

pytestmark = pytest.mark.django_db

SESSION = "airflow.api.auth.backend.session"
BASIC = "airflow.api.auth.backend.basic_auth"
TOKEN = "airflow.api.auth.backend.token"
OPEN = "airflow.api.auth.backend.default"
NOBODY = "airflow.api.auth.backend.deny_all"


@pytest.fixture
def backends(monkeypatch):
    def choose(*names: str) -> None:
        monkeypatch.setenv("AIRFLOW__API__AUTH_BACKENDS", ",".join(names))

    return choose


def token_for(user: User, **fields: object) -> str:
    return tokens.issue(user, actor=None, name=fields.pop("name", "test"), **fields)[1]


def bearer(text: str) -> Api:
    return Api(authorization=f"Bearer {text}")


class TestBasic:
    def test_the_right_password_is_let_in(self):
        assert Api(person("Viewer")).get("/pools").status_code == 200

    def test_the_case_of_a_name_does_not_matter_where_one_user_has_it(self):
        person("Viewer", username="Jo")
        assert Api(authorization=basic("jO", PASSWORD)).get("/pools").status_code == 200
        person("Admin", username="jo")
        assert Api(authorization=basic("JO", "password")).get("/variables").status_code == 401
        assert Api(authorization=basic("Jo", PASSWORD)).get("/variables").status_code == 403
        assert Api(authorization=basic("jo", PASSWORD)).get("/variables").status_code == 200

    @pytest.mark.parametrize("password", ["wrong", "Password", "password ", "password\n"])
    def test_another_password_is_refused_with_a_challenge(self, password):
        user = person("Viewer")
        answer = Api(authorization=basic(user.username, password)).get("/pools")
        assert answer.status_code == 401
        assert answer["WWW-Authenticate"].startswith("Basic realm=")
        assert answer["Content-Type"] == "application/problem+json"

    def test_an_unknown_user_and_an_inactive_one_get_the_same_answer_as_a_wrong_password(self):
        person("Admin", username="gone", is_active=False)
        person("Admin", username="here")
        answers = [
            Api(authorization=basic(name, password)).get("/pools")
            for name, password in (("nobody", PASSWORD), ("gone", PASSWORD), ("here", "wrong"))
        ]
        assert {answer.status_code for answer in answers} == {401}
        assert len({answer.content for answer in answers}) == 1

    @pytest.mark.parametrize("scheme", ["basic", "BASIC", "bAsIc"])
    def test_the_scheme_may_be_written_in_any_case(self, scheme):
        text = basic(person("Viewer").username).partition(" ")[2]
        assert Api(authorization=f"{scheme} {text}").get("/pools").status_code == 200

    @pytest.mark.parametrize(
        "header",
        [
            "Basic",
            "Basic ",
            "Basic !!!",
            "Basic dXNlcg==",  # user
            "Basic OnBhc3N3b3Jk",  # :password
            "Basic dXNlcjo=",  # user:
            "Basic dXMAZXI6cGFzc3dvcmQ=",  # NUL
            "Basic " + base64.b64encode("ü:ü".encode("latin-1")).decode(),
            "Basic " + "A" * 1_000_000,
            "Basic dXNlcjpwYXNzd29yZA==, Basic dXNlcjpwYXNzd29yZA==",
            "Bearer",
            "Bearer  ",
            "Bearer nothing",
            "Bearer " + "\udcff\udcfe",
            "Bearer " + "A" * 1_000_000,
            "Digest username=x",
            "Nonsense",
            "",
        ],
    )
    def test_a_malformed_header_is_a_401(self, header):
        client = Client(raise_request_exception=False)
        answer = client.get("/api/v1/pools", HTTP_AUTHORIZATION=header)
        assert answer.status_code == 401, answer.content

    def test_the_slow_hash_is_paid_once(self, monkeypatch):
        user = person("Viewer")
        api = Api(user)
        assert api.get("/pools").status_code == 200
        monkeypatch.setattr("orchestration.access.lockout.authenticate", lambda *a, **k: pytest.fail("hashed again"))
        assert api.get("/pools").status_code == 200

    def test_a_remembered_credential_costs_as_many_queries_as_a_token(self, django_assert_num_queries):
        user = person("Viewer")
        api = Api(user)
        api.get("/pools")
        with django_assert_num_queries(5):  # user, permissions, count, page, use
            api.get("/pools")

    def test_a_long_user_name_is_only_unknown(self):
        assert Api(authorization=basic("x" * 3000)).get("/pools").status_code == 401

    def test_a_login_is_counted_on_the_user_and_so_is_a_failure(self):
        user = person("Viewer")
        Api(user).get("/pools")
        Api(authorization=basic(user.username, "wrong")).get("/pools")
        user.refresh_from_db()
        assert (user.login_count, user.failed_login_count) == (1, 1)
        assert user.last_login is not None


class TestToken:
    def test_a_token_is_let_in_as_its_user(self):
        assert bearer(token_for(person("Viewer"))).get("/pools").status_code == 200

    def test_it_has_a_prefix_that_scanners_know_and_256_random_bits(self):
        text = token_for(person())
        assert text.startswith("afs_")
        assert len(text) == len("afs_") + 64

    def test_only_its_digest_is_kept(self):
        text = token_for(person())
        row = PersonalAccessToken.objects.values().get()
        assert text not in str(row)
        assert text.removeprefix("afs_") not in str(row)

    def test_the_stored_digest_is_no_token(self):
        token_for(person("Viewer"))
        digest = PersonalAccessToken.objects.get().digest
        assert bearer(digest).get("/pools").status_code == 401

    @pytest.mark.parametrize("change", [lambda t: t[:-1], lambda t: t + "0", lambda t: t.upper(), lambda t: t[4:]])
    def test_a_changed_token_is_refused(self, change):
        assert bearer(change(token_for(person("Viewer")))).get("/pools").status_code == 401

    def test_an_expired_token_is_refused(self):
        text = token_for(person("Viewer"), expires_at=timezone.now() + timedelta(hours=1))
        assert bearer(text).get("/pools").status_code == 200
        PersonalAccessToken.objects.update(expiry=timezone.now())
        assert bearer(text).get("/pools").status_code == 401

    def test_a_revoked_token_is_refused_at_once(self):
        text = token_for(person("Viewer"))
        assert bearer(text).get("/pools").status_code == 200
        tokens.revoke(PersonalAccessToken.objects.get(), actor=None)
        assert bearer(text).get("/pools").status_code == 401

    def test_the_token_of_an_inactive_user_is_refused(self):
        user = person("Viewer")
        text = token_for(user)
        User.objects.filter(pk=user.pk).update(is_active=False)
        assert bearer(text).get("/pools").status_code == 401

    def test_a_read_only_token_reads_and_does_nothing_else(self):
        text = token_for(person("Admin"), scope="read")
        assert bearer(text).get("/pools").status_code == 200
        assert bearer(text).get("/users").status_code == 200
        assert bearer(text).post("/pools", {"name": "p", "slots": 1}).status_code == 403
        assert bearer(text).delete("/pools/p").status_code == 403
        assert bearer(text).post("/tokens", {"name": "more"}).status_code == 403

    def test_a_full_token_never_gives_more_than_its_owner_has(self):
        text = token_for(person("Viewer"), scope="full")
        assert bearer(text).post("/pools", {"name": "p", "slots": 1}).status_code == 403

    def test_it_needs_one_query(self, django_assert_num_queries):
        text = token_for(person(is_superuser=True))
        bearer(text).get("/pools")
        with django_assert_num_queries(4):  # token with user, count, page, use
            bearer(text).get("/pools")

    def test_its_last_use_is_known_to_the_minute(self):
        text = token_for(person("Viewer"))
        bearer(text).get("/pools")
        first = PersonalAccessToken.objects.get().last_used_at
        assert first is not None
        bearer(text).get("/pools")
        assert PersonalAccessToken.objects.get().last_used_at == first
        PersonalAccessToken.objects.update(last_used_at=first - timedelta(minutes=2))
        bearer(text).get("/pools")
        assert PersonalAccessToken.objects.get().last_used_at > first - timedelta(minutes=1)

    def test_it_is_not_read_from_the_address(self):
        text = token_for(person("Viewer"))
        assert Api().get("/pools", access_token=text).status_code == 401
        assert Api().get("/version", token=text).status_code == 200


class TestSession:
    def login(self, user: User, **options: object) -> Client:
        client = Client(**options)
        client.force_login(user, backend="orchestration.access.backends.RoleBackend")
        return client

    def test_a_session_reads(self):
        assert self.login(person("Viewer")).get("/api/v1/pools").status_code == 200

    def test_a_change_needs_the_csrf_token(self):
        client = self.login(person("Op"), enforce_csrf_checks=True)
        body = {"name": "p", "slots": 1}
        assert client.post("/api/v1/pools", body, content_type="application/json").status_code == 403
        client.cookies["csrftoken"] = "x" * 32
        headers = {"X-CSRFToken": "x" * 32}
        assert client.post("/api/v1/pools", body, content_type="application/json", headers=headers).status_code == 200

    def test_a_foreign_origin_is_refused_even_with_the_token(self):
        client = self.login(person("Op"), enforce_csrf_checks=True)
        client.cookies["csrftoken"] = "x" * 32
        answer = client.post(
            "/api/v1/pools",
            {"name": "p", "slots": 1},
            content_type="application/json",
            headers={"X-CSRFToken": "x" * 32, "Origin": "https://evil.example"},
        )
        assert answer.status_code == 403

    @pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
    def test_no_unsafe_method_passes_without_it(self, method):
        client = self.login(person("Admin"), enforce_csrf_checks=True)
        answer = getattr(client, method)("/api/v1/pools/default_pool", "{}", content_type="application/json")
        assert answer.status_code in {403, 405}

    def test_basic_and_token_need_no_csrf_token(self):
        user = person("Op")
        for header in (basic(user.username), f"Bearer {token_for(user)}"):
            client = Client(enforce_csrf_checks=True, headers={"Authorization": header})
            answer = client.post("/api/v1/pools", {"name": "p", "slots": 1}, content_type="application/json")
            assert answer.status_code in {200, 409}

    def test_a_header_goes_before_the_cookie(self):
        client = self.login(person("Admin"))
        wrong = {"Authorization": basic("nobody", "wrong")}
        assert client.get("/api/v1/pools", headers=wrong).status_code == 401

    def test_the_session_of_an_inactive_user_ends(self):
        user = person("Viewer")
        client = self.login(user)
        User.objects.filter(pk=user.pk).update(is_active=False)
        assert client.get("/api/v1/pools").status_code == 401


class TestChoice:
    def test_only_the_configured_backends_are_asked(self, backends):
        user = person("Viewer")
        backends(TOKEN)
        assert Api(user).get("/pools").status_code == 401
        assert bearer(token_for(user)).get("/pools").status_code == 200
        backends(BASIC)
        assert Api(user).get("/pools").status_code == 200

    @pytest.mark.parametrize(
        ("names", "challenge"),
        [
            ((BASIC,), ["Basic"]),
            ((SESSION, BASIC, TOKEN), ["Basic", "Bearer", "Session"]),
            ((NOBODY,), ["Bearer"]),
        ],
    )
    def test_the_challenge_names_what_would_help(self, backends, names, challenge):
        backends(*names)
        answer = Api().get("/pools")
        assert answer.status_code == 401
        assert [
            word for word in ("Basic", "Bearer", "Session") if f"{word} realm" in answer["WWW-Authenticate"]
        ] == challenge

    def test_deny_all_recognises_nobody(self, backends):
        backends(NOBODY)
        assert Api(person("Admin")).get("/pools").status_code == 401

    def test_the_open_backend_gives_the_role_public(self, backends):
        backends(OPEN)
        assert Api().get("/pools").status_code == 403
        assert Api().get("/version").status_code == 200
        from django.contrib.auth.models import Group

        from orchestration.access.permissions import permission

        Group.objects.get(name="Public").permissions.add(permission(Pair("can_read", "Pools")))
        assert Api().get("/pools").status_code == 200
        assert Api().post("/pools", {"name": "p", "slots": 1}).status_code == 403

    def test_the_open_backend_still_knows_who_signs_in(self, backends):
        backends(OPEN, BASIC)
        assert Api(person("Viewer")).get("/pools").status_code == 200

    def test_an_unknown_name_is_a_configuration_error_that_lists_the_known_ones(self):
        with pytest.raises(ConfigError, match="basic_auth"):
            authentication.backends(("airflow.api.auth.backend.ldap",))

    def test_every_name_of_the_reference_is_known(self):
        for name in ("session", "basic_auth", "default", "deny_all", "kerberos_auth"):
            assert f"airflow.api.auth.backend.{name}" in authentication.BACKENDS

    def test_a_plain_view_can_ask_too(self):
        user = person("Viewer")
        request = HttpRequest()
        request.META["HTTP_AUTHORIZATION"] = f"Bearer {token_for(user)}"
        identity = authentication.identify(request, authentication.backends((TOKEN,)))
        assert identity is not None
        assert (identity.user, identity.by) == (user, "token")

    def test_health_and_version_ignore_bad_credentials(self):
        for path in ("/health", "/version"):
            assert Api(authorization="Basic !!!").get(path).status_code == 200


class TestPasswordChange:
    def all_ways_in(self, user: User) -> list[Client]:
        session = Client()
        session.force_login(user, backend="orchestration.access.backends.RoleBackend")
        token = Client(headers={"Authorization": f"Bearer {token_for(user)}"})
        return [session, token]

    @pytest.mark.parametrize("road", ["api", "service", "command", "form"])
    def test_it_ends_sessions_tokens_and_remembered_credentials(self, road):
        role("user manager", [Pair("can_edit", "Users"), Pair("can_read", "Pools")])
        user = person("Viewer", username="alice")
        ways = self.all_ways_in(user)
        old = Api(user)
        assert [way.get("/api/v1/pools").status_code for way in ways] == [200, 200]
        assert old.get("/pools").status_code == 200
        match road:
            case "api":
                answer = Api(person("Admin")).patch("/users/alice", {"password": "n3w-pass-word"})
                assert answer.status_code == 200
            case "service":
                users.update(user, actor=None, password="n3w-pass-word")
            case "command":
                user.set_password("n3w-pass-word")
                user.save()
            case "form":
                from django.contrib.auth.forms import SetPasswordForm

                form = SetPasswordForm(user, {"new_password1": "n3w-pass-word", "new_password2": "n3w-pass-word"})
                assert form.is_valid()
                form.save()
        assert [way.get("/api/v1/pools").status_code for way in ways] == [401, 401]
        assert old.get("/pools").status_code == 401
        assert Api(authorization=basic("alice", "n3w-pass-word")).get("/pools").status_code == 200
        assert not PersonalAccessToken.objects.filter(user=user).exists()

    def test_another_user_stays_signed_in(self):
        other = self.all_ways_in(person("Viewer"))
        user = person("Viewer")
        user.set_password("new")
        user.save()
        assert [way.get("/api/v1/pools").status_code for way in other] == [200, 200]

    def test_a_rehash_of_the_same_password_ends_nothing(self, settings):
        user = person("Viewer")
        ways = self.all_ways_in(user)
        settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher", *settings.PASSWORD_HASHERS]
        assert user.check_password(PASSWORD)
        assert ways[1].get("/api/v1/pools").status_code == 200
