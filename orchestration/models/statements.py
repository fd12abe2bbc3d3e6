"""Statements that every task causes, as text: building them anew costs more than running them.

A text serves any number of rows, which go in as one parameter. On PostgreSQL the server prepares each text at its first
use in a connection, and so parses and plans it once. A pooler between may give each transaction another connection, on
which nothing is prepared: the first error that says so ends the preparing in this process, and who is told of the error
tries again as after any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
import psycopg
from django.db import connection
from django.db.models import Model
from psycopg.errors import DuplicatePreparedStatement, InvalidSqlStatementName

Row = tuple[Any, ...]


def execute(text: str, *parameters: Any) -> list[Row]:
    """Run a statement; its rows, none where it gives none."""
    with _cursor() as cursor:
        cursor.execute(text, parameters)
        return [] if cursor.description is None else list(cursor.fetchall())


def several(values: Iterable[int] | Iterable[str]) -> Any:
    """Several values as one parameter: of ``= ANY(…)`` on PostgreSQL, of ``json_each`` on SQLite."""
    found = list(values)
    return found if connection.vendor == "postgresql" else orjson.dumps(found).decode()


class RowStatement:
    """A statement over rows that are given to it.

    In ``text``, ``{rows}`` stands for a table with ``columns`` (name → PostgreSQL's type) and ``{name}`` for the table
    of each of ``models``.
    """

    def __init__(self, text: str, columns: Mapping[str, str], **models: type[Model]) -> None:
        self._text, self._columns, self._models = text, columns, models
        self._texts: dict[str, str] = {}

    def run(self, rows: Sequence[Mapping[str, Any]]) -> list[Row]:
        """Run it for these rows; not at all for none. Moments, UUIDs, numbers and texts are understood."""
        if not rows:
            return []
        vendor = connection.vendor
        if vendor not in self._texts:
            tables = {name: f'"{model._meta.db_table}"' for name, model in self._models.items()}
            self._texts[vendor] = self._text.format(rows=_table(vendor, self._columns), **tables)
        return execute(self._texts[vendor], _as_json(rows))


def _table(vendor: str, columns: Mapping[str, str]) -> str:
    if vendor == "postgresql":
        typed = ", ".join(f"{name} {kind}" for name, kind in columns.items())
        return f"(SELECT * FROM json_to_recordset(%s::json) AS given ({typed}))"  # noqa: S608 names of columns, nothing of a user's
    taken = ", ".join(f"json_extract(value, '$.{name}') AS {name}" for name in columns)
    return f"(SELECT {taken} FROM json_each(%s))"  # noqa: S608


def _as_json(rows: Sequence[Mapping[str, Any]]) -> str:
    if connection.vendor == "postgresql":
        return orjson.dumps(rows).decode()
    return orjson.dumps([{name: _for_sqlite(value) for name, value in row.items()} for row in rows]).decode()


def _for_sqlite(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(" ")
    return value.hex if isinstance(value, UUID) else value


def _cursor() -> Any:
    """A cursor of Django's connection; on PostgreSQL one whose statements the server prepares."""
    if connection.vendor != "postgresql":
        return connection.cursor()
    connection.ensure_connection()
    driver: psycopg.Connection[Any] = connection.connection
    driver.prepare_threshold = 0 if _may_prepare else None
    with connection.wrap_database_errors:
        # Django's own cursors send the values within the text; errors and the log of queries stay Django's.
        return connection._prepare_cursor(_PreparedCursor(driver))  # type: ignore[attr-defined]


_may_prepare = True


class _PreparedCursor(psycopg.Cursor[Any]):
    def execute(self, query: Any, params: Any = None, **_: Any) -> Any:
        global _may_prepare
        try:
            return super().execute(query, params)
        except (DuplicatePreparedStatement, InvalidSqlStatementName):
            _may_prepare = False
            raise
