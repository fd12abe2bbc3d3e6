"""The same commands through the database, through a server's stable API, and through its legacy one."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import httpx
import pytest
from django.contrib.auth.models import Group
from django.test import Client as DjangoClient

from orchestration import clients
from orchestration.access import roles
from orchestration.access.credentials import verified
from orchestration.clients.remote import RemoteClient
from orchestration.errors import Forbidden, Unavailable
from orchestration.models import Connection, Dag, DagRun, Pool, Variable
from orchestration.services import pools, tokens
from tests.factories import UserFactory, make_dag, make_run, serialized

pytestmark = pytest.mark.django_db

DATE = datetime(2024, 1, 1, tzinfo=UTC)
AUTH = "Basic " + base64.b64encode(b"admin:password").decode()


class Wire(httpx.BaseTransport):
    """The server, reached without a network; ``is_old`` has no stable API."""

    def __init__(self, *, is_old: bool = False) -> None:
        self.is_old = is_old
        self.calls: list[str] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        path = request.url.raw_path.decode()
        self.calls.append(f"{request.method} {path}")
        if self.is_old and path.startswith("/api/v1"):
            return httpx.Response(404, text="not here")
        sent = {"HTTP_AUTHORIZATION": request.headers["Authorization"]} if "Authorization" in request.headers else {}
        answer = DjangoClient().generic(
            request.method, path, request.read(), request.headers.get("Content-Type", "application/json"), **sent
        )
        return httpx.Response(answer.status_code, headers=dict(answer.items()), content=answer.content)


@pytest.fixture(autouse=True)
def system(db, monkeypatch):
    verified.clear()
    roles.ensure_built_in()
    pools.ensure_default()
    admin = UserFactory(username="admin")
    admin.groups.add(Group.objects.get(name="Admin"))
    monkeypatch.setenv("AIRFLOW__API__ENABLE_EXPERIMENTAL_API", "True")
    monkeypatch.setenv(
        "AIRFLOW__API__AUTH_BACKENDS", "airflow.api.auth.backend.basic_auth,airflow.api.auth.backend.token"
    )
    dag = make_dag(serialized("a >> b", dag_id="d1"), is_paused=False)
    make_run(
        dag,
        {"a": "success", "b": "failed"},
        run_id="r1",
        logical_date=DATE,
        state="failed",
        start_date=DATE,
        end_date=DATE,
    )
    make_run(dag, run_id="r2", logical_date=DATE + timedelta(days=1), state="queued", start_date=None)
    return admin


@pytest.fixture
def through(monkeypatch) -> Callable[[str], Wire | None]:
    """``through("local" | "stable" | "legacy")``: the way that commands take from here on."""

    def choose(way: str) -> Wire | None:
        if way == "local":
            monkeypatch.setenv("AIRFLOW__CLI__API_CLIENT", "airflow.api.client.local_client")
            return None
        monkeypatch.setenv("AIRFLOW__CLI__API_CLIENT", "airflow.api.client.json_client")
        wire = Wire(is_old=way == "legacy")
        http = httpx.Client(base_url="http://server", transport=wire, headers={"Authorization": AUTH})
        monkeypatch.setattr(RemoteClient, "configured", classmethod(lambda cls: cls(http)))
        return wire

    return choose


READING = [
    ["dags", "list-runs", "-d", "d1", "-o", "json"],
    ["dags", "list-runs", "-d", "d1", "--state", "failed", "-o", "json"],
    ["dags", "list-runs", "-d", "d1", "-s", "2024-01-02", "-o", "plain"],
    ["dags", "state", "d1", "2024-01-01"],
    ["dags", "state", "d1", "2024-02-01"],
    ["pools", "list", "-o", "json"],
    ["pools", "list"],
    ["pools", "get", "default_pool", "-o", "yaml"],
    ["pools", "get", "nope"],
    ["tasks", "state", "d1", "a", "r1"],
    ["tasks", "state", "d1", "b", "2024-01-01"],
    ["tasks", "clear", "d1", "-f", "--dry-run"],
    ["tasks", "clear", "d1", "-t", "^b$", "-u", "--dry-run"],
    ["variables", "list", "-o", "json"],
    ["variables", "get", "nope"],
    ["variables", "get", "nope", "-d", "else"],
    ["connections", "list", "-o", "json"],
    ["connections", "get", "nope"],
    ["dags", "list-runs", "-d", "nope"],
    ["dags", "trigger", "nope"],
    ["dags", "pause", "nope"],
    ["dags", "list-runs", "-d", "d1", "--no-backfill"],
    ["dags", "delete", "nope", "-y"],
    ["dags", "delete", "d1", "--dry-run"],
    ["dags", "trigger", "d1", "-r", "r1"],
    ["dags", "trigger", "d1", "-c", "nope"],
    ["dags", "trigger", "d1", "-r", "a/../b"],
    ["tasks", "state", "d1", "nope", "r1"],
    ["tasks", "state", "d1", "a", "nope"],
    ["tasks", "clear", "nope", "-y"],
    ["pools", "delete", "nope"],
    ["pools", "delete", "default_pool"],
    ["pools", "delete", "default_pool", "--dry-run"],
    ["pools", "set", "", "1", "d"],
    ["pools", "set", "p", "-5", "d"],
    ["pools", "export", "-"],
    ["variables", "delete", "nope", "--dry-run"],
    ["variables", "set", "k" * 300, "v"],
    ["variables", "export", "-"],
    ["connections", "delete", "nope"],
    ["connections", "delete", "nope", "--dry-run"],
    ["connections", "add", "bad id!", "--conn-type", "http"],
    ["connections", "add", "c"],
    ["connections", "export", "-"],
]


@pytest.mark.parametrize("words", READING, ids=" ".join)
def test_what_is_shown_is_the_same_near_and_far(run, through, words):
    through("local")
    near = run(*words)
    through("stable")
    far = run(*words)
    assert (far.status, far.out) == (near.status, near.out)
    assert far.err == near.err


LEGACY = [words for words in READING if words[0] in {"pools"} or words[1] in {"pause"}]


@pytest.mark.parametrize("words", LEGACY, ids=" ".join)
def test_an_old_server_shows_the_same(run, through, words):
    through("local")
    near = run(*words)
    through("legacy")
    assert run(*words).out == near.out


def picture() -> object:
    """All that the commands below change."""
    return (
        list(Dag.objects.order_by("pk").values_list("pk", "is_paused")),
        sorted(DagRun.objects.values_list("run_id", "state", "logical_date")),
        sorted(Pool.objects.values_list("name", "slots", "description", "include_deferred")),
        sorted((v.key, v.val, v.description) for v in Variable.objects.all()),
        sorted((c.conn_id, c.conn_type, c.host, c.password, c.port, c.extra) for c in Connection.objects.all()),
        sorted(DagRun.objects.filter(task_instances__state="").values_list("run_id", "task_instances__task_id")),
    )


ADD = ["connections", "add", "c", "--conn-type", "http"]
CHANGING = [
    [["dags", "pause", "d1", "-o", "json"]],
    [["dags", "pause", "d1"], ["dags", "unpause", "d1", "-o", "json"]],
    [["dags", "delete", "d1", "-y"]],
    [["dags", "trigger", "d1", "-r", "x", "-e", "2024-03-01T10:00:00.5", "-c", '{"k": 1}', "-o", "json"]],
    [["dags", "trigger", "d1", "-e", "2024-01-01"]],
    [["pools", "set", "p", "3", "d", "--include-deferred"], ["pools", "set", "p", "4", "e"]],
    [["pools", "set", "p", "3", "d"], ["pools", "delete", "p"], ["pools", "delete", "p"]],
    [["tasks", "clear", "d1", "-t", "^b$", "-y"]],
    [["variables", "set", "k", "v", "--description", "d"], ["variables", "set", "k", "w"], ["variables", "get", "k"]],
    [["variables", "set", "k", "v"], ["variables", "delete", "k"], ["variables", "delete", "k"]],
    [["connections", "add", "c", "--conn-uri", "http://u:pass-word@h:80/?k=v"]],
    [["connections", "add", "c", "--conn-type", "http"], ["connections", "add", "c", "--conn-type", "http"]],
    [
        ["connections", "add", "c", "--conn-type", "http"],
        ["connections", "delete", "c"],
        ["connections", "delete", "c"],
    ],
]


@pytest.mark.parametrize("script", CHANGING, ids=lambda script: " ".join(script[-1][:2]))
def test_what_is_changed_is_the_same_near_and_far(run, through, script, transactional_rollback):
    results = {}
    for way in ("local", "stable"):
        with transactional_rollback():
            through(way)
            results[way] = [run(*words) for words in script], picture()
    near, far = results["local"], results["stable"]
    assert [(done.status, done.out) for done in far[0]] == [(done.status, done.out) for done in near[0]]
    assert far[1] == near[1]


@pytest.mark.parametrize(
    "script",
    [script for script in CHANGING if script[0][0] in {"pools"} or script[0][1] in {"pause", "delete"}],
    ids=str,
)
def test_an_old_server_does_the_same(run, through, script, transactional_rollback):
    results = {}
    for way in ("local", "legacy"):
        with transactional_rollback():
            through(way)
            results[way] = [run(*words) for words in script], picture()
    assert results["legacy"][1] == results["local"][1]
    assert [done.status for done in results["legacy"][0]] == [done.status for done in results["local"][0]]


@pytest.fixture
def transactional_rollback():
    """A block whose changes are taken back."""
    import contextlib

    from django.db import transaction

    from orchestration.models import versions

    @contextlib.contextmanager
    def block():
        point = transaction.savepoint()
        try:
            yield
        finally:
            transaction.savepoint_rollback(point)
            verified.clear()
            assert versions.current("d1").dag_id == "d1"

    return block


def test_a_run_triggered_through_an_old_server(run, through):
    wire = through("legacy")
    (row,) = json.loads(run("dags", "trigger", "d1", "-r", "x", "-e", "2024-03-01", "-o", "json").out)
    assert (row["dag_run_id"], row["logical_date"], row["state"]) == ("x", "2024-03-01 00:00:00+00:00", "queued")
    assert DagRun.objects.filter(run_id="x").exists()
    assert "POST /api/experimental/dags/d1/dag_runs" in wire.calls


def test_what_an_old_server_lacks_is_said(run, through):
    through("legacy")
    done = run("variables", "list")
    assert (done.status, "only the experimental API" in done.err) == (1, True)


def test_more_rows_than_a_page_are_all_read(run, through, monkeypatch):
    monkeypatch.setattr("orchestration.clients.remote._PAGE", 1)
    wire = through("stable")
    assert len(json.loads(run("dags", "list-runs", "-d", "d1", "-o", "json").out)) == 2
    assert sum("dagRuns" in call for call in wire.calls) == 2


def test_ids_with_slashes_and_spaces_reach_the_server(run, through):
    wire = through("stable")
    assert run("pools", "get", "a b?c").status == 1
    assert any("a%20b%3Fc" in call for call in wire.calls)


# signing in


def header_of(client: RemoteClient) -> str | None:
    """The Authorization that a client sends."""
    seen: list[str | None] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers.get("Authorization"))
        return httpx.Response(200, json={})

    client._http._transport = httpx.MockTransport(answer)
    client._send("GET", "/")
    return seen[0]


@pytest.mark.parametrize(
    ("options", "header"),
    [
        ({}, None),
        ({"TOKEN": "afs_x"}, "Bearer afs_x"),
        ({"USERNAME": "admin", "PASSWORD": "password"}, AUTH),
        ({"ENDPOINT_URL": "http://admin:password@server:8080/"}, AUTH),
        ({"TOKEN": "afs_x", "USERNAME": "admin"}, "Bearer afs_x"),
    ],
)
def test_how_the_client_signs_in(monkeypatch, options, header):
    for name, value in options.items():
        monkeypatch.setenv(f"AIRFLOW__CLI__{name}", value)
    client = RemoteClient.configured()
    assert header_of(client) == header
    assert "password" not in str(client._http.base_url)


def test_a_token_opens_what_its_owner_may(run, through, system, monkeypatch):
    through("stable")
    _, text = tokens.issue(system, actor=system, name="t", scope="read")
    http = httpx.Client(base_url="http://server", transport=Wire(), headers={"Authorization": f"Bearer {text}"})
    monkeypatch.setattr(RemoteClient, "configured", classmethod(lambda cls: cls(http)))
    assert run("pools", "list").status == 0
    assert run("pools", "set", "p", "1", "d").status == 1
    assert not Pool.objects.filter(name="p").exists()


def test_refusals_and_a_server_that_is_away_are_sentences(run, through, monkeypatch):
    through("stable")
    http = httpx.Client(base_url="http://server", transport=Wire(), headers={"Authorization": "Basic eDp5"})
    with pytest.raises(Forbidden):
        RemoteClient(http).pools()

    def away(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    gone = RemoteClient(httpx.Client(base_url="http://server", transport=httpx.MockTransport(away)))
    with pytest.raises(Unavailable, match="endpoint_url"):
        gone.pools()


def test_the_options_choose_the_client(monkeypatch):
    assert type(clients.current()).__name__ == "LocalClient"
    monkeypatch.setenv("AIRFLOW__CLI__API_CLIENT", "airflow.api.client.json_client")
    assert type(clients.current()).__name__ == "RemoteClient"
    assert urlsplit(str(clients.current()._http.base_url)).hostname == "localhost"
