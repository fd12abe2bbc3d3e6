"""Users: create, change, delete. Roles are Django groups.

Nobody gives roles, or changes the account of somebody, with rights that they do not have themselves; the last
administrator stays. A changed password, name or activity ends the user's sessions and tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django.contrib.auth.models import Group
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from orchestration.access import escalation, passwords, permissions, roles
from orchestration.access.permissions import Caller
from orchestration.errors import Conflict, Invalid, NotFound
from orchestration.models import User
from orchestration.services import audit

#: The most characters of each text.
LONGEST: Final = {"username": 512, "email": 320, "first_name": 256, "last_name": 256}
#: The roles of a user who is made without any.
FIRST_ROLES: Final = (roles.PUBLIC,)


def find(username: str) -> User:
    """The user of this name, else the one whose name differs in the case of letters only; raises NotFound."""
    user = User.objects.filter(username=username).first() or User.objects.filter(username__iexact=username).first()
    if user is None:
        raise NotFound(f"The User with username `{username}` was not found", title="User not found")
    return user


def find_roles(names: Sequence[str]) -> list[Group]:
    """The roles of these names, in their order, each once; raises Invalid that names those which are not there."""
    known = {group.name: group for group in Group.objects.filter(name__in=names)}
    missing = [name for name in names if name not in known]
    if missing:
        raise Invalid(f"Unknown roles: {', '.join(repr(name) for name in missing)}")
    return [known[name] for name in dict.fromkeys(names)]


@transaction.atomic
def create(
    *,
    actor: Caller | None,
    username: str,
    email: str,
    first_name: str = "",
    last_name: str = "",
    password: str | None = None,
    role_names: Sequence[str] | None = None,
    is_active: bool = True,
    is_admin: bool = False,
) -> User:
    """Make a user. Without a password the user can sign in by no password; without roles the role is Public.

    Raises Conflict when name or address is taken, Invalid for an unknown role or a refused password, Forbidden.
    """
    permissions.require(actor, permissions.CREATE, permissions.USERS)
    if User.objects.filter(username__iexact=username).exists():
        raise Conflict(f"Username `{username}` already exists. Use PATCH to update.")
    if email and User.objects.filter(email=email).exists():
        raise Conflict(f"The email `{email}` is already taken.")
    names = list(role_names or ([roles.ADMIN] if is_admin else FIRST_ROLES))
    groups = find_roles([*names, roles.ADMIN] if is_admin else names)
    escalation.require_cover(actor, escalation.access_of_groups(groups))
    user = User(
        username=username,
        email=email,
        first_name=first_name,
        last_name=last_name,
        is_active=is_active,
        changed_at=timezone.now(),
    )
    _check(user)
    _set_password(user, password)
    _save(user)
    _set_roles(user, groups)
    audit.record("post_user", actor=actor, extra={"username": username, "roles": [group.name for group in groups]})
    return user


@transaction.atomic
def update(
    user: User,
    *,
    actor: Caller | None,
    role_names: Sequence[str] | None = None,
    password: str | None = None,
    is_active: bool | None = None,
    is_admin: bool | None = None,
    **names: str,
) -> User:
    """Change what is given; ``names`` are username, email, first_name and last_name. What is so already stays.

    Raises Conflict when a name is taken or the last administrator would go, Invalid, Forbidden.
    """
    permissions.require(actor, permissions.EDIT, permissions.USERS)
    escalation.hold_admins()
    escalation.require_mastery(actor, user)
    was_admin = roles.is_admin(user)
    before = _as_stored(user)
    check_free(user, **names)
    groups = None if role_names is None else find_roles(role_names)
    if is_admin is not None:
        groups = _with_admin(list(user.groups.all()) if groups is None else groups, is_admin)
        if not is_admin:
            user.is_superuser = False
    elif groups is not None and user.is_superuser and roles.ADMIN not in {group.name for group in groups}:
        user.is_superuser = False
    for field, value in names.items():
        setattr(user, field, value)
    if is_active is not None:
        user.is_active = is_active
    _check(user)
    if password is not None and not user.check_password(password):
        _set_password(user, password)
    if _as_stored(user) != before or (groups is not None and _role_ids(user) != [group.pk for group in groups]):
        user.changed_at = timezone.now()
        _save(user)
    if groups is not None:
        held = {group.pk for group in user.groups.all()}
        added = [group for group in groups if group.pk not in held]
        escalation.require_cover(actor, escalation.access_of_groups(added))
        _set_roles(user, groups)
    if is_active is False:
        passwords.end_access(user)
    if was_admin:
        escalation.require_an_admin()
    permissions.forget(user)
    changed = [*names, *(["password"] if password is not None else [])]
    audit.record("patch_user", actor=actor, extra={"username": user.username, "changed": changed})
    return user


@transaction.atomic
def delete(user: User, *, actor: Caller | None) -> None:
    """Delete a user with sessions and tokens. Raises Conflict for the last administrator, Forbidden."""
    permissions.require(actor, permissions.DELETE, permissions.USERS)
    escalation.hold_admins()
    escalation.require_mastery(actor, user)
    was_admin = roles.is_admin(user)
    passwords.end_access(user)
    user.delete()
    if was_admin:
        escalation.require_an_admin()
    audit.record("delete_user", actor=actor, extra={"username": user.username})


def _with_admin(groups: list[Group], is_admin: bool) -> list[Group]:
    others = [group for group in groups if group.name != roles.ADMIN]
    return [*others, *find_roles([roles.ADMIN])] if is_admin else others


def _check(user: User) -> None:
    for field, longest in LONGEST.items():
        if len(getattr(user, field)) > longest:
            raise Invalid(f"{field} is longer than {longest} characters.")
    if not user.username:
        raise Invalid("The username must not be empty.")


def check_free(user: User, *, username: str | None = None, email: str | None = None, **_: Any) -> None:
    """Raise Conflict when another user has this address, or this name in whatever case of letters."""
    others = User.objects.exclude(pk=user.pk)
    if username and username != user.username and others.filter(username__iexact=username).exists():
        raise Conflict(f"The username `{username}` already exists")
    if email and email != user.email and others.filter(email=email).exists():
        raise Conflict(f"The email `{email}` already exists")


def _set_password(user: User, password: str | None) -> None:
    if password is None:
        user.set_unusable_password()
        return
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise Invalid(f"The password is refused: {' '.join(error.messages)}") from None
    user.set_password(password)


def _save(user: User) -> None:
    try:
        with transaction.atomic():
            user.save()
    except IntegrityError:
        raise Conflict(f"Somebody else has the name {user.username} or the address {user.email}.") from None


def _as_stored(user: User) -> tuple[object, ...]:
    """What of a user tells of a change."""
    return (*(getattr(user, field) for field in LONGEST), user.password, user.is_active, user.is_superuser)


def _role_ids(user: User) -> list[int]:
    """The keys of the user's roles in the order they were given."""
    held = User.groups.through.objects.filter(user=user)
    return list(held.order_by("pk").values_list("group_id", flat=True))


def _set_roles(user: User, groups: Sequence[Group]) -> None:
    """Give the user exactly these roles; their order is kept."""
    held = User.groups.through.objects
    if _role_ids(user) == [group.pk for group in groups]:
        return
    held.filter(user=user).delete()
    held.bulk_create(User.groups.through(user=user, group=group) for group in groups)
    user.__dict__.pop("_prefetched_objects_cache", None)
