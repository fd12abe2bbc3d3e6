"""Calls of the APIs pass only the middleware that concerns them.

Sessions, messages, forms and pages cost as much as a small answer. A call without a cookie can use none of them, so
below ``/api/`` it passes the short way; a browser, which has a cookie, goes through everything.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, cast

from django.core.handlers.base import BaseHandler
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.module_loading import import_string

Answer = Callable[[HttpRequest], HttpResponseBase]
#: What a call of an API passes, in this order: none of these has hooks beside its call.
SHORT_WAY: Final = (
    "django.middleware.security.SecurityMiddleware",
    "airflowsite.cors.ApiCorsMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
)


class ApiShortcut:
    """Middleware, the first of all."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response
        self.short_way = _short_way()

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if "HTTP_COOKIE" not in request.META and request.path_info.startswith("/api/"):
            return self.short_way(request)
        return self.get_response(request)


def _short_way() -> Answer:
    handler: Any = BaseHandler()  # its types leave out what is between middleware and view
    handler._view_middleware = []
    handler._template_response_middleware = []
    handler._exception_middleware = []
    answer: Any = convert_exception_to_response(handler._get_response)
    for name in reversed(SHORT_WAY):
        answer = convert_exception_to_response(import_string(name)(answer))
    return cast("Answer", answer)
