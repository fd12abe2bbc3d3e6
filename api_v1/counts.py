"""How many rows a list has, without counting them again while nothing changed.

Counting a million rows takes longer than all the rest of an answer. A count is therefore kept together with what the
database says of its own state: PostgreSQL's snapshot (which transactions are visible), SQLite's data version. Two equal
snapshots see the same rows, so a kept count is exact, in every process, also right after somebody else's write.

While the scheduler writes, no two snapshots are equal. Then a count over ``EXACT_UP_TO`` may be given again for twenty
times as long as it took, ``LONGEST_AGE`` at most: counting takes a twentieth of the time, however many rows there are.
Smaller counts, and those for callers who send ``Cache-Control: no-cache``, are always of this moment.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Count, Func, QuerySet, TextField

#: A list of so many entries, or fewer, is never told from memory after a change.
EXACT_UP_TO: Final = 10_000
#: Seconds for which a longer list's count may be given again although something changed.
LONGEST_AGE: Final = 5.0
#: How many times as long as it took to make.
_AGE_BY_COST: Final = 20
#: Counts kept in one process.
_ROOM: Final = 1024


@dataclass(frozen=True, slots=True)
class _Count:
    """``until``: when it may no longer be given after a change, by the monotonic clock."""

    state: Hashable
    value: Any
    until: float


class _Kept:
    """Counts by what was counted; safe between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: OrderedDict[Hashable, _Count] = OrderedDict()

    def get(self, key: Hashable, state: Hashable, *, is_exact: bool) -> Any:
        with self._lock:
            found = self._counts.get(key)
            if found is None:
                return None
            if found.state != state and (is_exact or found.until < time.monotonic()):
                return None
            self._counts.move_to_end(key)
            return found.value

    def put(self, key: Hashable, count: _Count) -> None:
        with self._lock:
            self._counts[key] = count
            self._counts.move_to_end(key)
            while len(self._counts) > _ROOM:
                self._counts.popitem(last=False)

    def clear(self) -> None:
        with self._lock:
            self._counts.clear()


_kept = _Kept()


def count(queryset: QuerySet[Any], state: Hashable | None = None, *, is_exact: bool = False) -> int:
    """How many rows the queryset has; one query, or none.

    ``state`` is that of the database where the caller knows it already. ``is_exact``: of this moment, however many.
    """
    chosen = queryset.order_by()
    try:
        key = chosen.values("pk").query.sql_with_params()
    except EmptyResultSet:
        return 0
    return count_named(key, lambda: chosen, state, is_exact=is_exact)


def count_named(
    key: Hashable, find: Callable[[], QuerySet[Any]], state: Hashable | None = None, *, is_exact: bool = False
) -> int:
    """As ``count``, for the queryset that ``find`` gives; ``key`` says which rows it is about, and no other."""
    number: int = _known(("count", key), lambda: _counted(find().order_by()), state, is_exact=is_exact)
    return number


def tally(
    key: Hashable, find: Callable[[], QuerySet[Any]], *columns: str, state: Hashable | None = None
) -> Mapping[tuple[Any, ...], int]:
    """How many rows of ``find()`` have each combination of values in the columns, always of this moment.

    Kept while nothing changes; ``key`` says which rows it is about, and no other.
    """
    numbers: Mapping[tuple[Any, ...], int] = _known(
        ("tally", key, columns), lambda: _tallied(find().order_by(), columns), state, is_exact=True
    )
    return numbers


def _known(key: Hashable, make: Callable[[], _Made], state: Hashable | None, *, is_exact: bool) -> Any:
    if state is None:
        state = state_of_database()
    if state is None:
        return make().value
    value = _kept.get(key, state, is_exact=is_exact)
    if value is None:
        began = time.monotonic()
        made = make()
        ended = time.monotonic()
        age = min(LONGEST_AGE, _AGE_BY_COST * (ended - began)) if made.rows > EXACT_UP_TO else 0.0
        seen = state if made.snapshot is None else of_snapshot(made.snapshot)
        value = made.value
        _kept.put(key, _Count(seen, value, ended + age))
    return value


@dataclass(frozen=True, slots=True)
class _Made:
    """A count of so many ``rows``; on PostgreSQL with the snapshot that it was made in, unless there were none."""

    value: Any
    rows: int
    snapshot: str | None = None


def _counted(chosen: QuerySet[Any]) -> _Made:
    if connection.vendor != "postgresql":
        number = chosen.count()
        return _Made(number, number)
    found = chosen.aggregate(number=Count("*"), snapshot=_Snapshot())
    return _Made(found["number"], found["number"], found["snapshot"])


def _tallied(chosen: QuerySet[Any], columns: Sequence[str]) -> _Made:
    grouped = chosen.values_list(*columns)
    if connection.vendor != "postgresql":
        numbers = {tuple(values): number for *values, number in grouped.annotate(number=Count("*"))}
        return _Made(numbers, sum(numbers.values()))
    found = list(grouped.annotate(number=Count("*"), snapshot=_Snapshot()))
    numbers = {tuple(values): number for *values, number, _ in found}
    return _Made(numbers, sum(numbers.values()), found[0][-1] if found else None)


class _Snapshot(Func):
    """Which transactions the statement sees; of the statement, so it may stand beside an aggregate."""

    template = "pg_current_snapshot()::text"
    arity = 0
    contains_aggregate = True
    output_field = TextField()


def forget() -> None:
    """Forget all counts."""
    _kept.clear()


def of_snapshot(snapshot: str | None) -> Hashable | None:
    """The state of the database that PostgreSQL's snapshot stands for; None for None and within a transaction."""
    if snapshot is None or connection.in_atomic_block:
        return None
    return snapshot, connection.settings_dict["NAME"]


def state_of_database() -> Hashable | None:
    """What the database's rows depend on; None within a transaction, whose own writes it would not tell."""
    if connection.in_atomic_block:
        return None
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT pg_current_snapshot()::text")
            return of_snapshot((cursor.fetchone() or (None,))[0])
        cursor.execute("PRAGMA data_version")
        version = (cursor.fetchone() or (None,))[0]
        own = connection.connection
        return (id(own), version, own.total_changes)
