"""How many rows a list has, without counting them again while nothing changed.

Counting a million rows takes longer than all the rest of an answer. A count is therefore kept together with what the
database says of its own state: PostgreSQL's snapshot (which transactions are visible), SQLite's data version. Two equal
snapshots see the same rows, so a kept count is exact, in every process, also right after somebody else's write.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet

#: Counts kept in one process.
_ROOM = 1024


class _Kept:
    """Values by statement, with the state they were read in; safe between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: OrderedDict[Hashable, tuple[Hashable, Any]] = OrderedDict()

    def get(self, key: Hashable, state: Hashable) -> Any:
        with self._lock:
            found = self._values.get(key)
            if found is None or found[0] != state:
                return None
            self._values.move_to_end(key)
            return found[1]

    def put(self, key: Hashable, state: Hashable, value: Any) -> None:
        with self._lock:
            self._values[key] = (state, value)
            self._values.move_to_end(key)
            while len(self._values) > _ROOM:
                self._values.popitem(last=False)

    def clear(self) -> None:
        with self._lock:
            self._values.clear()


_kept = _Kept()


def count(queryset: QuerySet[Any], state: Hashable | None = None) -> int:
    """How many rows the queryset has; ``state`` is that of the database where the caller has asked for it already."""
    chosen = queryset.order_by()
    try:
        key = chosen.values("pk").query.sql_with_params()
    except EmptyResultSet:
        return 0
    return int(unless_changed(key, chosen.count, state))


def unless_changed(key: Hashable, read: Callable[[], Any], state: Hashable | None = None) -> Any:
    """What ``read`` gives, or gave when the database was in the state it is in now."""
    if state is None:
        state = state_of_database()
    if state is None:
        return read()
    value = _kept.get(key, state)
    if value is None:
        value = read()
        if state_of_database() == state:
            _kept.put(key, state, value)
    return value


def forget() -> None:
    """Forget all counts."""
    _kept.clear()


def state_of_database() -> Hashable | None:
    """What the database's rows depend on; None within a transaction, whose own writes it would not tell."""
    if connection.in_atomic_block:
        return None
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT pg_current_snapshot()::text, current_database()")
            return tuple(cursor.fetchone() or ())
        cursor.execute("PRAGMA data_version")
        version = (cursor.fetchone() or (None,))[0]
        own = connection.connection
        return (id(own), version, own.total_changes)
