"""Kerberos at the APIs: ``Authorization: Negotiate …`` (RFC 4559), checked by the system's GSSAPI.

The service is ``airflow/host@REALM`` (``kerberos.principal``), its key in ``kerberos.keytab``. A caller's principal
``name@REALM`` of the service's own realm is the user of that whole name, or else the user called ``name``. The answer
proves the server to the client. Needs the packages of ``requirements-kerberos.txt``.
"""

from __future__ import annotations

import base64
import binascii
import logging
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from django.http import HttpRequest
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied

from orchestration.access.authentication import Backend, Identity
from orchestration.conf import ConfigError, conf
from orchestration.models import User

log = logging.getLogger(__name__)

#: The longest token that is read, in bytes; tickets of people in many groups are long.
LONGEST_TOKEN: Final = 65_536
_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_KEYTAB_VARIABLE: Final = "KRB5_KTNAME"


@dataclass(frozen=True, slots=True)
class Service:
    """The principal that callers' tickets are for."""

    name: str
    host: str
    realm: str | None = None

    @classmethod
    def configured(cls) -> Service:
        """From ``kerberos.principal``: ``airflow``, ``airflow/host`` or ``airflow/host@REALM``; else this host's."""
        principal, _, realm = conf.get("kerberos", "principal").partition("@")
        name, _, host = principal.partition("/")
        return cls(name or "airflow", host or socket.getfqdn(), realm or None)


class KerberosBackend(Backend):
    """A Kerberos ticket. Wrong, forged, expired or foreign: 401; of a principal that is no user: 403."""

    challenge = "Negotiate"

    def identify(self, request: HttpRequest) -> Identity | None:
        scheme, _, text = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme.lower() != "negotiate":
            return None
        principal, answer = accept(_token(text.strip()))
        user = user_of(principal)
        if user is None:
            raise PermissionDenied(f"The principal {principal} is no user here.")
        _refuse_other_sites(request)
        headers: Mapping[str, str] = {}
        if answer:
            headers = {"WWW-Authenticate": f"Negotiate {base64.b64encode(answer).decode()}"}
        return Identity(user, "kerberos", response_headers=headers)


def _token(text: str) -> bytes:
    """The token that the header holds; raises AuthenticationFailed."""
    try:
        token = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, ValueError):
        token = b""
    if not 0 < len(token) <= LONGEST_TOKEN:
        raise AuthenticationFailed("The Authorization header holds no Kerberos ticket.")
    return token


def accept(token: bytes) -> tuple[str, bytes | None]:
    """The principal that a token (Kerberos' own or SPNEGO around it) proves, and what to answer to it.

    Raises AuthenticationFailed for a token that proves nothing, ConfigError where Kerberos is not installed.
    """
    try:
        import gssapi
        from gssapi.raw.misc import GSSError
    except ImportError:
        raise ConfigError("Kerberos needs more packages: pip install -r requirements-kerberos.txt") from None
    service, keytab = Service.configured(), _keytab()
    name = gssapi.Name(f"{service.name}@{service.host}", gssapi.NameType.hostbased_service)
    try:
        # Keys of other services in the same keytab open nothing here.
        credentials = gssapi.Credentials(name=name, usage="accept", store={"keytab": keytab})
    except GSSError as error:
        log.error("The keytab %s holds no key of %s/%s: %s", keytab, service.name, service.host, error)
        raise AuthenticationFailed("The Kerberos ticket is not valid here.") from None
    context = gssapi.SecurityContext(creds=credentials, usage="accept")
    try:
        answer = context.step(token)
        is_kerberos = context.complete and context.mech == gssapi.MechType.kerberos
        principal = str(context.initiator_name) if is_kerberos else ""
    except (GSSError, ValueError) as error:
        log.info("A Kerberos ticket was refused: %s", error)
        raise AuthenticationFailed("The Kerberos ticket is not valid here.") from None
    if not principal:  # NTLM and exchanges of several rounds have no place here
        raise AuthenticationFailed("The exchange is not Kerberos, or needs more rounds than one.")
    if principal.rpartition("@")[2] not in _realms(service, keytab):
        log.info("A ticket of another realm was refused: %s", principal)
        raise AuthenticationFailed("The Kerberos ticket is of another realm.")
    return principal, answer


def _keytab() -> str:
    """The keytab's name: of the environment, else of the options."""
    return os.environ.get(_KEYTAB_VARIABLE) or str(conf.path("kerberos", "keytab"))


def _realms(service: Service, keytab: str) -> frozenset[str]:
    """The realms whose people may call: the configured one, or those the service has keys of."""
    if service.realm is not None:
        return frozenset({service.realm})
    path = keytab.removeprefix("FILE:")
    try:
        changed = Path(path).stat().st_mtime_ns
    except OSError:
        changed = 0
    return _realms_of_keytab(keytab, service.name, changed)


@lru_cache(maxsize=4)
def _realms_of_keytab(keytab: str, service_name: str, _changed: int) -> frozenset[str]:
    import krb5

    context: Any = krb5.init_context()
    entries = krb5.kt_resolve(context, keytab.encode())
    names = [str(entry.principal) for entry in entries]
    return frozenset(name.rpartition("@")[2] for name in names if name.startswith(f"{service_name}/"))


def user_of(principal: str) -> User | None:
    """The active user that a principal of the service's realm stands for; the whole name goes before the short one."""
    short = principal.rpartition("@")[0]
    found = {user.username: user for user in User.objects.filter(username__in=[principal, short], is_active=True)}
    return found.get(principal) or found.get(short)


def _refuse_other_sites(request: HttpRequest) -> None:
    """A browser sends tickets by itself, as it does cookies: another site's page may change nothing with them."""
    if request.method in _SAFE_METHODS:
        return
    origin = request.META.get("HTTP_ORIGIN")
    own = f"{request.scheme}://{request.get_host()}"
    if request.META.get("HTTP_SEC_FETCH_SITE", "none") not in {"none", "same-origin"} or origin not in {None, own}:
        raise PermissionDenied("A page of another site may not change anything here.")
