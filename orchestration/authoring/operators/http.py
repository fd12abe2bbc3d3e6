"""Calling HTTP servers. Mirrors ``airflow.providers.http.operators.http``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from orchestration.authoring.baseoperator import BaseOperator
from orchestration.authoring.context import Context
from orchestration.authoring.exceptions import AirflowException
from orchestration.authoring.helpers import merge_dicts
from orchestration.authoring.hooks.http import HttpHook
from orchestration.authoring.operator_helpers import determine_kwargs
from orchestration.authoring.triggers.http import HttpTrigger, ResponseValue, decode_response, encode_response
from orchestration.conf import conf

if TYPE_CHECKING:
    import httpx


class HttpOperator(BaseOperator):
    """Calls ``endpoint`` of the server that ``http_conn_id`` names; the result is the answer's text.

    ``response_check`` must be true for the task to succeed, ``response_filter`` makes another result; both take the
    response and, by name, values of the context. ``pagination_function(response)`` gives the arguments of the next call
    (``endpoint``, ``data``, ``headers``, ``extra_options``) or None; then checks, filter and result are of the list of
    responses. ``deferrable`` calls in the triggerer.
    """

    conn_id_field = "http_conn_id"
    template_fields: Sequence[str] = ("endpoint", "data", "headers")
    template_fields_renderers: ClassVar[dict[str, str]] = {"headers": "json", "data": "py"}
    template_ext: Sequence[str] = ()
    ui_color = "#f4a460"

    def __init__(
        self,
        *,
        endpoint: str | None = None,
        method: str = "POST",
        data: dict[str, Any] | str | None = None,
        headers: dict[str, str] | None = None,
        pagination_function: Callable[..., Any] | None = None,
        response_check: Callable[..., Any] | None = None,
        response_filter: Callable[..., Any] | None = None,
        extra_options: dict[str, Any] | None = None,
        request_kwargs: dict[str, Any] | None = None,
        http_conn_id: str = "http_default",
        log_response: bool = False,
        auth_type: Any = None,
        tcp_keep_alive: bool = True,
        tcp_keep_alive_idle: int = 120,
        tcp_keep_alive_count: int = 20,
        tcp_keep_alive_interval: int = 30,
        deferrable: bool = conf.getboolean("operators", "default_deferrable"),
        retry_args: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.http_conn_id, self.auth_type = http_conn_id, auth_type
        self.method, self.endpoint = method, endpoint
        self.data, self.headers = data or {}, headers or {}
        self.extra_options, self.request_kwargs = extra_options or {}, request_kwargs or {}
        self.retry_args = retry_args
        self.pagination_function = pagination_function
        self.response_filter, self.response_check = response_filter, response_check
        self.log_response = log_response
        self.deferrable = deferrable

    @property
    def hook(self) -> HttpHook:
        """The client."""
        return HttpHook(method=self.method, http_conn_id=self.http_conn_id, auth_type=self.auth_type)

    def execute(self, context: Context) -> Any:
        """Call here, or in the triggerer."""
        if self.deferrable:
            self.defer(trigger=self._trigger(self._arguments({})), method_name="execute_complete")
        responses = [self._call(self._arguments({}))]
        while (following := self._next_page(responses[-1])) is not None:
            responses.append(self._call(following))
        return self.process_response(context, responses if self.pagination_function else responses[0])

    def execute_complete(
        self, context: Context, event: dict[str, Any], paginated_responses: list[ResponseValue] | None = None
    ) -> Any:
        """Take the answer from the triggerer, and ask for the next page where there is one."""
        if event["status"] != "success":
            raise AirflowException(f"The call in the triggerer failed: {event['message']}")
        response = decode_response(event["response"])
        if not self.pagination_function:
            return self.process_response(context, response)
        values = [*(paginated_responses or []), encode_response(response)]
        following = self._next_page(response)
        if following is not None:
            self.defer(
                trigger=self._trigger(following),
                method_name="execute_complete",
                kwargs={"paginated_responses": values},
            )
        return self.process_response(context, [decode_response(value) for value in values])

    def process_response(self, context: Context, response: httpx.Response | list[httpx.Response]) -> Any:
        """Check the response, and make the result of it."""
        text: Any = [page.text for page in response] if isinstance(response, list) else response.text
        if self.log_response:
            self.log.info(text)

        def asked(function: Callable[..., Any]) -> Any:
            return function(response, **determine_kwargs(function, [response], context))

        if self.response_check and not asked(self.response_check):
            raise AirflowException("The server answered, but response_check found the answer wrong")
        return asked(self.response_filter) if self.response_filter else text

    def _call(self, arguments: dict[str, Any]) -> httpx.Response:
        arguments = arguments | self.request_kwargs
        if self.retry_args:
            response: httpx.Response = self.hook.run_with_advanced_retry(self.retry_args, **arguments)
            return response
        return self.hook.run(**arguments)

    def _trigger(self, arguments: dict[str, Any]) -> HttpTrigger:
        return HttpTrigger(http_conn_id=self.http_conn_id, auth_type=self.auth_type, method=self.method, **arguments)

    def _next_page(self, response: httpx.Response) -> dict[str, Any] | None:
        following = self.pagination_function(response) if self.pagination_function else None
        return self._arguments(following) if following else None

    def _arguments(self, others: dict[str, Any]) -> dict[str, Any]:
        """The call's arguments with those of a page over the operator's own; mappings are joined."""
        data = others.get("data")
        both_mappings = isinstance(self.data, dict) and isinstance(data, dict)
        return {
            "endpoint": others.get("endpoint") or self.endpoint,
            "data": {**self.data, **data} if both_mappings else data or self.data,  # type: ignore[dict-item]  # just checked
            "headers": merge_dicts(self.headers, others.get("headers", {})),
            "extra_options": merge_dicts(self.extra_options, others.get("extra_options", {})),
        }


#: The name of earlier versions.
SimpleHttpOperator = HttpOperator
