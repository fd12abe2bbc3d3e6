"""Kerberos against a real KDC: real, missing, expired, forged, replayed and foreign tickets."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator

import pytest
from django.http import HttpResponse
from django.test import Client

from orchestration.access import kerberos
from orchestration.clients.negotiate import NegotiateAuth
from orchestration.errors import Forbidden
from orchestration.models import Dag
from tests.api_experimental.kdc import Kdc
from tests.api_experimental.routes import CALLS
from tests.factories import PoolFactory, UserFactory, make_dag

spnego = pytest.importorskip("spnego", reason="requirements-kerberos.txt is not installed")
pytestmark = pytest.mark.kerberos

KERBEROS = "airflow.api.auth.backend.kerberos_auth"
HOST = "localhost"
REALM = "HOME.TEST"
CROSS = "cross-realm-secret"


@pytest.fixture(scope="module")
def realms() -> Iterator[tuple[Kdc, Kdc, Kdc]]:
    """The server's realm, one that it trusts, and a liar that says it is the server's."""
    home, abroad, liar = Kdc(REALM), Kdc("ABROAD.TEST"), Kdc(REALM)
    try:
        home.start(abroad)
        abroad.start(home)
        liar.start()
        for kdc in (home, abroad, liar):
            kdc.add_service(f"airflow/{HOST}")
            for name in ("viewer", "admin", "stranger"):
                kdc.add(name, "secret")
        for kdc in (home, abroad):
            kdc.add(f"krbtgt/{REALM}@ABROAD.TEST", CROSS)
        yield home, abroad, liar
    finally:
        for kdc in (home, abroad, liar):
            kdc.stop()


@pytest.fixture
def home(realms: tuple[Kdc, Kdc, Kdc], monkeypatch: pytest.MonkeyPatch) -> Kdc:
    """The server's realm; this process is its server, and nobody is signed in."""
    kdc = realms[0]
    for kdc_ in realms:
        kdc_.sign_out()
    use(kdc, monkeypatch)
    monkeypatch.setenv("KRB5_KTNAME", f"FILE:{kdc.keytab}")
    monkeypatch.setenv("AIRFLOW__KERBEROS__PRINCIPAL", f"airflow/{HOST}")
    monkeypatch.setenv("AIRFLOW__KERBEROS__KEYTAB", str(kdc.keytab))
    return kdc


def use(kdc: Kdc, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in kdc.environment.items():
        monkeypatch.setenv(name, value)


def ticket(*, protocol: str = "negotiate", service: str = "airflow") -> tuple[object, bytes]:
    """A client's context, and the token for the server made from the ticket in the cache."""
    context = spnego.client(hostname=HOST, service=service, protocol=protocol)
    return context, context.step()


def header(token: bytes) -> dict[str, str]:
    return {"HTTP_AUTHORIZATION": f"Negotiate {base64.b64encode(token).decode()}"}


@pytest.fixture
def get(experimental: Callable[..., None], people: object, home: Kdc) -> Callable[..., HttpResponse]:
    """``get("/test", token)``: one request to the server that asks for tickets."""
    experimental(KERBEROS)

    def send(path: str, token: bytes | None = None, **headers: str) -> HttpResponse:
        sent = header(token) if token is not None else {}
        return Client(SERVER_NAME=HOST).get(f"/api/experimental{path}", **{**sent, **headers})

    return send


@pytest.mark.parametrize("protocol", ["negotiate", "kerberos"])
def test_a_real_ticket_lets_its_user_in_and_the_server_proves_itself(get, home, protocol):
    home.sign_in("viewer", "secret")
    context, token = ticket(protocol=protocol)
    answer = get("/latest_runs", token)
    assert answer.status_code == 200, answer.content
    scheme, _, text = answer["WWW-Authenticate"].partition(" ")
    assert scheme == "Negotiate"
    context.step(base64.b64decode(text))  # raises unless the server holds the service's key
    assert context.complete


def test_the_users_role_counts(get, home, people):
    PoolFactory(name="p1")
    home.sign_in("viewer", "secret")
    delete = next(call for call in CALLS if str(call) == "DELETE /pools/p1")
    denied = Client(SERVER_NAME=HOST).delete(f"/api/experimental{delete.path}", **header(ticket()[1]))
    assert denied.status_code == 403
    assert denied["WWW-Authenticate"].startswith("Negotiate ")
    home.sign_in("admin", "secret")
    allowed = Client(SERVER_NAME=HOST).delete(f"/api/experimental{delete.path}", **header(ticket()[1]))
    assert allowed.status_code == 200


@pytest.mark.parametrize(
    "authorization", [None, "Negotiate", "Negotiate !!!", "Negotiate AAAA", "Basic YTpi", "NTLM AAAA"]
)
def test_no_ticket_is_a_401(get, authorization):
    answer = get("/test", **({"HTTP_AUTHORIZATION": authorization} if authorization else {}))
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Negotiate")


@pytest.mark.parametrize("place", [40, 200, -20])
def test_a_damaged_ticket_is_a_401(get, home, place):
    home.sign_in("viewer", "secret")
    token = bytearray(ticket()[1])
    token[place] ^= 0xFF
    assert get("/test", bytes(token)).status_code == 401


def test_a_ticket_that_another_kdc_forged_is_a_401(get, home, realms, monkeypatch):
    liar = realms[2]
    use(liar, monkeypatch)
    liar.sign_in("admin", "secret")
    token = ticket()[1]
    use(home, monkeypatch)
    assert get("/test", token).status_code == 401


def test_an_expired_ticket_is_a_401(get, home):
    home.sign_in("viewer", "secret", lifetime="2s")
    _, token = ticket()
    time.sleep(4)
    assert get("/test", token).status_code == 401


def test_a_ticket_for_the_same_name_in_another_realm_is_a_401(get, home, realms, monkeypatch):
    abroad = realms[1]
    use(abroad, monkeypatch)
    abroad.sign_in("viewer", "secret")
    token = ticket(protocol="kerberos")[1]
    use(home, monkeypatch)
    assert get("/test", token).status_code == 401


def test_a_valid_ticket_of_a_trusted_realm_is_a_401(get, home, realms, monkeypatch, caplog):
    abroad = realms[1]
    use(abroad, monkeypatch)
    abroad.sign_in("admin", "secret")
    monkeypatch.setenv("KRB5_CONFIG", str(home.folder / "krb5.conf"))  # the service is looked for at home
    token = ticket(protocol="kerberos")[1]
    use(home, monkeypatch)
    with caplog.at_level("INFO", logger="orchestration.access.kerberos"):
        assert get("/test", token).status_code == 401
    assert "of another realm was refused: admin@ABROAD.TEST" in caplog.text  # the ticket itself was good


def test_a_ticket_is_taken_once(get, home):
    home.sign_in("viewer", "secret")
    _, token = ticket()
    assert [get("/test", token).status_code for _ in range(2)] == [200, 401]


def test_a_principal_without_a_user_is_a_403(get, home):
    home.sign_in("stranger", "secret")
    answer = get("/test", ticket()[1])
    assert answer.status_code == 403
    assert answer.json() == {"error": f"The principal stranger@{REALM} is no user here."}


def test_an_inactive_user_is_a_403(get, home, people):
    people["viewer"].is_active = False
    people["viewer"].save()
    home.sign_in("viewer", "secret")
    assert get("/test", ticket()[1]).status_code == 403


def test_a_user_of_the_whole_name_goes_before_the_short_one(people):
    whole = UserFactory(username=f"viewer@{REALM}")
    assert kerberos.user_of(f"viewer@{REALM}") == whole
    assert kerberos.user_of(f"admin@{REALM}") == people["admin"]
    assert kerberos.user_of(f"admin/root@{REALM}") is None


def test_a_ticket_for_another_service_is_a_401(get, home):
    home.add_service(f"HTTP/{HOST}")
    home.sign_in("viewer", "secret")
    assert get("/test", ticket(service="HTTP")[1]).status_code == 401


def test_a_missing_keytab_lets_nobody_in(get, home, monkeypatch):
    home.sign_in("viewer", "secret")
    token = ticket()[1]
    monkeypatch.setenv("KRB5_KTNAME", "FILE:/nowhere.keytab")
    assert get("/test", token).status_code == 401


def test_a_page_of_another_site_changes_nothing_with_a_browsers_ticket(get, home):
    make_dag(dag_id="d1", is_paused=False)
    home.sign_in("admin", "secret")
    answer = get("/dags/d1/paused/true", ticket()[1], HTTP_SEC_FETCH_SITE="cross-site")
    assert answer.status_code == 403
    sent = {**header(ticket()[1]), "HTTP_ORIGIN": "https://evil.example"}
    post = Client(SERVER_NAME=HOST).post("/api/experimental/dags/d1/dag_runs", {}, "application/json", **sent)
    assert post.status_code == 403
    assert not Dag.objects.get().is_paused


def test_the_stable_api_takes_tickets_too(get, home):
    home.sign_in("viewer", "secret")
    client = Client(SERVER_NAME=HOST)
    answer = client.get("/api/v1/pools", **header(ticket()[1]))
    assert answer.status_code == 200, answer.content
    assert answer["WWW-Authenticate"].startswith("Negotiate ")
    nobody = client.get("/api/v1/pools")
    assert (nobody.status_code, nobody["WWW-Authenticate"]) == (401, "Negotiate")


def test_the_commands_client_signs_in_and_checks_the_server(get, home):
    import httpx

    def serve(request: httpx.Request) -> httpx.Response:
        answer = get("/test", HTTP_AUTHORIZATION=request.headers["Authorization"])
        return httpx.Response(answer.status_code, headers=dict(answer.items()), content=answer.content)

    home.sign_in("viewer", "secret")
    with httpx.Client(transport=httpx.MockTransport(serve), auth=NegotiateAuth(HOST)) as client:
        assert client.get(f"http://{HOST}/api/experimental/test").json() == {"status": "OK"}

    def lie(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"status": "OK"}, headers={"WWW-Authenticate": "Negotiate AAAA"})

    with httpx.Client(transport=httpx.MockTransport(lie), auth=NegotiateAuth(HOST)) as client:
        with pytest.raises(Forbidden):
            client.get(f"http://{HOST}/")
    home.sign_out()
    with httpx.Client(transport=httpx.MockTransport(serve), auth=NegotiateAuth(HOST)) as client:
        with pytest.raises(Forbidden, match="kinit"):
            client.get(f"http://{HOST}/")


def test_kerberos_without_its_packages_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "gssapi", None)
    with pytest.raises(kerberos.ConfigError, match=r"requirements-kerberos\.txt"):
        kerberos.accept(b"x")
