"""PostgreSQL through psycopg 3. Mirrors ``airflow.providers.postgres.hooks.postgres``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from orchestration.authoring.hooks.sql import DbApiHook, Parameters

if TYPE_CHECKING:
    import psycopg

    from orchestration.authoring.connection import Connection

#: Extra of a connection that speaks of the hook and not of the server.
_OWN_EXTRA = frozenset(
    {
        "cursor",
        "iam",
        "redshift",
        "aws_conn_id",
        "region_name",
        "cluster-identifier",
        "client_encoding",
        "sqlalchemy_scheme",
        "placeholder",
        "insert_statement_format",
        "replace_statement_format",
    }
)
_ROW_FACTORIES = {"dictcursor": "dict_row", "realdictcursor": "dict_row", "namedtuplecursor": "namedtuple_row"}
_CHUNK_BYTES = 1 << 16


class PostgresHook(DbApiHook):
    """A PostgreSQL database; further libpq parameters and ``cursor`` come from the connection's extra.

    ``database`` (or ``schema``) replaces the one of the connection; ``options`` are libpq's command-line options.
    """

    conn_name_attr: ClassVar[str] = "postgres_conn_id"
    default_conn_name = "postgres_default"
    conn_type = "postgres"
    hook_name = "Postgres"
    supports_autocommit = True
    supports_executemany = True

    def __init__(
        self, *args: Any, options: str | None = None, enable_log_db_messages: bool = False, **kwargs: Any
    ) -> None:
        schema: str | None = kwargs.pop("schema", None)
        database: str | None = kwargs.pop("database", None)
        super().__init__(*args, **kwargs)
        self.database = database or schema
        self.options = options
        self.enable_log_db_messages = enable_log_db_messages
        self.conn: psycopg.Connection[Any] | None = None
        self._notices: list[str] = []

    @property
    def schema(self) -> str | None:
        """The older name of ``database``."""
        return self.database

    @schema.setter
    def schema(self, value: str | None) -> None:
        self.database = value

    def get_conn(self) -> psycopg.Connection[Any]:
        """A new connection."""
        import psycopg

        known: Connection = self.connection
        arguments: dict[str, Any] = {
            "host": known.host,
            "user": known.login,
            "password": known.password,
            "dbname": self.database or known.schema,
            "port": known.port,
            "options": self.options,
        }
        extra = self.connection_extra
        arguments |= {name: value for name, value in extra.items() if name not in _OWN_EXTRA}
        self.conn = psycopg.connect(
            **{name: value for name, value in arguments.items() if value is not None},
            row_factory=self._row_factory(extra.get("cursor")),
        )
        if self.enable_log_db_messages:
            self.conn.add_notice_handler(lambda notice: self._notices.append(str(notice.message_primary)))
        return self.conn

    def _row_factory(self, cursor: str | None) -> Any:
        from psycopg import rows

        if not cursor:
            return rows.tuple_row
        name = _ROW_FACTORIES.get(cursor.lower())
        if name is None:
            raise ValueError(f"cursor is one of {', '.join(sorted(_ROW_FACTORIES))}, not {cursor!r}")
        return getattr(rows, name)

    def get_uri(self) -> str:
        """The address with the scheme ``postgresql``."""
        connection = self.connection
        if self.database:
            connection.schema = self.database
        return str(connection.get_uri()).replace("postgres://", "postgresql://", 1)

    def _run_command(self, cur: Any, sql_statement: str, parameters: Parameters) -> None:
        super()._run_command(cur, sql_statement, parameters)
        while cur.nextset():
            """Of a text with several statements the last result counts."""

    def get_db_log_messages(self, conn: Any) -> None:
        """Log the notices that the server sent, where ``enable_log_db_messages``."""
        for notice in self._notices:
            self.log.info(notice)
        self._notices.clear()

    def copy_expert(self, sql: str, filename: str) -> None:
        """Run a ``COPY … FROM STDIN`` or ``COPY … TO STDOUT`` with a file at the other end."""
        self.log.info("%s, with the file %s", sql, filename)
        path = Path(filename)
        path.touch()
        reads_file = " from stdin" in " ".join(sql.lower().split())
        with self.get_conn() as conn, conn.cursor() as cursor, cursor.copy(sql.encode()) as copy:
            if reads_file:
                with path.open("rb") as source:
                    while chunk := source.read(_CHUNK_BYTES):
                        copy.write(chunk)
            else:
                with path.open("wb") as target:
                    for part in copy:
                        target.write(part)

    def bulk_load(self, table: str, tmp_file: str) -> None:
        """Fill a table from a tab-separated file."""
        self.copy_expert(f"COPY {table} FROM STDIN", tmp_file)

    def bulk_dump(self, table: str, tmp_file: str) -> None:
        """Write a table into a tab-separated file."""
        self.copy_expert(f"COPY {table} TO STDOUT", tmp_file)

    @staticmethod
    def _serialize_cell(cell: Any, conn: Any = None) -> Any:
        return cell  # psycopg knows how to write Python's types

    def get_table_primary_key(self, table: str, schema: str | None = "public") -> list[str] | None:
        """The columns of the table's primary key, None if it has none."""
        rows = self.get_records(
            """
            select attribute.attname
            from pg_index
            join pg_class on pg_class.oid = pg_index.indrelid
            join pg_namespace on pg_namespace.oid = pg_class.relnamespace
            cross join unnest(pg_index.indkey) with ordinality as part(number, position)
            join pg_attribute as attribute
              on attribute.attrelid = pg_class.oid and attribute.attnum = part.number
            where pg_index.indisprimary and pg_namespace.nspname = %s and pg_class.relname = %s
            order by part.position
            """,
            (schema, table),
        )
        return [row[0] for row in rows] or None

    def _generate_insert_sql(
        self,
        table: str,
        values: Sequence[Any],
        target_fields: Sequence[str] | None = None,
        replace: bool = False,
        **kwargs: Any,
    ) -> str:
        """``INSERT``; with ``replace`` also ``ON CONFLICT`` over ``replace_index``, a column or several."""
        statement = super()._generate_insert_sql(table, values, target_fields, replace=False, **kwargs)
        if not replace:
            return statement
        if not target_fields:
            raise ValueError("Rows replace others column by column: give the column names as target_fields")
        index = kwargs.get("replace_index")
        if index is None:
            raise ValueError("Rows replace those of the same key: give the columns of a unique index as replace_index")
        unique = [index] if isinstance(index, str) else list(index)
        others = [field for field in target_fields if field not in unique]
        if not others:
            return f"{statement} ON CONFLICT ({', '.join(unique)}) DO NOTHING"
        updates = ", ".join(f"{field} = excluded.{field}" for field in others)
        return f"{statement} ON CONFLICT ({', '.join(unique)}) DO UPDATE SET {updates}"

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        """How a form of such a connection looks."""
        return {"hidden_fields": [], "relabeling": {"schema": "Database"}}
