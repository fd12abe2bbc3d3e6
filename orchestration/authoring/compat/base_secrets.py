"""The base of stores for secrets, for code that derives from it. Mirrors ``airflow.secrets.base_secrets``."""

from __future__ import annotations

from typing import Any


class BaseSecretsBackend:
    """Finds connections, variables and options elsewhere; subclasses write the verbs they have."""

    @staticmethod
    def build_path(path_prefix: str, secret_id: str, sep: str = "/") -> str:
        """The path of a secret."""
        return f"{path_prefix}{sep}{secret_id}"

    def get_conn_value(self, conn_id: str) -> str | None:
        """A connection as URI or JSON text."""
        raise NotImplementedError

    def get_variable(self, key: str) -> str | None:
        """A variable's text."""
        raise NotImplementedError

    def get_config(self, key: str) -> str | None:
        """An option's text."""
        return None

    def get_connection(self, conn_id: str) -> Any:
        """A connection, None if it is unknown."""
        from orchestration.authoring.connection import Connection

        value = self.get_conn_value(conn_id)
        return None if value is None else Connection(conn_id=conn_id, uri=value)
