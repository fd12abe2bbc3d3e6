"""Users: what is sent, what is answered. Passwords are never answered."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, ClassVar

from rest_framework import serializers

from api_v1.rows import Row
from api_v1.serializers.base import BodySerializer, FilledText, Listing, NestedBody, Text, Truth
from orchestration.access import roles
from orchestration.models import User

#: Members of a user that callers may not send.
_READ_ONLY = (
    "active",
    "last_login",
    "login_count",
    "fail_login_count",
    "failed_login_count",
    "created_on",
    "changed_on",
)


#: Characters of a name or a password; the service measures the others, after it looked for who has them.
_LONGEST = 256


class UserRoleBody(NestedBody):
    """A role's name."""

    name = Text(required=False, help_text="The name of the role.")


class UserBody(BodySerializer):
    """A user."""

    username = FilledText(required=False, help_text="The username.")
    email = FilledText(required=False, help_text="The user's email.")
    first_name = Text(required=False, max_length=_LONGEST, help_text="The user's first name.")
    last_name = Text(required=False, max_length=_LONGEST, help_text="The user's last name.")
    password = Text(
        required=False, write_only=True, is_secret=True, max_length=_LONGEST, help_text="The user's password."
    )
    roles = Listing(child=UserRoleBody(allow_null=True), required=False, help_text="The user's roles.")
    is_active = Truth(required=False, help_text="Whether the user may sign in.")
    is_admin = Truth(required=False, help_text="Whether the user has the role Admin.")

    unsettable: ClassVar = frozenset(_READ_ONLY)


class UserRoleAnswer(serializers.Serializer[Any]):
    """Role of a user."""

    name = serializers.CharField()


class UserAnswer(serializers.Serializer[Any]):
    """User."""

    first_name = serializers.CharField(help_text="The user's first name.")
    last_name = serializers.CharField(help_text="The user's last name.")
    username = serializers.CharField(min_length=1, help_text="The username.")
    email = serializers.CharField(min_length=1, help_text="The user's email.")
    active = serializers.BooleanField(read_only=True, allow_null=True, help_text="Whether the user may sign in.")
    last_login = serializers.CharField(read_only=True, allow_null=True, help_text="Last sign-in, UTC, without offset.")
    login_count = serializers.IntegerField(read_only=True, allow_null=True, help_text="Sign-ins so far.")
    fail_login_count = serializers.IntegerField(read_only=True, allow_null=True, help_text="Failed sign-ins.")
    failed_login_count = serializers.IntegerField(read_only=True, allow_null=True, help_text="The same.")
    roles = UserRoleAnswer(many=True, help_text="The user's roles.")
    created_on = serializers.CharField(read_only=True, allow_null=True, help_text="UTC, without offset.")
    changed_on = serializers.CharField(read_only=True, allow_null=True, help_text="UTC, without offset.")
    is_active = serializers.BooleanField(help_text="Whether the user may sign in.")
    is_admin = serializers.BooleanField(help_text="Whether the user has the role Admin.")


class UserCollection(serializers.Serializer[Any]):
    """Collection of users."""

    users = UserAnswer(many=True)
    total_entries = serializers.IntegerField()


def user_rows(rows: Iterable[User]) -> list[Row]:
    """Users as they are answered; two queries, the second for their roles."""
    found = list(rows)
    named: dict[int, list[str]] = {user.pk: [] for user in found}
    held = User.groups.through.objects.filter(user__in=named).order_by("pk")
    for pk, name in held.values_list("user_id", "group__name"):
        named[pk].append(name)
    return [_row(user, named[user.pk]) for user in found]


def user_row(user: User) -> Row:
    """One user; one query."""
    return user_rows([user])[0]


def _row(user: User, role_names: list[str]) -> Row:
    return {
        "username": user.username,
        "email": user.email,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "active": user.is_active,
        "last_login": _naive(user.last_login),
        "login_count": user.login_count,
        "fail_login_count": user.failed_login_count,
        "failed_login_count": user.failed_login_count,
        "roles": [{"name": name} for name in role_names],
        "created_on": _naive(user.date_joined),
        "changed_on": _naive(user.changed_at),
        "is_active": user.is_active,
        "is_admin": user.is_superuser or roles.ADMIN in role_names,
    }


def _naive(moment: datetime | None) -> datetime | None:
    """The moment in UTC without its offset, as the reference writes the dates of users."""
    return None if moment is None else moment.astimezone(UTC).replace(tzinfo=None)
