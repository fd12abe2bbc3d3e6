"""The built-in roles: Django groups whose permissions are fixed.

Source of the sets: ``reference/permissions.json``, read from Airflow 2.10.5. Each role holds all of the one before.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db import transaction

from orchestration.access import permissions as p
from orchestration.access.permissions import Pair
from orchestration.models import Resource, User

PUBLIC: Final = p.PUBLIC_ROLE
VIEWER: Final = "Viewer"
USER: Final = "User"
OP: Final = "Op"
ADMIN: Final = "Admin"


def _pairs(text: str) -> frozenset[Pair]:
    """Pairs from lines ``action: resource, resource``."""
    return frozenset(
        Pair(action.strip(), resource.strip())
        for line in text.strip().splitlines()
        for action, _, resources in [line.partition(":")]
        for resource in resources.split(",")
    )


_VIEWER = _pairs("""
    can_read: Cluster Activity, DAG Code, DAG Dependencies, DAG Runs, DAG Warnings, DAGs, Datasets, ImportError, Jobs
    can_read: My Password, My Profile, Pools, SLA Misses, Task Instances, Task Logs, Website, XComs
    can_edit: My Password, My Profile
    menu_access: Browse, Cluster Activity, DAG Dependencies, DAG Runs, DAGs, Datasets, Docs, Documentation, Jobs
    menu_access: SLA Misses, Task Instances
""")
_USER = _VIEWER | _pairs("""
    can_create: DAG Runs, Datasets, Task Instances
    can_edit: DAG Runs, DAGs, Task Instances
    can_delete: DAG Runs, DAGs, Task Instances
""")
_OP = _USER | _pairs("""
    can_create: Connections, Pools, Variables
    can_read: Configurations, Connections, Plugins, Providers, Variables
    can_edit: Connections, Pools, Variables
    can_delete: Connections, Datasets, Pools, Variables, XComs
    menu_access: Admin, Configurations, Connections, Plugins, Pools, Providers, Variables, XComs
""")
_ADMIN = _OP | _pairs("""
    can_create: Roles, Users
    can_read: Audit Logs, Passwords, Permission Views, Permissions, Roles, Task Reschedules, Triggers
    can_read: User Stats Chart, Users, View Menus
    can_edit: Passwords, Roles, Users
    can_delete: Roles, Users
    menu_access: Actions, Audit Logs, List Roles, List Users, Permission Pairs, Resources, Security
    menu_access: Task Reschedules, Triggers, User's Statistics
""")
#: Of what the reference does not have: for one's own roles. Administrators have the right to them (``Access.allows``).
_ADDED = frozenset(Pair(action, p.AUTOMATIONS) for action in (p.CREATE, p.READ, p.EDIT, p.DELETE))

#: The pairs of each built-in role, in the order in which they are made.
BUILT_IN: Mapping[str, frozenset[Pair]] = {
    ADMIN: _ADMIN,
    PUBLIC: frozenset(),
    VIEWER: _VIEWER,
    USER: _USER,
    OP: _OP,
}


def is_built_in(name: str) -> bool:
    """Whether the role belongs to the program: it can be neither renamed nor deleted."""
    return name in BUILT_IN


def is_admin(user: User) -> bool:
    """Whether the user holds the role Admin or is a superuser; one query unless the groups are prefetched."""
    return user.is_superuser or any(group.name == ADMIN for group in user.groups.all())


@transaction.atomic
def ensure_built_in() -> None:
    """Make the permissions and the built-in roles, and give a role that lacks some of its pairs those pairs.

    Pairs that an operator added to a built-in role stay.
    """
    kind = ContentType.objects.get_for_model(Resource)
    known = {row.codename: row for row in Permission.objects.filter(content_type=kind)}
    missing = [pair for pair in _ADMIN | _ADDED if pair.codename not in known]
    for row in Permission.objects.bulk_create(
        Permission(
            content_type=kind, codename=pair.codename, name=f"{pair.action.replace('_', ' ')} on {pair.resource}"
        )
        for pair in sorted(missing)
    ):
        known[row.codename] = row
    for name, pairs in BUILT_IN.items():
        group, _ = Group.objects.get_or_create(name=name)
        held = set(group.permissions.filter(content_type=kind).values_list("codename", flat=True))
        group.permissions.add(*(known[pair.codename] for pair in pairs if pair.codename not in held))


def after_migrate(**_: Any) -> None:
    """Receiver of ``post_migrate``."""
    ContentType.objects.clear_cache()  # a flush, as after tests with transactions, gave the types new ids
    ensure_built_in()
