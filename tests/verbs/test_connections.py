"""Connections: the verbs, and what is shown."""

from __future__ import annotations

import json

import pytest
from django.db import connection

from orchestration.errors import Conflict, Forbidden, Invalid, NotFound
from orchestration.models import Connection, EventLog
from orchestration.services import connections
from tests.factories import ConnectionFactory

pytestmark = pytest.mark.django_db


def test_a_connection_is_made_and_logged(op, logged):
    connections.create(actor=op, conn_id="c", conn_type="http", host="h", password="p", extra='{"a": 1}', port=80)
    found = connections.find("c")
    assert (found.conn_type, found.host, found.password, found.extra, found.port) == ("http", "h", "p", '{"a": 1}', 80)
    assert logged() == [("connection.create", "op")]


def test_an_id_is_taken_once(op):
    connections.create(actor=op, conn_id="c", conn_type="http")
    with pytest.raises(Conflict):
        connections.create(actor=op, conn_id="c", conn_type="ftp")
    assert connections.find("c").conn_type == "http"


@pytest.mark.parametrize("conn_id", ["", "with blank", "a/b", "c" * 201, "new\nline", "c\n", "<x>", "a;b"])
def test_impossible_ids_are_refused(op, conn_id):
    with pytest.raises(Invalid):
        connections.create(actor=op, conn_id=conn_id, conn_type="http")
    assert not Connection.objects.exists()


@pytest.mark.parametrize("conn_id", ["c", "with-dash", "with.dot", "with_underscore", "c" * 200, "größe"])
def test_possible_ids_are_accepted(op, conn_id):
    assert connections.create(actor=op, conn_id=conn_id, conn_type="http").pk


def test_password_and_extra_are_encrypted_at_rest(op):
    connections.create(actor=op, conn_id="c", conn_type="http", password="S3CRET-1", extra='{"x": "S3CRET-2"}')
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT password, extra FROM {Connection._meta.db_table}")
        assert "S3CRET" not in str(cursor.fetchone())


@pytest.mark.parametrize(
    ("extra", "shown"),
    [
        (None, None),
        ("", ""),
        ("not json", "not json"),
        ('{"token": "abc", "region": "eu"}', {"token": "***", "region": "eu"}),
        ('{"deep": {"password": "abc", "x": 1}}', {"deep": {"password": "***", "x": 1}}),
        ('{"list": [{"api_key": "abc"}]}', {"list": [{"api_key": "***"}]}),
        ('["a", "b"]', ["a", "b"]),
        ("5", 5),
    ],
)
def test_secret_members_of_extra_are_hidden(extra, shown):
    found = connections.shown_extra(extra)
    assert (json.loads(found) if found and not isinstance(shown, str) else found) == shown


def test_a_hidden_member_sent_back_keeps_its_secret(op):
    stored = {"token": "abc", "region": "eu", "deep": {"password": "x"}, "password": "***"}
    row = ConnectionFactory(extra=json.dumps(stored))
    sent = {"token": "***", "region": "us", "deep": {"password": "***", "new": 1}, "secret": "***"}
    connections.update(row, actor=op, extra=json.dumps(sent))
    row.refresh_from_db()
    assert json.loads(row.extra) == {
        "token": "abc",
        "region": "us",
        "deep": {"password": "x", "new": 1},
        "secret": "***",
    }


def test_a_change_touches_what_was_sent(op, logged):
    row = ConnectionFactory(conn_id="c", host="old", password="kept")
    connections.update(row, actor=op, host=None, port=5)
    row.refresh_from_db()
    assert (row.host, row.port, row.password) == (None, 5, "kept")
    assert logged() == [("connection.edit", "op")]


def test_the_id_stays(op):
    with pytest.raises(Invalid):
        connections.update(ConnectionFactory(conn_id="c"), actor=op, conn_id="d")


def test_no_secret_reaches_the_audit_log_whatever_the_options_say(op, monkeypatch):
    monkeypatch.setenv("AIRFLOW__CORE__HIDE_SENSITIVE_VAR_CONN_FIELDS", "False")
    row = connections.create(actor=op, conn_id="c", conn_type="http", password="S3CRET-canary")
    connections.update(row, actor=op, password="S3CRET-canary2")
    assert "S3CRET" not in str(list(EventLog.objects.values()))


def test_no_secret_of_extra_reaches_the_audit_log(op):
    row = connections.create(actor=op, conn_id="c", conn_type="http", extra='{"token": "S3CRET"}')
    connections.update(row, actor=op, extra="postgresql://user:S3CRET@host")
    assert "S3CRET" not in str(list(EventLog.objects.values()))


def test_a_connection_is_deleted_and_logged(op, logged):
    connections.delete(ConnectionFactory(conn_id="c"), actor=op)
    with pytest.raises(NotFound):
        connections.find("c")
    assert logged() == [("connection.delete", "op")]


@pytest.mark.parametrize(
    "verb",
    [
        lambda actor: connections.create(actor=actor, conn_id="new", conn_type="http"),
        lambda actor: connections.update(connections.find("c"), actor=actor, host="new"),
        lambda actor: connections.delete(connections.find("c"), actor=actor),
    ],
)
def test_a_viewer_changes_nothing(viewer, verb):
    ConnectionFactory(conn_id="c", host="old")
    with pytest.raises(Forbidden):
        verb(viewer)
    assert [(c.conn_id, c.host) for c in Connection.objects.all()] == [("c", "old")]
