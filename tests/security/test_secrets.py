"""Secrets, configuration, errors (SECURITY 3).

Rows tested elsewhere: 2021-26559, 2023-45348 and their kin (``tests/verbs/test_configuration``,
``tests/api_v1/test_server``), 2023-37379 (``tests/verbs/test_connection_tests``), 2020-17511 of commands
(``tests/commands``), rendered fields, operator arguments and logs (tests of authoring and execution), log server and
file modes (tests of processes), 2023-22887 and 2019-12417, paths (``tests/api_v1/test_logs``, ``…/test_dag_sources``),
2024-25142 (``test_hazards``).
"""

from __future__ import annotations

import base64
import uuid
from urllib.parse import quote

import pytest
from django.db import connection

from orchestration.models import EventLog
from tests.people import ROLES, Api, person
from tests.security.operations import SERVED, address, body

pytestmark = pytest.mark.django_db


@pytest.fixture
def canary() -> str:
    return f"S3CRET-{uuid.uuid4()}"


def forms(secret: str) -> list[str]:
    return [secret, quote(secret, safe=""), base64.b64encode(secret.encode()).decode().rstrip("=")]


def store(api: Api, canary: str) -> None:
    """Everything that keeps a secret, kept."""
    assert api.post("/users", {"username": "u", "email": "u@example.org", "password": canary}).status_code == 200
    connection_body = {
        "connection_id": "c",
        "conn_type": "http",
        "password": canary,
        "extra": f'{{"api_key": "{canary}", "deep": {{"private_key": "{canary}"}}}}',
    }
    assert api.post("/connections", connection_body).status_code == 200
    assert api.post("/variables", {"key": "my_secret", "value": canary}).status_code == 200
    assert api.patch("/users/u", {"password": canary + "2"}).status_code == 200
    assert api.patch("/connections/c", {"password": canary + "2"}).status_code == 200
    assert api.patch("/variables/my_secret", {"key": "my_secret", "value": canary + "2"}).status_code == 200


def test_no_operation_tells_a_secret_to_anybody(canary, monkeypatch):
    monkeypatch.setenv("AIRFLOW__WEBSERVER__EXPOSE_CONFIG", "True")
    monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", f"postgresql://u:{canary}@host/db")
    monkeypatch.setenv("AIRFLOW__CELERY__BROKER_URL", f"redis://:{canary}@host")
    monkeypatch.setenv("AIRFLOW__SMTP__SMTP_PASSWORD", canary)
    store(Api(person("Admin")), canary)
    places = {
        "username": "u",
        "connection_id": "c",
        "variable_key": "my_secret",
        "section": "smtp",
        "option": "smtp_password",
    }
    for role in ROLES:
        api = Api(person(role))
        for operation in SERVED.values():
            if operation.method == "GET":
                for accept in ("application/json", "text/plain"):
                    answer = api.client.get(
                        f"/api/v1{address(operation, **places)}",
                        headers={"Authorization": api.authorization, "Accept": accept},
                    )
                    assert not any(form in answer.content.decode() for form in forms(canary)), (role, operation.id)


def test_the_tables_hold_no_secret_in_the_clear(canary):
    store(Api(person("Admin")), canary)
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            text = str(cursor.fetchall())
            assert not any(form in text for form in forms(canary)), table


def test_the_audit_log_tells_who_changed_what_and_no_secret(canary):
    store(Api(person("Admin", username="boss")), canary)
    rows = list(EventLog.objects.values_list("event", "owner"))
    assert {owner for _, owner in rows} == {"boss"}
    assert [event for event, _ in rows] == [
        "api.post_user",
        "api.connection.create",
        "api.variable.create",
        "api.patch_user",
        "api.connection.edit",
        "api.variable.edit",
    ]
    assert not any(form in str(list(EventLog.objects.values())) for form in forms(canary))


@pytest.mark.parametrize("operation", [o for o in SERVED.values() if o.body is not None], ids=lambda o: o.id)
def test_a_refused_body_s_secret_fields_are_not_told(operation, canary):
    api = Api(person("Admin"))
    for name in operation.body.form():
        if name in {"password", "value", "val", "extra"} and "dataset" not in operation.id:
            for bad in ([canary], {"x": canary}):
                answer = api.call(operation.method, address(operation), {**body(operation), name: bad})
                assert answer.status_code in {400, 403, 404}
                assert canary not in answer.content.decode(), (operation.id, name)


def test_errors_tell_nothing_of_the_inside(canary):
    api = Api(person("Admin"))
    for answer in (
        api.get("/pools/nope"),
        api.get("/nothing"),
        api.get("/pools", nope=1),
        api.call("POST", "/pools", raw=b"{"),
        api.call("TRACE", "/pools"),
        api.post("/pools", {"name": "default_pool", "slots": 1}),
        Api().get("/pools"),
    ):
        text = answer.content.decode()
        assert answer.status_code >= 400
        assert answer["Content-Type"] == "application/problem+json"
        for word in ("Traceback", "site-packages", ".py", "SELECT", "sqlite", "psycopg", "django", "Django"):
            assert word not in text
        assert "Server" not in answer
        assert "X-Powered-By" not in answer
