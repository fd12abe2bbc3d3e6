"""Rows of ``values_list`` as the members that answers show, without model instances.

A ``Shape`` names the members of an answer, the columns they come from, and what has to be done with a few of them.
A plain shape gets the values Django gives. A *direct* one is for lists that are asked all the time: it leaves out what
costs most there, the making of datetimes and JSON values that would be written out again at once. Its moments are
texts already as they are answered, its JSON columns are passed on as they are stored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import BooleanField, DateTimeField, QuerySet
from orjson import Fragment
from psycopg.types.string import TextLoader

from api_v1.problems import bad_request
from orchestration.models.fields import EncryptedTextField, JsonTextField
from orchestration.models.prepared import fetched

Row = dict[str, Any]
#: What becomes of a value that is not None.
Change = Callable[[Any], Any]


class Shape:
    """``columns``: member → column, in the order they are answered. ``changes`` turn values of members into answers.

    ``copies``: member → member it repeats. ``is_direct``: see above; ``changes`` get texts for moments and JSON then.
    """

    def __init__(
        self,
        columns: Mapping[str, str],
        *,
        changes: Mapping[str, Change] | None = None,
        copies: Mapping[str, str] | None = None,
        is_direct: bool = False,
    ) -> None:
        self.columns = dict(columns)
        self.changes = dict(changes or {})
        self.copies = dict(copies or {})
        self.is_direct = is_direct
        self.members = (*self.columns, *self.copies)
        self._whole = self._plan(None)
        self._statements: dict[tuple[str, str], tuple[str, tuple[int, ...]]] = {}

    def _plan(self, wanted: Sequence[str] | None) -> _Plan:
        if wanted is None:
            return _Plan(self, tuple(self.columns), self.copies)
        needed = [name for name in self.columns if name in wanted]
        return _Plan(self, tuple(needed), {name: of for name, of in self.copies.items() if name in wanted})

    def rows(self, queryset: QuerySet[Any], wanted: Sequence[str] | None = None) -> list[Row]:
        """The rows as answers; ``wanted`` leaves out other members. One query."""
        plan = self._whole if wanted is None else self._plan(wanted)
        chosen = queryset.values_list(*plan.selected)
        if not self.is_direct:
            return plan.answers(chosen)
        try:
            sql, parameters = chosen.query.sql_with_params()
        except EmptyResultSet:
            return []
        return plan.answers(_fetched(sql, parameters), _converters(queryset, plan))

    def one(self, queryset: QuerySet[Any], wanted: Sequence[str] | None = None) -> Row | None:
        """The first row as an answer."""
        found = self.rows(queryset[:1], wanted)
        return found[0] if found else None

    def named(self, name: str, find: Callable[..., QuerySet[Any]], *texts: str) -> Row | None:
        """``one(find(*texts))`` of a direct shape, without building the query each time; ``name`` says which it is.

        ``find`` narrows by equality with each of the texts; for what is asked thousands of times a minute.
        """
        found = self.page(name, find, texts, limit=1)
        return found[0] if found else None

    def page(
        self, name: str, find: Callable[..., QuerySet[Any]], texts: Sequence[str], *, limit: int, offset: int = 0
    ) -> list[Row]:
        """``rows(find(*texts)[offset : offset + limit])`` of a direct shape, as ``named``."""
        vendor = connection.vendor
        known = self._statements.get((vendor, name))
        if known is None:
            marks = [f"\x01{number}" for number in range(len(texts))]
            query = find(*marks).values_list(*self._whole.selected).query
            sql, parameters = query.sql_with_params()
            known = self._statements[vendor, name] = (sql, tuple(marks.index(parameter) for parameter in parameters))
        sql, places = known
        part = f"{sql} LIMIT {limit:d} OFFSET {offset:d}" if offset else f"{sql} LIMIT {limit:d}"
        given = tuple(texts[place] for place in places)
        # pages further on are asked once each: not worth a plan that is kept
        found = _fetched(part, given) if offset else fetched(part, given, has_texts=True)
        if not found:
            return []
        return self._whole.answers(
            found, _converters(find(*texts) if vendor not in self._whole.converters else None, self._whole)
        )


class _Plan:
    """Which columns are read, and how their values become members."""

    def __init__(self, shape: Shape, names: tuple[str, ...], copies: Mapping[str, str]) -> None:
        read = dict.fromkeys((*names, *copies.values()))  # a copy's original is read even where it is not shown
        self.names = tuple(read)
        self.hidden = tuple(name for name in read if name not in names)
        self.selected = tuple(shape.columns[name] for name in self.names)
        self.changes = [(name, shape.changes[name]) for name in self.names if name in shape.changes]
        self.copies = tuple(copies.items())
        #: By database: (member, what becomes of its value); filled at first use.
        self.converters: dict[str, list[tuple[str, Change]]] = {}

    def answers(self, found: Iterable[Sequence[Any]], converters: Sequence[tuple[str, Change]] = ()) -> list[Row]:
        names, changes, copies, hidden = self.names, self.changes, self.copies, self.hidden
        answers = []
        for values in found:
            row = dict(zip(names, values, strict=True))
            for name, convert in converters:
                value = row[name]
                if value is not None:
                    row[name] = convert(value)
            for name, change in changes:
                row[name] = change(row[name])
            for name, original in copies:
                row[name] = row[original]
            for name in hidden:
                del row[name]
            answers.append(row)
        return answers


def _fetched(sql: str, parameters: Sequence[Any]) -> list[Any]:
    """All rows of a statement, values as the driver has them, moments as the database's texts."""
    if connection.vendor != "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            found: list[Any] = cursor.cursor.fetchall()
            return found
    with connection.cursor() as cursor:
        # Django's loader of moments is Python; the text is all that is needed
        cursor.cursor.adapters.register_loader("timestamptz", TextLoader)
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())


def _converters(queryset: QuerySet[Any] | None, plan: _Plan) -> list[tuple[str, Change]]:
    vendor = connection.vendor
    known = plan.converters.get(vendor)
    if known is None:
        assert queryset is not None
        fields = [
            (name, _field(queryset.model, column)) for name, column in zip(plan.names, plan.selected, strict=True)
        ]
        known = plan.converters[vendor] = [
            (name, change) for name, field in fields if (change := _change(field, vendor)) is not None
        ]
    return known


def _field(model: Any, path: str) -> Any:
    *steps, last = path.split("__")
    for step in steps:
        model = model._meta.get_field(step).related_model
    return model._meta.pk if last == "pk" else model._meta.get_field(last)


def _change(field: Any, vendor: str) -> Change | None:
    if isinstance(field, DateTimeField):
        return _of_postgres if vendor == "postgresql" else _of_sqlite
    if isinstance(field, JsonTextField):
        return Fragment
    if isinstance(field, EncryptedTextField):
        return lambda value: field.from_db_value(value, None, connection)
    if isinstance(field, BooleanField) and vendor != "postgresql":
        return bool
    return None


def _of_postgres(text: str) -> str:
    """``2024-01-01 00:00:00.5+00`` as it is answered; the session's zone is UTC."""
    if len(text) == 22:
        return f"{text[:10]}T{text[11:]}:00"
    clock, _, zone = text[11:].partition("+")
    whole, _, fraction = clock.partition(".")
    return f"{text[:10]}T{whole}.{fraction:0<6}+{zone}:00"


def _of_sqlite(value: Any) -> str:
    """A stored moment, which is in UTC, as it is answered: the driver gives a naive datetime, or text."""
    text = value.isoformat() if isinstance(value, datetime) else f"{value[:10]}T{value[11:]}"
    return f"{text}+00:00"


def as_json(text: str | None) -> Any:
    """Stored JSON text, passed on as it is."""
    return None if text is None else Fragment(text)


def check_fields(wanted: Sequence[str] | None, known: Iterable[str], *, title: str, message: str) -> None:
    """Raise Problem (400) where ``fields`` names a member that an answer does not have."""
    if wanted is None:
        return
    allowed = frozenset(known)
    for name in wanted:
        if name not in allowed:
            raise bad_request(message.format(name[:100]), title=title)


def only(row: Mapping[str, Any], wanted: Sequence[str] | None) -> Mapping[str, Any]:
    """The row's wanted members."""
    return row if wanted is None else {name: row[name] for name in wanted}
