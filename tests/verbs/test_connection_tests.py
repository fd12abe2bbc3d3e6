"""Trying connections: what may be tried, and that it harms nobody."""

from __future__ import annotations

import http.server
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator

import pytest

from orchestration.errors import Forbidden, Unavailable
from orchestration.services import connection_tests
from orchestration.services.outbound import Reach
from tests.factories import ConnectionFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def server() -> Iterator[int]:
    """The port of an HTTP server on loopback; ``/moved`` redirects, ``/broken`` fails."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response({"/moved": 302, "/broken": 500}.get(self.path, 200))
            if self.path == "/moved":
                self.send_header("Location", f"http://169.254.169.254:{self.server.server_port}/")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield running.server_port
        running.shutdown()
        thread.join()


@pytest.fixture
def loopback_allowed(monkeypatch):
    monkeypatch.setattr(connection_tests, "_REACH", Reach.MACHINE)


def check(op, **fields):
    return connection_tests.run(ConnectionFactory.build(**fields), actor=op)


@pytest.mark.parametrize(
    ("word", "expected"), [("Disabled", False), ("Hidden", False), ("Enabled", True), (" enabled ", True)]
)
def test_the_option_enables_them(monkeypatch, word, expected):
    monkeypatch.setenv("AIRFLOW__CORE__TEST_CONNECTION", word)
    assert connection_tests.is_enabled() is expected


def test_they_are_off_by_default():
    assert not connection_tests.is_enabled()


@pytest.mark.parametrize("conn_type", ["no_such_type", "fs", "ssh", "jdbc", "", "http ", "os.system"])
def test_other_types_are_not_tried(op, conn_type):
    result = check(op, conn_type=conn_type)
    assert not result.is_good
    assert result.message == f'Unknown hook type "{conn_type}"'


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.9.9.9",
        "::1",
        "0.0.0.0",
        "169.254.169.254",
        "fe80::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::",
        "localhost",
        "0x7f000001",
        "2130706433",
        "224.0.0.1",
    ],
)
@pytest.mark.parametrize("conn_type", ["http", "postgres", "smtp"])
def test_the_server_s_own_and_link_local_addresses_are_not_tried(op, conn_type, host, monkeypatch):
    monkeypatch.setattr(socket, "create_connection", lambda *a, **k: pytest.fail("spoke to the target"))
    result = check(op, conn_type=conn_type, host=host)
    assert not result.is_good
    assert "not tried" in result.message or "no address" in result.message


def test_a_name_is_resolved_once_and_the_checked_address_is_used(op, server, monkeypatch, loopback_allowed):
    asked = []

    def resolve(host, port, *rest, **more):
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    assert check(op, conn_type="http", host="rebinding.example", port=server).is_good
    assert asked.count("rebinding.example") == 1


def test_http_is_tried_without_following_redirects(op, server, loopback_allowed):
    assert check(op, conn_type="http", host="127.0.0.1", port=server).is_good
    assert check(op, conn_type="http", host="127.0.0.1/moved", port=server).is_good
    broken = check(op, conn_type="http", host="127.0.0.1/broken", port=server)
    assert (broken.is_good, broken.message) == (False, "The server answered 500.")


@pytest.mark.parametrize("host", ["file:///etc/passwd", "ftp://example.com", "gopher://example.com"])
def test_other_schemes_are_not_tried(op, host):
    assert check(op, conn_type="http", host=host).message == "Only http and https are tried."


def test_no_message_holds_a_secret(op, server, loopback_allowed, monkeypatch):
    monkeypatch.setattr(connection_tests, "TIMEOUT_SECONDS", 1)
    result = check(op, conn_type="postgres", host="127.0.0.1", port=server, login="me", password="S3CRET-canary")
    assert not result.is_good
    assert "S3CRET" not in result.message


class TestSqlite:
    def test_a_database_works(self, op, tmp_path):
        path = tmp_path / "some.db"
        sqlite3.connect(path).execute("CREATE TABLE t (x)").connection.close()
        assert check(op, conn_type="sqlite", host=str(path)).is_good

    def test_one_that_would_be_made_works_and_is_not_made(self, op, tmp_path):
        assert check(op, conn_type="sqlite", host=str(tmp_path / "new.db")).is_good
        assert not (tmp_path / "new.db").exists()

    @pytest.mark.parametrize(
        "host", ["file:/etc/passwd", "FILE:x?mode=rw", "relative.db", "/etc/passwd", "/etc", "/no/such/folder/x.db"]
    )
    def test_other_files_do_not(self, op, host):
        assert not check(op, conn_type="sqlite", host=host).is_good


def test_a_slow_server_is_given_up(op, monkeypatch):
    monkeypatch.setattr(connection_tests, "TIMEOUT_SECONDS", -0.9)
    release = threading.Event()
    monkeypatch.setitem(connection_tests._CHECKS, "http", lambda connection: release.wait(5))
    started = time.monotonic()
    result = check(op, conn_type="http")
    release.set()
    assert "no answer" in result.message
    assert time.monotonic() - started < 2


def test_only_two_are_tried_at_once(op, monkeypatch):
    monkeypatch.setattr(connection_tests, "TIMEOUT_SECONDS", -0.9)
    release = threading.Event()
    monkeypatch.setitem(connection_tests._CHECKS, "http", lambda connection: release.wait(5))
    for _ in range(2):
        check(op, conn_type="http")
    with pytest.raises(Unavailable):
        check(op, conn_type="http")
    release.set()
    for _ in range(100):
        if connection_tests._places._value == 2:
            break
        time.sleep(0.01)
    assert check(op, conn_type="sqlite", host=":memory:").is_good


def test_a_viewer_tries_nothing(viewer):
    with pytest.raises(Forbidden):
        check(viewer, conn_type="sqlite")
