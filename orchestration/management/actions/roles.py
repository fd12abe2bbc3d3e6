"""``roles list``, ``create``, ``delete``, ``add-perms``, ``del-perms``, ``export``, ``import``."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

from django.contrib.auth.models import Group
from django.db import transaction

from orchestration.access import roles as built_in
from orchestration.access.permissions import Pair
from orchestration.errors import Invalid, NotFound
from orchestration.management.cli.files import read_json
from orchestration.management.cli.output import emit
from orchestration.services import revoking, roles


def list_roles(args: argparse.Namespace) -> None:
    """The roles, or with ``--permission`` what each may do with each resource."""
    found = list(Group.objects.order_by("name"))
    if args.permission:
        emit(_permission_rows(found), args.output)
    else:
        emit(({"name": role.name} for role in found), args.output)


def _permission_rows(found: Sequence[Group]) -> list[dict[str, Any]]:
    held = roles.rights(found)
    actions: dict[tuple[str, str], list[str]] = {}
    for role in found:
        for action, resource in held[role.pk].shown():
            actions.setdefault((role.name, resource), []).append(action)
    return [
        {"name": name, "resource": resource, "action": ",".join(sorted(actions[name, resource]))}
        for name, resource in sorted(actions)
    ]


@transaction.atomic
def create(args: argparse.Namespace) -> None:
    """Make roles without permissions; those that are there stay."""
    known = set(Group.objects.filter(name__in=args.role).values_list("name", flat=True))
    for name in dict.fromkeys(args.role):
        if name not in known:
            roles.create(actor=None, name=name)
    print(f"Added {len(args.role)} role(s)")


@transaction.atomic
def delete(args: argparse.Namespace) -> None:
    """Delete roles, all or none."""
    for role in _find_all(args.role):
        roles.delete(role, actor=None)
    print(f"Deleted {len(args.role)} role(s)")


def _find_all(names: Sequence[str]) -> list[Group]:
    known = {role.name: role for role in Group.objects.filter(name__in=names)}
    for name in names:
        if name not in known:
            raise NotFound(f"Role named '{name}' does not exist")
    return [known[name] for name in dict.fromkeys(names)]


@transaction.atomic
def add_permissions(args: argparse.Namespace) -> None:
    """Give each action on each resource to each role, all or none."""
    count = 0
    for role in _find_all(args.role):
        held = set(roles.rights([role])[role.pk].shown())
        wanted = [Pair(action, resource) for resource, action in product(args.resource, args.action)]
        missing = [pair for pair in wanted if pair not in held]
        roles.update(role, actor=None, pairs=missing)
        for pair in missing:
            print(f"Added {_text(pair)} to role {role.name}")
        count += len(missing)
    print(f"Added {count} permission(s)")


@transaction.atomic
def delete_permissions(args: argparse.Namespace) -> None:
    """Take each action (or all) on each resource from each role, all or none."""
    count = 0
    for role in _find_all(args.role):
        if args.action:
            wanted = [Pair(action, resource) for resource, action in product(args.resource, args.action)]
        else:
            wanted = [pair for pair in roles.rights([role])[role.pk].shown() if pair.resource in args.resource]
        for pair in revoking.revoke(role, actor=None, pairs=wanted):
            print(f"Deleted {_text(pair)} from role {role.name}")
            count += 1
    print(f"Deleted {count} permission(s)")


def _text(pair: Pair) -> str:
    return f"{pair.action.replace('_', ' ')} on {pair.resource}"


def export(args: argparse.Namespace) -> None:
    """Write the roles that operators made, with their permissions."""
    own = [role for role in Group.objects.order_by("pk") if not built_in.is_built_in(role.name)]
    rows = _permission_rows(own)
    with_some = {row["name"] for row in rows}
    rows += [{"name": role.name, "resource": "", "action": ""} for role in own if role.name not in with_some]
    path = Path(args.file).expanduser()
    path.write_text(json.dumps(rows, indent=4 if args.pretty else None), encoding="utf-8")
    print(f"{len(own)} roles with {len(rows)} linked permissions successfully exported to {path}")


@transaction.atomic
def import_(args: argparse.Namespace) -> None:
    """Make the roles of a file with their permissions, all or none; a role that is there stays as it is."""
    found = read_json(args.file, missing=f"File '{args.file}' does not exist")
    if not (isinstance(found, list) and all(_is_row(row) for row in found)):
        raise Invalid('The file must hold a JSON list of {"name", "resource", "action"}.')
    known = set(Group.objects.values_list("name", flat=True))
    pairs: dict[str, list[Pair]] = {}
    for row in found:
        if row["name"] not in known:
            mine = pairs.setdefault(row["name"], [])
            mine += [Pair(action, row["resource"]) for action in row["action"].split(",") if action and row["resource"]]
    for name, wanted in pairs.items():
        roles.create(actor=None, name=name, pairs=wanted)
    print("roles and permissions successfully imported")


def _is_row(row: Any) -> bool:
    return isinstance(row, dict) and all(isinstance(row.get(name), str) for name in ("name", "resource", "action"))
