"""Waiting for a row. Mirrors ``airflow.providers.common.sql.sensors.sql``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from orchestration.authoring.context import Context
from orchestration.authoring.exceptions import AirflowException
from orchestration.authoring.hooks.sql import DbApiHook
from orchestration.authoring.hooks_base import BaseHook
from orchestration.authoring.sensors.base import BaseSensorOperator


class SqlSensor(BaseSensorOperator):
    """Is done when the first row's first cell is true (``selector`` chooses another value, ``success`` judges it).

    ``failure`` of that value fails the task, and so does ``fail_on_empty`` where there is no row.
    """

    template_fields: Sequence[str] = ("sql", "hook_params", "parameters")
    template_ext: Sequence[str] = (".hql", ".sql")
    ui_color = "#7c7287"

    def __init__(
        self,
        *,
        conn_id: str,
        sql: str,
        parameters: Mapping[str, Any] | None = None,
        success: Callable[[Any], Any] | None = None,
        failure: Callable[[Any], Any] | None = None,
        selector: Callable[[Any], Any] = itemgetter(0),
        fail_on_empty: bool = False,
        hook_params: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.conn_id, self.hook_params = conn_id, hook_params
        self.sql, self.parameters = sql, parameters
        self.selector, self.success, self.failure = selector, success, failure
        self.fail_on_empty = fail_on_empty

    def _get_hook(self) -> DbApiHook:
        hook: Any = BaseHook.get_connection(self.conn_id).get_hook(hook_params=self.hook_params)
        if not isinstance(hook, DbApiHook):
            raise AirflowException(
                f"{self.conn_id!r} is a connection for {type(hook).__name__}, which is no database hook: "
                "give one of a database's type, such as sqlite"
            )
        return hook

    def poke(self, context: Context) -> bool:
        """Query once."""
        rows = self._get_hook().get_records(self.sql, self.parameters)
        if not rows:
            if self.fail_on_empty:
                raise AirflowException("The query found no row, which fails the sensor with fail_on_empty")
            return False
        value = self.selector(rows[0])
        if self._judge("failure", value):
            raise AirflowException(f"failure() is true for the value found, {value!r}")
        if self.success is not None:
            return self._judge("success", value)
        return bool(value)

    def _judge(self, name: str, value: Any) -> bool:
        judge = getattr(self, name)
        if judge is None:
            return False
        if not callable(judge):
            raise AirflowException(f"{name} takes a function of the value found, not {judge!r}")
        return bool(judge(value))
