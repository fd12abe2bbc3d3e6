"""Connections from URIs, JSON and parts, and back; the outcomes are recorded from Airflow 2.10.5."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from orchestration.authoring import secrets
from orchestration.authoring.connection import Connection, sanitize_conn_id
from orchestration.authoring.exceptions import AirflowException, AirflowNotFoundException, RemovedInAirflow3Warning
from orchestration.authoring.hooks_base import BaseHook

RECORDED = json.loads((Path(__file__).parent / "recorded" / "connections.json").read_text())

pytestmark = pytest.mark.filterwarnings("ignore")


def shown(make):
    try:
        made = make()
    except Exception as error:
        return type(error).__name__
    names = ("conn_type", "host", "login", "password", "schema", "port", "extra")
    return {**{name: getattr(made, name) for name in names}, "dejson": made.extra_dejson, "uri": made.get_uri()}


@pytest.mark.parametrize("uri", RECORDED["uris"])
def test_a_uri_means_what_it_means_to_airflow(uri):
    assert shown(lambda: Connection("c", uri=uri)) == RECORDED["uris"][uri]


@pytest.mark.parametrize(("parts", "outcome"), RECORDED["parts"])
def test_parts_make_the_same_uri(parts, outcome):
    assert shown(lambda: Connection("c", **parts)) == outcome


@pytest.mark.parametrize("text", RECORDED["json"])
def test_json_means_what_it_means_to_airflow(text):
    assert shown(lambda: Connection.from_json(text, "c")) == RECORDED["json"][text]


@pytest.mark.parametrize("uri", [uri for uri, outcome in RECORDED["uris"].items() if isinstance(outcome, dict)])
def test_a_uri_made_from_a_connection_makes_the_same_connection(uri):
    made = Connection("c", uri=uri)
    again = Connection("c", uri=made.get_uri())
    assert again.get_uri() == made.get_uri()
    assert (again.host, again.login, again.password) == (made.host or "", made.login, made.password)


def test_uri_and_parts_exclude_each_other():
    with pytest.raises(AirflowException, match="not from both"):
        Connection("c", uri="http://h", host="h")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("abc", "abc"),
        ("a b", "a"),
        ("a-b.c_d/e\\f:(g)#!", "a-b.c_d/e\\f:(g)#!"),
        ("<x>", None),
        ("x" * 251, None),
        (5, None),
    ],
)
def test_an_id_keeps_its_allowed_beginning(given, kept):
    assert sanitize_conn_id(given) == kept


def test_the_environment_comes_before_the_store(port, monkeypatch):
    port.connections["c"] = {
        "conn_id": "c", "conn_type": "http", "description": "from the store", "host": "store", "schema": None,
        "login": None, "password": "pw-of-the-store", "port": None, "extra": '{"token": "tok-of-the-store"}',
    }  # fmt: skip
    found = BaseHook.get_connection("c")
    assert (found.host, found.description, found.password) == ("store", "from the store", "pw-of-the-store")
    monkeypatch.setenv("AIRFLOW_CONN_C", "http://env")
    assert BaseHook.get_connection("c").host == "env"
    monkeypatch.setenv("AIRFLOW_CONN_C", '{"conn_type": "http", "host": "json"}')
    assert BaseHook.get_connections("c")[0].host == "json"
    assert BaseHook.get_connection("c").conn_id == "c"


def test_a_missing_connection_is_an_error(port):
    with pytest.raises(AirflowNotFoundException, match="There is no connection 'nope'"):
        BaseHook.get_connection("nope")


def test_passwords_and_secret_extras_are_hidden_from_then_on():
    made = Connection("c", "http", password="p@ss:w0rd", extra={"api_key": "k-1234", "plain": "shown"})
    assert made.extra_dejson["plain"] == "shown"
    assert secrets.redact("p@ss:w0rd p%40ss%3Aw0rd k-1234 shown") == "*** *** *** shown"
    assert "p@ss" not in made.debug_info()
    assert repr(made) == "c"


def test_an_error_about_a_uri_does_not_show_its_password():
    with pytest.raises(AirflowException) as refused:
        Connection("c", uri="a://u:hunter22@h://b://c://d")
    assert "hunter22" not in str(refused.value)


def test_nested_extras_are_read_when_asked():
    made = Connection("c", "x", extra='{"a": "{\\"b\\": 1}", "c": "text"}')
    assert made.get_extra_dejson(nested=True) == {"a": {"b": 1}, "c": "text"}


def test_an_extra_that_is_no_object_warns():
    with pytest.warns(RemovedInAirflow3Warning, match="no JSON object"):
        Connection("c", "x", extra="[1]")


def test_the_type_decides_the_hook():
    assert type(Connection("c", "sqlite", host="/tmp/x").get_hook()).__name__ == "SqliteHook"
    with pytest.raises(AirflowException, match='Unknown hook type "mystery"'):
        Connection("c", "mystery").get_hook()
    assert Connection("c", "mystery").test_connection()[0] is False


def test_parts_as_a_dict():
    made = Connection("c", "http", host="h", extra='{"a": 1}')
    assert made.to_dict(prune_empty=True) == {"conn_id": "c", "conn_type": "http", "host": "h", "extra": {"a": 1}}
    assert Connection.from_json(made.as_json(), "c").get_uri() == made.get_uri()
