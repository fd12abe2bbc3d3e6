"""Roles: create, extend, rename, delete. A role is a Django group; its pairs are permissions, its grants rows.

Nobody gives a role rights that they do not have themselves. The built-in roles keep their names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db import IntegrityError, transaction

from orchestration.access import escalation, permissions, roles
from orchestration.access.permissions import GRANTABLE, Access, Caller, Grant, Pair
from orchestration.authoring.helpers import KEY_REGEX
from orchestration.errors import Conflict, Invalid, NotFound
from orchestration.models import Dag, DagGrant, Resource, User
from orchestration.services import audit

LONGEST_NAME: Final = 150
#: Actions in the order that ``GET /permissions`` lists them.
ACTIONS: Final = (permissions.EDIT, permissions.READ, permissions.CREATE, permissions.DELETE, permissions.MENU)
#: What looks like a DAG id and means something else.
_NO_DAGS: Final = frozenset({"", permissions.ANY_DAG, *GRANTABLE})
_ON_ONE_DAG = {prefix: resource for resource, prefix in GRANTABLE.items()}
_NAMED_DAG = re.compile("(" + "|".join(map(re.escape, sorted(_ON_ONE_DAG, key=len, reverse=True))) + ")(.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Rights:
    """What a role gives, in the order it was given."""

    pairs: tuple[Pair, ...] = ()
    grants: tuple[Grant, ...] = ()

    def shown(self) -> list[Pair]:
        """Everything as pairs; a grant's resource is shown as ``DAG:…`` or ``DAG Run:…``."""
        return [*self.pairs, *(Pair(g.action, f"{GRANTABLE[g.resource]}{g.dag_id}") for g in self.grants)]

    @property
    def access(self) -> Access:
        """The same, to be compared with what somebody holds."""
        return Access(frozenset(self.pairs), frozenset(self.grants))


def find(name: str) -> Group:
    """The role of this name; raises NotFound."""
    role = Group.objects.filter(name=name).first()
    if role is None:
        raise NotFound(f"Role with name {name!r} was not found", title="Role not found")
    return role


def rights(groups: Iterable[Group]) -> Mapping[int, Rights]:
    """What each role gives, by its primary key; two queries for all."""
    ids = [group.pk for group in groups]
    pairs: dict[int, list[Pair]] = {pk: [] for pk in ids}
    grants: dict[int, list[Grant]] = {pk: [] for pk in ids}
    through = Group.permissions.through.objects.filter(group__in=ids, permission__content_type=_content_type())
    for pk, codename in through.order_by("pk").values_list("group_id", "permission__codename"):
        pairs[pk].append(Pair.of_codename(codename))
    rows = DagGrant.objects.filter(group__in=ids).order_by("pk")
    for pk, *grant in rows.values_list("group_id", "dag_id", "action", "resource"):
        grants[pk].append(Grant(*grant))
    return {pk: Rights(tuple(pairs[pk]), tuple(grants[pk])) for pk in ids}


def actions() -> list[str]:
    """All actions there are: the five of the program, then others that somebody made."""
    codenames = Permission.objects.filter(content_type=_content_type()).values_list("codename", flat=True)
    made = {Pair.of_codename(codename).action for codename in codenames}
    return [*ACTIONS, *sorted(made.difference(ACTIONS))]


@transaction.atomic
def create(*, actor: Caller | None, name: str, pairs: Sequence[Pair] = ()) -> Group:
    """Make a role with these pairs (``DAG:…`` for one DAG).

    Raises Conflict when the name is taken, Invalid for an unknown action or resource, Forbidden.
    """
    permissions.require(actor, permissions.CREATE, permissions.ROLES)
    _check_name(name)
    if Group.objects.filter(name=name).exists():
        raise _taken(name)
    wanted = parse(pairs)
    escalation.require_cover(actor, wanted.access)
    try:
        with transaction.atomic():
            role = Group.objects.create(name=name)
    except IntegrityError:
        raise _taken(name) from None
    _give(role, wanted)
    audit.record("post_role", actor=actor, extra={"name": name, "actions": [tuple(pair) for pair in pairs]})
    return role


@transaction.atomic
def update(role: Group, *, actor: Caller | None, name: str | None = None, pairs: Sequence[Pair] | None = None) -> Group:
    """Rename a role, or add pairs to it; nothing is taken away.

    Raises Conflict when the name is taken or built in, Invalid for an unknown action or resource, Forbidden.
    """
    permissions.require(actor, permissions.EDIT, permissions.ROLES)
    old = role.name
    if pairs is not None:
        wanted = parse(pairs)
        escalation.require_cover(actor, wanted.access)
        _give(role, wanted)
    if name is not None and name != old:
        _check_name(name)
        if roles.is_built_in(old):
            raise Conflict(f"The role {old} is built in and keeps its name.")
        if Group.objects.filter(name=name).exclude(pk=role.pk).exists():
            raise _taken(name)
        role.name = name
        try:
            with transaction.atomic():
                role.save(update_fields=["name"])
        except IntegrityError:
            raise _taken(name) from None
    extra = {"role_name": old, "name": name, "actions": [tuple(pair) for pair in pairs or ()]}
    audit.record("patch_role", actor=actor, extra=extra)
    return role


@transaction.atomic
def replace(
    role: Group, *, actor: Caller | None, name: str | None = None, pairs: Sequence[Pair] | None = None
) -> Group:
    """Rename a role, or give it exactly these pairs; grants on single DAGs stay.

    As ``update``; raises Conflict, too, where a built-in role would lose a pair that belongs to it.
    """
    permissions.require(actor, permissions.EDIT, permissions.ROLES)
    if pairs is not None:
        held = set(rights([role])[role.pk].pairs)
        lost = held - set(pairs)
        own = lost & roles.BUILT_IN.get(role.name, frozenset())
        if own:
            raise Conflict(f"The role {role.name} is built in and keeps: {', '.join(map(' on '.join, sorted(own)))}.")
        escalation.require_cover(actor, Access(frozenset(lost)))
        _take(role, lost)
    return update(role, actor=actor, name=name, pairs=pairs)


@transaction.atomic
def grant(role: Group, given: Grant, *, actor: Caller | None) -> DagGrant:
    """Give a role a right on one DAG, which need not be there yet; having it already changes nothing.

    Raises Invalid for a DAG id that stands for something else, Forbidden.
    """
    permissions.require(actor, permissions.EDIT, permissions.ROLES)
    if given.dag_id in _NO_DAGS or given.resource not in GRANTABLE:
        raise Invalid(f"{given.dag_id!r} is no DAG that a right can be given on.")
    if not KEY_REGEX.match(given.dag_id):
        raise Invalid(f"{given.dag_id!r} can be no DAG's id: those have letters, digits, '_', '-' and '.' only.")
    escalation.require_cover(actor, Access(grants=frozenset({given})))
    row, _ = DagGrant.objects.get_or_create(
        group=role, dag_id=given.dag_id, action=given.action, resource=given.resource
    )
    audit.record("grant", actor=actor, dag_id=given.dag_id, extra={"role_name": role.name, "action": given.action})
    return row


@transaction.atomic
def revoke(row: DagGrant, *, actor: Caller | None) -> None:
    """Take a right on one DAG from its role. Raises Forbidden."""
    permissions.require(actor, permissions.EDIT, permissions.ROLES)
    taken = Grant(row.dag_id, row.action, row.resource)
    escalation.require_cover(actor, Access(grants=frozenset({taken})))
    row.delete()
    audit.record("revoke", actor=actor, dag_id=row.dag_id, extra={"role_name": row.group.name, "action": row.action})


@transaction.atomic
def delete(role: Group, *, actor: Caller | None) -> None:
    """Delete a role; its holders lose it. Raises Conflict for a built-in one, Forbidden."""
    permissions.require(actor, permissions.DELETE, permissions.ROLES)
    if roles.is_built_in(role.name):
        raise Conflict(f"The role {role.name} is built in and cannot be deleted.")
    escalation.require_cover(actor, rights([role])[role.pk].access)
    for user in User.objects.filter(groups=role):
        escalation.require_mastery(actor, user)
    role.delete()
    audit.record("delete_role", actor=actor, extra={"role_name": role.name})


def parse(pairs: Iterable[Pair]) -> Rights:
    """The pairs and grants meant. Raises Invalid for an action or a resource that is not there.

    A resource ``DAG:x`` is there when the DAG x is, or when some role has a grant on it.
    """
    wanted: dict[Pair, None] = {}
    grants: dict[Grant, None] = {}
    known_actions = set(actions())
    known_resources = _resources()
    for action, resource in pairs:
        if action not in known_actions:
            raise Invalid(f"The specified action: {action!r} was not found")
        match = None if resource in known_resources else _NAMED_DAG.fullmatch(resource)
        if match is not None and _is_known_dag(match[2]):
            grants[Grant(match[2], action, _ON_ONE_DAG[match[1]])] = None
        elif resource in known_resources:
            wanted[Pair(action, resource)] = None
        else:
            raise Invalid(f"The specified resource: {resource!r} was not found")
    return Rights(tuple(wanted), tuple(grants))


def _take(role: Group, lost: Iterable[Pair]) -> None:
    codenames = [pair.codename for pair in lost]
    through = Group.permissions.through.objects
    through.filter(group=role, permission__codename__in=codenames, permission__content_type=_content_type()).delete()


def _give(role: Group, wanted: Rights) -> None:
    """Add what is missing, in its order."""
    given = [permissions.permission(pair).pk for pair in wanted.pairs]
    through = Group.permissions.through
    have = set(through.objects.filter(group=role).values_list("permission_id", flat=True))
    through.objects.bulk_create(
        (through(group=role, permission_id=pk) for pk in given if pk not in have), ignore_conflicts=True
    )
    DagGrant.objects.bulk_create(
        (DagGrant(group=role, dag_id=g.dag_id, action=g.action, resource=g.resource) for g in wanted.grants),
        ignore_conflicts=True,
    )


def _resources() -> set[str]:
    codenames = Permission.objects.filter(content_type=_content_type()).values_list("codename", flat=True)
    return {Pair.of_codename(codename).resource for codename in codenames}


def _is_known_dag(dag_id: str) -> bool:
    return Dag.objects.filter(dag_id=dag_id).exists() or DagGrant.objects.filter(dag_id=dag_id).exists()


def _check_name(name: str) -> None:
    if not name or len(name) > LONGEST_NAME:
        raise Invalid(f"The role's name must have 1 to {LONGEST_NAME} characters.")


def _taken(name: str) -> Conflict:
    return Conflict(f"Role with name {name!r} already exists; please update with the PATCH endpoint")


def _content_type() -> ContentType:
    return ContentType.objects.get_for_model(Resource)
