"""HTTP calls in the triggerer. Mirrors ``airflow.providers.http.triggers.http``."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, TypedDict

from orchestration.authoring.compat.module_loading import import_string
from orchestration.authoring.exceptions import AirflowException
from orchestration.authoring.hooks.http import HttpAsyncHook, like_requests
from orchestration.authoring.triggers.base import PlainTrigger, TriggerEvent

if TYPE_CHECKING:
    import httpx

#: Headers that speak of the bytes on the wire and not of the decoded body.
_WIRE_HEADERS = frozenset({"content-encoding", "content-length", "transfer-encoding"})


class ResponseValue(TypedDict):
    """A response as JSON; ``content`` is base64 of the decoded body."""

    status_code: int
    headers: list[tuple[str, str]]
    content: str
    method: str
    url: str


def encode_response(response: httpx.Response) -> ResponseValue:
    """The response as JSON, to go from the triggerer to the task."""
    return {
        "status_code": response.status_code,
        "headers": [(name, value) for name, value in response.headers.multi_items() if name not in _WIRE_HEADERS],
        "content": base64.b64encode(response.content).decode("ascii"),
        "method": response.request.method,
        "url": str(response.request.url),
    }


def decode_response(value: ResponseValue) -> httpx.Response:
    """The response that ``encode_response`` wrote."""
    import httpx

    response = httpx.Response(
        value["status_code"],
        headers=[(name, text) for name, text in value["headers"]],
        content=base64.b64decode(value["content"]),
        request=httpx.Request(value["method"], value["url"]),
    )
    return like_requests(response)


def auth_path(auth_type: Any) -> str | None:
    """The dotted path of an authentication class, which JSON can hold."""
    if auth_type is None or isinstance(auth_type, str):
        return auth_type
    return f"{auth_type.__module__}.{auth_type.__qualname__}"


class HttpTrigger(PlainTrigger):
    """Makes one call; the payload's ``status`` is ``success`` with ``response``, or ``error`` with ``message``."""

    path = "airflow.providers.http.triggers.http.HttpTrigger"
    arguments = ("http_conn_id", "auth_type", "method", "endpoint", "headers", "data", "extra_options")

    def __init__(
        self,
        http_conn_id: str = "http_default",
        auth_type: Any = None,
        method: str = "POST",
        endpoint: str | None = None,
        headers: dict[str, str] | None = None,
        data: dict[str, Any] | str | None = None,
        extra_options: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.http_conn_id, self.auth_type = http_conn_id, auth_type
        self.method, self.endpoint = method, endpoint
        self.data, self.headers, self.extra_options = data, headers, extra_options

    def serialize(self) -> tuple[str, dict[str, Any]]:
        path, arguments = super().serialize()
        return path, {**arguments, "auth_type": auth_path(self.auth_type)}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        auth_type = import_string(self.auth_type) if isinstance(self.auth_type, str) else self.auth_type
        hook = HttpAsyncHook(method=self.method, http_conn_id=self.http_conn_id, auth_type=auth_type)
        try:
            response = await hook.run(
                endpoint=self.endpoint, data=self.data, headers=self.headers, extra_options=self.extra_options
            )
        except Exception as error:
            yield TriggerEvent({"status": "error", "message": str(error)})
        else:
            yield TriggerEvent({"status": "success", "response": encode_response(response)})


class HttpSensorTrigger(PlainTrigger):
    """Calls every ``poke_interval`` seconds while the answer is 404, and fires the payload True at the first other."""

    path = "airflow.providers.http.triggers.http.HttpSensorTrigger"
    arguments = ("http_conn_id", "method", "endpoint", "headers", "data", "extra_options", "poke_interval")

    def __init__(
        self,
        endpoint: str | None = None,
        http_conn_id: str = "http_default",
        method: str = "GET",
        data: dict[str, Any] | str | None = None,
        headers: dict[str, str] | None = None,
        extra_options: dict[str, Any] | None = None,
        poke_interval: float = 5.0,
    ) -> None:
        super().__init__()
        self.http_conn_id, self.method, self.endpoint = http_conn_id, method, endpoint
        self.data, self.headers, self.extra_options = data, headers, extra_options or {}
        self.poke_interval = poke_interval

    async def run(self) -> AsyncIterator[TriggerEvent]:
        hook = HttpAsyncHook(self.method, self.http_conn_id)
        while not await self._is_there(hook):
            await asyncio.sleep(self.poke_interval)
        yield TriggerEvent(True)

    async def _is_there(self, hook: HttpAsyncHook) -> bool:
        try:
            await hook.run(None, self.endpoint, self.data, headers=self.headers, extra_options=self.extra_options)
        except AirflowException as error:
            if str(error).startswith("404"):
                return False
            raise
        return True
