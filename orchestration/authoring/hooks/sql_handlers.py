"""What is kept of a cursor after a statement. Mirrors ``airflow.providers.common.sql.hooks.handlers``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def return_single_query_results(sql: str | Iterable[str], return_last: bool, split_statements: bool | None) -> bool:
    """Whether a run gives one result instead of a list of results.

    So it is for a text of which the last result is wanted, and for a text that is not split.
    """
    if not isinstance(sql, str):
        return False
    return return_last if split_statements is None else return_last or not split_statements


def fetch_all_handler(cursor: Any) -> list[tuple[Any, ...]] | None:
    """All rows; None after a statement that gives none."""
    _refuse_without_description(cursor)
    return cursor.fetchall() if cursor.description is not None else None


def fetch_one_handler(cursor: Any) -> tuple[Any, ...] | None:
    """The first row; None after a statement that gives none."""
    _refuse_without_description(cursor)
    return cursor.fetchone() if cursor.description is not None else None


def _refuse_without_description(cursor: Any) -> None:
    if not hasattr(cursor, "description"):
        raise RuntimeError("The driver's cursor is none of DBAPI 2.0: use an operator and a handler made for it")
