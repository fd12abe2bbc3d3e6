"""Expressions that Django lacks."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Func, Value
from django.db.models.expressions import Combinable


class ILike(Func):
    """``column ILIKE pattern`` with SQL's wildcards and no escape; on SQLite ``LIKE``, which minds no case of ASCII."""

    arity = 2
    template = "%(expressions)s"
    arg_joiner = " LIKE "
    output_field = models.BooleanField()
    conditional = True

    def __init__(self, column: Combinable, pattern: str, **extra: Any) -> None:
        super().__init__(column, Value(pattern), **extra)

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        # ESCAPE '': a backslash is a sign like any other, as on SQLite
        return self.as_sql(compiler, connection, arg_joiner=" ILIKE ", template="(%(expressions)s ESCAPE '')", **extra)
