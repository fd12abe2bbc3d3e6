"""Queries that are asked with nearly every request, built once.

Building a query takes Django longer than the database takes to answer a small one. A ``Prepared`` query is compiled at
its first use; afterwards only its values change.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from django.db import connection
from django.db.models import Model, QuerySet

M = TypeVar("M", bound=Model)


class Prepared:
    """The rows of a ``values_list``, found by equality with some values.

    ``find`` takes as many values as ``kinds`` has types (str or int) and uses each once or more, as it is.
    """

    def __init__(self, find: Callable[..., QuerySet[Any, tuple[Any, ...]]], *kinds: type[str] | type[int]) -> None:
        self._find = find
        self._marks = tuple(
            f"\x01mark{number}" if kind is str else -1_900_000_000 - number for number, kind in enumerate(kinds)
        )
        self._compiled: dict[str, tuple[str, list[Any], Any, Any]] = {}

    def rows(self, *values: str | int) -> list[tuple[Any, ...]]:
        """The rows for these values, as ``values_list`` gives them."""
        known = self._compiled.get(connection.vendor)
        if known is None:
            known = self._compiled[connection.vendor] = self._compile()
        sql, parameters, compiler, converters = known
        given = dict(zip(self._marks, values, strict=True))
        with connection.cursor() as cursor:
            cursor.execute(sql, [given.get(each, each) if isinstance(each, str | int) else each for each in parameters])
            found = cursor.fetchall()
        if converters:
            return [tuple(row) for row in compiler.apply_converters(found, converters)]
        return list(found)

    def _compile(self) -> tuple[str, list[Any], Any, Any]:
        compiler = self._find(*self._marks).query.get_compiler(connection=connection)
        sql, parameters = compiler.as_sql()
        converters = compiler.get_converters([each[0] for each in compiler.select])
        return sql, list(parameters), compiler, converters


def columns(model: type[Model], path: str = "") -> list[str]:
    """All columns of a model for a ``values_list``; ``path`` leads to it (``user__``)."""
    return [f"{path}{field.attname}" for field in model._meta.concrete_fields]


def instance(model: type[M], values: Sequence[Any]) -> M:
    """A model's instance from the values of ``columns``, as if it had been read by a query of its own."""
    return model.from_db(connection.alias, [field.attname for field in model._meta.concrete_fields], values)
