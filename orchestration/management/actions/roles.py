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
from orchestration.management import rehearsal
from orchestration.management.cli.files import read_json, write_export
from orchestration.management.cli.output import emit, given_ids
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
    print(f"Roles: {len(args.role)} are there now")


def delete(args: argparse.Namespace) -> None:
    """Delete roles, all or none."""
    names = [name for word in args.role for name in given_ids(word)]
    with rehearsal.stage_here(args):
        for role in _find_all(names):
            name = role.name
            roles.delete(role, actor=None)
            print(f"{'Would delete' if args.dry_run else 'Deleted'} the role {name}")


def _find_all(names: Sequence[str]) -> list[Group]:
    known = {role.name: role for role in Group.objects.filter(name__in=names)}
    for name in names:
        if name not in known:
            raise NotFound(f"There is no role {name!r}. `airflowsite roles list` shows all.")
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
            print(f"{role.name} now {_text(pair)}")
        count += len(missing)
    print(f"Permissions given: {count}")


def delete_permissions(args: argparse.Namespace) -> None:
    """Take each action (or all) on each resource from each role, all or none."""
    with rehearsal.stage_here(args):
        count = _take(args)
    print(f"Permissions {'to be taken' if args.dry_run else 'taken'}: {count}")


def _take(args: argparse.Namespace) -> int:
    count = 0
    for role in _find_all(args.role):
        if args.action:
            wanted = [Pair(action, resource) for resource, action in product(args.resource, args.action)]
        else:
            wanted = [pair for pair in roles.rights([role])[role.pk].shown() if pair.resource in args.resource]
        taken = list(revoking.revoke(role, actor=None, pairs=wanted))
        for pair in taken:
            print(f"{role.name} {'would no longer' if args.dry_run else 'no longer'} {_text(pair)}")
        count += len(taken)
    return count


def _text(pair: Pair) -> str:
    return f"{pair.action} {pair.resource}"


def export(args: argparse.Namespace) -> None:
    """Write the roles that operators made, with their permissions."""
    own = [role for role in Group.objects.order_by("pk") if not built_in.is_built_in(role.name)]
    rows = _permission_rows(own)
    with_some = {row["name"] for row in rows}
    rows += [{"name": role.name, "resource": "", "action": ""} for role in own if role.name not in with_some]
    path = args.file if args.file == "-" else str(Path(args.file).expanduser())
    write_export(path, json.dumps(rows, indent=4 if args.pretty else None), "roles", own)


def import_(args: argparse.Namespace) -> None:
    """Make the roles of a file with their permissions, all or none; a role that is there stays as it is."""
    found = read_json(args.file, missing=f"There is no file {args.file}. Name another, or - for standard input.")
    if not (isinstance(found, list) and all(_is_row(row) for row in found)):
        raise Invalid('The file must hold a JSON list of {"name", "resource", "action"}.')
    known = set(Group.objects.values_list("name", flat=True))
    pairs: dict[str, list[Pair]] = {}
    for row in found:
        if row["name"] not in known:
            mine = pairs.setdefault(row["name"], [])
            mine += [Pair(action, row["resource"]) for action in row["action"].split(",") if action and row["resource"]]
    with rehearsal.stage_here(args):
        for name, wanted in pairs.items():
            roles.create(actor=None, name=name, pairs=wanted)
    if not args.dry_run:
        print(f"Imported {len(pairs)} roles")
        return
    for name in dict.fromkeys(row["name"] for row in found):
        print(rehearsal.told("role", name, {} if name in known else None, {}))
        for pair in pairs.get(name, ()):
            print(f"{name} would {_text(pair)}")
    print(f"Would import {len(pairs)} roles")


def _is_row(row: Any) -> bool:
    return isinstance(row, dict) and all(isinstance(row.get(name), str) for name in ("name", "resource", "action"))
