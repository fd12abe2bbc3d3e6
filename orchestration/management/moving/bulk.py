"""Many rows into one table, past the ORM: values are given as the driver takes them."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection
from django.db.models import Field, Model

from orchestration.management.moving.source import Row


def insert(model: type[Model], fields: Sequence[str], rows: Sequence[Row]) -> None:
    """Insert rows of these fields; PostgreSQL takes them by COPY. To be called in a transaction."""
    if not rows:
        return
    meta = model._meta
    columns = [str(field.column) for field in map(meta.get_field, fields) if isinstance(field, Field)]
    quoted = ", ".join(map(connection.ops.quote_name, columns))
    table = connection.ops.quote_name(meta.db_table)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.cursor.copy(f"COPY {table} ({quoted}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
            return
        marks = ", ".join(["%s"] * len(fields))
        cursor.executemany(f"INSERT INTO {table} ({quoted}) VALUES ({marks})", rows)  # noqa: S608 names of ours
