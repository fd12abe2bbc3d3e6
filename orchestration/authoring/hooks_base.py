"""The base of hooks: clients of outside systems. Mirrors ``airflow.hooks.base``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestration.authoring.logging_mixin import LoggingMixin

if TYPE_CHECKING:
    from orchestration.authoring.connection import Connection


class BaseHook(LoggingMixin):
    """Finds connections; subclasses speak to the system behind one."""

    _log_config_logger_name = "airflow.task.hooks"

    def __init__(self, logger_name: str | None = None) -> None:
        super().__init__()
        self._logger_name = logger_name

    @classmethod
    def get_connections(cls, conn_id: str) -> list[Connection]:
        """The connection, as a list."""
        return [cls.get_connection(conn_id)]

    @classmethod
    def get_connection(cls, conn_id: str) -> Connection:
        """The connection; AirflowNotFoundException without one."""
        from orchestration.authoring.connection import Connection

        return Connection.get_connection_from_secrets(conn_id)

    @classmethod
    def get_hook(cls, conn_id: str, hook_params: dict[str, Any] | None = None) -> BaseHook:
        """The hook that fits the connection's type."""
        return cls.get_connection(conn_id).get_hook(hook_params=hook_params)

    def get_conn(self) -> Any:
        """The client."""
        raise NotImplementedError

    @classmethod
    def get_connection_form_widgets(cls) -> dict[str, Any]:
        """Fields of a form; forms are made by the admin pages here."""
        return {}

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        """How a form shows the fields."""
        return {}


class DiscoverableHook:
    """What a provider's hook says of itself."""

    conn_type: str
    hook_name: str
    conn_name_attr: str
    default_conn_name: str
