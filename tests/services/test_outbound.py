"""Which addresses may be called."""

from __future__ import annotations

import ipaddress
import socket

import httpx
import pytest

from orchestration.services import outbound
from tests.authoring.hooks.servers import http_server


@pytest.mark.parametrize(
    ("address", "is_public", "is_private"),
    [
        ("93.184.216.34", True, True),
        ("2606:2800:220:1:248:1893:25c8:1946", True, True),
        ("127.0.0.1", False, True),
        ("10.1.2.3", False, True),
        ("192.168.0.1", False, True),
        ("100.64.0.1", False, True),
        ("::1", False, True),
        ("fd00::1", False, True),
        ("::ffff:127.0.0.1", False, True),
        ("2002:7f00:1::", False, True),
        ("64:ff9b::7f00:1", False, True),
        ("169.254.169.254", False, False),
        ("::ffff:169.254.169.254", False, False),
        ("64:ff9b::a9fe:a9fe", False, False),
        ("fe80::1", False, False),
        ("0.0.0.0", False, False),
        ("::", False, False),
        ("224.0.0.1", False, False),
    ],
)
def test_public_addresses_are_called_and_private_ones_where_allowed(address, is_public, is_private):
    parsed = ipaddress.ip_address(address)
    assert outbound.is_allowed(parsed, allow_private=False) is is_public
    assert outbound.is_allowed(parsed, allow_private=True) is is_private


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com/x",
        "ftp://example.com/",
        "file:///etc/passwd",
        "http://",
        "http:///x",
        "http://a b/",
        "http://example.com/\r\nX: y",
        "http://user:pass@example.com/",
        "http://example.com:99999/",
        "http://[::1/",
        f"http://example.com/{'x' * 5000}",
    ],
)
def test_other_texts_are_refused(url):
    with pytest.raises(outbound.Refused):
        outbound.parse(url)


def test_a_name_is_refused_when_any_of_its_addresses_is(monkeypatch):
    found = [(2, 1, 6, "", (address, 80)) for address in ("93.184.216.34", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    with pytest.raises(outbound.Refused, match="private"):
        outbound.resolve(outbound.parse("http://mixed.example/"))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "0x7f.1", "2130706433"])
def test_this_machine_is_not_called(host):
    with pytest.raises(outbound.Refused):
        outbound.post(f"http://{host}:9/", b"", {})


def test_the_address_that_was_checked_is_the_one_that_is_called(monkeypatch):
    monkeypatch.setenv("AIRFLOW__NOTIFICATIONS__ALLOW_PRIVATE_TARGETS", "True")
    asked = []
    real = socket.getaddrinfo

    def once(host, port, *args, **kwargs):
        asked.append(host)
        return real("127.0.0.1" if host == "hook.example" else host, port, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", once)
    with http_server({"/in": (204, {}, "")}) as (port, calls):
        assert outbound.post(f"http://hook.example:{port}/in?a=1", b"{}", {}) == 204
    assert asked.count("hook.example") == 1
    assert calls[0]["headers"]["Host"] == f"hook.example:{port}"
    assert calls[0]["query"] == "a=1"


def test_redirects_are_not_followed(monkeypatch):
    monkeypatch.setenv("AIRFLOW__NOTIFICATIONS__ALLOW_PRIVATE_TARGETS", "True")
    with http_server({"/in": (302, {"Location": "/other"}, ""), "/other": (200, {}, "")}) as (port, calls):
        assert outbound.post(f"http://127.0.0.1:{port}/in", b"", {}) == 302
    assert [call["path"] for call in calls] == ["/in"]


def test_a_host_that_does_not_answer_is_an_error(monkeypatch):
    monkeypatch.setenv("AIRFLOW__NOTIFICATIONS__ALLOW_PRIVATE_TARGETS", "True")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(httpx.HTTPError):
        outbound.post(f"http://127.0.0.1:{port}/", b"", {})
