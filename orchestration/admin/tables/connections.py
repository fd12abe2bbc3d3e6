"""Connections: typed forms; secrets are written and never shown."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from orchestration.access.permissions import Caller
from orchestration.access.requirements import BY_ID
from orchestration.admin.connection_types import TYPES, described
from orchestration.admin.tables.base import ChangedTable
from orchestration.models import Connection
from orchestration.services import connection_tests, connections


class ConnectionForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """A connection; its password is never shown, and stays when none is typed."""

    password = forms.CharField(
        required=False,
        strip=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        help_text="Stays as it is when nothing is typed.",
    )

    class Meta:
        model = Connection
        fields = ("conn_id", "conn_type", "description", "host", "schema", "login", "password", "port", "extra")
        widgets = {
            "conn_type": UnfoldAdminTextInputWidget(attrs={"list": "connection-types", "autocomplete": "off"}),
            "description": UnfoldAdminTextInputWidget(),
            "login": UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
            "extra": UnfoldAdminTextareaWidget(attrs={"rows": 4, "spellcheck": "false"}),
        }
        help_texts = {
            "conn_id": "What tasks call it: letters, digits, dash, dot and underscore.",
            "conn_type": "Choose one, or write the name of another.",
            "extra": "A JSON object. A member shown as *** keeps its secret.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial.pop("password", None)
        if self.instance.pk is not None:
            self.fields["conn_id"].disabled = True
            self.initial["extra"] = connections.shown_extra(self.instance.extra)

    def clean_extra(self) -> str | None:
        """Text that begins like a JSON object must be one."""
        extra: str | None = self.cleaned_data["extra"]
        if extra and extra.lstrip().startswith("{"):
            try:
                json.loads(extra)
            except (ValueError, RecursionError):
                raise forms.ValidationError("That is no JSON. Check brackets, quotes and commas.") from None
        return extra


class ConnectionTable(ChangedTable):
    """Connections."""

    empty = "No connections yet."
    form = ConnectionForm
    change_form_template = "desk/tables/connection.html"
    list_display = ("conn_id", "kind", "host", "port", "login", "has_password", "description")
    list_filter = ("conn_type",)
    search_fields = ("conn_id", "host", "description")
    search_help_text = "Id, host or description"
    ordering = ("conn_id",)

    @admin.display(description="type", ordering="conn_type")
    def kind(self, obj: Connection) -> str:
        """The type's title, or its name where it is none of the known ones."""
        known = TYPES.get(obj.conn_type)
        return obj.conn_type if known is None else f"{known.title} ({obj.conn_type})"

    @admin.display(description="password", boolean=True)
    def has_password(self, obj: Connection) -> bool:
        """Whether one is kept."""
        return bool(obj.password)

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """With the types, and whether the connection may be tried."""
        can_test = connection_tests.is_enabled() and BY_ID["test_connection"].allows(request.user)
        context.update(connection_types=described(), can_test=can_test)
        return super().render_change_form(request, context, *args, **kwargs)

    def create(self, actor: Caller, obj: Connection, values: Mapping[str, Any]) -> Connection:
        return connections.create(actor=actor, **{**values, "password": values["password"] or None})

    def update(self, actor: Caller, stored: Connection, changes: Mapping[str, Any]) -> Connection:
        kept = {name: value for name, value in changes.items() if name != "password" or value}
        return connections.update(stored, actor=actor, **kept)

    def remove(self, actor: Caller, stored: Connection) -> None:
        connections.delete(stored, actor=actor)
