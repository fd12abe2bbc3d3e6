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
        self.source_conn_id, self.sql = source_conn_id, sql
        self.destination_conn_id, self.destination_table = destination_conn_id, destination_table
        self.preoperator, self.insert_args = preoperator, insert_args or {}

    def execute(self, context: Context) -> None:
        """Read all rows, then write them."""
        read = self._method(self.source_conn_id, "get_records")
        write = self._method(self.destination_conn_id, "insert_rows")
        self.log.info("Reading from %s: %s", self.source_conn_id, self.sql)
        rows = read(self.sql)
        if self.preoperator:
            self.log.info("First, at %s: %s", self.destination_conn_id, self.preoperator)
            self._method(self.destination_conn_id, "run")(self.preoperator)
        self.log.info("Writing into table %s of %s", self.destination_table, self.destination_conn_id)
        write(table=self.destination_table, rows=rows, **self.insert_args)

    @staticmethod
    def _method(conn_id: str, name: str) -> Any:
        hook = BaseHook.get_hook(conn_id)
        method = getattr(hook, name, None)
        if not callable(method):
            raise RuntimeError(f"{conn_id!r} is a connection for {type(hook).__name__}, which has no {name}()")
        return method
