"""Cross-origin calls from browsers: none unless ``api.access_control_allow_origins`` is set.

django-cors-headers decides; two habits of the reference are kept beside it. A preflight is answered by the view, so
that it says ``Allow``, and an answer to a caller without ``Origin`` names the first allowed one.
"""

from __future__ import annotations

from corsheaders.conf import conf as cors
from corsheaders.middleware import ACCESS_CONTROL_ALLOW_ORIGIN, CorsMiddleware
from django.http import HttpRequest
from django.http.response import HttpResponseBase

ANY = "*"


class ApiCorsMiddleware(CorsMiddleware):
    """Puts the headers on answers of the APIs."""

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
        super().add_response_headers(request, response)
        if vars(request).get("_cors_enabled") and "Origin" not in request.headers:
            response[ACCESS_CONTROL_ALLOW_ORIGIN] = ANY if cors.CORS_ALLOW_ALL_ORIGINS else cors.CORS_ALLOWED_ORIGINS[0]
        return response
