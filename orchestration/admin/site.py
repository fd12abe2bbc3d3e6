"""The operators' desk: Django's admin with unfold's looks, and pages of our own beside the tables'."""

from __future__ import annotations

import time
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, reverse
from unfold.sites import UnfoldAdminSite

from orchestration.access.permissions import WEBSITE, is_allowed
from orchestration.admin.environment import label
from orchestration.conf import conf


class OperatorsSite(UnfoldAdminSite):  # type: ignore[misc]  # unfold has no types
    """The admin site. Whoever holds ``can_read Website`` may enter; each page asks its own permissions."""

    index_title = "Home"
    login_template = "desk/login.html"

    def extra_urls(self) -> list[URLPattern]:
        """The pages that stand beside Django's lists and forms."""
        from orchestration.admin.urls import page_urls  # the pages name this site

        return page_urls(self)

    def has_permission(self, request: HttpRequest) -> bool:
        """Whether the caller may enter at all."""
        user = request.user
        return user.is_active and user.is_authenticated and is_allowed(user, "can_read", WEBSITE)

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """The tables that the caller may open. Before the login nobody sees them, and the database is not asked."""
        return list(super().get_app_list(request, app_label)) if request.user.is_authenticated else []

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponseBase:
        """The home page."""
        from orchestration.admin.pages.home import HomePage

        answer: HttpResponseBase = HomePage.as_view(site=self)(request)
        return answer

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponseBase:
        """One's password is changed on one's own page, under its permission."""
        return HttpResponseRedirect(reverse("admin:desk_profile"))

    def search(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponseBase:
        """What the search box finds, or the palette (``?extended``), as a piece of a page."""
        from orchestration.admin.navigation import search

        begun = time.monotonic()
        term = request.GET.get("s", "").strip().lower()[:250]
        found = Paginator(search(request, term) if term else [], 100)
        piece = "command_results" if "extended" in request.GET else "search_results"
        context = {
            "results": found.get_page(1),
            "page_obj": found,
            "page_counter": 0,
            "execution_time": time.monotonic() - begun,
        }
        return TemplateResponse(request, f"unfold/helpers/{piece}.html", context, headers={"HX-Trigger": "search"})

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """What every page needs: names, navigation, the operator's zone."""
        context: dict[str, Any] = super().each_context(request)
        name = conf.get("webserver", "instance_name") or "airflowsite"
        zone = request.COOKIES.get("desk_zone", "")
        context.update(site_title=name, site_header=name, desk_zone=zone, desk_label=label())
        return context
