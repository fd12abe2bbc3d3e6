"""The commands through a server, signed in by password, by token and by a real Kerberos ticket."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import transaction

from orchestration.access import roles
from orchestration.access.credentials import verified
from orchestration.clients.remote import RemoteClient
from orchestration.models import DagRun, Pool, User, versions
from orchestration.services import pools, tokens
from tests.api_experimental.kdc import Kdc
from tests.commands.conftest import Done
from tests.commands.test_clients import CHANGING, DATE, READING, Wire, picture
from tests.factories import UserFactory, make_dag, make_run, serialized

pytestmark = [pytest.mark.django_db, pytest.mark.kerberos]
pytest.importorskip("spnego", reason="requirements-kerberos.txt is not installed")
Run = Callable[..., Done]
SIGNED_IN = ("basic", "token", "kerberos")
#: What an experimental API can do: these groups and commands, and of what they show all but the end of a run.
LEGACY = {"pools", "dags pause", "dags unpause", "dags delete", "dags state", "tasks state"}


@pytest.fixture(scope="module")
def realm() -> Iterator[Kdc]:
    """A realm with a service, an administrator, and somebody whom the server does not know."""
    kdc = Kdc("HOME.TEST", clock_skew=300)  # a busy machine takes its time
    try:
        kdc.start()
        kdc.add_service("airflow/localhost")
        for name in ("admin", "stranger"):
            kdc.add(name, "secret")
        yield kdc
    finally:
        kdc.stop()


@pytest.fixture(autouse=True)
def system(monkeypatch: pytest.MonkeyPatch) -> User:
    """A DAG with runs, and an administrator."""
    verified.clear()
    roles.ensure_built_in()
    pools.ensure_default()
    admin = UserFactory(username="admin")
    admin.groups.add(Group.objects.get(name="Admin"))
    monkeypatch.setenv("AIRFLOW__API__ENABLE_EXPERIMENTAL_API", "True")
    dag = make_dag(serialized("a >> b", dag_id="d1"), is_paused=False)
    ended: dict[str, Any] = {"start_date": DATE, "end_date": DATE}
    make_run(dag, {"a": "success", "b": "failed"}, run_id="r1", logical_date=DATE, state="failed", **ended)
    return admin


@pytest.fixture
def sign_in(monkeypatch: pytest.MonkeyPatch, realm: Kdc, system: User) -> Callable[..., Wire | None]:
    """``sign_in("kerberos", is_old=True)``: how commands go from here on; ``sign_in(None)``: through the database."""
    monkeypatch.setenv("AIRFLOW__CLI__ENDPOINT_URL", "http://localhost")
    really = RemoteClient.configured

    def choose(way: str | None, *, is_old: bool = False) -> Wire | None:
        client = "json_client" if way else "local_client"
        monkeypatch.setenv("AIRFLOW__CLI__API_CLIENT", f"airflow.api.client.{client}")
        if way is None:
            return None
        backend = {"basic": "basic_auth", "token": "token", "kerberos": "kerberos_auth"}[way]
        monkeypatch.setenv("AIRFLOW__API__AUTH_BACKENDS", f"airflow.api.auth.backend.{backend}")
        match way:
            case "basic":
                monkeypatch.setenv("AIRFLOW__CLI__USERNAME", "admin")
                monkeypatch.setenv("AIRFLOW__CLI__PASSWORD", "password")
            case "token":
                monkeypatch.setenv("AIRFLOW__CLI__TOKEN", tokens.issue(system, actor=system, name="t", scope="full")[1])
            case "kerberos":
                for name, value in realm.environment.items():
                    monkeypatch.setenv(name, value)
                monkeypatch.setenv("KRB5_KTNAME", f"FILE:{realm.keytab}")
                monkeypatch.setenv("AIRFLOW__KERBEROS__PRINCIPAL", "airflow/localhost")
                monkeypatch.setenv("AIRFLOW__KERBEROS__KEYTAB", str(realm.keytab))
                realm.sign_out()
                realm.sign_in("admin", "secret")
        wire = Wire(is_old=is_old)

        def configured(cls: type[RemoteClient]) -> RemoteClient:
            found = really()
            found._http._transport = wire  # what signs in is the client's own
            return found

        monkeypatch.setattr(RemoteClient, "configured", classmethod(configured))
        return wire

    return choose


@contextlib.contextmanager
def taken_back() -> Iterator[None]:
    """A block whose changes are undone."""
    point = transaction.savepoint()
    try:
        yield
    finally:
        transaction.savepoint_rollback(point)
        verified.clear()
        assert versions.current("d1").dag_id == "d1"


def is_legacy(words: list[str]) -> bool:
    return words[0] in LEGACY or " ".join(words[:2]) in LEGACY


@pytest.mark.parametrize("is_old", [False, True], ids=["stable", "experimental"])
@pytest.mark.parametrize("way", SIGNED_IN)
def test_every_command_shows_the_same_as_through_the_database(
    run: Run, sign_in: Callable[..., Wire | None], way: str, is_old: bool
) -> None:
    chosen = [words for words in READING if not is_old or is_legacy(words)]
    sign_in(None)
    near = [run(*words) for words in chosen]

    wire = sign_in(way, is_old=is_old)

    for words, expected in zip(chosen, near, strict=True):
        found = run(*words)
        assert (words, found.status, found.out) == (words, expected.status, expected.out), found.err
    assert wire is not None
    assert len(wire.calls) > len(chosen) / 2


@pytest.mark.parametrize("is_old", [False, True], ids=["stable", "experimental"])
@pytest.mark.parametrize("way", SIGNED_IN)
def test_every_command_does_the_same_as_through_the_database(
    run: Run, sign_in: Callable[..., Wire | None], way: str, is_old: bool
) -> None:
    for script in CHANGING:
        if is_old and not all(map(is_legacy, script)):
            continue
        results = {}
        for chosen in (None, way):
            with taken_back():
                sign_in(chosen, is_old=is_old)
                results[chosen] = [(done.status, done.out) for done in (run(*words) for words in script)], picture()
        if is_old:  # its answers say less of what was done
            results = {chosen: ([status for status, _ in said], after) for chosen, (said, after) in results.items()}
        assert results[way] == results[None], script


def test_without_a_ticket_nothing_is_asked_for(run: Run, sign_in: Callable[..., Wire], realm: Kdc) -> None:
    wire = sign_in("kerberos")
    realm.sign_out()

    for words in (["pools", "list"], ["dags", "trigger", "d1"], ["pools", "set", "p", "1", "d"]):
        done = run(*words)
        assert (done.status, done.out) == (1, "")
        assert "There is no Kerberos ticket for airflow@localhost" in done.err
        assert "kinit" in done.err

    assert set(wire.calls) == {"GET /api/v1/health"}  # whether there is a stable API is asked without a ticket
    assert not Pool.objects.filter(name="p").exists()
    assert DagRun.objects.count() == 1


def test_a_ticket_of_somebody_unknown_opens_nothing(run: Run, sign_in: Callable[..., Wire], realm: Kdc) -> None:
    sign_in("kerberos")
    realm.sign_out()
    realm.sign_in("stranger", "secret")

    done = run("pools", "set", "p", "1", "d")

    assert done.status == 1
    assert done.err.strip()
    assert not Pool.objects.filter(name="p").exists()
