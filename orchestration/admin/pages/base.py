"""What all pages of the desk share: who may open them, what they show around their content, and their JSON."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, ClassVar

import orjson
from django.contrib.admin import AdminSite
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.generic import TemplateView

from orchestration.access.permissions import Pair, meets
from orchestration.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    OrchestrationError,
    PreconditionFailed,
    Unavailable,
)
from orchestration.services import audit


@method_decorator(never_cache, name="dispatch")
class Page(TemplateView):
    """One page. ``pairs`` are the permissions it asks, on the DAG of the address where there is one."""

    site: ClassVar[AdminSite | None] = None
    pairs: ClassVar[tuple[Pair, ...]] = ()
    #: A grant on any one DAG is enough; the page filters.
    is_dag_list: ClassVar[bool] = False
    title: ClassVar[str] = ""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        assert self.site is not None, "pages are made with as_view(site=…)"
        request.current_app = self.site.name
        if any("\0" in text for texts in request.GET.lists() for text in texts[1]):
            raise BadRequest("The address holds a NUL, which no stored text has.")
        if not meets(request.user, self.pairs, dag_id=kwargs.get("dag_id"), any_dag=self.is_dag_list):
            raise PermissionDenied
        try:
            return super().dispatch(request, *args, **kwargs)
        except NotFound as error:
            raise Http404(error.detail or error.title) from error

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The site's context with the page's own."""
        assert self.site is not None
        context = {**self.site.each_context(self.request), "title": self.title, "crumbs": self.crumbs()}
        return {**context, **super().get_context_data(**kwargs)}

    def crumbs(self) -> list[tuple[str, str]]:
        """The way back, as names and addresses, from the outermost page."""
        return []


class Data(Page):
    """A page's data as JSON; answers 304 while nothing changed. A subclass gives ``data``."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The data, or 304."""
        body = orjson.dumps(self.data(), option=orjson.OPT_NON_STR_KEYS | orjson.OPT_UTC_Z)
        tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        if request.headers.get("If-None-Match") == tag:
            return HttpResponse(status=304, headers={"ETag": tag})
        return HttpResponse(body, content_type="application/json", headers={"ETag": tag})

    def data(self) -> Any:
        """JSON-able values; moments may be aware datetimes."""
        raise NotImplementedError


#: The status of what a service refuses.
_STATUS = (
    (Forbidden, 403),
    (NotFound, 404),
    (Conflict, 409),
    (PreconditionFailed, 412),
    (Invalid, 400),
    (Unavailable, 503),
)


class Verb(Page):
    """A verb of a page: JSON in by POST, JSON out; what a service refuses is told with its status.

    Done or refused it leaves one row of the audit log, as ``event``. With ``"dry_run": true`` it changes nothing, tells
    what it would do and leaves no row.
    """

    event: ClassVar[str]
    #: Off where the services write rows of their own.
    is_logged: ClassVar[bool] = True

    http_method_names: ClassVar[list[str]] = ["post"]  # type: ignore[misc]  # an instance's in Django's types

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Do it."""
        try:
            body = orjson.loads(request.body or b"{}")
        except orjson.JSONDecodeError:
            return JsonResponse({"title": "Bad Request", "detail": "The body is no JSON."}, status=400)
        if not isinstance(body, dict):
            return JsonResponse({"title": "Bad Request", "detail": "The body is no JSON object."}, status=400)
        try:
            if body.get("dry_run") is True or not self.is_logged:
                answer = self.act(body)
            else:
                named = {name: kwargs[name] for name in ("dag_id", "run_id", "task_id") if name in kwargs}
                with audit.request(self.event, actor=self.request.user, extra=body, is_told_more=True, **named):
                    answer = self.act(body)
            return HttpResponse(orjson.dumps(answer), content_type="application/json")
        except OrchestrationError as error:
            status = next((status for kind, status in _STATUS if isinstance(error, kind)), 400)
            return JsonResponse({"title": error.title, "detail": error.detail or error.title}, status=status)

    def act(self, body: dict[str, Any]) -> Any:
        """Call the service; the answer's JSON-able values."""
        raise NotImplementedError


View = Callable[..., HttpResponseBase]


def entry(site: AdminSite, page: type[Page]) -> View:
    """The page as a view that only people who may enter the site reach."""
    return site.admin_view(page.as_view(site=site))
