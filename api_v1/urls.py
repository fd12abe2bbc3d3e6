"""The addresses of the stable API, below ``/api/v1/``."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.urls import Resolver404, path, re_path, resolve

from api_v1 import document
from api_v1.addresses import operation_urls
from api_v1.problems import route_not_found


def elsewhere(request: HttpRequest) -> HttpResponse:
    """Nothing is here: 404; with a double slash in the path 308 to the address without, where that is one."""
    merged = request.path
    while "//" in merged:
        merged = merged.replace("//", "/")
    if merged != request.path:
        try:
            is_known = resolve(merged).func is not elsewhere
        except Resolver404:
            is_known = False
        if is_known:
            query = request.META.get("QUERY_STRING", "")
            response = HttpResponsePermanentRedirect(f"{merged}?{query}" if query else merged)
            response.status_code = 308
            return response
    return route_not_found(request)


elsewhere.csrf_exempt = True  # type: ignore[attr-defined]  # it changes nothing

urlpatterns = [
    *operation_urls,
    path("openapi.json", document.openapi_json),
    path("openapi.yaml", document.openapi_yaml),
    path("ui/", document.swagger_ui),
    path("redoc/", document.redoc),
    re_path("", elsewhere, name="elsewhere"),
]
