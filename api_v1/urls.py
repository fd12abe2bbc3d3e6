"""The addresses of the stable API, below ``/api/v1/``."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.urls import Resolver404, URLPattern, URLResolver, path, re_path, resolve

from api_v1 import schema
from api_v1.problems import route_not_found
from api_v1.routers import OperationRouter
from api_v1.viewsets import ALL

router = OperationRouter()
router.priority = (
    "/dags/{dag_id}/dagRuns/{dag_run_id}",
    "/dags/{dag_id}/dagRuns",
    "/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances",
    "/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}",
    "/health",
    "/dags",
)
for viewset in ALL:
    router.register(viewset)

#: The operations' addresses, which the document describes.
operation_urls: list[URLPattern | URLResolver] = router.urls


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
    path("openapi.json", schema.openapi_json),
    path("openapi.yaml", schema.openapi_yaml),
    path("ui/", schema.swagger_ui),
    path("redoc/", schema.redoc),
    re_path("", elsewhere, name="elsewhere"),
]
