"""Configuration, health, version, providers and plugins over HTTP; and calls from other origins."""

from __future__ import annotations

import pytest
from django.db import OperationalError

from orchestration.services import health
from orchestration.states import JobType
from tests.api_v1.conftest import Api
from tests.factories import JobFactory


class TestConfig:
    @pytest.fixture(autouse=True)
    def _exposed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AIRFLOW__WEBSERVER__EXPOSE_CONFIG", "True")

    def test_one_option_as_json(self, api: Api) -> None:
        answer = api.get("/config/section/core/option/load_examples")
        assert answer.json == {"sections": [{"name": "core", "options": [{"key": "load_examples", "value": "False"}]}]}

    def test_the_names_are_repeated_as_they_were_asked_for(self, api: Api) -> None:
        answer = api.get("/config/section/CORE/option/Load_Examples")
        assert answer.json["sections"][0] == {"name": "CORE", "options": [{"key": "Load_Examples", "value": "False"}]}

    @pytest.mark.parametrize(
        ("former", "value"), [("core/option/Dag_Concurrency", "16"), ("core/option/sql_alchemy_conn", "< hidden >")]
    )
    def test_an_option_under_its_former_name(self, api: Api, former: str, value: str) -> None:
        section = api.get(f"/config/section/{former}").json["sections"][0]
        assert section == {"name": "core", "options": [{"key": former.rpartition("/")[2], "value": value}]}

    def test_a_section(self, api: Api) -> None:
        sections = api.get("/config", section="core").json["sections"]
        assert [section["name"] for section in sections] == ["core"]
        assert {"key": "parallelism", "value": "32"} in sections[0]["options"]

    @pytest.mark.parametrize(
        ("path", "query", "title"),
        [
            ("/config", {"section": "nope"}, "section not found."),
            ("/config", {"section": "CORE"}, "section not found."),
            ("/config/section/core/option/nope", {}, "Config not found."),
            ("/config/section/nope/option/x", {}, "Config not found."),
        ],
    )
    def test_what_is_not_there(self, api: Api, path: str, query: dict[str, str], title: str) -> None:
        answer = api.get(path, **query)
        assert (answer.status, answer.title) == (404, title)

    @pytest.mark.parametrize(
        ("accept", "type"),
        [
            ("application/json", "application/json"),
            ("text/plain", "text/plain"),
            ("*/*", "text/plain"),
            ("application/*", "application/json"),
            ("text/plain;q=0.5, application/json", "application/json"),
            ("text/html, */*;q=0.1", "text/plain"),
            ("text/html", None),
            ("image/png", None),
            ("application/json;q=0", None),
            ("nonsense", None),
            (",", None),
            ("application/json;q=banana", None),
        ],
    )
    @pytest.mark.parametrize("path", ["/config", "/config/section/core/option/load_examples"])
    def test_the_caller_s_taste_decides(self, api: Api, path: str, accept: str, type: str | None) -> None:
        answer = api.get(path, headers={"Accept": accept})
        if type is None:
            assert (answer.status, answer.type, answer.content) == (406, "text/html", b"")
        else:
            assert (answer.status, answer.type) == (200, type)

    def test_the_text(self, api: Api) -> None:
        answer = api.get("/config/section/core/option/parallelism", headers={"Accept": "text/plain"})
        assert answer.content == b"[core]\nparallelism = 32\n"

    @pytest.mark.parametrize(("user", "status"), [("public", 403), ("viewer", 403), ("user", 403), ("op", 200)])
    def test_who_may_read_it(self, api: Api, user: str, status: int) -> None:
        assert api.get("/config", user=user).status == status
        assert api.get("/config/section/core/option/parallelism", user=user).status == status

    def test_it_is_hidden_by_default_from_administrators_too(self, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("AIRFLOW__WEBSERVER__EXPOSE_CONFIG")
        for path in ("/config", "/config?section=nope", "/config/section/core/option/parallelism"):
            answer = api.get(path)
            assert (answer.status, answer.title) == (403, "Forbidden")
            assert "chose not to expose" in answer.detail


class TestHealth:
    def test_anybody_may_ask(self, api: Api, now) -> None:
        JobFactory(job_type=JobType.SCHEDULER, latest_heartbeat=now)
        answer = api.get("/health", user=None)
        assert answer.status == 200
        assert answer.json["metadatabase"] == {"status": "healthy"}
        assert answer.json["scheduler"]["status"] == "healthy"
        assert answer.json["scheduler"]["latest_scheduler_heartbeat"].endswith("+00:00")
        assert answer.json["triggerer"] == {"status": None, "latest_triggerer_heartbeat": None}
        assert answer.json["dag_processor"] == {"status": None, "latest_dag_processor_heartbeat": None}

    def test_it_answers_without_a_database(self, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
        def lost() -> None:
            raise OperationalError("gone")

        monkeypatch.setattr(health, "_heartbeats", lost)
        answer = api.get("/health", user=None)
        assert (answer.status, answer.json["metadatabase"]["status"]) == (200, "unhealthy")

    def test_it_costs_one_query(self, api: Api, django_assert_num_queries) -> None:
        with django_assert_num_queries(1):
            api.get("/health", user=None)

    def test_it_has_no_parameters_to_refuse(self, api: Api) -> None:
        assert api.get("/health", user=None, x=1).status == 200
        assert api.get("/version", user=None, x=1).status == 200


def test_the_version_is_the_reference_s(api: Api) -> None:
    answer = api.get("/version", user=None).json
    assert answer["version"] == "2.10.5"
    assert answer["git_version"].startswith("airflowsite ")


def test_providers_and_plugins_are_for_operators(api: Api) -> None:
    answer = api.get("/providers").json
    assert answer["total_entries"] == len(answer["providers"])
    assert set(answer["providers"][0]) == {"package_name", "description", "version"}
    assert api.get("/plugins", limit=1).json == {"plugins": [], "total_entries": 0}
    assert api.get("/plugins", limit=-1).status == 400
    for path in ("/providers", "/plugins"):
        assert [api.get(path, user=user).status for user in ("public", "viewer", "user", "op")] == [403, 403, 403, 200]


class TestOrigins:
    ORIGIN = "https://one.example"

    @pytest.fixture
    def two(self, settings) -> None:
        settings.CORS_ALLOWED_ORIGINS = [self.ORIGIN, "https://two.example"]
        settings.CORS_ALLOW_METHODS = ["POST", "GET", "OPTIONS", "DELETE"]
        settings.CORS_ALLOW_HEADERS = ["origin", "content-type", "accept"]

    def allowed(self, api: Api, **headers: str) -> str | None:
        return api.get("/version", user=None, headers=headers).headers.get("Access-Control-Allow-Origin")

    def test_by_default_there_is_no_header(self, api: Api) -> None:
        answer = api.get("/version", user=None, headers={"Origin": self.ORIGIN})
        assert not [name for name in answer.headers if name.lower().startswith("access-control")]

    @pytest.mark.parametrize(
        ("origin", "expected"),
        [
            ("https://one.example", "https://one.example"),
            ("https://two.example", "https://two.example"),
            ("https://evil.example", None),
            ("http://one.example", None),
            ("https://one.example.evil.example", None),
            ("https://one.example:444", None),
            ("https://sub.one.example", None),
            ("null", None),
            ("nonsense", None),
        ],
    )
    def test_only_the_exact_origins_are_allowed(self, api: Api, two: None, origin: str, expected: str | None) -> None:
        assert self.allowed(api, Origin=origin) == expected

    def test_without_an_origin_the_first_is_named(self, api: Api, two: None) -> None:
        assert self.allowed(api) == self.ORIGIN

    def test_any_origin_never_gets_credentials(self, api: Api, settings) -> None:
        settings.CORS_ALLOW_ALL_ORIGINS = True
        answer = api.get("/version", user=None, headers={"Origin": "https://any.example"})
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in answer.headers

    def test_a_preflight_is_answered_without_credentials_and_does_nothing(self, api: Api, two: None) -> None:
        answer = api.send(
            "OPTIONS", "/pools", user=None, headers={"Origin": self.ORIGIN, "Access-Control-Request-Method": "POST"}
        )
        assert answer.status == 200
        assert answer.headers["Access-Control-Allow-Methods"] == "POST, GET, OPTIONS, DELETE"
        assert answer.headers["Access-Control-Allow-Headers"] == "origin, content-type, accept"
        assert {word.strip() for word in answer.headers["Allow"].split(",")} == {"GET", "HEAD", "OPTIONS", "POST"}

    @pytest.mark.parametrize(
        ("method", "path", "status"), [("GET", "/dags/nope", 404), ("GET", "/pools", 200), ("POST", "/pools", 400)]
    )
    @pytest.mark.parametrize("origin", [ORIGIN, "https://evil.example"])
    def test_every_answer_of_an_operation_tells_what_is_allowed(
        self, api: Api, two: None, method: str, path: str, status: int, origin: str
    ) -> None:
        answer = api.send(method, path, headers={"Origin": origin})
        assert answer.status == status
        assert answer.headers["Access-Control-Allow-Methods"] == "POST, GET, OPTIONS, DELETE"
        assert answer.headers["Access-Control-Allow-Headers"] == "origin, content-type, accept"
        assert answer.headers.get("Access-Control-Allow-Origin") == (origin if origin == self.ORIGIN else None)

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("GET", "/nowhere"), ("OPTIONS", "/nowhere"), ("GET", "/dags/"), ("PUT", "/dags"), ("DELETE", "/pools"),
            ("GET", "//api/experimental/test"), ("OPTIONS", "//api/experimental/pools"), ("GET", "//api/v2/dags"),
        ],
    )  # fmt: skip
    def test_what_no_operation_answers_tells_nothing(self, api: Api, two: None, method: str, path: str) -> None:
        for headers in ({"Origin": self.ORIGIN}, {}):
            answer = api.send(method, path, headers=headers)
            assert not [name for name in answer.headers if name.startswith("Access-Control")]
