"""Which hook speaks to which type of connection. Each is imported when it is first needed."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from orchestration.authoring.exceptions import AirflowException

if TYPE_CHECKING:
    from orchestration.authoring.connection import Connection
    from orchestration.authoring.hooks_base import BaseHook

#: Connection type → (module, class, name of the argument that takes the connection's id).
HOOKS: dict[str, tuple[str, str, str]] = {
    "sqlite": ("orchestration.authoring.hooks.sqlite", "SqliteHook", "sqlite_conn_id"),
    "postgres": ("orchestration.authoring.hooks.postgres", "PostgresHook", "postgres_conn_id"),
    "http": ("orchestration.authoring.hooks.http", "HttpHook", "http_conn_id"),
    "https": ("orchestration.authoring.hooks.http", "HttpHook", "http_conn_id"),
    "smtp": ("orchestration.authoring.hooks.smtp", "SmtpHook", "smtp_conn_id"),
    "fs": ("orchestration.authoring.hooks.filesystem", "FSHook", "fs_conn_id"),
    "package_index": ("orchestration.authoring.hooks.package_index", "PackageIndexHook", "pi_conn_id"),
}


def hook_for(connection: Connection, hook_params: dict[str, Any]) -> BaseHook:
    """The hook for a connection; AirflowException for a type that has none here."""
    known = HOOKS.get(connection.conn_type or "")
    if known is None:
        raise AirflowException(
            f'Unknown hook type "{connection.conn_type}". Known are {", ".join(sorted(HOOKS))}; for another system '
            "read the connection with BaseHook.get_connection and use its own library."
        )
    module, name, argument = known
    hook_class: type[BaseHook] = getattr(importlib.import_module(module), name)
    arguments: dict[str, Any] = {argument: connection.conn_id, **hook_params}
    return hook_class(**arguments)
