"""``users export``, ``import``: the reference's files."""

from __future__ import annotations

import argparse
import json
from typing import Any

from django.db import transaction

from orchestration.errors import Invalid
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


@transaction.atomic
def import_(args: argparse.Namespace) -> None:
    """Make or change the users of a file, all or none; new ones have no password until it is reset."""
    path = getattr(args, "import")
    found = read_json(path, missing=f"There is no file {path}.")
    _check(found)
    created, updated = [], []
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
            continue
        if existing.username != entry["username"]:
            raise Invalid(
                f"{entry['email']} belongs to {existing.username}, whose name stays. Delete that user to make "
                f"{entry['username']}."
            )
        users.update(existing, actor=None, role_names=entry["roles"], **names)
        updated.append(entry["email"])
    for word, emails in (("Made", created), ("Changed", updated)):
        if emails:
            print(f"{word} {len(emails)} users:\n\t" + "\n\t".join(emails))


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
