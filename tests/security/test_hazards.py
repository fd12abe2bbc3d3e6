"""Hazards of Django and DRF (SECURITY 5; OWASP API3, API4, API8, API9): generated over all operations.

Not here: the admin site (``tests/admin``), Kerberos and the experimental API (``tests/api_experimental``), run ids
(``tests/api_v1/test_dag_runs``), dependencies (CI), throttling (``tests/access/test_lockout``, of logins; other limits
belong to the server in front), endless chunked bodies and 8 KB addresses (limits of gunicorn).
"""

from __future__ import annotations

import ast
import itertools
import json
import logging
import re
import time
from pathlib import Path
from urllib.parse import quote

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLResolver, get_resolver

from orchestration.access import authentication
from orchestration.services import pools, tokens
from tests.people import Api, basic, person
from tests.security.operations import SERVED, address, body
from tests.security.world import RUN, TASK, World

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).resolve().parents[2]
WITH_BODY = [o for o in SERVED.values() if o.body is not None]
LISTS = [o for o in SERVED.values() if o.parameters is not None and "limit" in o.parameters.base_filters]
CLOSED = [o for o in SERVED.values() if not o.rule.is_open]
PLACES = {"dag_id": "d1", "dag_run_id": RUN, "task_id": TASK, "xcom_key": "return_value", "uri": "s3://plain"}


#: Takes order and page and ignores them, as the reference does.
LOOSE = {"get_task_instance_tries", "get_mapped_task_instance_tries"}
BAD_BODIES = (
    b"",
    b"null",
    b"{nope",
    b"[]",
    b'"text"',
    b"5",
    b"true",
    b"[" * 5_000 + b"]" * 5_000,
    b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    b'{"x": NaN}',
    b'{"x": Infinity}',
    b'{"x": 1e400}',
    b'{"x": ' + b"9" * 5_000 + b"}",
    b'{"x": "\\u0000"}',
    b'{"x": "\\ud800"}',
    b'{"\\u0000": 1}',
    b'{"x": "\xff\xfe"}',
    b"\xff\xfe{}",
    b'{"__class__": "os.system", "__proto__": {}}',
)
UNDECLARED = (
    "_connector=OR 1=1",
    "_negated=1",
    "password__startswith=a",
    "user__password=a",
    "pk=1",
    "dag__dag_id=x",
    "__class__=x",
    "format=api",
    "limit__gt=1",
)
BAD_ORDERS = (
    "", "-", "nope", "__class__", "-user__password", "password", "id;--", "id,pk", "?", "-?", "run__dag__owners",
    "\u0661",
)  # fmt: skip
#: What makes careless patterns, parsers of dates and of schedules search for ever.
HOSTILE = (
    "a" * 3_000 + "!", "(a+)+$" * 50, "%_" * 1_000, "%" * 2_000 + "b", "_%" * 800, "2" * 2_000,
    "2024-01-01T00:00:00." + "0" * 2_000 + "Z", "2024-01-01T00:00:00+" + "9" * 1_000, "*/" * 800 + "1 * * * *",
    "-" * 3_000, "," * 3_000, "\\" * 1_500, " " * 3_000 + "x",
)  # fmt: skip
BAD_NUMBERS = ("x", "-1", "1.5", "", str(2**63), "9" * 5_000, "1e3", "\u0661", "0x10", "null")
ODD_NAMES = (
    "..", "%2e%2e", "..%2f..%2fetc", "%252f", "a%2Fb", ";x", "a;b=c", ".", "a.", "a%20", "%5c", "%00", "a%00b",
    "%0d%0aX:y", "%ff%fe", "%s%s%n", "{0.__class__}", "${x}", "{{7*7}}", "%F0%9F%A6%86", "a" * 251, "9" * 30, "-1",
    "%22%3E%3Csvg%3E",
)  # fmt: skip


def joined(path: str, query: str) -> str:
    return f"{path}{'&' if '?' in path else '?'}{query}"


@pytest.fixture
def admin() -> Api:
    return Api(person("Admin", username="admin"))


def assert_refused(answer, *statuses: int) -> None:
    assert answer.status_code in statuses, (answer.status_code, answer.content)
    assert answer["Content-Type"] == "application/problem+json"
    assert set(answer.json()) == {"type", "title", "status", "detail"}
    assert answer.json()["status"] == answer.status_code


def ids(operation) -> str:
    return operation.id


class TestBodies:
    @pytest.mark.parametrize("operation", WITH_BODY, ids=ids)
    def test_fields_that_nobody_may_send_are_refused_or_change_nothing(self, admin, operation):
        world = World()
        before = world.rows()
        declared = set(operation.body.form()) | set(operation.body.aliases)
        for name in (
            "id",
            "pk",
            "is_superuser",
            "is_staff",
            "owner",
            "pid",
            "try_number",
            "user",
            "groups",
            "created_at",
        ):
            if name in declared:
                continue
            sent = {**body(operation), name: 1}
            answer = admin.call(operation.method, address(operation, **PLACES), sent)
            assert answer.status_code in {400, 403, 404, 409}, (name, answer.content)
        assert world.rows() == before

    @pytest.mark.parametrize("operation", WITH_BODY, ids=ids)
    def test_a_bad_body_is_a_400(self, admin, operation):
        for raw in BAD_BODIES:
            answer = admin.call(operation.method, address(operation, **PLACES), raw=raw)
            if operation.id == "test_connection" and answer.status_code == 403:
                continue  # closed by an option
            assert_refused(answer, 400, 404)

    @pytest.mark.parametrize("operation", WITH_BODY, ids=ids)
    def test_a_form_cannot_drive_the_api(self, admin, operation):
        for kind in (
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/xml",
            "",
        ):
            answer = admin.client.generic(
                operation.method,
                f"/api/v1{address(operation, **PLACES)}",
                json.dumps(body(operation)),
                content_type=kind,
                headers={"Authorization": admin.authorization},
            )
            assert_refused(answer, 400, 415)

    def test_a_large_body_is_refused(self, admin):
        raw = b'{"key": "k", "value": "' + b"x" * settings.DATA_UPLOAD_MAX_MEMORY_SIZE + b'"}'
        assert_refused(admin.call("POST", "/variables", raw=raw), 413)

    def test_a_compressed_body_is_refused(self, admin):
        answer = admin.client.post(
            "/api/v1/variables",
            b"\x1f\x8b",
            content_type="application/json",
            headers={"Authorization": admin.authorization, "Content-Encoding": "gzip"},
        )
        assert_refused(answer, 400, 415)

    def test_of_repeated_members_the_last_one_counts(self, admin):
        answer = admin.call("POST", "/variables", raw=b'{"key": "a", "key": "b", "value": "v"}')
        assert answer.json()["key"] == "b"


class TestQueries:
    @pytest.mark.parametrize("operation", [o for o in SERVED.values() if o.is_query_checked], ids=ids)
    def test_undeclared_parameters_are_refused(self, admin, operation):
        for query in UNDECLARED:
            answer = admin.call(operation.method, joined(address(operation, **PLACES), query), body(operation))
            assert_refused(answer, 400)

    def test_undeclared_parameters_change_nothing_where_there_are_none(self, admin):
        loose = [o for o in SERVED.values() if o.parameters is not None and not o.is_query_checked]
        assert {o.id for o in loose} >= {"get_dag_runs_batch", "get_task_instances_batch"}
        for operation in loose:
            plain = admin.call(operation.method, address(operation, **PLACES), body(operation))
            for query in UNDECLARED:
                answer = admin.call(operation.method, joined(address(operation, **PLACES), query), body(operation))
                assert (answer.status_code, answer.content) == (plain.status_code, plain.content)

    @pytest.mark.parametrize("operation", [o for o in LISTS if "order_by" in o.parameters.base_filters], ids=ids)
    def test_other_orders_are_refused(self, admin, operation):
        World()
        for order in BAD_ORDERS:
            answer = admin.get(address(operation, **PLACES), order_by=order)
            if operation.id in LOOSE:
                assert answer.status_code < 500
            else:
                assert_refused(answer, 400, 404)

    def test_hostile_texts_take_no_time(self, admin):
        World()
        begun = time.monotonic()
        calls = 0
        for operation in LISTS:
            if operation.method != "GET":
                continue
            for number, name in enumerate(operation.parameters.base_filters):
                for text in HOSTILE[number % 3 :: 3]:
                    answer = admin.get(joined(address(operation, **PLACES), f"{name}={quote(text)}"))
                    assert answer.status_code < 500, (operation.id, name, text[:40])
                    calls += 1
        assert calls > 200
        assert time.monotonic() - begun < calls  # less than a second each

    @pytest.mark.parametrize("operation", LISTS, ids=ids)
    def test_bad_pages_are_refused(self, admin, operation):
        for name, value in itertools.product(("limit", "offset"), BAD_NUMBERS):
            answer = admin.call(
                operation.method, joined(address(operation, **PLACES), f"{name}={value}"), body(operation)
            )
            if operation.id in LOOSE:
                assert answer.status_code < 500
            else:
                assert_refused(answer, 400)

    @pytest.mark.parametrize("operation", LISTS, ids=ids)
    def test_a_page_holds_no_more_than_the_maximum(self, admin, operation, monkeypatch):
        monkeypatch.setenv("AIRFLOW__API__MAXIMUM_PAGE_LIMIT", "1")
        World()
        answer = admin.call(operation.method, f"{address(operation, **PLACES)}", body(operation))
        if answer.status_code == 200 and operation.method == "GET" and "taskInstances" not in operation.path:
            listed = [value for value in answer.json().values() if isinstance(value, list)]
            assert all(len(rows) <= 1 for rows in listed)


class TestAddresses:
    @pytest.mark.parametrize("operation", [o for o in CLOSED if "{" in o.path and o.method == "GET"], ids=ids)
    def test_path_like_and_odd_names_reach_nothing_else(self, admin, operation):
        for odd in ODD_NAMES:
            path = "".join(odd if part.startswith("{") else part for part in _split(operation.path))
            answer = admin.client.get(
                f"/api/v1{path}", headers={"Authorization": admin.authorization, "Accept": "application/json"}
            )
            assert answer.status_code in {200, 308, 400, 403, 404, 405, 406}, (odd, answer.content)
            assert b"Traceback" not in answer.content
            assert "\r" not in str(answer.headers.items()).replace("\\r", "")
            if answer.status_code >= 400 and answer.status_code != 406:
                assert answer["Content-Type"] == "application/problem+json"

    @pytest.mark.parametrize("path", ["/nothing", "//", "/dags/", "/../admin", "/%3Cscript%3Ex", "/%00", "/%ff"])
    def test_where_nothing_is_there_is_a_problem_document(self, path):
        answer = Client(raise_request_exception=False).get(f"/api/v1{path}")
        assert answer.status_code in {301, 308, 400, 404}
        if answer.status_code >= 400:
            assert answer["Content-Type"] == "application/problem+json"
            assert b"<script>" not in answer.content

    @pytest.mark.parametrize("operation", SERVED.values(), ids=ids)
    def test_other_methods_are_not_there(self, admin, operation):
        known = {o.method for o in SERVED.values() if o.path == operation.path}
        for method in {"PUT", "POST", "PATCH", "DELETE", "TRACE", "CONNECT", "PROPFIND"} - known:
            answer = admin.call(method, address(operation, **PLACES).partition("?")[0], {})
            assert answer.status_code == 405, (method, answer.content)
            assert answer["Allow"]

    @pytest.mark.parametrize("header", ["X-HTTP-Method-Override", "X-Method-Override", "X-HTTP-Method"])
    def test_a_method_is_not_overridden(self, admin, header):
        answer = admin.client.get(
            "/api/v1/pools/default_pool", headers={"Authorization": admin.authorization, header: "DELETE"}
        )
        assert answer.status_code == 200

    @pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "localhost:80@evil.example", ""])
    def test_another_host_is_refused(self, admin, host, settings):
        settings.ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
        answer = admin.client.get("/api/v1/version", HTTP_HOST=host)
        assert answer.status_code == 400

    def test_forwarded_hosts_are_not_believed(self, admin):
        answer = admin.client.get(
            "/api/v1/dags?limit=1", headers={"Authorization": admin.authorization, "X-Forwarded-Host": "evil.example"}
        )
        assert "evil.example" not in str(answer.headers) + answer.content.decode()

    def test_every_address_of_the_server_asks_who_calls(self):
        free = ("static", "admin/login", "admin/jsi18n", "openapi", "/ui/", "/redoc/", "/health", "/version", "favicon")
        client = Client(raise_request_exception=False)
        for path in _all_paths():
            if any(word in path for word in free):
                continue
            for method in ("get", "post", "put", "patch", "delete"):
                answer = getattr(client, method)(path)
                assert answer.status_code in {301, 302, 308, 401, 403, 404, 405}, (method, path, answer.status_code)
                if answer.status_code == 302:
                    to = answer["Location"]
                    assert "login" in to or to == "/admin/", (path, to)

    def test_the_addresses_are_real_ones(self):
        """Else the test above would look at nothing."""
        paths = set(_all_paths())
        assert {"/api/v1/pools/1", "/api/v1/eventLogs/1", "/api/v1/dags/1/dagRuns/1/taskInstances/1/logs/1"} <= paths
        assert not [path for path in paths if set(path) & set("<>()[]\\+*^")]


class TestOrder:
    @pytest.mark.parametrize("operation", CLOSED, ids=ids)
    def test_401_comes_before_everything_else(self, operation):
        path = address(operation, **PLACES)
        answer = Api().call(operation.method, joined(path, "nope=1&limit=x"), raw=b"{nope", kind="text/plain")
        assert_refused(answer, 401)
        assert answer["WWW-Authenticate"]

    @pytest.mark.parametrize("operation", CLOSED, ids=ids)
    def test_403_comes_before_404(self, operation):
        answer = Api(person("Public")).call(operation.method, address(operation), body(operation))
        assert_refused(answer, 403)
        assert answer.json()["detail"] is None


class TestSessions:
    @pytest.fixture
    def client(self):
        client = Client(enforce_csrf_checks=True)
        client.force_login(person("Admin"), backend="orchestration.access.backends.RoleBackend")
        return client

    @pytest.mark.parametrize("operation", [o for o in CLOSED if o.method != "GET"], ids=ids)
    def test_no_change_passes_without_the_csrf_token(self, client, operation):
        world = World()
        before = world.rows()
        for headers in ({}, {"Origin": "https://evil.example"}, {"Referer": "https://evil.example/"}):
            answer = client.generic(
                operation.method,
                f"/api/v1{address(operation, **PLACES)}",
                json.dumps(body(operation)),
                content_type="application/json",
                headers=headers,
            )
            assert_refused(answer, 403)
        assert world.rows() == before

    @pytest.mark.parametrize("operation", [o for o in SERVED.values() if o.method == "GET"], ids=ids)
    def test_reading_changes_no_row(self, client, operation):
        World()
        with CaptureQueriesContext(connection) as queries:
            client.get(f"/api/v1{address(operation, **PLACES)}")
        written = [q["sql"] for q in queries if q["sql"].split(" ", 1)[0].upper() in {"INSERT", "UPDATE", "DELETE"}]
        assert not written


class TestAnswers:
    @pytest.mark.parametrize("operation", SERVED.values(), ids=ids)
    def test_every_answer_is_kept_by_nobody_and_is_what_it_says(self, admin, operation):
        World()
        answer = admin.call(operation.method, address(operation, **PLACES), body(operation))
        assert answer.status_code < 500
        assert "no-store" in answer["Cache-Control"]
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["X-Frame-Options"] == "DENY"
        assert answer["Referrer-Policy"] == "same-origin"

    @pytest.mark.parametrize("operation", [o for o in SERVED.values() if o.method == "GET" and o.answer], ids=ids)
    def test_an_answer_holds_declared_members_only(self, admin, operation):
        World()
        answer = admin.get(address(operation, **PLACES))
        if answer.status_code == 200 and answer["Content-Type"] == "application/json":
            serializer = operation.answer if not isinstance(operation.answer, type) else operation.answer()
            _assert_declared(answer.json(), serializer, operation.id)

    def test_the_browsable_pages_of_the_framework_are_off(self, admin):
        answer = admin.client.get(
            "/api/v1/pools", headers={"Authorization": admin.authorization, "Accept": "text/html"}
        )
        assert answer["Content-Type"] == "application/json"
        assert settings.DEBUG is False

    def test_an_unforeseen_error_tells_nothing(self, monkeypatch, caplog):
        def fail(name):
            raise RuntimeError("S3CRET in /some/path")

        monkeypatch.setattr(pools, "find", fail)
        api = Api(person("Admin"))
        api.client.raise_request_exception = False
        with caplog.at_level(logging.CRITICAL):
            answer = api.get("/pools/p")
        assert_refused(answer, 500)
        assert b"S3CRET" not in answer.content

    @pytest.mark.parametrize("kind", ["BasicBackend", "TokenBackend", "SessionBackend"])
    def test_an_error_in_a_backend_lets_nobody_in(self, monkeypatch, kind):
        def fail(*args, **kwargs):
            raise RuntimeError("broken")

        monkeypatch.setattr(getattr(authentication, kind), "identify", fail)
        client = Client(raise_request_exception=False)
        user = person("Admin")
        match kind:
            case "BasicBackend":
                client.defaults["HTTP_AUTHORIZATION"] = basic(user.username)
            case "TokenBackend":
                client.defaults["HTTP_AUTHORIZATION"] = f"Bearer {tokens.issue(user, actor=None, name='t')[1]}"
            case "SessionBackend":
                client.force_login(user, backend="orchestration.access.backends.RoleBackend")
        assert client.get("/api/v1/pools").status_code in {401, 403, 500}


class TestSource:
    """What no line of the program may do."""

    SOURCES = [
        path
        for package in (
            "api_v1",
            "api_experimental",
            "airflowsite",
            "orchestration/access",
            "orchestration/services",
            "orchestration/models",
        )
        for path in (ROOT / package).rglob("*.py")
    ]

    @pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
    def test_queries_are_not_made_of_what_callers_send(self, path):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                name = ast.unparse(node.func)
                assert name not in {"eval", "exec", "pickle.loads", "pickle.load", "yaml.load", "marshal.loads"}, (
                    path,
                    name,
                )
                if name.endswith((".filter", ".exclude", ".get", ".order_by")):
                    text = " ".join(ast.unparse(keyword.value) for keyword in node.keywords if keyword.arg is None)
                    assert "request" not in text, (path, ast.unparse(node))
                    assert "GET" not in text, (path, ast.unparse(node))

    def test_it_looks_at_the_program(self):
        assert len(self.SOURCES) > 80


def _split(path: str) -> list[str]:
    return re.split(r"(\{\w+\})", path)


def _assert_declared(value, serializer, where: str) -> None:
    from rest_framework import serializers

    if isinstance(serializer, serializers.ListSerializer | serializers.ListField):
        for item in value or []:
            _assert_declared(item, serializer.child, where)
    elif isinstance(serializer, serializers.Serializer) and isinstance(value, dict):
        fields = serializer.fields
        assert set(value) <= set(fields), f"{where}: {set(value) - set(fields)} are not declared"
        for name, member in value.items():
            _assert_declared(member, fields[name], f"{where}.{name}")


def _all_paths() -> list[str]:
    """An address for every pattern of the server, its places filled with something."""
    return sorted({_example(pattern) for pattern in _patterns(get_resolver())})


def _patterns(resolver: URLResolver, prefix: str = "") -> list[str]:
    found: list[str] = []
    for entry in resolver.url_patterns:
        here = prefix + str(entry.pattern).removeprefix("^")
        found += _patterns(entry, here) if isinstance(entry, URLResolver) else [here]
    return found


def _example(pattern: str) -> str:
    text = re.sub(r"\(\?P<\w+>(?:\\.|\[(?:\\.|[^\]])*\]|[^()\\])*\)\??", "1", pattern)
    text = re.sub(r"<(?:(\w+):)?\w+>", lambda m: "1" if m[1] == "int" else "x", text)
    text = re.sub(r"\(\?:[^()]*\)\??", "", text)
    return "/" + re.sub(r"\\Z|\\(.)|\$$|\?", lambda m: m[1] or "", text).lstrip("/")
