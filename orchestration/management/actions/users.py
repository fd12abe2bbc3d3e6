"""``users list``, ``create``, ``delete``, ``add-role``, ``remove-role``, ``reset-password``."""

from __future__ import annotations

import argparse
import secrets

from django.contrib.auth.models import Group

from orchestration.errors import Conflict, Invalid, NotFound
from orchestration.management import rehearsal
from orchestration.management.cli.output import emit, read_secret
from orchestration.models import User
from orchestration.services import users

#: Where a password is looked for that is not given.
PASSWORD_VARIABLE = "AIRFLOWSITE_PASSWORD"  # noqa: S105 a variable's name


def list_users(args: argparse.Namespace) -> None:
    """All users and their roles."""
    rows = (
        {
            "id": user.pk,
            "username": user.username,
            "email": user.email,
            "first_name": user.first_name,
            "last_name": user.last_name,
            "roles": [role.name for role in user.groups.all()],
        }
        for user in User.objects.prefetch_related("groups").order_by("pk")
    )
    emit(rows, args.output)


def create(args: argparse.Namespace) -> None:
    """Make a user; one of that name stays as it is, which is no error, as in the reference."""
    require_role(args.role)
    if User.objects.filter(username=args.username).exists():
        print(f"There is a user {args.username} already; nothing was changed")
        return
    users.create(
        actor=None,
        username=args.username,
        email=args.email,
        first_name=args.firstname,
        last_name=args.lastname,
        password=_password(args),
        role_names=[args.role],
    )
    print(f"Made the user {args.username} with the role {args.role}")


def _password(args: argparse.Namespace) -> str:
    if args.use_random_password:
        return secrets.token_urlsafe(24)
    return read_secret(args.password, variable=PASSWORD_VARIABLE, prompt="Password", twice=True)


def require_role(name: str) -> Group:
    """The role of this name; raises Invalid that names those there are."""
    role = Group.objects.filter(name=name).first()
    if role is None:
        known = ", ".join(Group.objects.order_by("name").values_list("name", flat=True))
        raise Invalid(f"There is no role {name!r}. There are: {known}")
    return role


def _find(args: argparse.Namespace) -> User:
    if not args.username and not args.email:
        raise Invalid("Say which user: --username or --email.")
    if args.username and args.email:
        raise Invalid("Give --username or --email, not both.")
    named = {"username": args.username} if args.username else {"email__iexact": args.email}
    user = User.objects.filter(**named).first()
    if user is None:
        raise NotFound(f"There is no user {args.username or args.email!r}. `airflowsite users list` shows all.")
    return user


def reset_password(args: argparse.Namespace) -> None:
    """Give a new password; it ends the user's sessions and tokens."""
    user = _find(args)
    if args.dry_run:
        print(f"Would give the user {user.username} a new password, and end the sessions and tokens of that user")
        return
    users.update(user, actor=None, password=_password(args))
    print(f"{user.username} has a new password; sessions and tokens have ended")


def delete(args: argparse.Namespace) -> None:
    """Delete a user."""
    user = _find(args)
    name = user.username
    with rehearsal.stage_here(args):
        users.delete(user, actor=None)
    print(f"{'Would delete' if args.dry_run else 'Deleted'} the user {name}")


def add_role(args: argparse.Namespace) -> None:
    """Give a role."""
    user, role = _find(args), require_role(args.role)
    held = _roles(user)
    if role.name in held:
        raise Conflict(f"{user.username} has the role {role.name} already.")
    users.update(user, actor=None, role_names=[*held, role.name])
    print(f"{user.username} now has the role {role.name}")


def remove_role(args: argparse.Namespace) -> None:
    """Take a role."""
    user, role = _find(args), require_role(args.role)
    held = _roles(user)
    if role.name not in held:
        raise Conflict(f"{user.username} does not have the role {role.name}.")
    with rehearsal.stage_here(args):
        users.update(user, actor=None, role_names=[name for name in held if name != role.name])
    print(f"{user.username} {'would no longer have' if args.dry_run else 'no longer has'} the role {role.name}")


def _roles(user: User) -> list[str]:
    return list(user.groups.order_by("name").values_list("name", flat=True))
