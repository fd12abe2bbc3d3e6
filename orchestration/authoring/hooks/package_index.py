"""A Python package index named by a connection. Mirrors ``airflow.hooks.package_index``."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlsplit

from orchestration.authoring.hooks_base import BaseHook


class PackageIndexHook(BaseHook):
    """The address of a package index, with the connection's user and password in it."""

    conn_type, hook_name = "package_index", "Package Index (Python)"
    conn_name_attr, default_conn_name = "pi_conn_id", "package_index_default"

    def __init__(self, pi_conn_id: str = default_conn_name, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.pi_conn_id = pi_conn_id

    def get_conn(self) -> str:
        """The same as ``get_connection_url``."""
        return self.get_connection_url()

    def get_connection_url(self) -> str:
        """The index's address with credentials; ValueError if the connection has no host."""
        connection = self.get_connection(self.pi_conn_id)
        if not connection.host:
            raise ValueError(f"Connection {self.pi_conn_id!r} names no index: put the index URL into its host")
        parts = urlsplit(connection.host)
        host = parts.netloc.rpartition("@")[2]
        if connection.login:
            secret = f":{quote(connection.password, safe='')}" if connection.password else ""
            host = f"{quote(connection.login, safe='')}{secret}@{host}"
        return parts._replace(netloc=host).geturl()
