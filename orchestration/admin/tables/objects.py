"""Pools, variables and connections: changed by their services."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.views import ChangeList
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from orchestration.access.permissions import Caller
from orchestration.access.requirements import BY_ID
from orchestration.admin.pages.transfer import download
from orchestration.admin.tables.base import ChangedTable
from orchestration.admin.tables.connections import ConnectionTable
from orchestration.models import Connection, Pool, Variable
from orchestration.models.pool import DEFAULT_POOL
from orchestration.services import pools, variables


class _PoolList(ChangeList):  # type: ignore[misc]  # unfold has no types
    """One page of pools with their use: one query more, whatever their number."""

    result_list: Any

    def get_results(self, request: HttpRequest) -> None:
        """Django's, each row with its ``usage``."""
        super().get_results(request)
        rows: list[Any] = list(self.result_list)
        use = pools.usage(pool.name for pool in rows)
        for pool in rows:
            pool.usage = use[pool.name]
        self.result_list = rows


def _slots(pool: Any, state: str) -> SafeString:
    number = getattr(pool.usage, state)
    address = reverse("admin:orchestration_taskinstance_changelist")
    query = urlencode({"pool": pool.name, "state__exact": state})
    return format_html('<a class="desk-link" href="{}?{}">{}</a>', address, query, number)


class PoolTable(ChangedTable):
    """Pools."""

    is_live = True
    list_display = (
        "name", "slots", "in_use", "running", "queued", "scheduled", "deferred", "open_slots", "include_deferred",
        "description",
    )  # fmt: skip
    sortable_by = ("name", "slots")
    search_fields = ("name", "description")
    ordering = ("name",)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """The list with each pool's use."""
        return _PoolList

    @admin.display(description="in use")
    def in_use(self, obj: Any) -> SafeString:
        """A bar of the slots that are taken."""
        taken = obj.usage.occupied(obj)
        share = 0 if obj.slots <= 0 else min(100, round(100 * taken / obj.slots))
        words = f"{taken} slots" if obj.slots < 0 else f"{share} percent"
        return format_html(
            '<svg width="110" height="10" role="img" aria-label="{} in use"><rect class="bar-track" width="110" '
            'height="10" rx="3"></rect><rect class="bar-used" width="{}%" height="10" rx="3"></rect></svg>',
            words,
            share,
        )

    @admin.display(description="running")
    def running(self, obj: Pool) -> SafeString:
        """Slots of running instances, leading to them."""
        return _slots(obj, "running")

    @admin.display(description="queued")
    def queued(self, obj: Pool) -> SafeString:
        """Slots of queued instances."""
        return _slots(obj, "queued")

    @admin.display(description="scheduled")
    def scheduled(self, obj: Pool) -> SafeString:
        """Slots that scheduled instances want."""
        return _slots(obj, "scheduled")

    @admin.display(description="deferred")
    def deferred(self, obj: Pool) -> SafeString:
        """Slots of deferred instances."""
        return _slots(obj, "deferred")

    @admin.display(description="open")
    def open_slots(self, obj: Any) -> str:
        """Slots that are free."""
        number = obj.usage.open(obj)
        return "no limit" if obj.slots < 0 else str(number)

    def create(self, actor: Caller, obj: Pool, values: Mapping[str, Any]) -> Pool:
        return pools.create(actor=actor, **values)

    def update(self, actor: Caller, stored: Pool, changes: Mapping[str, Any]) -> Pool:
        return pools.update(stored, actor=actor, **changes)

    def remove(self, actor: Caller, stored: Pool) -> None:
        pools.delete(stored, actor=actor)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        if isinstance(obj, Pool) and obj.name == DEFAULT_POOL:
            return False
        return super().has_delete_permission(request, obj)


class VariableForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """A variable; a value under a secret key is shown as the mask, and the mask keeps it."""

    class Meta:
        model = Variable
        fields = ("key", "val", "description")
        labels: ClassVar = {"val": "Value"}
        widgets: ClassVar = {
            "val": UnfoldAdminTextareaWidget(attrs={"rows": 6, "spellcheck": "false"}),
            "description": UnfoldAdminTextInputWidget(),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is not None:
            self.fields["key"].disabled = True
            self.initial["val"] = variables.shown_value(self.instance.key, self.instance.val)


class VariableTable(ChangedTable):
    """Variables."""

    empty = "No variables yet. Add one, or import a file."
    form = VariableForm
    list_display = ("key", "shown_value", "description")
    search_fields = ("key", "description")
    search_help_text = "Key or description"
    ordering = ("key",)
    actions: ClassVar = ("export",)

    def links(self, request: HttpRequest) -> list[tuple[str, str]]:
        """Export, and import for those who may make variables."""
        found = [("Export all", reverse("admin:desk_variables_export"))]
        if BY_ID["post_variables"].allows(request.user):
            found.append(("Import", reverse("admin:desk_variables_import")))
        return found

    @admin.action(description="Export the selected variables", permissions=["view"])
    def export(self, request: HttpRequest, queryset: QuerySet[Variable]) -> HttpResponse:
        """A JSON file; values under secret keys are masked."""
        return download(queryset.order_by("key"))

    @admin.display(description="value")
    def shown_value(self, obj: Variable) -> str:
        """The value, hidden under a secret key, its start where it is long."""
        text = variables.shown_value(obj.key, obj.val) or ""
        return text if len(text) <= 60 else f"{text[:60]}…"

    def create(self, actor: Caller, obj: Variable, values: Mapping[str, Any]) -> Variable:
        return variables.put(actor=actor, key=values["key"], val=values["val"] or "", description=values["description"])

    def update(self, actor: Caller, stored: Variable, changes: Mapping[str, Any]) -> Variable:
        return variables.update(stored, actor=actor, **changes)

    def remove(self, actor: Caller, stored: Variable) -> None:
        variables.delete(stored, actor=actor)


#: Each model's table.
TABLES: Mapping[type[Model], type[ChangedTable]] = {
    Pool: PoolTable,
    Variable: VariableTable,
    Connection: ConnectionTable,
}
