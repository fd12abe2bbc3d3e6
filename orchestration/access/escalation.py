"""Nobody gives a right, or takes over an account, beyond their own; and there is always somebody who may do all."""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib.auth.models import Group
from django.db.models import Q

from orchestration.access import permissions
from orchestration.access.permissions import Access, Caller, Grant, Pair
from orchestration.access.roles import ADMIN, is_admin
from orchestration.errors import Conflict, Forbidden
from orchestration.models import DagGrant, Resource, User


def access_of_groups(groups: Iterable[Group]) -> Access:
    """What the roles give together; two queries."""
    ids = [group.pk for group in groups]
    codenames = Group.objects.filter(
        pk__in=ids,
        permissions__content_type__app_label=Resource._meta.app_label,
        permissions__content_type__model=Resource._meta.model_name,
    ).values_list("permissions__codename", flat=True)
    grants = DagGrant.objects.filter(group__in=ids).values_list("dag_id", "action", "resource")
    return Access(frozenset(map(Pair.of_codename, codenames)), frozenset(Grant(*row) for row in grants))


def covers(actor: Caller | None, wanted: Access) -> bool:
    """Whether the actor holds all of ``wanted``; the system, superusers and holders of the role Admin always do."""
    if actor is None or (isinstance(actor, User) and actor.is_active and is_admin(actor)):
        return True
    if wanted.is_unlimited:
        return False
    access = permissions.access_of(actor)
    return all(access.allows(*pair) for pair in wanted.pairs) and all(
        access.allows(grant.action, grant.resource, grant.dag_id) for grant in wanted.grants
    )


def require_cover(actor: Caller | None, wanted: Access) -> None:
    """Raise Forbidden unless the actor holds all of ``wanted``."""
    if not covers(actor, wanted):
        raise Forbidden("That would give or change rights which you do not have yourself. Ask an administrator.")


def require_mastery(actor: Caller | None, user: User) -> None:
    """Raise Forbidden when the user has rights that the actor has not: such an account is not theirs to change."""
    if isinstance(actor, User) and actor.pk == user.pk:
        return
    held = Access(is_unlimited=True) if is_admin(user) else access_of_groups(user.groups.all())
    require_cover(actor, held)


def hold_admins() -> None:
    """Lock out other changes of who is an administrator until the transaction ends."""
    list(Group.objects.select_for_update().filter(name=ADMIN).values_list("pk", flat=True))


def require_an_admin() -> None:
    """Raise Conflict when no active administrator is left; to be asked after the change, in its transaction."""
    if not User.objects.filter(Q(is_superuser=True) | Q(groups__name=ADMIN), is_active=True).exists():
        raise Conflict("This is the last administrator. Make another one first.")
