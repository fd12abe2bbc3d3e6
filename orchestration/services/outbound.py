"""Calls to hosts that people typed: which may be reached, at the very address that was checked, and no redirects."""

from __future__ import annotations

import enum
import ipaddress
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from orchestration.errors import Invalid

#: Seconds after which a connection, a sending or an answer is given up.
TIMEOUT_SECONDS: Final = 10.0
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_LONGEST_URL: Final = 4000

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Reach(enum.Enum):
    """How far a call may go. Link-local addresses (where clouds tell secrets) and "this host" are beyond all.

    The value is what a refused caller is told.
    """

    PUBLIC = (
        "The host has a loopback, link-local or private address. "
        "The option allow_private_targets in the section notifications allows private ones."
    )
    #: Also the private networks that this machine is in, but not the machine itself.
    NETWORKS = "Addresses of the server itself and link-local addresses are not tried."
    #: Private networks and this machine.
    MACHINE = "The host has a link-local or multicast address, which is not called."


class Refused(Invalid):
    """The address may not be called; the text is for the operator."""

    title = "Address refused"


@dataclass(frozen=True, slots=True)
class Target:
    """An address taken apart; ``port`` is the scheme's where none is written."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def host_header(self) -> str:
        """The header Host."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == _PORTS[self.scheme] else f"{name}:{self.port}"


_PORTS: Final = {"http": 80, "https": 443}


def parse(url: str) -> Target:
    """The parts of an http or https address. Raises Refused for any other text; looks nothing up."""
    if len(url) > _LONGEST_URL or any(ord(sign) <= 32 or ord(sign) == 127 for sign in url):
        raise Refused("That is no address: it holds blanks or control signs, or is too long.")
    try:
        parts = urlsplit(url)
        port = parts.port
        host = (parts.hostname or "").rstrip(".")
        host = host if ":" in host else host.encode("idna").decode() if host else ""
    except (ValueError, UnicodeError):
        raise Refused("That is no address.") from None
    if parts.scheme not in _PORTS or not host:
        raise Refused("Give an address that begins with https:// or http:// and names a host.")
    if parts.username is not None or parts.password is not None:
        raise Refused("Leave user and password out of the address.")
    query = f"?{parts.query}" if parts.query else ""
    return Target(parts.scheme, host, port or _PORTS[parts.scheme], f"{parts.path or '/'}{query}")


def resolve(host: str, port: int, *, reach: Reach) -> str:
    """The numeric address to speak to; every address of the name must be allowed. Raises Refused."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise Refused("The host's name has no address.") from None
    addresses = sorted({str(entry[4][0]).partition("%")[0] for entry in found})
    if not all(is_allowed(ipaddress.ip_address(address), reach=reach) for address in addresses):
        raise Refused(reach.value)
    return addresses[0]


def is_allowed(address: _Address, *, reach: Reach) -> bool:
    """Whether the address may be called. An IPv4 address within an IPv6 one counts as itself."""
    return all(_is_within(reach, inner) for inner in _inner(address))


def _is_within(reach: Reach, address: _Address) -> bool:
    if address.is_link_local or address.is_multicast or address.is_unspecified:
        return False
    if reach is Reach.PUBLIC:
        return address.is_global
    return reach is Reach.MACHINE or not address.is_loopback


def _inner(address: _Address) -> list[_Address]:
    found: list[_Address] = [address]
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return [address.ipv4_mapped]
        if address.sixtofour is not None:
            found.append(address.sixtofour)
        if address.teredo is not None:
            found.extend(address.teredo)
        if address in _NAT64:
            found.append(ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF))
    return found


def call(
    method: str,
    url: str,
    *,
    reach: Reach,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    login: tuple[str, str] | None = None,
) -> int:
    """Call the address; the answer's status, whose body nobody reads. Raises Refused, httpx.HTTPError."""
    import httpx  # some megabytes: only for those who call

    target = parse(url)
    address = resolve(target.host, target.port, reach=reach)
    shown = f"[{address}]" if ":" in address else address
    with httpx.Client(timeout=TIMEOUT_SECONDS, follow_redirects=False, trust_env=False) as client:
        request = client.build_request(
            method,
            f"{target.scheme}://{shown}:{target.port}{target.path}",
            content=body,
            headers={**(headers or {}), "Host": target.host_header},
            extensions={"sni_hostname": target.host},
        )
        answer = client.send(request, auth=login, stream=True)
        answer.close()
    return answer.status_code
