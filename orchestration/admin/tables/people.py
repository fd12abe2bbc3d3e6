"""Users, roles, grants on single DAGs, and tokens: changed by their services."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.contrib.auth.models import Group, Permission
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminPasswordWidget, UnfoldAdminSelectWidget

from orchestration.access import permissions
from orchestration.access.permissions import GRANTABLE, Caller, Grant, Pair, is_allowed
from orchestration.admin.tables import columns
from orchestration.admin.tables.base import ChangedTable
from orchestration.models import DagGrant, PersonalAccessToken, Resource, User
from orchestration.services import roles, tokens, users

#: Django's groups are the roles; so messages, questions and lists say "role".
Group._meta.verbose_name, Group._meta.verbose_name_plural = "role", "roles"


class UserForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """A user; a password is set when one is typed."""

    new_password = forms.CharField(
        required=False,
        strip=False,
        label="Password",
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        help_text="Stays as it is when nothing is typed. A new one ends the user's sessions and tokens.",
    )

    class Meta:
        model = User
        fields = ("username", "email", "first_name", "last_name", "is_active", "groups", "new_password")
        labels: ClassVar = {"groups": "Roles"}
        widgets: ClassVar = {"groups": UnfoldAdminCheckboxSelectMultipleWidget}
        help_texts: ClassVar = {"groups": "Nobody can give a role with rights that they do not have themselves."}


class UserTable(ChangedTable):
    """Users. The superuser flag is set by the command line only."""

    form = UserForm
    list_display = (
        "username",
        "email",
        "first_name",
        "last_name",
        "is_active",
        "is_superuser",
        columns.moment("last_login", "last login", sorts=False),
        "login_count",
        "failed_login_count",
    )
    list_filter = ("is_active", "is_superuser", "groups")
    search_fields = ("username", "email", "first_name", "last_name")
    ordering = ("username",)

    def create(self, actor: Caller, obj: User, values: Mapping[str, Any]) -> User:
        names = {name: values[name] for name in ("username", "email", "first_name", "last_name")}
        return users.create(
            actor=actor,
            **names,
            password=values["new_password"] or None,
            role_names=[group.name for group in values["groups"]],
            is_active=values["is_active"],
        )

    def update(self, actor: Caller, stored: User, changes: Mapping[str, Any]) -> User:
        given = dict(changes)
        groups = given.pop("groups", None)
        password = given.pop("new_password", "") or None
        role_names = None if groups is None else [group.name for group in groups]
        return users.update(stored, actor=actor, role_names=role_names, password=password, **given)

    def remove(self, actor: Caller, stored: User) -> None:
        users.delete(stored, actor=actor)


class PairsWidget(forms.CheckboxSelectMultiple):
    """A table: a row for each resource, a checkbox for each action on it."""

    template_name = "desk/tables/pairs.html"

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """The usual options, by resource and action."""
        context: dict[str, Any] = super().get_context(name, value, attrs)
        rows: dict[str, dict[str, Any]] = {}
        for _, options, _ in context["widget"]["optgroups"]:
            for option in options:
                action, resource = Pair.of_codename(str(option["label"]))
                rows.setdefault(resource, {})[action] = option
        context["actions"] = roles.ACTIONS
        context["rows"] = [(name, [(a, rows[name].get(a)) for a in roles.ACTIONS]) for name in sorted(rows)]
        return context


class PairsField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]  # not generic at run time
    """Pairs of actions and resources, by their codenames."""

    widget = PairsWidget

    def label_from_instance(self, obj: Any) -> str:
        """``can_read:DAG Runs``."""
        return str(obj.codename)


class RoleForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """A role and its pairs of actions and resources."""

    permissions = PairsField(
        queryset=Permission.objects.filter(
            content_type__app_label=Resource._meta.app_label, content_type__model=Resource._meta.model_name
        ).order_by("name"),
        required=False,
        help_text="Grants on single DAGs have a table of their own.",
    )

    class Meta:
        model = Group
        fields = ("name", "permissions")


class RoleTable(ChangedTable):
    """Roles."""

    form = RoleForm
    list_display = ("name",)
    search_fields = ("name",)
    ordering = ("name",)

    def create(self, actor: Caller, obj: Group, values: Mapping[str, Any]) -> Group:
        return roles.create(actor=actor, name=values["name"], pairs=_pairs(values["permissions"]))

    def update(self, actor: Caller, stored: Group, changes: Mapping[str, Any]) -> Group:
        pairs = _pairs(changes["permissions"]) if "permissions" in changes else None
        return roles.replace(stored, actor=actor, name=changes.get("name"), pairs=pairs)

    def remove(self, actor: Caller, stored: Group) -> None:
        roles.delete(stored, actor=actor)


class GrantForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """A grant on one DAG."""

    action = forms.ChoiceField(
        choices=[(name, name) for name in roles.ACTIONS if name != permissions.MENU], widget=UnfoldAdminSelectWidget
    )
    resource = forms.ChoiceField(choices=[(name, name) for name in GRANTABLE], widget=UnfoldAdminSelectWidget)

    class Meta:
        model = DagGrant
        fields = ("group", "dag_id", "action", "resource")
        labels: ClassVar = {"group": "Role", "dag_id": "DAG"}


class GrantTable(ChangedTable):
    """Grants of roles on single DAGs; they are made and deleted, not changed."""

    form = GrantForm
    list_display = ("group", "dag_id", "action", "resource")
    list_filter = ("group", "action", "resource")
    empty = "No grants yet. One gives a role rights on a single DAG; rights on all DAGs stand in the role itself."
    search_fields = ("group__name", "dag_id")
    list_select_related = ("group",)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return is_allowed(request.user, permissions.EDIT, permissions.ROLES)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return is_allowed(request.user, permissions.EDIT, permissions.ROLES)

    def create(self, actor: Caller, obj: DagGrant, values: Mapping[str, Any]) -> DagGrant:
        grant = Grant(values["dag_id"], values["action"], values["resource"])
        return roles.grant(values["group"], grant, actor=actor)

    def remove(self, actor: Caller, stored: DagGrant) -> None:
        roles.revoke(stored, actor=actor)


class TokenForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """A new token of the caller's own."""

    class Meta:
        model = PersonalAccessToken
        fields = ("name", "scope", "expiry")
        help_texts: ClassVar = {"expiry": "When the token ends; empty is never."}


class TokenTable(ChangedTable):
    """Personal access tokens: own ones, and everybody's for those who may edit users. A new one is shown once."""

    form = TokenForm
    list_display = (
        "name",
        "user",
        "scope",
        "token_key",
        columns.moment("created", "made", sorts=False),
        columns.moment("expiry", "ends", sorts=False),
        columns.moment("last_used_at", "last used", sorts=False),
    )
    list_filter = ("scope",)
    search_fields = ("name", "user__username", "token_key")
    list_select_related = ("user",)
    fields = ("name", "scope", "expiry")
    empty = "No tokens yet. Make one with +: programs send it in place of a password, and it is shown once."

    def get_queryset(self, request: HttpRequest) -> QuerySet[PersonalAccessToken]:
        """The tokens that the caller may see."""
        assert isinstance(request.user, User)
        return tokens.visible(request.user)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return is_allowed(request.user, permissions.READ, permissions.MY_PROFILE)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return is_allowed(request.user, permissions.READ, permissions.MY_PROFILE)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return is_allowed(request.user, permissions.EDIT, permissions.MY_PROFILE)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return is_allowed(request.user, permissions.EDIT, permissions.MY_PROFILE)

    def save_model(self, request: HttpRequest, obj: PersonalAccessToken, form: Any, change: bool) -> None:
        """Make the token and show it once."""
        assert isinstance(request.user, User)
        values = form.cleaned_data
        made, text = tokens.issue(
            request.user, actor=request.user, name=values["name"], scope=values["scope"], expires_at=values["expiry"]
        )
        obj.pk, obj.user, obj.token_key = made.pk, made.user, made.token_key
        obj._state.adding = False
        self.message_user(request, f"The token is {text}. It is shown only now.", messages.WARNING)

    def remove(self, actor: Caller, stored: PersonalAccessToken) -> None:
        tokens.revoke(stored, actor=actor)


def _pairs(chosen: QuerySet[Permission]) -> list[Pair]:
    return [Pair.of_codename(permission.codename) for permission in chosen]


#: Each model's table.
TABLES: Mapping[type[Model], type[ChangedTable]] = {
    User: UserTable,
    Group: RoleTable,
    DagGrant: GrantTable,
    PersonalAccessToken: TokenTable,
}
