"""SQL that reads many rows fast on both databases.

Django's functions of moments are Python on SQLite, called for each row: a tenth of a second for 10,000 rows. SQLite
keeps moments as UTC texts, so its own functions of texts and days do the same.
"""

from __future__ import annotations

from typing import Any, Literal

from django.db.models import BooleanField, CharField, FloatField, Func, Q

#: Characters of a moment, as SQLite keeps it, that name its hour or day.
_LENGTHS = {"hour": 13, "day": 10}
#: What a ``Cut`` gives for a moment, for ``strftime``.
FORMATS = {"hour": "%Y-%m-%d %H", "day": "%Y-%m-%d"}


class Cut(Func):
    """The hour or day (UTC) of a moment's column as a text in the form of ``FORMATS``."""

    arity = 1
    output_field = CharField()

    def __init__(self, column: str, unit: Literal["hour", "day"], **extra: Any) -> None:
        super().__init__(column, unit=unit, **extra)

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        template = f"substr(%(expressions)s, 1, {_LENGTHS[self.extra['unit']]})"
        return self.as_sql(compiler, connection, template=template, **extra)

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        form = {"hour": "YYYY-MM-DD HH24", "day": "YYYY-MM-DD"}[self.extra["unit"]]
        template = f"to_char(%(expressions)s AT TIME ZONE 'UTC', '{form}')"
        return self.as_sql(compiler, connection, template=template, **extra)


class Seconds(Func):
    """The seconds from the first moment to the second, null where one is; to a thousandth."""

    arity = 2
    output_field = FloatField()

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        begin, end = (compiler.compile(each) for each in self.source_expressions)
        return f"round((julianday({end[0]}) - julianday({begin[0]})) * 86400.0, 3)", (*end[1], *begin[1])

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        begin, end = (compiler.compile(each) for each in self.source_expressions)
        return f"extract(epoch FROM {end[0]} - {begin[0]})::float8", (*end[1], *begin[1])


class Rare(Func):
    """A condition that few rows of a large table meet, to be filtered by.

    SQLite takes each value of a column to be as frequent as any other, and would walk a table of years for what runs
    now. PostgreSQL counts, and needs no hint.
    """

    function = "unlikely"
    arity = 1
    conditional = True
    output_field = BooleanField()

    def __init__(self, condition: Q, **extra: Any) -> None:
        super().__init__(condition, **extra)

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        return self.as_sql(compiler, connection, template="(%(expressions)s)", **extra)
