"""What every answer carries, and what happens at addresses and with methods that are not there."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from orchestration.models import Dag, Pool
from tests.api_experimental.routes import CALLS
from tests.factories import DagSourceFactory, PoolFactory, make_dag, make_run, serialized

GUIDE = (
    "<https://airflow.apache.org/docs/apache-airflow/2.10.5/"
    'upgrading-to-2.html#migration-guide-from-experimental-api-to-stable-api-v1>; rel="deprecation"; type="text/html"'
)


@pytest.fixture
def things(people):
    dag = make_dag(serialized("a", dag_id="d1"), source=DagSourceFactory(fileloc="/dags/d1.py"))
    make_run(dag, logical_date=datetime(2022, 1, 1, tzinfo=UTC), state="success")
    PoolFactory(name="p1")


@pytest.mark.parametrize("case", CALLS, ids=str)
def test_every_answer_says_that_it_is_deprecated_and_what_comes_after(call, things, case):
    answer = call(case.method, case.path, case.body)
    assert answer.status_code == 200
    assert answer["Deprecation"] == "true"
    assert answer["Link"].startswith(GUIDE)
    assert answer["Cache-Control"] == "no-store"
    if case.path != "/test":
        assert 'rel="successor-version"' in answer["Link"]


@pytest.mark.parametrize(
    ("method", "path", "successor"),
    [
        ("GET", "/info", "/api/v1/version"),
        ("POST", "/dags/d1/dag_runs", "/api/v1/dags/d1/dagRuns"),
        ("GET", "/dags/d1/paused", "/api/v1/dags/d1"),
        ("GET", "/dags/d1/tasks/a", "/api/v1/dags/d1/tasks/a"),
        ("GET", "/pools/a%20b%3E", "/api/v1/pools/a%20b%3E"),
        ("GET", "/latest_runs", "/api/v1/dags/~/dagRuns"),
        (
            "GET",
            "/dags/d1/dag_runs/2022-01-01T00:00:00+00:00",
            "/api/v1/dags/d1/dagRuns?execution_date_gte=2022-01-01T00%3A00%3A00%2B00%3A00"
            "&execution_date_lte=2022-01-01T00%3A00%3A00%2B00%3A00",
        ),
    ],
)
def test_the_link_names_the_stable_address(call, things, method, path, successor):
    assert f'<{successor}>; rel="successor-version"' in call(method, path, {} if method == "POST" else None)["Link"]


def test_the_link_of_test_is_the_references(call):
    assert call("GET", "/test")["Link"] == GUIDE


def test_errors_and_refusals_carry_them_too(call, things):
    for answer in (
        call("GET", "/pools/nope"),
        call("GET", "/pools", user=None),
        call("GET", "/pools", user="public"),
        call("POST", "/pools", raw=b"zz"),
    ):
        assert answer["Deprecation"] == "true"
        assert answer["Link"].startswith(GUIDE)


@pytest.mark.parametrize(
    "path", ["/nope", "/", "", "/test/", "/pools/", "/dags/d1/dag_runs/", "/pools/a%2Fb", "/dags/d1", "/dags//paused"]
)
def test_an_address_that_nothing_is_at_is_a_problem_document(call, things, path):
    answer = call("GET", path)
    assert answer.status_code == (405 if path == "/dags/d1" else 404)
    assert answer["Content-Type"] == "application/problem+json"
    assert set(answer.json()) == {"detail", "status", "title", "type"}
    assert not answer.has_header("Deprecation")


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("POST", "/test", "GET, HEAD, OPTIONS"),
        ("PUT", "/pools", "GET, HEAD, OPTIONS, POST"),
        ("PATCH", "/pools/p1", "DELETE, GET, HEAD, OPTIONS"),
        ("DELETE", "/dags/d1/dag_runs", "GET, HEAD, OPTIONS, POST"),
        ("POST", "/dags/d1/paused/true", "GET, OPTIONS"),
        ("TRACE", "/test", "GET, HEAD, OPTIONS"),
    ],
)
def test_another_method_is_a_405_that_says_which_there_are(call, things, method, path, allow):
    answer = call(method, path)
    assert (answer.status_code, answer["Allow"]) == (405, allow)
    assert answer["Content-Type"] == "application/problem+json"


def test_a_method_in_a_header_does_not_count(call, things):
    assert call("POST", "/pools/p1", HTTP_X_HTTP_METHOD_OVERRIDE="DELETE").status_code == 405
    assert Pool.objects.filter(name="p1").exists()


def test_options_says_the_methods_without_asking_who_calls(call, things):
    answer = call("OPTIONS", "/pools", user=None)
    assert (answer.status_code, answer["Allow"], answer.content) == (200, "GET, HEAD, OPTIONS, POST", b"")
    assert answer["Deprecation"] == "true"


def test_head_answers_without_a_body_and_changes_nothing(call, things):
    answer = call("HEAD", "/pools")
    assert (answer.status_code, answer.content) == (200, b"")
    Dag.objects.update(is_paused=False)
    assert call("HEAD", "/dags/d1/paused/true").status_code == 405
    assert not Dag.objects.get().is_paused


@pytest.mark.parametrize(
    "text", ["%s", "{0.__class__}", "${x}", "{{7*7}}", '"><svg/onload=1>', "javascript:1", "ü", "%00"]
)
def test_hostile_ids_are_echoed_as_they_are_and_never_a_500(call, things, text):
    from urllib.parse import quote

    part = text if text == "%00" else quote(text, safe="")
    for path in (f"/dags/{part}/paused", f"/dags/d1/tasks/{part}", f"/pools/{part}", f"/dags/{part}/dag_runs"):
        answer = call("GET", path)
        assert answer.status_code in {400, 404}
        assert answer["Content-Type"].startswith("application/")
        assert answer.headers.get("X-Content-Type-Options") == "nosniff"


def test_a_body_beyond_the_limit_is_a_413(call, things, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    assert call("POST", "/pools", raw=b'{"name": "' + b"x" * 200 + b'"}').status_code == 413


def test_a_broken_database_is_a_503(call, things, monkeypatch):
    from django.db import OperationalError

    def fail(*_: object, **__: object) -> None:
        raise OperationalError("S3CRET")

    monkeypatch.setattr("api_experimental.views.pool_services.find", fail)
    answer = call("GET", "/pools/p1")
    assert (answer.status_code, answer["Retry-After"]) == (503, "1")
    assert b"S3CRET" not in answer.content


def test_the_guide_names_every_address():
    import re
    from pathlib import Path

    from api_experimental import urls

    guide = (Path(__file__).parents[2] / "docs" / "migrating.md").read_text()
    for pattern in urls.urlpatterns:
        template = "/" + re.sub(r"<str:(\w+)>", r"{\1}", str(pattern.pattern)).rstrip("/")
        for method in pattern.callback.views:
            assert f"`{method} {template}`" in guide
