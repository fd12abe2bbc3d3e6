"""SQLite files. Mirrors ``airflow.providers.sqlite.hooks.sqlite``."""

from __future__ import annotations

import sqlite3
from typing import Any, ClassVar
from urllib.parse import quote, urlencode

from orchestration.authoring.hooks.sql import DbApiHook


class SqliteHook(DbApiHook):
    """The SQLite file that a connection names as its host; its extra gives URI parameters such as ``mode``."""

    conn_name_attr: ClassVar[str] = "sqlite_conn_id"
    default_conn_name = "sqlite_default"
    conn_type = "sqlite"
    hook_name = "Sqlite"
    _placeholder = "?"

    def get_conn(self) -> sqlite3.Connection:
        """A new connection to the file, which is made if it does not exist."""
        return sqlite3.connect(f"file:{self._path_and_query()}", uri=True)

    def get_uri(self) -> str:
        """The address that SQLAlchemy takes."""
        return f"sqlite:///{self._path_and_query()}"

    def _path_and_query(self) -> str:
        path = quote(self.connection.host or self.connection.schema or "", safe="/:")
        query: dict[str, Any] = {name: value for name, value in self.connection_extra.items() if isinstance(value, str)}
        return f"{path}?{urlencode(query)}" if query else path
