"""Pools, variables and connections: changed by their services."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from orchestration.access.permissions import Caller
from orchestration.admin.tables.base import ChangedTable
from orchestration.models import Connection, Pool, Variable
from orchestration.models.pool import DEFAULT_POOL
from orchestration.services import connections, pools, variables


class PoolTable(ChangedTable):
    """Pools."""

    list_display = ("name", "slots", "include_deferred", "description")
    search_fields = ("name", "description")

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

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is not None:
            self.fields["key"].disabled = True
            self.initial["val"] = variables.shown_value(self.instance.key, self.instance.val)


class VariableTable(ChangedTable):
    """Variables."""

    form = VariableForm
    list_display = ("key", "shown_value", "description")
    search_fields = ("key", "description")

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


class ConnectionForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """A connection; its password is never shown, and stays when none is typed."""

    password = forms.CharField(
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="Stays as it is when nothing is typed.",
    )

    class Meta:
        model = Connection
        fields = ("conn_id", "conn_type", "description", "host", "schema", "login", "password", "port", "extra")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial.pop("password", None)
        if self.instance.pk is not None:
            self.fields["conn_id"].disabled = True
            self.initial["extra"] = connections.shown_extra(self.instance.extra)


class ConnectionTable(ChangedTable):
    """Connections."""

    form = ConnectionForm
    list_display = ("conn_id", "conn_type", "host", "port", "login", "description")
    list_filter = ("conn_type",)
    search_fields = ("conn_id", "host", "description")

    def create(self, actor: Caller, obj: Connection, values: Mapping[str, Any]) -> Connection:
        return connections.create(actor=actor, **{**values, "password": values["password"] or None})

    def update(self, actor: Caller, stored: Connection, changes: Mapping[str, Any]) -> Connection:
        return connections.update(stored, actor=actor, **changes)

    def remove(self, actor: Caller, stored: Connection) -> None:
        connections.delete(stored, actor=actor)


#: Each model's table.
TABLES: Mapping[type[Model], type[ChangedTable]] = {
    Pool: PoolTable,
    Variable: VariableTable,
    Connection: ConnectionTable,
}
