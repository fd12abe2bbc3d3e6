"""Pools: create, change, delete, and how full they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.db.models import Sum, Value
from django.db.models.functions import Coalesce

from orchestration.access import permissions
from orchestration.access.permissions import Caller
from orchestration.conf import conf
from orchestration.errors import Conflict, Invalid, NotFound
from orchestration.models import Pool, TaskInstance
from orchestration.models.pool import DEFAULT_POOL
from orchestration.services import audit
from orchestration.states import TaskInstanceState

#: The most characters of a name, and the most slots.
LONGEST_NAME: Final = 256
MOST_SLOTS: Final = 2**31 - 1
#: Slots of a pool without limit.
UNLIMITED: Final = -1
_COUNTED = (
    TaskInstanceState.RUNNING,
    TaskInstanceState.QUEUED,
    TaskInstanceState.SCHEDULED,
    TaskInstanceState.DEFERRED,
)


@dataclass(frozen=True, slots=True)
class Usage:
    """Slots in use, by the state of the task instances that hold or want them."""

    running: int = 0
    queued: int = 0
    scheduled: int = 0
    deferred: int = 0

    def occupied(self, pool: Pool) -> int:
        """Slots that are taken."""
        return self.running + self.queued + (self.deferred if pool.include_deferred else 0)

    def open(self, pool: Pool) -> int:
        """Slots that are free; -1 for a pool without limit."""
        return UNLIMITED if pool.slots == UNLIMITED else pool.slots - self.occupied(pool)


def find(name: str) -> Pool:
    """The pool of this name; raises NotFound."""
    pool = Pool.objects.filter(name=name).first()
    if pool is None:
        raise NotFound(f"Pool with name:'{name}' not found")
    return pool


def usage(names: Iterable[str]) -> Mapping[str, Usage]:
    """The use of these pools, one query for all; a pool that is not there has none.

    All pools are counted, and grouped by an expression: with their names in the statement, or by the bare column,
    SQLite walks the pools' index, through all of the history.
    """
    counted: dict[str, dict[str, int]] = {name: {} for name in names}
    rows = (
        TaskInstance.objects.filter(state__in=_COUNTED)
        .order_by()
        .values_list(Coalesce("pool", Value("")), "state")
        .annotate(slots=Sum("pool_slots"))
    )
    for name, state, slots in rows:
        if name in counted:
            counted[name][state] = slots
    return {name: Usage(**by_state) for name, by_state in counted.items()}


@transaction.atomic
def create(
    *,
    actor: Caller | None,
    name: str,
    slots: int,
    description: str | None = None,
    include_deferred: bool = False,
) -> Pool:
    """Make a pool. Raises Conflict when the name is taken, Invalid for slots below -1, Forbidden."""
    permissions.require(actor, permissions.CREATE, permissions.POOLS)
    pool = Pool(name=name, slots=slots, description=description, include_deferred=include_deferred)
    _check(pool)
    _save(pool)
    audit.record("post_pool", actor=actor, extra={"name": name, "slots": slots})
    return pool


@transaction.atomic
def update(pool: Pool, *, actor: Caller | None, **changes: Any) -> Pool:
    """Change ``name``, ``slots``, ``description`` or ``include_deferred``.

    Of default_pool only the last three. Raises Conflict, Invalid, Forbidden.
    """
    permissions.require(actor, permissions.EDIT, permissions.POOLS)
    if pool.name == DEFAULT_POOL and changes.get("name", DEFAULT_POOL) != DEFAULT_POOL:
        raise Invalid("Default Pool's name can't be modified")
    for field, value in changes.items():
        setattr(pool, field, value)
    _check(pool)
    _save(pool)
    audit.record("patch_pool", actor=actor, extra={"pool_name": pool.name, **changes})
    return pool


@transaction.atomic
def delete(pool: Pool, *, actor: Caller | None) -> None:
    """Delete a pool; task instances keep its name and wait until it is there again. Raises Invalid for default_pool."""
    permissions.require(actor, permissions.DELETE, permissions.POOLS)
    if pool.name == DEFAULT_POOL:
        raise Invalid("Default Pool can't be deleted")
    pool.delete()
    audit.record("delete_pool", actor=actor, extra={"pool_name": pool.name})


def ensure_default(**_: Any) -> None:
    """Make default_pool when it is missing; receiver of ``post_migrate``."""
    slots = conf.getint("core", "default_pool_task_slot_count")
    Pool.objects.get_or_create(name=DEFAULT_POOL, defaults={"slots": slots, "description": "Default pool"})


def _check(pool: Pool) -> None:
    if len(pool.name) > LONGEST_NAME:
        raise Invalid(f"The pool's name is longer than {LONGEST_NAME} characters. Choose a shorter one.")
    if not UNLIMITED <= pool.slots <= MOST_SLOTS:
        raise Invalid(f"{pool.slots} slots cannot be: give a number from 0 to {MOST_SLOTS}, or -1 for no limit.")


def _save(pool: Pool) -> None:
    try:
        with transaction.atomic():
            pool.save()
    except IntegrityError:
        raise Conflict(f"Pool: {pool.name} already exists") from None
