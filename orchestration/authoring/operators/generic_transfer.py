"""Copying rows between databases. Mirrors ``airflow.operators.generic_transfer``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from orchestration.authoring.baseoperator import BaseOperator
from orchestration.authoring.context import Context
from orchestration.authoring.hooks_base import BaseHook


class GenericTransfer(BaseOperator):
    """Inserts the rows of ``sql`` at the source into ``destination_table``; they must fit into memory.

    ``preoperator`` is run at the destination before; ``insert_args`` are further arguments of its ``insert_rows``.
    """

    template_fields: Sequence[str] = ("sql", "destination_table", "preoperator")
    template_ext: Sequence[str] = (".sql", ".hql")
    template_fields_renderers: ClassVar[dict[str, str]] = {"preoperator": "sql"}
    ui_color = "#b0f07c"

    def __init__(
        self,
        *,
        sql: str,
        destination_table: str,
        source_conn_id: str,
        destination_conn_id: str,
        preoperator: str | list[str] | None = None,
        insert_args: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.sql = sql
        self.destination_table = destination_table
        self.source_conn_id = source_conn_id
        self.destination_conn_id = destination_conn_id
        self.preoperator = preoperator
        self.insert_args = insert_args or {}

    def execute(self, context: Context) -> None:
        """Read all rows, then write them."""
        read = self._method(self.source_conn_id, "get_records")
        write = self._method(self.destination_conn_id, "insert_rows")
        self.log.info("Extracting data from %s: %s", self.source_conn_id, self.sql)
        rows = read(self.sql)
        if self.preoperator:
            self.log.info("Running preoperator: %s", self.preoperator)
            self._method(self.destination_conn_id, "run")(self.preoperator)
        self.log.info("Inserting rows into %s", self.destination_conn_id)
        write(table=self.destination_table, rows=rows, **self.insert_args)

    @staticmethod
    def _method(conn_id: str, name: str) -> Any:
        hook = BaseHook.get_hook(conn_id)
        method = getattr(hook, name, None)
        if not callable(method):
            raise RuntimeError(f"Hook for connection {conn_id!r} ({type(hook).__name__}) has no `{name}` method")
        return method
