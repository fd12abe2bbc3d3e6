"""Where each face of the system is."""

from __future__ import annotations

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path, re_path

from api_v1 import problems, schema

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/", admin.site.urls),
    path("api/v1/", include("api_v1.urls")),
    path("api/experimental/", include("api_experimental.urls")),
    path("openapi.json", schema.openapi_json),
    re_path("^api/", problems.route_not_found),
]
