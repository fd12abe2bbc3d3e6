"""Taking permissions from a role."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.db import transaction

from orchestration.access import escalation, permissions
from orchestration.access.permissions import Caller, Pair
from orchestration.models import DagGrant, Resource
from orchestration.services import audit, roles


@transaction.atomic
def revoke(role: Group, *, actor: Caller | None, pairs: Sequence[Pair]) -> list[Pair]:
    """Take these pairs (``DAG:…`` for one DAG) from a role; those that it held.

    The built-in pairs of a built-in role come back with the next migration or ``sync-perm``. Raises Invalid for an
    unknown action or resource, Forbidden.
    """
    permissions.require(actor, permissions.EDIT, permissions.ROLES)
    wanted = roles.parse(pairs)
    escalation.require_cover(actor, wanted.access)
    held = roles.rights([role])[role.pk]
    taken = roles.Rights(
        tuple(pair for pair in wanted.pairs if pair in held.pairs),
        tuple(grant for grant in wanted.grants if grant in held.grants),
    )
    codenames = [pair.codename for pair in taken.pairs]
    mine = role.permissions.filter(content_type=ContentType.objects.get_for_model(Resource), codename__in=codenames)
    role.permissions.remove(*mine)
    for grant in taken.grants:
        DagGrant.objects.filter(group=role, **grant._asdict()).delete()
    extra = {"role_name": role.name, "removed": [tuple(pair) for pair in taken.shown()]}
    audit.record("patch_role", actor=actor, extra=extra)
    return taken.shown()
