"""A metadata database of Apache Airflow 2 in SQLite or PostgreSQL, opened for reading only."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlsplit

from orchestration.errors import Conflict, Invalid, Unavailable

if TYPE_CHECKING:
    import psycopg

Row = tuple[Any, ...]

_POSTGRES = frozenset({"postgresql", "postgres"})
#: How long a busy SQLite file is waited for, in seconds.
_PATIENCE = 30.0


class Source:
    """The tables of one database. Queries are written with ``%s`` for each parameter."""

    def __init__(
        self,
        vendor: str,
        query: Callable[[str, Sequence[Any]], list[Row]],
        close: Callable[[], None],
        path: str | None = None,
    ):
        self.vendor = vendor
        self._query = query
        self.close = close
        #: The file of a SQLite database.
        self.path = path
        self._columns: dict[str, frozenset[str]] = {}

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """All rows of a query; nothing stays locked after it."""
        return self._query(sql, parameters)

    def columns(self, table: str) -> frozenset[str]:
        """The names of a table's columns; empty where there is no such table."""
        if table not in self._columns:
            if self.vendor == "sqlite":
                found = self.rows("SELECT name FROM pragma_table_info(%s)", [table])
            else:
                found = self.rows(
                    "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attnum > 0"
                    " AND NOT attisdropped",
                    [table],
                )
            self._columns[table] = frozenset(name for (name,) in found)
        return self._columns[table]

    def has_rows(self, table: str) -> bool:
        """Whether the table is there and holds something."""
        return bool(self.columns(table)) and bool(self.rows(f"SELECT 1 FROM {table} LIMIT 1"))  # noqa: S608 ours

    def count(self, table: str, where: str = "TRUE") -> int:
        """How many rows a table holds; 0 where there is no such table."""
        if not self.columns(table):
            return 0
        return int(self.rows(f"SELECT count(*) FROM {table} WHERE {where}")[0][0])  # noqa: S608 ours

    def listed(self, table: str, names: Sequence[str], alias: str | None = None) -> str:
        """These columns for a SELECT; those that this version of Airflow lacks are NULL."""
        known = self.columns(table)
        prefix = f"{alias}." if alias else ""
        return ", ".join(f'{prefix}"{name}"' if name in known else "NULL" for name in names)

    def every(self, table: str, names: Sequence[str], order: str) -> list[Row]:
        """These columns of all rows of a small table."""
        if not self.columns(table):
            return []
        return self.rows(f"SELECT {self.listed(table, names)} FROM {table} ORDER BY {order}")  # noqa: S608 ours


def open_source(url: str) -> Source:
    """The database behind a SQLAlchemy URL.

    Raises Invalid for a URL of another kind and for what is not a database of Airflow 2.2 or later, Unavailable where
    it cannot be reached.
    """
    scheme = urlsplit(url).scheme.partition("+")[0]
    if scheme == "sqlite":
        source = _sqlite(unquote(urlsplit(url).path.removeprefix("/")))
    elif scheme in _POSTGRES:
        source = _postgres(scheme + url[url.index("://") :])
    else:
        raise Invalid(
            "--from takes sqlite:////absolute/airflow.db or postgresql://user:password@host:5432/name, "
            "the sql_alchemy_conn of Airflow."
        )
    try:
        _check(source)
    except BaseException:
        source.close()
        raise
    return source


def _sqlite(path: str) -> Source:
    if not Path(path).is_file():
        raise Unavailable(f"There is no file {path}. Give the path with four slashes: sqlite:////absolute/airflow.db")
    connection = sqlite3.connect(
        f"file:{quote(path)}?mode=ro", uri=True, timeout=_PATIENCE, isolation_level=None, check_same_thread=False
    )

    def query(sql: str, parameters: Sequence[Any]) -> list[Row]:
        try:
            return connection.execute(sql.replace("%s", "?"), parameters).fetchall()
        except sqlite3.DatabaseError as error:
            raise Unavailable(f"Airflow's database cannot be read: {error}.") from error

    return Source("sqlite", query, connection.close, path)


def _postgres(url: str) -> Source:
    import psycopg
    from psycopg.types.string import TextLoader

    try:
        connection: psycopg.Connection = psycopg.connect(
            url, autocommit=True, options="-c default_transaction_read_only=on -c TimeZone=UTC -c DateStyle=ISO"
        )
    except psycopg.Error as error:
        raise Unavailable(f"Airflow's database cannot be reached: {_sentence(error)}") from error
    for kind in ("json", "jsonb", "timestamp", "timestamptz"):  # as the text that it is, as SQLite gives it, too
        connection.adapters.register_loader(kind, TextLoader)

    def query(sql: str, parameters: Sequence[Any]) -> list[Row]:
        try:
            return connection.execute(sql.encode(), parameters).fetchall()
        except psycopg.Error as error:
            raise Unavailable(f"Airflow's database cannot be read: {_sentence(error)}") from error

    return Source("postgresql", query, connection.close)


def _sentence(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _check(source: Source) -> None:
    if not source.columns("alembic_version") or not source.columns("dag_run"):
        raise Invalid("This is no database of Apache Airflow. --from takes the sql_alchemy_conn of Airflow.")
    if "logical_date" in source.columns("dag_run"):
        raise Conflict("This is a database of Airflow 3; those of Airflow 2 can be copied.")
    if "run_id" not in source.columns("task_instance"):
        raise Conflict("This database is older than Airflow 2.2. Run `airflow db migrate` of a later Airflow 2 on it.")
