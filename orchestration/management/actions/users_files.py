"""``users export``, ``import``: the reference's files."""

from __future__ import annotations

import argparse
import json
from typing import Any

from orchestration.errors import Invalid
from orchestration.management import rehearsal
from orchestration.management.actions.users import require_role
from orchestration.management.cli.files import read_json, write_export
from orchestration.models import User
from orchestration.services import users

_TEXTS = ("firstname", "lastname", "username", "email")


def export(args: argparse.Namespace) -> None:
    """Write all users with their roles; no passwords."""
    found = [
        {
            "id": user.pk,
            "username": user.username,
            "email": user.email,
            "firstname": user.first_name,
            "lastname": user.last_name,
            "roles": [role.name for role in user.groups.all()],
        }
        for user in User.objects.prefetch_related("groups").order_by("pk")
    ]
    write_export(args.export, json.dumps(found, sort_keys=True, indent=4), "users", found)


def import_(args: argparse.Namespace) -> None:
    """Make or change the users of a file, all or none; new ones have no password until it is reset."""
    path = getattr(args, "import")
    found = read_json(path, missing=f"There is no file {path}. Name another, or - for standard input.")
    _check(found)
    with rehearsal.stage_here(args):
        created, updated, told = _put_all(found)
    if args.dry_run:
        print("\n".join([*told, f"Would make {len(created)} users and change {len(updated)}."]))
        return
    for word, emails in (("Made", created), ("Changed", updated)):
        if emails:
            print(f"{word} {len(emails)} users:\n\t" + "\n\t".join(emails))


def _put_all(found: list[dict[str, Any]]) -> tuple[list[str], list[str], list[str]]:
    """Make or change each user: the e-mail addresses of the new and of the known, and what a dry run says of each."""
    created: list[str] = []
    updated: list[str] = []
    told: list[str] = []
    for entry in found:
        for role in entry["roles"]:
            require_role(role)
        names = {"first_name": entry["firstname"], "last_name": entry["lastname"]}
        existing = User.objects.filter(email__iexact=entry["email"]).first()
        if existing is None:
            users.create(
                actor=None, username=entry["username"], email=entry["email"], role_names=entry["roles"], **names
            )
            created.append(entry["email"])
            told.append(rehearsal.told("user", f"{entry['username']} <{entry['email']}>", None, {}))
            continue
        if existing.username != entry["username"]:
            raise Invalid(
                f"{entry['email']} belongs to {existing.username}, whose name stays. Delete that user to make "
                f"{entry['username']}."
            )
        before = _shown(existing)
        users.update(existing, actor=None, role_names=entry["roles"], **names)
        updated.append(entry["email"])
        told.append(rehearsal.told("user", f"{existing.username} <{entry['email']}>", before, _shown(existing)))
    return created, updated, told


def _shown(user: User) -> dict[str, Any]:
    """What an import can change of a user."""
    return {
        "first_name": user.first_name,
        "last_name": user.last_name,
        "roles": set(user.groups.values_list("name", flat=True)),
    }


def _check(found: Any) -> None:
    """Raise Invalid that tells every fault."""
    if not isinstance(found, list):
        raise Invalid("The file must hold a JSON list of users.")
    faults = []
    for number, entry in enumerate(found):
        if not isinstance(entry, dict):
            faults.append(f"[Item {number}]\n\tmust be an object")
            continue
        bad = [name for name in _TEXTS if not (isinstance(entry.get(name), str) and entry[name])]
        roles = entry.get("roles")
        if not (isinstance(roles, list) and roles and all(isinstance(role, str) for role in roles)):
            bad.append("roles")
        if bad:
            faults.append(f"[Item {number}]\n" + "\n".join(f"\t{name}: missing or no such text" for name in bad))
    if faults:
        raise Invalid(f"{len(faults)} entries of the file are no users:\n" + "\n".join(faults))
