"""Who calls: the authentication both APIs share, chosen by ``api.auth_backends`` under Airflow's names.

Each backend is a DRF authentication class; ``CallerAuthentication`` asks the configured ones. A view that is no DRF
view calls ``identify``. Credentials that are wrong or malformed are refused at once (401), they never fall through to
another backend; a caller who presents none goes on to the next. An ``Authorization`` header is looked at before the
session's cookie.
"""

from __future__ import annotations

import hmac
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from importlib import import_module
from typing import Any, Final, Literal

from django.contrib.auth.models import AnonymousUser
from django.db import DatabaseError, transaction
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from knox.crypto import hash_token
from knox.settings import CONSTANTS
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from orchestration.access import credentials, lockout, permissions, throttling
from orchestration.access.permissions import Caller
from orchestration.conf import ConfigError, conf
from orchestration.models import PersonalAccessToken, User
from orchestration.models.prepared import Prepared, columns, instance

REALM: Final = "airflowsite"
#: ``last_used_at`` of a token is written at most once in this time.
_USE_NOTED_EVERY = timedelta(minutes=1)

#: Held while a credential is verified that was not known: the hash is computed one at a time anyway.
_VERIFYING: Final = threading.Lock()

Means = Literal["session", "basic", "token", "kerberos", "open"]


@dataclass(frozen=True, slots=True)
class Identity:
    """How a caller was recognised; a request's ``auth``.

    ``response_headers`` belong on the answer (Kerberos answers the client's ticket there). ``snapshot`` is PostgreSQL's
    when the caller was read: which transactions are seen; None where it was not asked.
    """

    user: Caller
    by: Means
    token: PersonalAccessToken | None = None
    response_headers: Mapping[str, str] = field(default_factory=dict)
    snapshot: str | None = None


class Backend(BaseAuthentication):
    """One way to recognise a caller. ``challenge`` is its part of ``WWW-Authenticate``."""

    challenge: str | None = None

    def authenticate(self, request: Request | HttpRequest) -> tuple[Caller, Identity] | None:
        """The caller, None when the request holds nothing for this backend; raises APIException to refuse."""
        identity = self.identify(_plain(request))
        return None if identity is None else (identity.user, identity)

    def authenticate_header(self, request: Request | HttpRequest) -> str | None:
        """The challenge of a 401."""
        return self.challenge

    def identify(self, request: HttpRequest) -> Identity | None:
        """As ``authenticate``, for a plain Django request."""
        raise NotImplementedError


class BasicBackend(Backend):
    """``Authorization: Basic …`` (RFC 7617)."""

    challenge = f'Basic realm="{REALM}", charset="UTF-8"'

    def identify(self, request: HttpRequest) -> Identity | None:
        text = _authorization(request, "basic")
        if text is None:
            return None
        try:
            username, password = credentials.parse_basic(text)
        except credentials.Malformed as error:
            raise AuthenticationFailed(str(error)) from None
        found = credentials.verified.find(username, password)
        if found is None:
            with _VERIFYING:  # who comes with the same credential meanwhile finds it verified
                found = credentials.verified.find(username, password)
                if found is None:
                    return Identity(self._log_in(request, username, password), "basic")
        return Identity(found[0], "basic", snapshot=found[1])

    def _log_in(self, request: HttpRequest, username: str, password: str) -> User:
        user = lockout.log_in(request, username, password)
        if user is None:
            raise AuthenticationFailed("The user name or the password is wrong.")
        credentials.verified.remember(username, password, user)
        return user


class TokenBackend(Backend):
    """``Authorization: Bearer …`` with a personal access token; one query, and one write a minute for its last use."""

    challenge = f'Bearer realm="{REALM}"'

    def identify(self, request: HttpRequest) -> Identity | None:
        text = _authorization(request, "bearer")
        if text is None:
            return None
        found = _token(text)
        if found is None:
            lockout.count_failure(request, "(token)")
            raise AuthenticationFailed("The token is unknown, expired or revoked.")
        token, snapshot = found
        user: User = token.user
        permissions.restrict(user, read_only=token.scope != PersonalAccessToken.Scope.FULL)
        _note_use(token)
        return Identity(user, "token", token, snapshot=snapshot)


class SessionBackend(Backend):
    """The session's cookie, made by the login page; unsafe methods need the CSRF token (403)."""

    challenge = f'Session realm="{REALM}"'

    def identify(self, request: HttpRequest) -> Identity | None:
        user: Any = getattr(request, "user", None)
        if user is None or not user.is_active:
            return None
        SessionAuthentication().enforce_csrf(request)  # type: ignore[arg-type]  # it reads a plain request, too
        return Identity(user, "session")


class Guest(AnonymousUser):
    """A caller without a name whom an open door let in; holds what the role Public holds."""

    @property
    def is_authenticated(self) -> bool:  # type: ignore[override]
        """The door is passed."""
        return True


class OpenBackend(Backend):
    """Everybody may call."""

    def identify(self, request: HttpRequest) -> Identity | None:
        return Identity(Guest(), "open")


class DenyAllBackend(Backend):
    """Recognises nobody."""

    def identify(self, request: HttpRequest) -> Identity | None:
        return None


_HERE = f"{__name__}:"
_KERBEROS = "orchestration.access.kerberos:KerberosBackend"
#: Airflow's names of the backends, as ``module:class``.
BACKENDS: Final[Mapping[str, str]] = {
    "airflow.api.auth.backend.session": f"{_HERE}SessionBackend",
    "airflow.api.auth.backend.basic_auth": f"{_HERE}BasicBackend",
    "airflow.api.auth.backend.token": f"{_HERE}TokenBackend",
    "airflow.api.auth.backend.default": f"{_HERE}OpenBackend",
    "airflow.api.auth.backend.deny_all": f"{_HERE}DenyAllBackend",
    "airflow.api.auth.backend.kerberos_auth": _KERBEROS,
    "airflow.providers.fab.auth_manager.api.auth.backend.basic_auth": f"{_HERE}BasicBackend",
    "airflow.providers.fab.auth_manager.api.auth.backend.session": f"{_HERE}SessionBackend",
    "airflow.providers.fab.auth_manager.api.auth.backend.kerberos_auth": _KERBEROS,
    "airflow.contrib.auth.backends.password_auth": f"{_HERE}BasicBackend",
    "airflow.contrib.auth.backends.kerberos_auth": _KERBEROS,
    "airflow.api.auth.backend.password_auth": f"{_HERE}BasicBackend",
}


@cache
def backends(names: tuple[str, ...]) -> tuple[Backend, ...]:
    """The backends of these names, in the order they are asked: those that read the header before the session's.

    Raises ConfigError for a name that is not known.
    """
    found: dict[type[Backend], Backend] = {}
    for name in names:
        if name not in BACKENDS:
            raise ConfigError(f"[api] auth_backends names {name!r}. Known are: {', '.join(sorted(BACKENDS))}.")
        module, _, attribute = BACKENDS[name].partition(":")
        kind: type[Backend] = getattr(import_module(module), attribute)
        found.setdefault(kind, kind())
    return tuple(sorted(found.values(), key=_turn))


def configured_backends() -> tuple[Backend, ...]:
    """The backends of ``api.auth_backends``."""
    return backends(tuple(conf.getlist("api", "auth_backends")))


def identify(request: HttpRequest, asked: Sequence[Backend]) -> Identity | None:
    """Who calls, by the first backend that recognises the caller; None when none does.

    Raises AuthenticationFailed (401), Throttled (429) or PermissionDenied (403, CSRF).
    """
    identity: Identity | None = None
    try:
        identity = next((found for backend in asked if (found := backend.identify(request)) is not None), None)
    finally:
        throttling.count(request, None if identity is None else identity.user)
    return identity


def challenge(asked: Sequence[Backend]) -> str:
    """What a 401 says in ``WWW-Authenticate``."""
    said = [backend.challenge for backend in asked if backend.challenge]
    return ", ".join(said) or f'Bearer realm="{REALM}"'


class CallerAuthentication(Backend):
    """What the stable API's views name: all configured backends as one DRF authentication class."""

    def identify(self, request: HttpRequest) -> Identity | None:
        return identify(request, configured_backends())

    def authenticate_header(self, request: Request | HttpRequest) -> str:
        return challenge(configured_backends())


def _turn(backend: Backend) -> int:
    if isinstance(backend, OpenBackend):
        return 2
    return 1 if isinstance(backend, SessionBackend) else 0


def _plain(request: Request | HttpRequest) -> HttpRequest:
    return request._request if isinstance(request, Request) else request


def _authorization(request: HttpRequest, scheme: str) -> str | None:
    """What follows the scheme in the ``Authorization`` header; None without header or for another scheme.

    Raises AuthenticationFailed for a header that is too long or holds nothing but the scheme.
    """
    header: str = request.META.get("HTTP_AUTHORIZATION", "")
    given, _, text = header.partition(" ")
    if given.lower() != scheme:
        return None
    if len(header) > credentials.LONGEST_HEADER:
        raise AuthenticationFailed("The Authorization header is too long.")
    text = text.strip(" ")
    if not text:
        raise AuthenticationFailed(f"The Authorization header holds no {scheme} credentials.")
    return text


_TOKEN_COLUMNS: Final = columns(PersonalAccessToken)
#: A token with its active user and what that user holds: one query, for it is asked with every request.
_BY_DIGEST: Final = Prepared(
    lambda digest: (
        PersonalAccessToken.objects.filter(digest=digest, user__is_active=True)
        .order_by()
        .values_list(*_TOKEN_COLUMNS, *columns(User, "user__", has_moments=False), *permissions.stamp_columns())
    ),
    str,
)


def _token(text: str) -> tuple[PersonalAccessToken, str | None] | None:
    """The token of an active user that has not expired, and the database's snapshot."""
    try:
        digest: str = hash_token(text)
    except ValueError:  # a lone surrogate from bytes that are no UTF-8
        return None
    found = _BY_DIGEST.rows(digest)
    if not found:
        return None
    *values, stamp, grants, snapshot = found[0]
    width = len(_TOKEN_COLUMNS)
    token = instance(PersonalAccessToken, values[:width])
    if token.expiry is not None and token.expiry <= timezone.now():
        return None
    if not hmac.compare_digest(token.digest, digest) or token.token_key != text[: CONSTANTS.TOKEN_KEY_LENGTH]:
        return None
    token.user = instance(User, values[width:], has_moments=False)
    permissions.recall(token.user, stamp, grants)
    return token, snapshot


def _note_use(token: PersonalAccessToken) -> None:
    now = timezone.now()
    if token.last_used_at is not None and now - token.last_used_at < _USE_NOTED_EVERY:
        return
    stale = PersonalAccessToken.objects.filter(
        Q(last_used_at=None) | Q(last_used_at__lte=now - _USE_NOTED_EVERY), pk=token.pk
    )
    try:
        with transaction.atomic():
            stale.update(last_used_at=now)
    except DatabaseError:  # a busy database must not refuse a reader; the next call notes it
        return
