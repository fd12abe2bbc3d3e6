"""Queries that are asked with nearly every request, built once by Django and planned once by PostgreSQL.

Building a query takes Django longer than the database takes to answer a small one, and PostgreSQL takes longer to plan
it than to run it. A ``Prepared`` query is compiled at its first use; afterwards only its values change. On PostgreSQL
it is a prepared statement of the session, named after its own text: behind a pooler that hands sessions from one client
to another a statement of that name can be no other, and one that is missing is prepared again.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any, Final, TypeVar

import psycopg
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.models import DateTimeField, Model, QuerySet
from psycopg import abc, adapt
from psycopg.errors import DuplicatePreparedStatement, InvalidSqlStatementName
from psycopg.pq import ExecStatus
from psycopg.types.string import TextLoader

M = TypeVar("M", bound=Model)
Rows = list[tuple[Any, ...]]
#: Statements prepared on one connection; the server holds each one's plan in its memory.
_ROOM: Final = 100
#: The name under which the driver's connection, which a pool may hand on, keeps its ``_Session``.
_KEPT_AS: Final = "_airflowsite_prepared"


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

    def rows(self, *values: str | int) -> Rows:
        """The rows for these values, as ``values_list`` gives them."""
        known = self._compiled.get(connection.vendor)
        if known is None:
            known = self._compiled[connection.vendor] = self._compile()
        sql, parameters, compiler, converters = known
        given = dict(zip(self._marks, values, strict=True))
        found = fetched(sql, [given.get(each, each) if isinstance(each, str | int) else each for each in parameters])
        if converters:
            return [tuple(row) for row in compiler.apply_converters(found, converters)]
        return found

    def _compile(self) -> tuple[str, list[Any], Any, Any]:
        compiler = self._find(*self._marks).query.get_compiler(connection=connection)
        sql, parameters = compiler.as_sql()
        converters = compiler.get_converters([each[0] for each in compiler.select])
        return sql, list(parameters), compiler, converters


def fetched(sql: str, parameters: Sequence[Any], *, has_texts: bool = False) -> Rows:
    """All rows of a statement whose text is always the same; values as the driver gives them.

    ``has_texts``: moments come as the database's texts, which saves making datetimes that nobody computes with.
    On PostgreSQL, outside a transaction, the statement is prepared where its parameters are texts and numbers.
    """
    database: Any = connections[DEFAULT_DB_ALIAS]
    if database.vendor != "postgresql":
        with database.cursor() as cursor:
            cursor.execute(sql, parameters)
            return list(cursor.cursor.fetchall() if has_texts else cursor.fetchall())
    given = None if _is_watched(database) else _as_bytes(parameters)
    if given is None:
        with database.cursor() as cursor:
            if has_texts:
                cursor.cursor.adapters.register_loader("timestamptz", TextLoader)
            cursor.execute(sql, parameters)
            return list(cursor.fetchall())
    database.ensure_connection()
    session: _Session | None = getattr(database.connection, _KEPT_AS, None)
    if session is None:
        session = _Session(database.connection)
        setattr(database.connection, _KEPT_AS, session)
    with database.wrap_database_errors:
        return session.rows(*_statement(sql, repr(database.settings_dict["OPTIONS"])), given, has_texts=has_texts)


def _is_watched(database: Any) -> bool:
    """Whether Django must see the statement; and an error within a transaction would end that."""
    return bool(database.in_atomic_block or database.execute_wrappers or database.queries_logged)


def _as_bytes(parameters: Sequence[Any]) -> list[bytes] | None:
    """The parameters as the protocol has them; None where one of them needs the driver's care."""
    given = []
    for parameter in parameters:
        if type(parameter) is str and "\0" not in parameter and parameter.isprintable():
            given.append(parameter.encode())
        elif type(parameter) is int:
            given.append(b"%d" % parameter)
        else:
            return None
    return given


@lru_cache(maxsize=1024)
def _statement(sql: str, options: str) -> tuple[bytes, bytes]:
    """The name of a statement, which no other text has, and its text as the protocol wants it."""
    first, *rest = sql.split("%s")
    text = "".join([first, *(f"${number}{part}" for number, part in enumerate(rest, 1))]).replace("%%", "%")
    digest = hashlib.blake2b(f"{options}\0{text}".encode(), digest_size=16).hexdigest()
    return f"airflowsite_{digest}".encode(), text.encode()


@dataclass(slots=True)
class _Session:
    """What is prepared on one connection."""

    connection: psycopg.Connection[Any]
    names: set[bytes] = field(default_factory=set)
    plain: abc.Transformer = field(init=False)
    with_texts: abc.Transformer = field(init=False)

    def __post_init__(self) -> None:
        self.plain = adapt.Transformer(self.connection)
        cursor = psycopg.Cursor(self.connection)
        cursor.adapters.register_loader("timestamptz", TextLoader)
        self.with_texts = adapt.Transformer(cursor)

    def rows(self, name: bytes, text: bytes, parameters: list[bytes], *, has_texts: bool) -> Rows:
        if name not in self.names:
            self._prepare(name, text)
        try:
            result = self._checked(self.connection.pgconn.exec_prepared(name, parameters))
        except InvalidSqlStatementName:  # a pooler gave us another session
            self._prepare(name, text)
            result = self._checked(self.connection.pgconn.exec_prepared(name, parameters))
        except psycopg.errors.FeatureNotSupported:  # a migration changed the type of a column
            self._checked(self.connection.pgconn.exec_(b"DEALLOCATE " + name))
            self._prepare(name, text)
            result = self._checked(self.connection.pgconn.exec_prepared(name, parameters))
        transformer = self.with_texts if has_texts else self.plain
        transformer.set_pgresult(result)
        return transformer.load_rows(0, result.ntuples, tuple)

    def _prepare(self, name: bytes, text: bytes) -> None:
        if len(self.names) >= _ROOM:
            self._checked(self.connection.pgconn.exec_(b"DEALLOCATE ALL"))
            self.names.clear()
        with contextlib.suppress(DuplicatePreparedStatement):  # another client of the pooler prepared it
            self._checked(self.connection.pgconn.prepare(name, text))
        self.names.add(name)

    def _checked(self, result: Any) -> Any:
        if result.status in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
            return result
        if self.connection.broken or self.connection.closed:
            raise psycopg.OperationalError("The connection to the database was lost.")
        raise psycopg.errors.error_from_result(result, encoding=self.connection.info.encoding)


def columns(model: type[Model], path: str = "", *, has_moments: bool = True) -> list[str]:
    """All columns of a model for a ``values_list``; ``path`` leads to it (``user__``).

    ``has_moments`` False leaves out its moments: an instance reads them when somebody asks for them.
    """
    return [f"{path}{name}" for name in _names(model, has_moments=has_moments)]


def instance(model: type[M], values: Sequence[Any], *, has_moments: bool = True) -> M:
    """A model's instance from the values of ``columns``, as if it had been read by a query of its own."""
    return model.from_db(DEFAULT_DB_ALIAS, _names(model, has_moments=has_moments), list(values))


@cache
def _names(model: type[Model], *, has_moments: bool) -> tuple[str, ...]:
    fields = model._meta.concrete_fields
    return tuple(each.attname for each in fields if has_moments or not isinstance(each, DateTimeField))
