"""Permissions as (action, resource) pairs, and what a user holds of them.

A pair is a Django permission on the content type of ``Resource`` with the codename ``can_read:DAG Runs``; a role
is a Django group. A grant on a single DAG is a ``DagGrant`` row, never a name with a prefix. A superuser holds
everything. What a user holds is read once, by one query, and kept on the user object for the request.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, NamedTuple, TypeAlias

from django.contrib.auth.models import AnonymousUser, Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.db.models import TextField
from django.db.models.expressions import RawSQL

from orchestration.errors import Forbidden
from orchestration.models import DagGrant, Resource, User
from orchestration.models.prepared import Prepared

Caller: TypeAlias = User | AnonymousUser

READ: Final = "can_read"
CREATE: Final = "can_create"
EDIT: Final = "can_edit"
DELETE: Final = "can_delete"
MENU: Final = "menu_access"

DAGS: Final = "DAGs"
DAG_RUNS: Final = "DAG Runs"
DAG_CODE: Final = "DAG Code"
DAG_WARNINGS: Final = "DAG Warnings"
TASK_INSTANCES: Final = "Task Instances"
TASK_LOGS: Final = "Task Logs"
XCOMS: Final = "XComs"
DATASETS: Final = "Datasets"
IMPORT_ERRORS: Final = "ImportError"
AUDIT_LOGS: Final = "Audit Logs"
CONNECTIONS: Final = "Connections"
VARIABLES: Final = "Variables"
POOLS: Final = "Pools"
PROVIDERS: Final = "Providers"
PLUGINS: Final = "Plugins"
CONFIGURATIONS: Final = "Configurations"
ROLES: Final = "Roles"
PERMISSIONS: Final = "Permissions"
USERS: Final = "Users"
MY_PROFILE: Final = "My Profile"
MY_PASSWORD: Final = "My Password"  # noqa: S105 a resource's name
WEBSITE: Final = "Website"
JOBS: Final = "Jobs"
SLA_MISSES: Final = "SLA Misses"
TASK_RESCHEDULES: Final = "Task Reschedules"
TRIGGERS: Final = "Triggers"
DEPENDENCIES: Final = "DAG Dependencies"
CLUSTER_ACTIVITY: Final = "Cluster Activity"
#: Not in the reference: channels, automations and their deliveries.
AUTOMATIONS: Final = "Automations"

#: The actions that a read-only token allows.
READING: Final = frozenset({READ, MENU})
#: The resources that a grant on one DAG may name, and the prefix under which roles show such a grant.
GRANTABLE: Final = {DAGS: "DAG:", DAG_RUNS: "DAG Run:"}
#: The role whose permissions a caller without a name holds.
PUBLIC_ROLE: Final = "Public"
#: In the place of a DAG id: all DAGs the caller may read.
ANY_DAG: Final = "~"

_KEPT_AS = "_orchestration_access"


class Pair(NamedTuple):
    """One permission: an action on a resource."""

    action: str
    resource: str

    @property
    def codename(self) -> str:
        """The Django permission's codename."""
        return f"{self.action}:{self.resource}"

    @classmethod
    def of_codename(cls, codename: str) -> Pair:
        """The pair that a codename stands for."""
        action, _, resource = codename.partition(":")
        return cls(action, resource)


class Grant(NamedTuple):
    """A permission on one DAG; ``resource`` is DAGs or DAG Runs."""

    dag_id: str
    action: str
    resource: str


#: Who holds all of these does by hand what an automation does, and gives rights: they may make automations, too.
_LIKE_AUTOMATIONS: Final = frozenset(
    {
        Pair(EDIT, ROLES),
        Pair(EDIT, USERS),
        Pair(EDIT, DAGS),
        Pair(CREATE, DAG_RUNS),
        Pair(EDIT, DAG_RUNS),
        Pair(EDIT, TASK_INSTANCES),
        Pair(CREATE, DATASETS),
        Pair(READ, IMPORT_ERRORS),
        Pair(READ, AUDIT_LOGS),
    }
)


@dataclass(frozen=True, slots=True)
class Access:
    """What one caller holds.

    ``is_unlimited``: everything. ``is_read_only``: whatever is held, only reading is allowed (a token of scope read).
    """

    pairs: frozenset[Pair] = frozenset()
    grants: frozenset[Grant] = frozenset()
    is_unlimited: bool = False
    is_read_only: bool = False

    def allows(self, action: str, resource: str, dag_id: str | None = None) -> bool:
        """Whether the action on the resource is allowed, everywhere or (with ``dag_id``) on that DAG."""
        if self.is_read_only and action not in READING:
            return False
        if self.is_unlimited or Pair(action, resource) in self.pairs:
            return True
        if resource == AUTOMATIONS and self.pairs >= _LIKE_AUTOMATIONS:
            return True  # so the role Admin has it and is, in the APIs, as in the reference
        return dag_id is not None and Grant(dag_id, action, resource) in self.grants

    def dag_ids(self, action: str, resource: str = DAGS) -> frozenset[str] | None:
        """The DAGs on which the action is allowed; None is all of them."""
        if self.allows(action, resource):
            return None
        if self.is_read_only and action not in READING:
            return frozenset()
        return frozenset(g.dag_id for g in self.grants if g.action == action and g.resource == resource)


#: Everything, for callers that an open door lets in.
UNLIMITED: Final = Access(is_unlimited=True)


def access_of(user: Caller | None) -> Access:
    """What the user holds: one query at the first call for this user object, none for a superuser.

    An inactive user holds nothing. A caller without a name holds what the role Public holds.
    """
    if user is None:
        user = AnonymousUser()
    kept: Access | None = getattr(user, _KEPT_AS, None)
    if kept is None:
        kept = _read_access(user)
        setattr(user, _KEPT_AS, kept)
    return kept


def is_allowed(user: Caller | None, action: str, resource: str, dag_id: str | None = None) -> bool:
    """Whether the user may do the action on the resource, everywhere or (with ``dag_id``) on that DAG."""
    return access_of(user).allows(action, resource, dag_id)


def require(actor: Caller | None, action: str, resource: str, dag_id: str | None = None) -> None:
    """Raise Forbidden unless the actor may; None is the system itself or an operator at its machine, and may all."""
    if actor is not None and not is_allowed(actor, action, resource, dag_id):
        raise Forbidden


def meets(user: Caller | None, pairs: Iterable[Pair], *, dag_id: str | None = None, any_dag: bool = False) -> bool:
    """Whether the user holds all pairs.

    With ``dag_id`` a pair on DAGs or DAG Runs may be held for that DAG only. With the DAG id ``~`` pairs on DAGs are
    not asked (the answer is filtered instead). With ``any_dag`` a pair on DAGs is met by a grant on any one DAG.
    """
    access = access_of(user)
    for action, resource in pairs:
        if resource == DAGS and dag_id == ANY_DAG and not (access.is_read_only and action not in READING):
            continue
        if resource == DAGS and any_dag and access.dag_ids(action):
            continue
        if not access.allows(action, resource, None if dag_id == ANY_DAG else dag_id):
            return False
    return True


def readable_dag_ids(user: Caller | None, action: str = READ) -> frozenset[str] | None:
    """The DAGs on which the user may do the action (default: read); None is all of them."""
    return access_of(user).dag_ids(action)


def editable_dag_ids(user: Caller | None) -> frozenset[str] | None:
    """The DAGs that the user may edit; None is all of them."""
    return access_of(user).dag_ids(EDIT)


def restrict(user: Caller, *, read_only: bool) -> None:
    """Limit what this user object may do for the rest of the request."""
    access = access_of(user)
    if read_only and not access.is_read_only:
        setattr(
            user,
            _KEPT_AS,
            Access(access.pairs, access.grants, is_unlimited=access.is_unlimited, is_read_only=True),
        )


def open_to_all(user: Caller) -> None:
    """Let this user object do everything for the rest of the request (an open door)."""
    setattr(user, _KEPT_AS, UNLIMITED)


def forget(user: Caller) -> None:
    """Read the user's access again at the next question."""
    if hasattr(user, _KEPT_AS):
        delattr(user, _KEPT_AS)


def permission(pair: Pair) -> Permission:
    """The Django permission of a pair, made when it is missing."""
    found, _ = Permission.objects.get_or_create(
        content_type=ContentType.objects.get_for_model(Resource),
        codename=pair.codename,
        defaults={"name": f"{pair.action.replace('_', ' ')} on {pair.resource}"},
    )
    return found


def _read_access(user: Caller) -> Access:
    if isinstance(user, AnonymousUser):
        return Access(frozenset(_pairs_of_role(PUBLIC_ROLE)))
    if not user.is_active:
        return Access()
    if user.is_superuser:
        return UNLIMITED
    if connection.in_atomic_block:
        return _held(user.pk)  # rows of a transaction that may be rolled back are not to be remembered
    found = _STAMP.rows(user.pk)
    return _stamped(user.pk, *found[0][:2]) if found else Access()


def recall(user: User, stamp: str, grants: str | None) -> None:
    """Keep on the user object what it holds, from what was read together with it (``stamp_columns``).

    One query where this process does not know these rows yet, otherwise none. Within a transaction nothing is kept.
    """
    if user.is_superuser:
        setattr(user, _KEPT_AS, UNLIMITED)
    elif not connection.in_atomic_block:
        setattr(user, _KEPT_AS, _stamped(user.pk, stamp, grants))


def _stamped(user_id: int, stamp: str, grants: str | None) -> Access:
    known = _known.get(user_id)
    if known is None or known[0] != stamp:
        if len(_known) >= _ROOM:
            _known.clear()
        known = _known[user_id] = (stamp, _held(user_id).pairs)
    return Access(known[1], frozenset(Grant(*each) for each in json.loads(grants)) if grants else frozenset())


#: Users whose pairs are remembered in one process.
_ROOM: Final = 4096
#: By user: a stamp of the rows that the pairs come from, and the pairs.
_known: dict[int, tuple[str, frozenset[Pair]]] = {}


def _held(user_id: int) -> Access:
    with connection.cursor() as cursor:
        cursor.execute(_held_by_user(), [user_id] * 3)
        rows: list[tuple[str, str, str | None]] = cursor.fetchall()
    pairs = frozenset(Pair.of_codename(action) for action, _, dag_id in rows if dag_id is None)
    grants = frozenset(Grant(dag_id, action, resource) for action, resource, dag_id in rows if dag_id is not None)
    return Access(pairs, grants)


def _pairs_of_role(name: str) -> Iterable[Pair]:
    codenames = Permission.objects.filter(
        group__name=name,
        content_type__app_label=Resource._meta.app_label,
        content_type__model=Resource._meta.model_name,
    ).values_list("codename", flat=True)
    return map(Pair.of_codename, codenames)


def _tables() -> dict[str, str]:
    quote: Callable[[str], str] = connection.ops.quote_name
    return {
        "permission": quote(Permission._meta.db_table),
        "type": quote(ContentType._meta.db_table),
        "by_group": quote(Group.permissions.through._meta.db_table),
        "by_user": quote(User.user_permissions.through._meta.db_table),
        "member": quote(User.groups.through._meta.db_table),
        "grant": quote(DagGrant._meta.db_table),
        "user": quote(User._meta.db_table),
        "app": Resource._meta.app_label,
        "model": Resource._meta.model_name or "",
    }


@cache
def _held_by_user() -> str:
    """SQL of (codename, '', NULL) for each pair and (action, resource, dag_id) for each grant; the user's id thrice.

    It is written out because it runs with nearly every request, and the ORM takes longer to build it than the
    database to answer it.
    """
    # Every name in the text is this program's own; the user's id is a parameter.
    text = """
        SELECT p.codename, '', NULL FROM {member} m
          JOIN {by_group} g ON g.group_id = m.group_id
          JOIN {permission} p ON p.id = g.permission_id
          JOIN {type} t ON t.id = p.content_type_id AND t.app_label = '{app}' AND t.model = '{model}'
         WHERE m.user_id = %s
        UNION
        SELECT p.codename, '', NULL FROM {by_user} u
          JOIN {permission} p ON p.id = u.permission_id
          JOIN {type} t ON t.id = p.content_type_id AND t.app_label = '{app}' AND t.model = '{model}'
         WHERE u.user_id = %s
        UNION ALL
        SELECT d.action, d.resource, d.dag_id FROM {member} m
          JOIN {grant} d ON d.group_id = m.group_id
         WHERE m.user_id = %s
    """
    return text.format(**_tables())


class _OfUser(RawSQL):
    """SQL that reads beside a row of users; the two databases call the making of JSON differently."""

    def as_sqlite(self, compiler: Any, connection: Any) -> tuple[str, tuple[()]]:
        arrays = "json_group_array(json_array(d.dag_id, d.action, d.resource))"
        return f"({self.sql.format(**_tables(), grants=arrays, snapshot='NULL')})", ()

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, tuple[()]]:
        arrays = "json_agg(json_build_array(d.dag_id, d.action, d.resource))::text"
        return f"({self.sql.format(**_tables(), grants=arrays, snapshot='pg_current_snapshot()::text')})", ()


def stamp_columns() -> list[RawSQL]:
    """What a query of active users may read beside each: stamp and grants for ``recall``, and a snapshot.

    The stamp is of the user's memberships, of the permissions of the user's roles and of the user's own: how many rows,
    and the newest. Those rows are added and removed, never changed, and get ever higher ids: an equal stamp means the
    same rows. The grants on DAGs, which are few and may be changed in place, come as JSON, null for none. The snapshot
    is PostgreSQL's: which transactions the query saw; null on SQLite.
    """
    # Every name in the texts is this program's own.
    stamp = """
        SELECT (SELECT count(*) || ':' || coalesce(max(m.id), 0) FROM {member} m WHERE m.user_id = {user}.id)
            || ',' || (SELECT count(*) || ':' || coalesce(max(g.id), 0) FROM {member} m
                         JOIN {by_group} g ON g.group_id = m.group_id WHERE m.user_id = {user}.id)
            || ',' || (SELECT count(*) || ':' || coalesce(max(u.id), 0) FROM {by_user} u WHERE u.user_id = {user}.id)
    """
    grants = """
        SELECT {grants} FROM {member} m JOIN {grant} d ON d.group_id = m.group_id WHERE m.user_id = {user}.id
    """
    return [_OfUser(text, (), TextField()) for text in (stamp, grants, "SELECT {snapshot}")]


_STAMP: Final = Prepared(lambda user_id: User.objects.filter(pk=user_id).order_by().values_list(*stamp_columns()), int)
