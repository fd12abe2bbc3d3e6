"""Columns of tables, for DAG files that write queries: names without a database behind them.

Tasks have no access to the tables. An expression of columns can be written down, because files do so while they are
imported; a query with it is refused by the session (``compat.session``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

T = TypeVar("T")

_NOTHING: Final = object()


class ColumnName:
    """A column in an expression; comparisons and methods make expressions."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *args, **kwargs: ColumnName(f"{self.text}.{name}({', '.join(map(repr, args))})")

    def _compared(self, sign: str, other: object) -> ColumnName:
        return ColumnName(f"{self.text} {sign} {other!r}")

    def __eq__(self, other: object) -> Any:
        return self._compared("=", other)

    def __ne__(self, other: object) -> Any:
        return self._compared("!=", other)

    def __lt__(self, other: object) -> ColumnName:
        return self._compared("<", other)

    def __le__(self, other: object) -> ColumnName:
        return self._compared("<=", other)

    def __gt__(self, other: object) -> ColumnName:
        return self._compared(">", other)

    def __ge__(self, other: object) -> ColumnName:
        return self._compared(">=", other)

    def __hash__(self) -> int:
        return hash(self.text)


def columns(names: str) -> Callable[[type[T]], type[T]]:
    """Decorates a class whose objects stand for rows: on the class, these names (separated by blanks) are columns.

    On its objects they are what they were: values of the object, defaults of the class, or properties.
    """

    def decorate(cls: type[T]) -> type[T]:
        for name in names.split():
            setattr(cls, name, _Column(f"{cls.__name__}.{name}", getattr(cls, name, _NOTHING)))
        return cls

    return decorate


class _Column:
    """Not a data descriptor: what an object holds under the name comes first."""

    def __init__(self, text: str, former: Any) -> None:
        self.text, self.former = text, former

    def __get__(self, row: Any, owner: type | None = None) -> Any:
        if row is None:
            return ColumnName(self.text)
        if self.former is _NOTHING:
            raise AttributeError(f"{type(row).__name__!r} object has no attribute {self.text.rpartition('.')[2]!r}")
        return self.former.__get__(row, owner) if isinstance(self.former, property) else self.former
