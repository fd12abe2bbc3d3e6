"""``SQLExecuteQueryOperator`` under the names of single databases, ``SqliteOperator`` and ``PostgresOperator``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from orchestration.authoring.operators.sql import SQLExecuteQueryOperator


class SqliteOperator(SQLExecuteQueryOperator):
    """Runs SQL in the SQLite file of ``sqlite_conn_id``."""

    template_ext: Sequence[str] = (".sql",)
    ui_color = "#cdaaed"

    def __init__(self, *, sqlite_conn_id: str = "sqlite_default", **kwargs: Any) -> None:
        super().__init__(conn_id=sqlite_conn_id, **kwargs)


class PostgresOperator(SQLExecuteQueryOperator):
    """Runs SQL in the PostgreSQL database of ``postgres_conn_id``, with the server's ``runtime_parameters`` set."""

    template_fields_renderers: ClassVar[dict[str, str]] = {
        **SQLExecuteQueryOperator.template_fields_renderers,
        "sql": "postgresql",
    }
    ui_color = "#ededed"

    def __init__(
        self,
        *,
        postgres_conn_id: str = "postgres_default",
        runtime_parameters: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        if runtime_parameters:
            options = " ".join(f"-c {name}={value}" for name, value in runtime_parameters.items())
            kwargs["hook_params"] = {**(kwargs.get("hook_params") or {}), "options": options}
        super().__init__(conn_id=postgres_conn_id, **kwargs)
