"""Where each face of the system is."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest, JsonResponse
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.views.generic import RedirectView

from api_v1 import document, problems
from api_v1.serializers.health import health_row
from orchestration.services import health


def health_page(_request: HttpRequest) -> JsonResponse:
    """The health of the system as ``/api/v1/health`` tells it, at the address where Airflow's web server has it."""
    return JsonResponse(health_row(health.check()))


handler500 = "orchestration.admin.failures.failed"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("health", health_page),
    path("admin/", admin.site.urls),
    path("api/v1/", include("api_v1.urls")),
    path("api/experimental/", include("api_experimental.urls")),
    path("openapi.json", document.openapi_json),
    re_path("^api/", problems.route_not_found),
]
