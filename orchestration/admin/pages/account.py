"""One's own account, and what every role may do."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, ClassVar, Final

from django.contrib.auth.models import Group, Permission
from django.urls import reverse
from django.utils import timezone

from orchestration.access import permissions as p
from orchestration.access import sessions
from orchestration.access.permissions import EDIT, READ, Pair, is_allowed
from orchestration.access.requirements import BY_ID
from orchestration.admin.pages.base import Page, Verb
from orchestration.admin.queries.grid import parse_moment
from orchestration.errors import Invalid
from orchestration.models import DagGrant, PersonalAccessToken, Resource, User
from orchestration.services import profile, tokens

#: Roles beside one another in the table of permissions, and grants below it.
_MOST_ROLES: Final = 12
_MOST_GRANTS: Final = 200
_LETTERS: Final = {"can_read": "R", "can_create": "C", "can_edit": "E", "can_delete": "D", "menu_access": "M"}


class ProfilePage(Page):
    """Names, password, sessions and tokens of whoever looks."""

    pairs = (Pair(READ, p.MY_PROFILE),)
    template_name = "desk/profile.html"
    title = "Your profile"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Five queries."""
        user = self.request.user
        assert isinstance(user, User)
        can_edit = is_allowed(user, EDIT, p.MY_PROFILE)
        return super().get_context_data(
            person=user,
            roles=list(user.groups.order_by("name").values_list("name", flat=True)),
            tokens=list(PersonalAccessToken.objects.filter(user=user).order_by("created", "digest")),
            sessions=sessions.of_user(user),
            this_session=sessions.name_of(self.request.session.session_key),
            scopes=PersonalAccessToken.Scope.choices,
            now=timezone.now(),
            can_edit=can_edit,
            can_change_password=is_allowed(user, EDIT, p.MY_PASSWORD) and user.has_usable_password(),
            **kwargs,
        )


class _Own(Verb):
    """A verb on one's own account."""

    pairs: ClassVar[tuple[Pair, ...]] = (Pair(EDIT, p.MY_PROFILE),)
    is_logged = False  # the services do

    @property
    def user(self) -> User:
        """Whoever asks."""
        assert isinstance(self.request.user, User)
        return self.request.user


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name, "")
    if not isinstance(value, str):
        raise Invalid(f"{name} must be a text.")
    return value


class NamesVerb(_Own):
    """``{"first_name", "last_name"}``."""

    event = "edit_profile"

    def act(self, body: dict[str, Any]) -> Any:
        """The names as they are now."""
        user = profile.rename(
            self.user, first_name=_text(body, "first_name").strip(), last_name=_text(body, "last_name").strip()
        )
        return {"message": f"Saved: {user.get_full_name() or user.get_username()}."}


class PasswordVerb(_Own):
    """``{"old_password", "new_password"}``: all sessions and tokens end; one logs in again."""

    event = "change_password"
    pairs = (Pair(EDIT, p.MY_PASSWORD),)

    def act(self, body: dict[str, Any]) -> Any:
        """Where to log in."""
        profile.change_password(self.user, old=_text(body, "old_password"), new=_text(body, "new_password"))
        return {"url": reverse("admin:login")}


class SessionsVerb(_Own):
    """Log out everywhere else; ``{"session"}``: of the session of this name."""

    event = "end_sessions"

    def act(self, body: dict[str, Any]) -> Any:
        """How many sessions ended."""
        name = _text(body, "session") if "session" in body else None
        count = profile.end_sessions(self.user, keep=self.request.session.session_key, name=name)
        other = "" if name else "other "
        return {"message": f"{count} {other}session{'' if count == 1 else 's'} ended."}


class TokenVerb(_Own):
    """``{"name", "scope", "expires_at"?}``: a new token, in this one answer only."""

    event = "post_token"
    pairs = BY_ID["post_token"].pairs

    def act(self, body: dict[str, Any]) -> Any:
        """The token."""
        until = _text(body, "expires_at")
        expires_at = parse_moment(until) if until else None
        if until and expires_at is None:
            raise Invalid("The end must be a date and time, or empty.")
        scope = _text(body, "scope")
        if scope not in PersonalAccessToken.Scope.values:
            raise Invalid(f"The scope must be one of {', '.join(PersonalAccessToken.Scope.values)}.")
        _, text = tokens.issue(
            self.user, actor=self.user, name=_text(body, "name").strip(), scope=scope, expires_at=expires_at
        )
        return {"token": text}


class RevokeVerb(_Own):
    """End one of one's own tokens, or one that the caller may see."""

    event = "delete_token"
    pairs = BY_ID["delete_token"].pairs

    def act(self, body: dict[str, Any]) -> Any:
        """Done."""
        token = tokens.find(self.kwargs["token_key"], actor=self.user)
        tokens.revoke(token, actor=self.user)
        return {"message": "Revoked."}


class PermissionsPage(Page):
    """What each role may do with each resource, and grants on single DAGs."""

    pairs = (*BY_ID["get_permissions"].pairs, *BY_ID["get_roles"].pairs)
    template_name = "desk/permissions.html"
    title = "Permissions"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Five queries."""
        search = self.request.GET.get("role", "").strip()[:150]
        groups = Group.objects.order_by("pk")
        if search:
            groups = groups.filter(name__icontains=search)
        names = dict(groups.values_list("pk", "name")[: _MOST_ROLES + 1])
        shown = dict(list(names.items())[:_MOST_ROLES])
        of_resource = {
            "content_type__app_label": Resource._meta.app_label,
            "content_type__model": Resource._meta.model_name,
        }
        pairs = [
            Pair.of_codename(name)
            for name in Permission.objects.filter(**of_resource).values_list("codename", flat=True)
        ]
        held: dict[tuple[int, str], set[str]] = defaultdict(set)
        rows = Permission.objects.filter(group__in=list(shown), **of_resource).values_list("group", "codename")
        for pk, codename in rows:
            action, resource = Pair.of_codename(codename)
            held[pk, resource].add(action)
        grants = DagGrant.objects.filter(group__in=list(shown)).select_related("group")
        return super().get_context_data(
            search=search,
            roles=shown.items(),
            is_cut=len(names) > len(shown),
            table=[
                (resource, [_cell(held[pk, resource]) for pk in shown])
                for resource in sorted({pair.resource for pair in pairs})
            ],
            letters=[(letter, action) for action, letter in _LETTERS.items()],
            grants=list(grants.order_by("dag_id", "group__name", "resource", "action")[:_MOST_GRANTS]),
            **kwargs,
        )


def _cell(actions: set[str]) -> list[tuple[str, str]]:
    known = [(letter, action) for action, letter in _LETTERS.items() if action in actions]
    return known + [(action, action) for action in sorted(actions - _LETTERS.keys())]


PAGES: tuple[tuple[str, str, type[Page]], ...] = (
    ("profile/", "desk_profile", ProfilePage),
    ("profile/names", "desk_profile_names", NamesVerb),
    ("profile/password", "desk_profile_password", PasswordVerb),
    ("profile/sessions", "desk_profile_sessions", SessionsVerb),
    ("profile/tokens", "desk_token_create", TokenVerb),
    ("profile/tokens/<str:token_key>/revoke", "desk_token_revoke", RevokeVerb),
    ("permissions/", "desk_permissions", PermissionsPage),
)
