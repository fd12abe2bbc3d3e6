"""Errors as RFC 7807 documents, in the reference's shapes. The only place that turns an exception into a status."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import wraps

from django.core.exceptions import (
    BadRequest,
    ObjectDoesNotExist,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
    ValidationError,
)
from django.db import DataError, IntegrityError
from django.http import Http404, HttpRequest, HttpResponse
from rest_framework import exceptions as drf

from api_v1.renderers import dumps
from orchestration import errors
from orchestration.models.outages import is_outage

log = logging.getLogger(__name__)

#: Where the reference explains its kinds of errors; clients compare the ends of these addresses.
_EXPLAINED = "https://airflow.apache.org/docs/apache-airflow/2.10.5/stable-rest-api-ref.html#section/Errors/"
_KINDS: Mapping[int, str] = {
    400: "BadRequest",
    401: "Unauthenticated",
    403: "PermissionDenied",
    404: "NotFound",
    409: "AlreadyExists",
}
PLAIN = "about:blank"
_TITLES: Mapping[int, str] = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    409: "Conflict",
    412: "Precondition Failed",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    422: "Unprocessable Content",
    428: "Precondition Required",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
}
#: Seconds after which a caller may try again when the database is busy or away.
RETRY_AFTER_SECONDS = 1
_ROUTE = (
    "The requested URL was not found on the server. If you entered the URL manually please check your spelling "
    "and try again."
)
_METHOD = "The method is not allowed for the requested URL."
_READ_METHODS = "GET, HEAD, OPTIONS"


class Problem(Exception):
    """An answer with an error status. ``title`` None is answered as null; without one the status gives it."""

    def __init__(
        self,
        status: int,
        detail: str | None = None,
        *,
        title: str | None = "",
        kind: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail or title)
        self.status = status
        self.detail = detail
        self.title = _TITLES.get(status, "Error") if title == "" else title
        self.kind = kind or (_EXPLAINED + _KINDS[status] if status in _KINDS else PLAIN)
        self.headers = dict(headers or {})

    def response(self) -> HttpResponse:
        """The answer."""
        body = {"detail": self.detail, "status": self.status, "title": self.title, "type": self.kind}
        return HttpResponse(
            dumps(body), status=self.status, content_type="application/problem+json", headers=self.headers
        )


def bad_request(detail: str | None = None, *, title: str | None = "Bad Request") -> Problem:
    """400."""
    return Problem(400, detail, title=title)


def not_found(title: str = "Not Found", detail: str | None = None) -> Problem:
    """404 for a thing that does not exist; most of the reference's handlers say what in the title."""
    return Problem(404, detail, title=title)


def no_route() -> Problem:
    """404 for an address that nothing is at."""
    return Problem(404, _ROUTE, kind=PLAIN)


_SERVICE_STATUS: Mapping[type[errors.OrchestrationError], int] = {
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.Invalid: 400,
    errors.Forbidden: 403,
    errors.PreconditionFailed: 412,
    errors.Unavailable: 503,
}


def _of_service(error: errors.OrchestrationError) -> Problem:
    for kind, status in _SERVICE_STATUS.items():
        if isinstance(error, kind):
            headers = {"Retry-After": str(RETRY_AFTER_SECONDS)} if status == 503 else None
            return Problem(status, error.detail, title=error.title, headers=headers)
    return Problem(400, error.detail, title=error.title)


def _of_framework(error: drf.APIException) -> Problem:
    match error:
        case drf.MethodNotAllowed():
            return Problem(405, _METHOD)
        case drf.NotAuthenticated() | drf.AuthenticationFailed():
            header = getattr(error, "auth_header", None)
            return Problem(401, headers={"WWW-Authenticate": header} if header else None)
        case drf.PermissionDenied():
            return Problem(403)
        case drf.Throttled():
            wait = max(1, int(getattr(error, "wait", None) or 1))
            return Problem(429, f"Try again in {wait} seconds.", headers={"Retry-After": str(wait)})
        case drf.ValidationError():
            return Problem(400, str(error.detail))
        case _:
            return Problem(error.status_code, str(error.detail))


def problem_of(error: Exception) -> Problem:
    """What the caller is told about an exception. Never its trace, SQL, or the text of an unknown exception."""
    found = foreseen(error)
    if found is None:
        log.error("A request failed", exc_info=error)
        return Problem(500, "Something is wrong in the server; its log says what.")
    if is_outage(error):
        log.warning("The database is busy or away: %s", error)
    return found


def foreseen(error: Exception) -> Problem | None:
    """What the caller is told about an exception that the server knows; None for others."""
    match error:
        case Problem():
            return error
        case errors.OrchestrationError():
            return _of_service(error)
        case drf.APIException():
            return _of_framework(error)
        case Http404() | ObjectDoesNotExist():
            return Problem(404)
        case PermissionDenied():
            return Problem(403)
        case RequestDataTooBig():
            return Problem(413, "The request body is too large. Send less, or raise [api] maximum_body_bytes.")
        case ValidationError():
            return Problem(400, "; ".join(error.messages))
        case SuspiciousOperation() | BadRequest():
            return Problem(400, "The request was refused.")
        case IntegrityError():
            return Problem(409, "It exists already, or something it names was removed meanwhile. Read it again.")
        case DataError():
            return Problem(400, "A value is outside the range that can be stored.")
        case _ if is_outage(error):
            return Problem(
                503,
                "The database is busy. Nothing was changed; try again.",
                headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
            )
        case _:
            return None


def route_not_found(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
    """A view: 404 as a document. Also Django's ``handler404``."""
    return no_route().response()


def only_read(view: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """A view that is read: ``OPTIONS`` tells so, other methods are 405. None of them changes anything."""

    @wraps(view)
    def answer(request: HttpRequest) -> HttpResponse:
        if request.method in {"GET", "HEAD"}:
            return view(request)
        if request.method == "OPTIONS":
            return HttpResponse(content_type="text/html; charset=utf-8", headers={"Allow": _READ_METHODS})
        return Problem(405, _METHOD, headers={"Allow": _READ_METHODS}).response()

    answer.csrf_exempt = True  # type: ignore[attr-defined]
    return answer


def server_error(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
    """Django's ``handler500``, for what fails outside the views."""
    return Problem(500, "Something is wrong in the server; its log says what.").response()


def refused(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django's ``handler400``: a bad Host header and the like."""
    return Problem(400, "The request was refused.").response()
