"""The road of every request: switch, address, method, caller, permissions, view; and what each answer carries.

1. the API is switched off: 404; 2. the method: 405; 3. the caller: 401, or 403 where nobody may call; 4. the caller's
permissions: 403; 5. the view. Every answer of an address that exists has ``Deprecation`` and ``Link``.
"""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import DataError, IntegrityError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from rest_framework.exceptions import APIException, AuthenticationFailed, Throttled
from rest_framework.exceptions import PermissionDenied as Refused

from api_experimental import responses
from orchestration.access import authentication, lockout, permissions
from orchestration.access.authentication import Backend, DenyAllBackend, Identity, OpenBackend
from orchestration.access.permissions import Caller
from orchestration.access.requirements import BY_ID
from orchestration.conf import ConfigError, conf
from orchestration.errors import Conflict, Forbidden, NotFound, OrchestrationError, Unavailable
from orchestration.models import User
from orchestration.models.outages import is_outage
from orchestration.services import audit

log = logging.getLogger(__name__)

View = Callable[..., HttpResponse]

_GUIDE = (
    "https://airflow.apache.org/docs/apache-airflow/2.10.5/"
    "upgrading-to-2.html#migration-guide-from-experimental-api-to-stable-api-v1"
)
_DEPRECATED = f'<{_GUIDE}>; rel="deprecation"; type="text/html"'
_DENY_ALL = "airflow.api.auth.backend.deny_all"
_RETRY_AFTER_SECONDS = 1
_STATUSES: Mapping[type[OrchestrationError], int] = {NotFound: 404, Conflict: 409, Forbidden: 403, Unavailable: 503}


@dataclass(frozen=True, slots=True)
class Operation:
    """What a view does, in the stable API's words.

    ``id`` is the operation whose permissions are asked (None: any caller), ``successor`` the address that replaces it,
    ``event`` its name in the audit log without ``api.`` (None: it changes nothing), ``any_dag``: it is about all DAGs.
    """

    id: str | None
    successor: str | None
    event: str | None = None
    any_dag: bool = False

    def allows(self, caller: Caller, dag_id: str | None) -> bool:
        """Whether the caller may; a list of several DAGs' things is filtered by its view."""
        if self.id is None:
            return True
        return permissions.meets(caller, BY_ID[self.id].pairs, dag_id=permissions.ANY_DAG if self.any_dag else dag_id)

    def link(self, path: Mapping[str, str]) -> str:
        """The ``Link`` header."""
        if self.successor is None:
            return _DEPRECATED
        address = self.successor.format(**{name: quote(value, safe="") for name, value in path.items()})
        return f'{_DEPRECATED}, </api/v1{address}>; rel="successor-version"'


def operation(
    id: str | None, successor: str | None, *, event: str | None = None, any_dag: bool = False
) -> Callable[[View], View]:
    """Say of a view what it does; see Operation."""

    def decorate(view: View) -> View:
        view.operation = Operation(id, successor, event, any_dag)  # type: ignore[attr-defined]
        return view

    return decorate


def caller_of(request: HttpRequest) -> Caller:
    """Who calls, as the services want it."""
    user: Caller = request.user  # set from the identity
    return user


def endpoint(**views: View) -> Callable[..., HttpResponse]:
    """One address: its views by method. The view that Django calls."""
    methods = {*views, "OPTIONS"} | ({"HEAD"} if "GET" in views and not _changes(views["GET"]) else set())

    @csrf_exempt  # the session's backend asks for the token itself
    def dispatch(request: HttpRequest, **path: str) -> HttpResponse:
        if not conf.getboolean("api", "enable_experimental_api") or any("\0" in part for part in path.values()):
            return responses.not_found()  # no id holds NUL, and no database could be asked for one
        method = request.method or ""
        if method not in methods:
            return responses.not_allowed(methods)
        view = views.get("GET" if method == "HEAD" else method)
        if view is None:
            response = responses.plain("", 200, Allow=", ".join(sorted(methods)))
            response["Deprecation"], response["Link"] = "true", _DEPRECATED
        else:
            response = _answer(request, view, path)
        response["Cache-Control"] = "no-store"
        return response

    dispatch.views = views  # type: ignore[attr-defined]  # for the document and the tests
    return dispatch


def _changes(view: View) -> bool:
    return bool(_operation_of(view).event)


def _operation_of(view: View) -> Operation:
    found: Operation = view.operation  # type: ignore[attr-defined]
    return found


def _answer(request: HttpRequest, view: View, path: dict[str, str]) -> HttpResponse:
    asked = _operation_of(view)
    identity: Identity | None = None
    try:
        identity = _identify(request, asked)
        response = _refusal(request) if identity is None else _call(request, view, path, identity)
    except Exception as problem:
        response = _of_error(problem)
    if identity is not None:
        for name, value in identity.response_headers.items():
            response[name] = value
    response["Deprecation"] = "true"
    response["Link"] = asked.link(path)
    return response


def _call(request: HttpRequest, view: View, path: dict[str, str], identity: Identity) -> HttpResponse:
    asked = _operation_of(view)
    request.user = identity.user
    if not asked.allows(identity.user, path.get("dag_id")):
        raise Forbidden("You may not do this. Ask for a role that allows it.")
    if asked.event is None:
        return view(request, **path)
    shown = {name: value for name, value in path.items() if name != "dag_id"}
    actor = identity.user if isinstance(identity.user, User) else None
    with audit.request(f"api.{asked.event}", actor=actor, extra=shown, dag_id=path.get("dag_id")) as entry:
        request.audit = entry  # type: ignore[attr-defined]  # a view adds what its body says
        return view(request, **path)


def backends() -> Sequence[Backend]:
    """Who recognises callers: ``api.auth_backend``, else ``api.auth_backends`` where it was set, else nobody."""
    single = conf.get("api", "auth_backend")
    if single:
        return authentication.backends((single,))
    found = conf.raw("api", "auth_backends")
    if found is None or found[1] == "default":
        return authentication.backends((_DENY_ALL,))
    return authentication.configured_backends()


def _identify(request: HttpRequest, asked: Operation) -> Identity | None:
    identity = authentication.identify(request, backends())
    if identity is None:
        return None
    if asked.event and request.method == "GET":
        _refuse_browsers(request, identity)
    if identity.by == "open":
        if not _is_open_to(request):
            return None
        permissions.open_to_all(identity.user)
    return identity


def _refuse_browsers(request: HttpRequest, identity: Identity) -> None:
    """Any page can make a browser send a GET with what it holds: sessions, tickets, remembered passwords."""
    if identity.by == "session":
        raise Forbidden("A browser's session may not change anything by GET. Use a password, a token or a ticket.")
    if request.META.get("HTTP_SEC_FETCH_SITE", "none") not in {"none", "same-origin"}:
        raise Forbidden("A page of another site may not change anything here.")


def _is_open_to(request: HttpRequest) -> bool:
    """The open backend lets in this machine's callers, others only where that was confirmed."""
    if conf.getboolean("api", "experimental_open_beyond_loopback"):
        return True
    try:
        return ipaddress.ip_address(lockout.client_address(request)).is_loopback
    except ValueError:
        return False


def _refusal(request: HttpRequest) -> HttpResponse:
    """The answer to a caller whom no backend recognised."""
    if all(isinstance(backend, DenyAllBackend | OpenBackend) for backend in backends()):
        return responses.plain("Forbidden", 403)
    return _unauthorized()


def _unauthorized() -> HttpResponse:
    schemes = [backend.challenge.partition(" ")[0] for backend in backends() if backend.challenge]
    shown = [scheme for scheme in schemes if scheme != "Session"] or ["Session"]  # the reference says "Basic" alone
    return responses.plain("Unauthorized", 401, **{"WWW-Authenticate": ", ".join(shown)})


def _of_error(problem: Exception) -> HttpResponse:
    match problem:
        case AuthenticationFailed():
            return _unauthorized()
        case Throttled():
            response = responses.error("Too many failed logins. Wait and try again.", 429)
            response["Retry-After"] = str(max(1, int(getattr(problem, "wait", None) or 1)))
            return response
        case Refused() | PermissionDenied():
            return responses.error(str(getattr(problem, "detail", "")) or "Forbidden", 403)
        case APIException():
            return responses.error(str(problem.detail), problem.status_code)
        case ConfigError():
            log.error("An option is wrong: %s", problem)
            return responses.error("The server's configuration is wrong; its log says how.", 500)
        case OrchestrationError():
            return _of_service(problem)
        case RequestDataTooBig():
            return responses.error("The request's body is too large. Send less.", 413)
        case SuspiciousOperation():
            return responses.error("The request was refused.", 400)
        case IntegrityError():
            return responses.error("It exists already, or what it names is gone. Read it again.", 409)
        case DataError() | UnicodeError():
            return responses.error("A value is outside what can be stored.", 400)
        case _ if is_outage(problem):
            log.warning("The database is busy or away: %s", problem)
            return _busy("The database is busy. Nothing was changed; try again.")
        case _:
            log.error("A request failed", exc_info=problem)
            return responses.error("Something is wrong in the server; its log says what.", 500)


def _of_service(problem: OrchestrationError) -> HttpResponse:
    status = next((status for kind, status in _STATUSES.items() if isinstance(problem, kind)), 400)
    text = problem.detail or problem.title or "Refused"
    return _busy(text) if status == 503 else responses.error(text, status)


def _busy(text: str) -> HttpResponse:
    response = responses.error(text, 503)
    response["Retry-After"] = str(_RETRY_AFTER_SECONDS)
    return response


def note(request: HttpRequest, **asked: Any) -> None:
    """Add to the request's row in the audit log what the caller sent; secrets are masked when it is written.

    ``run_id`` and ``logical_date`` go into columns of their own.
    """
    entry: audit.Request = request.audit  # type: ignore[attr-defined]  # only views with an event call this
    for column in ("run_id", "logical_date"):
        if asked.get(column) is not None:
            entry.columns[column] = asked.pop(column)
    entry.extra = {**entry.extra, **asked}
