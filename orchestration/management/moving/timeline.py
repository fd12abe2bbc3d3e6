"""Rows without a name of their own, told apart by their moment and all they say: log entries and dataset events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from django.db.models import QuerySet

from orchestration.management.moving.move import Move
from orchestration.management.moving.source import Row

#: The moments of a batch, after the first and up to the second; None is for the beginning and the end.
Span = tuple[Any, Any]
#: Airflow has no index by the moment for some tables: there a batch is so many times as long, and read as often less.
WIDE = 3


def batches(move: Move, select: str, at: str, *, size: int | None = None) -> Iterator[list[Row]]:
    """The rows of a query in the order of their moment, its first column; a batch holds all rows of each moment."""
    size = size or move.batch_size
    after: Any = None
    while True:
        where = f"{at} > %s" if after is not None else f"{at} IS NOT NULL"
        given = [after] if after is not None else []
        found = move.source.rows(f"{select} WHERE {where} ORDER BY {at} LIMIT {size}", given)
        if not found:
            return
        last = found[-1][0]
        if len(found) == size:
            found = [row for row in found if row[0] != last]
            found += move.source.rows(f"{select} WHERE {at} = %s", [last])
        yield found
        after = last


def spans(move: Move, table: str, at: str) -> Iterator[Span]:
    """The moments of a table that has an index by them, one batch after another."""
    after: Any = None
    while True:
        where = f"{at} > %s" if after is not None else f"{at} IS NOT NULL"
        found = move.source.rows(
            f"SELECT {at} FROM {table} WHERE {where} ORDER BY {at} LIMIT 1 OFFSET {move.batch_size - 1}",  # noqa: S608
            [after] if after is not None else [],
        )
        last = found[0][0] if found else None
        yield after, last
        if last is None:
            return
        after = last


def within(move: Move, select: str, at: str, span: Span) -> list[Row]:
    """The rows of a query in the moments of a span, in their order."""
    after, last = span
    bounds = [(f"{at} > %s", after), (f"{at} <= %s", last)]
    where = " AND ".join([f"{at} IS NOT NULL", *(bound for bound, moment in bounds if moment is not None)])
    return move.source.rows(
        f"{select} WHERE {where} ORDER BY {at}", [moment for _, moment in bounds if moment is not None]
    )


def missing(batch: Sequence[Row], key: Callable[[Row], Row], here: QuerySet[Any], columns: Sequence[str]) -> list[Row]:
    """The rows of a batch that are not in the table: of equal rows, as many as there are too few."""
    if not batch:
        return []
    moments = [key(row)[0] for row in (batch[0], batch[-1])]
    span = {f"{columns[0]}__gte": min(moments), f"{columns[0]}__lte": max(moments)}
    present = Counter(here.filter(**span).order_by().values_list(*columns))
    if not present:
        return list(batch)
    new = []
    for row in batch:
        found = key(row)
        if present[found] > 0:
            present[found] -= 1
        else:
            new.append(row)
    return new
