"""Variables, connections and pools."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import transaction

from orchestration.conf import conf
from orchestration.management.moving.move import Move
from orchestration.management.moving.source import Row
from orchestration.management.moving.values import Unreadable
from orchestration.models import Connection, Pool, Variable
from orchestration.models.pool import DEFAULT_POOL

_CONNECTION = (
    "conn_id", "conn_type", "description", "host", "schema", "login", "password", "port", "extra", "is_encrypted",
    "is_extra_encrypted",
)  # fmt: skip


def copy_variables(move: Move) -> None:
    """Those whose key is not here."""

    def made(row: Row) -> Variable:
        key, val, description, is_encrypted = row
        return Variable(key=key, val=move.secret(val, is_encrypted), description=description)

    _copy(move, "variables", Variable, "key", "variable", ("key", "val", "description", "is_encrypted"), made)


def copy_connections(move: Move) -> None:
    """Those whose id is not here."""

    def made(row: Row) -> Connection:
        found = dict(zip(_CONNECTION, row, strict=True))
        is_encrypted, is_extra_encrypted = found.pop("is_encrypted"), found.pop("is_extra_encrypted")
        found["password"] = move.secret(found["password"], is_encrypted)
        found["extra"] = move.secret(found["extra"], is_extra_encrypted)
        return Connection(**found)

    _copy(move, "connections", Connection, "conn_id", "connection", _CONNECTION, made)


def copy_pools(move: Move) -> None:
    """Those whose name is not here; ``default_pool`` is here always and takes over the size while it has the first."""

    def made(row: Row) -> Pool:
        name, slots, description, include_deferred = row
        return Pool(name=name, slots=slots, description=description, include_deferred=bool(include_deferred))

    columns = ("pool", "slots", "description", "include_deferred")
    _copy(move, "pools", Pool, "name", "slot_pool", columns, made)
    first = Pool.objects.filter(name=DEFAULT_POOL, slots=conf.getint("core", "default_pool_task_slot_count"))
    for name, slots, description, _ in move.source.every("slot_pool", columns, "id"):
        if name == DEFAULT_POOL and first.exclude(slots=slots).update(slots=slots, description=description):
            move.report.of("pools").copied += 1
            move.report.of("pools").present -= 1


@transaction.atomic
def _copy(
    move: Move,
    kind: str,
    model: type[Variable] | type[Connection] | type[Pool],
    key: str,
    table: str,
    columns: tuple[str, ...],
    made: Callable[[Row], Any],
) -> None:
    tally = move.report.of(kind)
    present = set(model._default_manager.values_list(key, flat=True))
    wanted = []
    for row in move.source.every(table, columns, "id"):
        name = row[0]
        if name in present:
            tally.present += 1
            continue
        try:
            wanted.append(made(row))
        except Unreadable as reason:
            tally.leave(str(reason), name)
    tally.copied += len(model._default_manager.bulk_create(wanted, batch_size=500))
