"""Which addresses may be called."""

from __future__ import annotations

import ipaddress
import socket

import httpx
import pytest

from orchestration.services import outbound
from orchestration.services.outbound import Reach
from tests.authoring.hooks.servers import http_server


@pytest.mark.parametrize(
    ("address", "is_public", "is_in_networks", "is_private"),
    [
        ("93.184.216.34", True, True, True),
        ("2606:2800:220:1:248:1893:25c8:1946", True, True, True),
        ("10.1.2.3", False, True, True),
        ("192.168.0.1", False, True, True),
        ("100.64.0.1", False, True, True),
        ("fd00::1", False, True, True),
        ("64:ff9b::a01:203", False, True, True),
        ("127.0.0.1", False, False, True),
        ("::1", False, False, True),
        ("::ffff:127.0.0.1", False, False, True),
        ("2002:7f00:1::", False, False, True),
        ("64:ff9b::7f00:1", False, False, True),
        ("2001:0:5db8:d822:0:0:80ff:fffe", False, False, True),
        ("169.254.169.254", False, False, False),
        ("::ffff:169.254.169.254", False, False, False),
        ("64:ff9b::a9fe:a9fe", False, False, False),
        ("2002:a9fe:a9fe::", False, False, False),
        ("fe80::1", False, False, False),
        ("0.0.0.0", False, False, False),
        ("::", False, False, False),
        ("224.0.0.1", False, False, False),
    ],
)
def test_public_addresses_are_called_and_others_where_the_reach_allows(address, is_public, is_in_networks, is_private):
    parsed = ipaddress.ip_address(address)
    assert outbound.is_allowed(parsed, reach=Reach.PUBLIC) is is_public
    assert outbound.is_allowed(parsed, reach=Reach.NETWORKS) is is_in_networks
    assert outbound.is_allowed(parsed, reach=Reach.MACHINE) is is_private


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
        outbound.resolve("mixed.example", 80, reach=Reach.PUBLIC)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "0x7f.1", "2130706433"])
@pytest.mark.parametrize("reach", [Reach.PUBLIC, Reach.NETWORKS])
def test_this_machine_is_not_called(host, reach):
    with pytest.raises(outbound.Refused):
        outbound.call("POST", f"http://{host}:9/", reach=reach)


def test_the_address_that_was_checked_is_the_one_that_is_called(monkeypatch):
    asked = []
    real = socket.getaddrinfo

    def once(host, port, *args, **kwargs):
        asked.append(host)
        return real("127.0.0.1" if host == "hook.example" else host, port, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", once)
    with http_server({"/in": (204, {}, "")}) as (port, calls):
        assert outbound.call("POST", f"http://hook.example:{port}/in?a=1", reach=Reach.MACHINE) == 204
    assert asked.count("hook.example") == 1
    assert calls[0]["headers"]["Host"] == f"hook.example:{port}"
    assert calls[0]["query"] == "a=1"


def test_redirects_are_not_followed():
    with http_server({"/in": (302, {"Location": "/other"}, ""), "/other": (200, {}, "")}) as (port, calls):
        assert outbound.call("POST", f"http://127.0.0.1:{port}/in", reach=Reach.MACHINE) == 302
    assert [call["path"] for call in calls] == ["/in"]


def test_a_host_that_does_not_answer_is_an_error():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(httpx.HTTPError):
        outbound.call("GET", f"http://127.0.0.1:{port}/", reach=Reach.MACHINE)
