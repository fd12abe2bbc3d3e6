"""Any database with a DBAPI driver. Mirrors ``airflow.providers.common.sql.hooks.sql``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from importlib import import_module
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar

from orchestration.authoring.exceptions import AirflowException, AirflowOptionalProviderFeatureException
from orchestration.authoring.hooks.sql_handlers import (
    fetch_all_handler,
    fetch_one_handler,
    return_single_query_results,
)
from orchestration.authoring.hooks_base import BaseHook

if TYPE_CHECKING:
    from orchestration.authoring.connection import Connection

#: What a statement's parameters are: by position or by name.
Parameters = Sequence[Any] | Mapping[str, Any] | None


class DbApiHook(BaseHook):
    """The verbs that all databases share; a subclass gives ``conn_name_attr`` and ``get_conn``.

    ``schema`` replaces the one of the connection in ``get_uri``; ``log_sql`` logs each statement.
    """

    conn_name_attr: ClassVar[str] = ""
    default_conn_name = "default_conn_id"
    supports_autocommit = supports_executemany = False
    strip_semicolon = False
    #: An object with ``connect(host, port, username, schema)``, for subclasses without a ``get_conn`` of their own.
    connector: Any = None
    _test_connection_sql = "select 1"
    _placeholder = "%s"

    def __init__(self, *args: Any, schema: str | None = None, log_sql: bool = True, **kwargs: Any) -> None:
        super().__init__()
        if not self.conn_name_attr:
            raise AirflowException(
                f"{type(self).__name__} needs a conn_name_attr: the attribute with the connection's id"
            )
        conn_id = args[0] if len(args) == 1 else kwargs.get(self.conn_name_attr, self.default_conn_name)
        setattr(self, self.conn_name_attr, conn_id)
        self.__schema = schema
        self.log_sql = log_sql
        #: The cursor descriptions of the last ``run``, one for each result.
        self.descriptions: list[Any] = []
        self._connection: Connection | None = kwargs.get("connection")
        self._insert_statement_format: str | None = kwargs.get("insert_statement_format")
        self._replace_statement_format: str | None = kwargs.get("replace_statement_format")

    def get_conn_id(self) -> str:
        """The connection's id."""
        conn_id: str = getattr(self, self.conn_name_attr)
        return conn_id

    @property
    def connection(self) -> Connection:
        """The connection, looked up once."""
        if self._connection is None:
            self._connection = self.get_connection(self.get_conn_id())
        return self._connection

    @property
    def connection_extra(self) -> dict[str, Any]:
        """The connection's extra as a mapping."""
        extra: dict[str, Any] = self.connection.extra_dejson
        return extra

    @property
    def placeholder(self) -> str:
        """How a parameter is written: ``%s`` or ``?``; the connection's extra may say."""
        said = self.connection_extra.get("placeholder")
        return str(said) if said in ("%s", "?") else self._placeholder

    @property
    def last_description(self) -> Any:
        """The cursor description of the last result; None before one."""
        return self.descriptions[-1] if self.descriptions else None

    def get_conn(self) -> Any:
        """A new DBAPI connection."""
        if self.connector is None:
            raise RuntimeError(f"{type(self).__name__} needs a get_conn() of its own, or a connector to call")
        known = self.connection
        return self.connector.connect(host=known.host, port=known.port, username=known.login, schema=known.schema)

    def get_uri(self) -> str:
        """The connection as an address."""
        connection = self.connection
        if self.__schema:
            connection.schema = self.__schema
        uri: str = connection.get_uri()
        return uri

    def get_cursor(self) -> Any:
        """A cursor of a new connection."""
        return self.get_conn().cursor()

    def get_sqlalchemy_engine(self, engine_kwargs: dict[str, Any] | None = None) -> Any:
        """An SQLAlchemy engine of the address; needs the package ``sqlalchemy``."""
        return _optional("sqlalchemy").create_engine(self.get_uri(), **(engine_kwargs or {}))

    def get_pandas_df(self, sql: str | list[str], parameters: Parameters = None, **kwargs: Any) -> Any:
        """The rows as a pandas data frame; needs the package ``pandas``."""
        with closing(self.get_conn()) as conn:
            return _optional("pandas").read_sql(sql, con=conn, params=parameters, **kwargs)

    def get_pandas_df_by_chunks(
        self, sql: str | list[str], parameters: Parameters = None, *, chunksize: int, **kwargs: Any
    ) -> Iterator[Any]:
        """The rows as data frames of ``chunksize`` rows each."""
        with closing(self.get_conn()) as conn:
            yield from _optional("pandas").read_sql(sql, con=conn, params=parameters, chunksize=chunksize, **kwargs)

    def get_records(self, sql: str | list[str], parameters: Parameters = None) -> Any:
        """All rows."""
        return self.run(sql=sql, parameters=parameters, handler=fetch_all_handler)

    def get_first(self, sql: str | list[str], parameters: Parameters = None) -> Any:
        """The first row, None if there is none."""
        return self.run(sql=sql, parameters=parameters, handler=fetch_one_handler)

    @staticmethod
    def strip_sql_string(sql: str) -> str:
        """The text without blanks around it and semicolons at its end."""
        return sql.strip().rstrip(";")

    @staticmethod
    def split_sql_string(sql: str, strip_semicolon: bool = False) -> list[str]:
        """The statements of a text, without comments."""
        import sqlparse

        text = sqlparse.format(sql, strip_comments=True)
        return [statement for statement in sqlparse.split(text, strip_semicolon=strip_semicolon) if statement]

    def run(
        self,
        sql: str | Iterable[str],
        autocommit: bool = False,
        parameters: Parameters = None,
        handler: Callable[[Any], Any] | None = None,
        split_statements: bool = False,
        return_last: bool = True,
    ) -> Any:
        """Run one text or several in one transaction, or each by itself with ``autocommit``.

        Without a handler nothing is returned. With one: the result of a single text (of its last statement, where it
        is split and ``return_last``), otherwise the list of results. ValueError where there is nothing to run.
        """
        self.descriptions = []
        if isinstance(sql, str):
            statements = (
                self.split_sql_string(sql, self.strip_semicolon) if split_statements else [sql][: bool(sql.strip())]
            )
        else:
            statements = list(sql)
        if not statements:
            raise ValueError("There is no statement to run: sql is empty")
        found: list[tuple[Any, Any]] = []  # result and description
        with self._create_autocommit_connection(autocommit) as conn:
            with closing(conn.cursor()) as cursor:
                for statement in statements:
                    self._run_command(cursor, statement, parameters)
                    if handler is not None:
                        result = self._make_common_data_structure(handler(cursor))
                        found.append((result, cursor.description))
            if not self.get_autocommit(conn):
                conn.commit()
            self.get_db_log_messages(conn)
        wants_last = return_single_query_results(sql, return_last, split_statements)
        kept = found[-1:] if wants_last else found
        self.descriptions = [description for _, description in kept]
        results = [result for result, _ in kept]
        if handler is None:
            return None
        return results[0] if wants_last else results

    def _make_common_data_structure(self, result: Any) -> Any:
        """A handler's result as a tuple or list of tuples; for drivers with rows of their own."""
        return result

    def _run_command(self, cur: Any, sql_statement: str, parameters: Parameters) -> None:
        if self.log_sql:
            self.log.info("Running %s with %s", sql_statement, parameters or "no parameters")
        cur.execute(sql_statement, *([parameters] if parameters else []))
        if cur.rowcount >= 0:
            self.log.info("%s rows", cur.rowcount)

    def set_autocommit(self, conn: Any, autocommit: bool) -> None:
        """Let each statement be a transaction of its own."""
        if not self.supports_autocommit and autocommit:
            self.log.warning("autocommit has no effect: %s cannot do it", type(self).__name__)
        conn.autocommit = autocommit

    def get_autocommit(self, conn: Any) -> bool:
        """Whether each statement is a transaction of its own."""
        return bool(getattr(conn, "autocommit", False) and self.supports_autocommit)

    def get_db_log_messages(self, conn: Any) -> None:
        """Log what the database told meanwhile; for drivers that can."""

    @contextmanager
    def _create_autocommit_connection(self, autocommit: bool = False) -> Iterator[Any]:
        opened = self.get_conn()
        with closing(opened):
            if self.supports_autocommit:
                self.set_autocommit(opened, autocommit)
            yield opened

    def _generate_insert_sql(
        self,
        table: str,
        values: Sequence[Any],
        target_fields: Sequence[str] | None = None,
        replace: bool = False,
        **kwargs: Any,
    ) -> str:
        """``INSERT`` (or ``REPLACE``) of one row with a placeholder for each value."""
        if replace:
            form = self._replace_statement_format or self.connection_extra.get("replace_statement_format")
            form = form or "REPLACE INTO {} {} VALUES ({})"
        else:
            form = self._insert_statement_format or self.connection_extra.get("insert_statement_format")
            form = form or "INSERT INTO {} {} VALUES ({})"
        columns = f"({', '.join(target_fields)})" if target_fields else ""
        return str(form).format(table, columns, ",".join([self.placeholder] * len(values)))

    def insert_rows(
        self,
        table: str,
        rows: Iterable[Sequence[Any]],
        target_fields: Sequence[str] | None = None,
        commit_every: int = 1000,
        replace: bool = False,
        *,
        executemany: bool = False,
        fast_executemany: bool = False,
        autocommit: bool = False,
        **kwargs: Any,
    ) -> None:
        """Insert rows, ``commit_every`` of them in each transaction (0: all in one).

        ``executemany`` sends each chunk as one call; its rows must be of one length.
        """
        done = 0
        remaining = iter(rows)
        with self._create_autocommit_connection(autocommit) as conn, closing(conn.cursor()) as cursor:
            if fast_executemany and hasattr(cursor, "fast_executemany"):
                cursor.fast_executemany = True
            while chunk := [self._serialize_cells(row, conn) for row in islice(remaining, commit_every or None)]:
                if self.supports_executemany or executemany:
                    cursor.executemany(
                        self._generate_insert_sql(table, chunk[0], target_fields, replace, **kwargs), chunk
                    )
                else:
                    for row in chunk:
                        cursor.execute(self._generate_insert_sql(table, row, target_fields, replace, **kwargs), row)
                conn.commit()
                done += len(chunk)
                self.log.info("%s rows are in %s", done, table)

    @classmethod
    def _serialize_cells(cls, row: Sequence[Any], conn: Any = None) -> tuple[Any, ...]:
        return tuple(cls._serialize_cell(cell, conn) for cell in row)

    @staticmethod
    def _serialize_cell(cell: Any, conn: Any = None) -> Any:
        """A value as text that any database understands; None stays None."""
        if cell is None:
            return None
        return cell.isoformat() if isinstance(cell, datetime) else str(cell)

    def bulk_dump(self, table: str, tmp_file: str) -> None:
        """Write a table into a tab-separated file."""
        raise NotImplementedError

    def bulk_load(self, table: str, tmp_file: str) -> None:
        """Fill a table from a tab-separated file."""
        raise NotImplementedError

    def test_connection(self) -> tuple[bool, str]:
        """Whether a small query works, and a sentence."""
        try:
            if self.get_first(self._test_connection_sql):
                return True, "Connection successfully tested"
        except Exception as error:
            return False, str(error)
        return False, ""


def _optional(package: str) -> Any:
    """A package that only some verbs need."""
    try:
        return import_module(package)
    except ImportError as error:
        raise AirflowOptionalProviderFeatureException(f"{package} is not installed: pip install {package}") from error
