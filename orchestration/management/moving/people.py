"""Roles with their permissions, and users with their roles and the hashes of their passwords."""

from __future__ import annotations

from collections import defaultdict

from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from orchestration.access import roles as built_in
from orchestration.access.permissions import Pair
from orchestration.access.werkzeug import WerkzeugPasswordHasher
from orchestration.errors import OrchestrationError
from orchestration.management.moving.move import Move
from orchestration.management.moving.values import moment
from orchestration.models import User
from orchestration.services import roles, users

_PAIRS = """
    SELECT r.name, p.name, v.name FROM ab_role r
    JOIN ab_permission_view_role pvr ON pvr.role_id = r.id
    JOIN ab_permission_view pv ON pv.id = pvr.permission_view_id
    JOIN ab_permission p ON p.id = pv.permission_id
    JOIN ab_view_menu v ON v.id = pv.view_menu_id
    ORDER BY pvr.id
"""
_HOLDERS = "SELECT ur.user_id, r.name FROM ab_user_role ur JOIN ab_role r ON r.id = ur.role_id ORDER BY ur.id"
_USER = (
    "id", "username", "email", "first_name", "last_name", "password", "active", "last_login", "login_count",
    "fail_login_count",
)  # fmt: skip


@transaction.atomic
def copy_roles(move: Move) -> None:
    """Roles that are not here, and to all roles the pairs that they lack; a built-in role keeps its own pairs."""
    tally = move.report.of("roles")
    wanted: dict[str, list[Pair]] = {name: [] for (name,) in move.source.every("ab_role", ["name"], "id")}
    for role, action, resource in move.source.rows(_PAIRS) if wanted else ():
        wanted[role].append(Pair(action, resource))
    present = {group.name: group for group in Group.objects.filter(name__in=wanted)}
    held = roles.rights(present.values())
    for name, pairs in wanted.items():
        group = present.get(name)
        has = set(held[group.pk].shown()) if group else set()
        known = []
        for pair in pairs:
            if pair in has:
                continue
            try:
                roles.parse([pair])
            except OrchestrationError:
                tally.leave("permissions on what is not here", f"{name}: {pair.action} on {pair.resource}")
            else:
                known.append(pair)
        own = built_in.BUILT_IN.get(name, frozenset()).difference(pairs)
        if own:
            tally.leave("pairs that a built-in role has here and lost there", f"{name}: {len(own)}", len(own))
        if group is None:
            roles.create(actor=None, name=name, pairs=known)
            tally.copied += 1
        elif known:
            roles.update(group, actor=None, pairs=known)
            tally.copied += 1
        else:
            tally.present += 1


def copy_users(move: Move) -> None:
    """Users whose name is not here. Their passwords go on working; an address that is taken or none is left out."""
    tally = move.report.of("users")
    present = {name.casefold() for name in User.objects.values_list("username", flat=True)}
    addresses = set(User.objects.values_list("email", flat=True))
    known_roles = set(Group.objects.values_list("name", flat=True))
    held: dict[int, list[str]] = defaultdict(list)
    if move.source.columns("ab_user_role"):
        for user_id, role in move.source.rows(_HOLDERS):
            held[user_id].append(role)
    for row in move.source.every("ab_user", _USER, "id"):
        pk, username, email, first, last, password, active, last_login, logins, failed = row
        if username.casefold() in present:
            tally.present += 1
            continue
        if email in addresses or not _is_address(email):
            tally.leave("addresses that are taken or no addresses", f"{username}: {email}")
            email = ""
        missing = [name for name in held[pk] if name not in known_roles]
        for name in missing:
            tally.leave("roles that are not here", f"{username}: {name}")
        try:
            with transaction.atomic():
                user = users.create(
                    actor=None,
                    username=username,
                    email=email,
                    first_name=first or "",
                    last_name=last or "",
                    role_names=[name for name in held[pk] if name in known_roles],
                    is_active=bool(active),
                )
                stored = WerkzeugPasswordHasher.adopt(password) if password else None
                User.objects.filter(pk=user.pk).update(
                    last_login=moment(last_login),
                    login_count=logins,
                    failed_login_count=failed,
                    **({"password": stored} if stored else {}),
                )
        except OrchestrationError as reason:
            tally.leave("users that cannot be made here", f"{username}: {reason}")
            continue
        if password and not stored:
            tally.leave("passwords in an unknown form", username)
        addresses.add(email)
        present.add(username.casefold())
        tally.copied += 1


def _is_address(text: str | None) -> bool:
    try:
        validate_email(text)
    except ValidationError:
        return False
    return True
