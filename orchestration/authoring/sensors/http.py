"""Waiting for an HTTP answer. Mirrors ``airflow.providers.http.sensors.http``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from orchestration.authoring.context import Context
from orchestration.authoring.exceptions import AirflowException
from orchestration.authoring.hooks.http import HttpHook
from orchestration.authoring.operator_helpers import determine_kwargs
from orchestration.authoring.sensors.base import BaseSensorOperator, PokeReturnValue
from orchestration.authoring.triggers.http import HttpSensorTrigger
from orchestration.conf import conf


class HttpSensor(BaseSensorOperator):
    """Is done when ``endpoint`` answers without an error and ``response_check(response, **context)`` is true.

    Status codes of ``response_error_codes_allowlist`` (default ``["404"]``) mean to go on, other errors fail.
    ``deferrable`` waits without a process, unless there is a ``response_check``.
    """

    template_fields: Sequence[str] = ("endpoint", "request_params", "headers")

    def __init__(
        self,
        *,
        endpoint: str,
        http_conn_id: str = "http_default",
        method: str = "GET",
        request_params: dict[str, Any] | None = None,
        request_kwargs: dict[str, Any] | None = None,
        headers: dict[str, Any] | None = None,
        response_error_codes_allowlist: list[str] | None = None,
        response_check: Callable[..., Any] | None = None,
        extra_options: dict[str, Any] | None = None,
        tcp_keep_alive: bool = True,
        tcp_keep_alive_idle: int = 120,
        tcp_keep_alive_count: int = 20,
        tcp_keep_alive_interval: int = 30,
        deferrable: bool = conf.getboolean("operators", "default_deferrable"),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.http_conn_id, self.method, self.endpoint = http_conn_id, method, endpoint
        self.headers, self.request_params = headers or {}, request_params or {}
        self.request_kwargs = request_kwargs or {}
        codes = ["404"] if response_error_codes_allowlist is None else response_error_codes_allowlist
        self.response_error_codes_allowlist = tuple(map(str, codes))
        self.response_check = response_check
        self.extra_options = extra_options or {}
        self.deferrable = deferrable

    def poke(self, context: Context) -> bool | PokeReturnValue:
        """Call once."""
        hook = HttpHook(method=self.method, http_conn_id=self.http_conn_id)
        try:
            response = hook.run(
                self.endpoint, self.request_params, self.headers, self.extra_options, **self.request_kwargs
            )
        except AirflowException as error:
            if str(error).startswith(self.response_error_codes_allowlist):
                return False
            raise
        if self.response_check is None:
            return True
        answer = self.response_check(response, **determine_kwargs(self.response_check, [response], context))
        return answer if isinstance(answer, PokeReturnValue) else bool(answer)

    def execute(self, context: Context) -> Any:
        """Wait here, or in the triggerer after one call."""
        if self.response_check or not self.deferrable:
            return super().execute(context)
        if self.poke(context):
            return None
        trigger = HttpSensorTrigger(
            self.endpoint,
            self.http_conn_id,
            self.method,
            self.request_params,
            self.headers,
            self.extra_options,
            self.poke_interval,
        )
        return self.defer(trigger=trigger, method_name="execute_complete", timeout=timedelta(seconds=self.timeout))

    def execute_complete(self, context: Context, event: Any = None) -> None:
        """The server answered."""
        self.log.info("%s answered", self.endpoint)
