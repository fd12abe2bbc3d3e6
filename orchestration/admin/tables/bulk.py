"""The way from a list of runs or task instances to a verb on all that it matches, or on the ticked ones."""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse

from orchestration.admin.tables.base import ShownTable


class ManyRows(ShownTable):
    """A list with verbs on many rows; ``bulk_kind`` as in the address of the page for them."""

    bulk_kind: ClassVar[str]
    actions: ClassVar = ("do_with_ticked",)

    def links(self, request: HttpRequest) -> list[tuple[str, str]]:
        """Also the page for all rows that match."""
        page = reverse("admin:desk_bulk", args=(self.bulk_kind,))
        return [*super().links(request), ("Do with all that match …", f"{page}?{request.GET.urlencode()}")]

    def response_action(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        """Django's; keys that are none are told, and not an error of the server."""
        ticked = request.POST.getlist("_selected_action")
        if not all(key.isascii() and key.isdigit() and len(key) < 19 for key in ticked):
            self.message_user(request, "These are no rows of the list. Tick some, and choose again.", messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())
        return super().response_action(request, queryset)

    @admin.action(description="Clear, mark or delete …")
    def do_with_ticked(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponseRedirect:
        """Lead to the page for the ticked rows, or for all that match where the operator chose all."""
        page = reverse("admin:desk_bulk", args=(self.bulk_kind,))
        if request.POST.get("select_across") == "1":
            return HttpResponseRedirect(f"{page}?{request.GET.urlencode()}")
        keys = ",".join(str(pk) for pk in request.POST.getlist("_selected_action") if pk.isdigit())
        return HttpResponseRedirect(f"{page}?{urlencode({'id__in': keys})}")
