"""Who may call what: every address, by every backend, with every kind of credentials and role."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import URLPattern

from api_experimental import urls
from orchestration.access.roles import BUILT_IN
from orchestration.models import Dag, DagGrant, DagRun, EventLog, Pool
from orchestration.services import tokens
from tests.api_experimental.conftest import BASIC, basic
from tests.api_experimental.routes import CALLS, Call
from tests.factories import DagSourceFactory, PoolFactory, make_dag, make_run, serialized
from tests.people import ROLES

PASSWORD = "airflow.contrib.auth.backends.password_auth"
SESSION = "airflow.api.auth.backend.session"
TOKEN = "airflow.api.auth.backend.token"
OPEN = "airflow.api.auth.backend.default"
DENY = "airflow.api.auth.backend.deny_all"


@pytest.fixture(autouse=True)
def things(people):
    for dag_id in ("d1", "d2"):
        dag = make_dag(serialized("a", dag_id=dag_id), source=DagSourceFactory(fileloc=f"/dags/{dag_id}.py"))
        make_run(dag, logical_date=datetime(2022, 1, 1, tzinfo=UTC), state="success")
    PoolFactory(name="p1")


def picture() -> tuple[object, ...]:
    """Everything that a call could change."""
    return (
        list(Dag.objects.order_by("pk").values_list("pk", "is_paused")),
        list(DagRun.objects.order_by("pk").values_list("pk", "state")),
        list(Pool.objects.order_by("pk").values_list("name", "slots")),
    )


def send(client: Client, call: Call, **headers: str):
    import json

    data = {"data": json.dumps(call.body), "content_type": "application/json"} if call.body is not None else {}
    return client.generic(call.method, f"/api/experimental{call.path}", **data, **headers)


def may(role: str, call: Call) -> bool:
    return call.pairs <= {tuple(pair) for pair in BUILT_IN[role]}


def test_every_address_is_in_the_table():
    def template(path: str) -> str:
        for name, value in {
            "<str:dag_id>": "d1",
            "<str:task_id>": "a",
            "<str:paused>": "true",
            "<str:name>": "p1",
        }.items():
            path = path.replace(name, value)
        return "/" + path.replace("<str:execution_date>", "2022-01-01T00:00:00")

    served = set()
    for pattern in urls.urlpatterns:
        assert isinstance(pattern, URLPattern)
        served |= {(method, template(str(pattern.pattern))) for method in pattern.callback.views}
    assert served == {(call.method, call.path) for call in CALLS}


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_it_is_off_by_default(call, monkeypatch):
    monkeypatch.setenv("AIRFLOW__API__AUTH_BACKENDS", BASIC)
    answer = send(Client(), call, HTTP_AUTHORIZATION=basic("admin"))
    assert answer.status_code == 404
    assert not answer.has_header("Deprecation")


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_switched_on_without_a_chosen_backend_it_denies_all(call, monkeypatch):
    monkeypatch.setenv("AIRFLOW__API__ENABLE_EXPERIMENTAL_API", "True")
    before = picture()
    answer = send(Client(), call, HTTP_AUTHORIZATION=basic("admin"))
    assert (answer.status_code, answer.content) == (403, b"Forbidden")
    assert answer["Deprecation"] == "true"
    assert picture() == before


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("backend", [BASIC, PASSWORD])
@pytest.mark.parametrize("call", CALLS, ids=str)
def test_a_password_gives_what_the_role_holds(experimental, call, backend, role):
    experimental(backend)
    before = picture()
    answer = send(Client(), call, HTTP_AUTHORIZATION=basic(role.lower()))
    assert answer.status_code == (200 if may(role, call) else 403), answer.content
    if answer.status_code == 403:
        assert set(answer.json()) == {"error"}
    assert (picture() != before) == (answer.status_code == 200 and call.changes)


@pytest.mark.parametrize(
    "header",
    [
        None,
        basic("admin", "wrong"),
        basic("nobody"),
        basic("inactive"),
        "Basic !!!",
        "Basic",
        "Basic " + base64.b64encode(b"no colon").decode(),
        "Basic " + base64.b64encode(b":").decode(),
        "Basic " + base64.b64encode(b"admin:\x00").decode(),
        "Bearer nonsense",
        "Negotiate AAAA",
    ],
    ids=lambda header: str(header)[:12],
)
@pytest.mark.parametrize("call", CALLS, ids=str)
def test_no_or_wrong_credentials_are_a_401(experimental, people, call, header):
    experimental(BASIC)
    inactive = people["public"]
    inactive.username, inactive.is_active = "inactive", False
    inactive.save()
    inactive.groups.set([Group.objects.get(name="Admin")])
    before = picture()
    answer = send(Client(), call, **({"HTTP_AUTHORIZATION": header} if header else {}))
    assert (answer.status_code, answer.content) == (401, b"Unauthorized")
    assert answer["WWW-Authenticate"] == "Basic"
    assert answer["Content-Type"] == "text/html; charset=utf-8"
    assert answer["Deprecation"] == "true"
    assert picture() == before


@pytest.mark.parametrize("scope", ["full", "read"])
@pytest.mark.parametrize("call", CALLS, ids=str)
def test_a_token_gives_what_its_owner_holds_within_its_scope(experimental, people, call, scope):
    experimental(TOKEN)
    _, text = tokens.issue(people["admin"], actor=people["admin"], name="t", scope=scope)
    before = picture()
    answer = send(Client(), call, HTTP_AUTHORIZATION=f"Bearer {text}")
    assert answer.status_code == (403 if scope == "read" and call.changes else 200)
    assert (picture() != before) == (call.changes and scope == "full")
    wrong = send(Client(), call, HTTP_AUTHORIZATION="Bearer afs_wrong")
    assert (wrong.status_code, wrong["WWW-Authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize("role", ["Viewer", "Admin"])
@pytest.mark.parametrize("call", CALLS, ids=str)
def test_a_session_needs_the_csrf_token_and_changes_nothing_by_get(experimental, people, call, role):
    experimental(SESSION)
    client = Client(enforce_csrf_checks=True)
    assert send(client, call).status_code == 401
    client.force_login(people[role.lower()], backend="orchestration.access.backends.RoleBackend")
    before = picture()
    answer = send(client, call, HTTP_ORIGIN="https://evil.example")
    allowed = may(role, call) and not call.changes
    assert answer.status_code == (200 if allowed else 403), answer.content
    assert picture() == before


def test_a_session_with_the_csrf_token_may_post(experimental, people):
    experimental(SESSION)
    client = Client(enforce_csrf_checks=True)
    client.force_login(people["admin"], backend="orchestration.access.backends.RoleBackend")
    client.cookies["csrftoken"] = "a" * 32
    post = next(call for call in CALLS if str(call) == "POST /pools")
    assert send(client, post).status_code == 403
    assert send(client, post, HTTP_X_CSRFTOKEN="a" * 32).status_code == 200


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_the_open_backend_lets_in_this_machine_only(experimental, monkeypatch, call):
    experimental(OPEN)
    before = picture()
    far = send(Client(REMOTE_ADDR="192.0.2.7"), call)
    assert (far.status_code, far.content, picture()) == (403, b"Forbidden", before)
    near = send(Client(REMOTE_ADDR="127.0.0.1"), call)
    assert near.status_code == 200
    assert (picture() != before) == call.changes


@pytest.mark.parametrize("address", ["::1", "127.8.9.10"])
def test_every_loopback_address_is_this_machine(experimental, address):
    experimental(OPEN)
    assert send(Client(REMOTE_ADDR=address), CALLS[0]).status_code == 200


def test_the_open_backend_lets_in_all_when_that_was_confirmed(experimental, monkeypatch):
    experimental(OPEN)
    monkeypatch.setenv("AIRFLOW__API__EXPERIMENTAL_OPEN_BEYOND_LOOPBACK", "True")
    assert send(Client(REMOTE_ADDR="192.0.2.7"), CALLS[0]).status_code == 200


def test_a_forwarded_address_counts_behind_a_proxy_only(experimental, monkeypatch):
    experimental(OPEN)
    through = {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "127.0.0.1, 192.0.2.7"}
    assert send(Client(**through), CALLS[0]).status_code == 200
    monkeypatch.setenv("AIRFLOW__WEBSERVER__ENABLE_PROXY_FIX", "True")
    assert send(Client(**through), CALLS[0]).status_code == 403


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_deny_all_denies_the_right_password_too(experimental, call):
    experimental(DENY)
    before = picture()
    assert send(Client(), call, HTTP_AUTHORIZATION=basic("admin")).status_code == 403
    assert picture() == before


def test_the_old_single_option_rules_over_the_list(experimental, monkeypatch):
    experimental(OPEN)
    monkeypatch.setenv("AIRFLOW__API__AUTH_BACKEND", PASSWORD)
    assert send(Client(), CALLS[0]).status_code == 401
    assert send(Client(), CALLS[0], HTTP_AUTHORIZATION=basic("viewer")).status_code == 200


def test_several_backends_are_asked_in_turn(experimental, people):
    experimental(BASIC, SESSION)
    client = Client()
    assert send(client, CALLS[0])["WWW-Authenticate"] == "Basic"
    client.force_login(people["viewer"], backend="orchestration.access.backends.RoleBackend")
    assert send(client, CALLS[0]).status_code == 200
    assert send(client, CALLS[0], HTTP_AUTHORIZATION=basic("viewer", "wrong")).status_code == 401


def test_an_unknown_backend_lets_nobody_in(experimental):
    experimental("my.own.backend")
    assert send(Client(), CALLS[0], HTTP_AUTHORIZATION=basic("admin")).status_code == 500


def test_an_error_within_a_backend_lets_nobody_in(experimental, monkeypatch):
    def fail(*_: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr("orchestration.access.authentication.BasicBackend.identify", fail)
    answer = send(Client(), CALLS[0], HTTP_AUTHORIZATION=basic("admin"))
    assert answer.status_code == 500
    assert b"broken" not in answer.content


@pytest.fixture
def only_d1(people):
    """A caller who may do everything with d1 and nothing with other DAGs."""
    role = Group.objects.create(name="only d1")
    for pair in [("can_read", "DAGs"), ("can_edit", "DAGs"), ("can_delete", "DAGs")]:
        DagGrant.objects.create(group=role, dag_id="d1", action=pair[0], resource=pair[1])
    held = Group.objects.get(name="User").permissions.exclude(codename__endswith=":DAGs")
    role.permissions.set(held)
    people["public"].groups.set([role])
    return people["public"]


@pytest.mark.parametrize("call", [call for call in CALLS if "/d1" in call.path], ids=str)
def test_a_grant_on_one_dag_opens_that_one_only(call, only_d1, experimental):
    import dataclasses

    experimental(BASIC)
    header = {"HTTP_AUTHORIZATION": basic("public")}
    other = send(Client(), dataclasses.replace(call, path=call.path.replace("/d1", "/d2")), **header)
    missing = send(Client(), dataclasses.replace(call, path=call.path.replace("/d1", "/d9")), **header)
    assert other.status_code == missing.status_code == 403
    assert other.content == missing.content
    assert send(Client(), call, **header).status_code == 200


def test_latest_runs_leaves_out_other_dags(only_d1, experimental):
    experimental(BASIC)
    answer = Client().get("/api/experimental/latest_runs", HTTP_AUTHORIZATION=basic("public"))
    assert [item["dag_id"] for item in answer.json()["items"]] == ["d1"]


def test_code_is_refused_while_another_dag_shares_the_file(only_d1, experimental):
    Dag.objects.filter(pk="d2").update(fileloc="/dags/d1.py")
    answer = Client().get("/api/experimental/dags/d1/code", HTTP_AUTHORIZATION=basic("public"))
    assert answer.status_code == 403


def test_too_many_wrong_passwords_are_a_429(experimental, people, monkeypatch):
    monkeypatch.setenv("AIRFLOW__WEBSERVER__LOGIN_FAILURE_LIMIT", "3")
    experimental(BASIC)
    wrong = [send(Client(), CALLS[0], HTTP_AUTHORIZATION=basic("viewer", f"wrong{n}")) for n in range(5)]
    assert {answer.status_code for answer in wrong} == {401, 429}
    locked = send(Client(), CALLS[0], HTTP_AUTHORIZATION=basic("viewer"))
    assert locked.status_code == 429
    assert int(locked["Retry-After"]) > 0
    assert set(locked.json()) == {"error"}


def test_refusals_by_role_leave_no_row_in_the_audit_log(experimental, people):
    post = next(call for call in CALLS if str(call) == "POST /pools")
    send(Client(), post, HTTP_AUTHORIZATION=basic("viewer"))
    assert not EventLog.objects.exists()
