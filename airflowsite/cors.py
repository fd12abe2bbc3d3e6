"""Cross-origin calls from browsers: none unless ``api.access_control_allow_origins`` is set.

django-cors-headers decides; habits of the reference are kept beside it. A preflight is answered by the view, so that it
says ``Allow``. An answer to a caller without ``Origin`` names the first allowed one. Every answer of an operation tells
the allowed headers and methods, and what no operation answers (404 and 405 of the router) has none of the headers.
"""

from __future__ import annotations

from http import HTTPStatus

from corsheaders.conf import conf as cors
from corsheaders.middleware import (
    ACCESS_CONTROL_ALLOW_HEADERS,
    ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN,
    CorsMiddleware,
)
from django.http import HttpRequest
from django.http.response import HttpResponseBase

ANY = "*"
#: The name of the address that answers for all below ``/api/v1/`` that are none.
ELSEWHERE = "elsewhere"


class ApiCorsMiddleware(CorsMiddleware):
    """Puts the headers on answers of the stable API."""

    def check_preflight(self, request: HttpRequest) -> HttpResponseBase | None:
        """The view answers."""
        vars(request)["_cors_enabled"] = self.is_enabled(request)
        return None

    def is_enabled(self, request: HttpRequest) -> bool:
        """Only where origins are allowed at all."""
        allowed = cors.CORS_ALLOW_ALL_ORIGINS or cors.CORS_ALLOWED_ORIGINS
        return bool(allowed) and bool(super().is_enabled(request))

    def add_response_headers(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """As the library; for callers without ``Origin`` the first allowed one."""
        match = request.resolver_match
        if not vars(request).get("_cors_enabled") or match is None or match.url_name == ELSEWHERE:
            return response
        if response.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            return response
        super().add_response_headers(request, response)
        response[ACCESS_CONTROL_ALLOW_HEADERS] = ", ".join(cors.CORS_ALLOW_HEADERS)
        response[ACCESS_CONTROL_ALLOW_METHODS] = ", ".join(cors.CORS_ALLOW_METHODS)
        if "Origin" not in request.headers:
            response[ACCESS_CONTROL_ALLOW_ORIGIN] = ANY if cors.CORS_ALLOW_ALL_ORIGINS else cors.CORS_ALLOWED_ORIGINS[0]
        return response
