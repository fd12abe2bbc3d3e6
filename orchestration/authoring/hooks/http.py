"""HTTP servers through httpx. Mirrors ``airflow.providers.http.hooks.http``.

Responses are ``httpx.Response``, with ``ok`` and ``reason`` added because checks written for the library ``requests``
ask for them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from orchestration.authoring.exceptions import AirflowException, AirflowOptionalProviderFeatureException
from orchestration.authoring.hooks_base import BaseHook

if TYPE_CHECKING:
    import httpx

    from orchestration.authoring.connection import Connection

#: Names in a connection's extra that are options of the call; the others are headers.
OPTION_NAMES = {
    "stream": "stream",
    "cert": "cert",
    "proxies": "proxies",
    "proxy": "proxies",
    "timeout": "timeout",
    "verify": "verify",
    "verify_ssl": "verify",
    "allow_redirects": "allow_redirects",
    "max_redirects": "max_redirects",
    "trust_env": "trust_env",
    "check_response": "check_response",
}
#: As the library ``requests``.
MAX_REDIRECTS = 30


class HttpMethodException(AirflowException):
    """The method is none of HTTP's."""


class HttpErrorException(AirflowException):
    """The server answered with an error; the text is ``status:reason``."""


def complete_url(base_url: str | None, endpoint: str | None) -> str:
    """The endpoint below the base address, with one slash between them."""
    if base_url and endpoint and not base_url.endswith("/") and not endpoint.startswith("/"):
        return f"{base_url}/{endpoint}"
    return f"{base_url or ''}{endpoint or ''}"


def base_url_of(connection: Connection, default_host: str = "") -> str:
    """The connection's address: its host if that holds a scheme, else ``schema://host:port``."""
    host = connection.host or default_host
    if "://" in host:
        return host
    port = f":{connection.port}" if connection.port else ""
    return f"{connection.schema or 'http'}://{host}{port}"


def split_extra(connection: Connection, options: dict[str, Any] | None) -> tuple[dict[str, Any], dict[str, str]]:
    """The options of a call (those given win) and the headers, from a connection's extra."""
    merged = {OPTION_NAMES.get(name, name): value for name, value in (options or {}).items()}
    headers: dict[str, str] = {}
    for name, value in connection.extra_dejson.items():
        if name in OPTION_NAMES:
            merged.setdefault(OPTION_NAMES[name], value)
        else:
            headers[name] = str(value)
    return merged, headers


def client_arguments(options: dict[str, Any], *, is_async: bool = False) -> dict[str, Any]:
    """What httpx's client takes of the options."""
    import httpx

    arguments: dict[str, Any] = {
        "verify": options.get("verify", True),
        "cert": tuple(options["cert"]) if isinstance(options.get("cert"), list) else options.get("cert"),
        "timeout": options.get("timeout"),
        "follow_redirects": options.get("allow_redirects", True),
        "max_redirects": options.get("max_redirects", MAX_REDIRECTS),
        "trust_env": options.get("trust_env", True),
    }
    if proxies := options.get("proxies"):
        transport: Any = httpx.AsyncHTTPTransport if is_async else httpx.HTTPTransport
        if isinstance(proxies, str):
            proxies = {"all": proxies}
        arguments["mounts"] = {f"{scheme.rstrip(':/')}://": transport(proxy=proxy) for scheme, proxy in proxies.items()}
    return arguments


def body_arguments(method: str, data: Any) -> dict[str, Any]:
    """The data as query (GET), nothing (HEAD), form (mapping) or body (text, bytes)."""
    if method == "HEAD" or not data:
        return {}
    if method == "GET":
        return {"params": data}
    return {"content": data} if isinstance(data, (str, bytes)) else {"data": data}


def like_requests(response: httpx.Response) -> httpx.Response:
    """The response with the two names of ``requests`` that checks use."""
    vars(response).update(ok=response.status_code < 400, reason=response.reason_phrase)
    return response


class HttpHook(BaseHook):
    """The server that a connection of type ``http`` names.

    ``auth_type`` is called with login and password and makes what httpx takes as ``auth`` (the classes of ``requests``
    do, too). ``adapter`` and the keep-alive arguments are accepted and without effect: httpx keeps connections alive.
    """

    conn_type, hook_name = "http", "HTTP"
    conn_name_attr, default_conn_name = "http_conn_id", "http_default"
    default_headers: dict[str, str] = {}
    default_host = ""

    def __init__(
        self,
        method: str = "POST",
        http_conn_id: str = default_conn_name,
        auth_type: Any = None,
        tcp_keep_alive: bool = True,
        tcp_keep_alive_idle: int = 120,
        tcp_keep_alive_count: int = 20,
        tcp_keep_alive_interval: int = 30,
        adapter: Any = None,
    ) -> None:
        super().__init__()
        self.method = method.upper()
        self.http_conn_id, self._auth_type = http_conn_id, auth_type
        self.base_url = ""

    @property
    def auth_type(self) -> Any:
        """What makes the authentication; HTTP Basic unless given."""
        if self._auth_type is not None:
            return self._auth_type
        import httpx

        return httpx.BasicAuth

    @auth_type.setter
    def auth_type(self, value: Any) -> None:
        self._auth_type = value

    def get_conn(
        self, headers: dict[str, Any] | None = None, extra_options: dict[str, Any] | None = None
    ) -> httpx.Client:
        """A client with the connection's address, headers, options and authentication. ``base_url`` is set, too."""
        import httpx

        connection = self.get_connection(self.http_conn_id) if self.http_conn_id else None
        options, sent = (extra_options or {}), dict(self.default_headers)
        auth = None
        if connection is not None:
            self.base_url = base_url_of(connection, self.default_host)
            options, own = split_extra(connection, extra_options)
            sent |= own
            auth = self._auth(connection)
        sent |= {name: str(value) for name, value in (headers or {}).items()}
        return httpx.Client(headers=sent, auth=auth, **client_arguments(options))

    def _auth(self, connection: Connection) -> Any:
        if connection.login:
            return self.auth_type(connection.login, connection.password or "")
        return self._auth_type() if self._auth_type is not None else None

    def run(
        self,
        endpoint: str | None = None,
        data: dict[str, Any] | str | bytes | None = None,
        headers: dict[str, Any] | None = None,
        extra_options: dict[str, Any] | None = None,
        **request_kwargs: Any,
    ) -> httpx.Response:
        """Call ``endpoint`` below the connection's address.

        ``data`` is the query of a GET and the body of the others; ``request_kwargs`` are httpx's (``json=…``). Raises
        AirflowException ``status:reason`` for 4xx and 5xx, unless the options hold ``check_response: False``.
        """
        with self.get_conn(headers, extra_options) as client:
            url = self.url_from_endpoint(endpoint)
            self.log.debug("%s %s", self.method, url)
            response = client.request(self.method, url, **{**body_arguments(self.method, data), **request_kwargs})
        options = extra_options or {}
        if self.http_conn_id:
            options, _ = split_extra(self.get_connection(self.http_conn_id), extra_options)
        if options.get("check_response", True):
            self.check_response(response)
        return like_requests(response)

    def check_response(self, response: httpx.Response) -> None:
        """Raise AirflowException ``status:reason`` for 4xx and 5xx."""
        if response.status_code >= 400:
            self.log.error("The server answered %s with the text:\n%s", response.status_code, response.text)
            raise AirflowException(f"{response.status_code}:{response.reason_phrase}")

    def run_with_advanced_retry(self, _retry_args: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """``run``, tried again as the library ``tenacity`` is told; its ``Retrying`` gets ``_retry_args``."""
        try:
            tenacity: Any = import_module("tenacity")
        except ImportError as error:
            raise AirflowOptionalProviderFeatureException("tenacity is not installed: pip install tenacity") from error
        retrying: Callable[..., Any] = tenacity.Retrying(**_retry_args)
        return retrying(self.run, *args, **kwargs)

    def url_from_endpoint(self, endpoint: str | None) -> str:
        """The endpoint below the connection's address."""
        return complete_url(self.base_url, endpoint)

    def test_connection(self) -> tuple[bool, str]:
        """Whether a call of the address works, and a sentence."""
        try:
            self.run()
        except Exception as error:
            return False, str(error)
        return True, "Connection successfully tested"


class HttpAsyncHook(BaseHook):
    """The same within an event loop; tried ``retry_limit`` times for 5xx, ``retry_delay`` seconds apart."""

    METHODS = frozenset({"GET", "POST", "PATCH", "HEAD", "PUT", "DELETE", "OPTIONS"})

    conn_type, hook_name = "http", "HTTP"
    conn_name_attr, default_conn_name = "http_conn_id", "http_default"

    def __init__(
        self,
        method: str = "POST",
        http_conn_id: str = default_conn_name,
        auth_type: Any = None,
        retry_limit: int = 3,
        retry_delay: float = 1.0,
    ) -> None:
        super().__init__()
        if retry_limit < 1:
            raise ValueError(f"retry_limit counts the tries, the first included: from 1 up, not {retry_limit}")
        self.method = method.upper()
        self.http_conn_id, self.auth_type = http_conn_id, auth_type
        self.retry_delay, self.retry_limit = retry_delay, retry_limit
        self.base_url = ""

    async def run(
        self,
        session: httpx.AsyncClient | None = None,
        endpoint: str | None = None,
        data: dict[str, Any] | str | None = None,
        json: Any = None,
        headers: dict[str, Any] | None = None,
        extra_options: dict[str, Any] | None = None,
    ) -> httpx.Response:
        """Call ``endpoint``; with ``session``, through that client. Raises HttpErrorException ``status:reason``."""
        import httpx

        if self.method not in self.METHODS:
            raise HttpMethodException(f"{self.method} is none of {', '.join(sorted(self.METHODS))}")
        hook = HttpHook(self.method, self.http_conn_id, self.auth_type)
        connection = await asyncio.to_thread(self.get_connection, self.http_conn_id) if self.http_conn_id else None
        options, auth = (extra_options or {}), None
        sent: dict[str, str] = {}
        if connection is not None:
            self.base_url = base_url_of(connection)
            options, sent = split_extra(connection, extra_options)
            auth = hook._auth(connection)
        arguments = body_arguments(self.method, data) | ({"json": json} if json is not None else {})
        arguments["headers"] = sent | {name: str(value) for name, value in (headers or {}).items()}
        if auth is not None:
            arguments["auth"] = auth
        url = complete_url(self.base_url, endpoint)
        if session is not None:
            return await self._tried(session, url, arguments)
        async with httpx.AsyncClient(**client_arguments(options, is_async=True)) as client:
            return await self._tried(client, url, arguments)

    async def _tried(self, client: httpx.AsyncClient, url: str, arguments: dict[str, Any]) -> httpx.Response:
        for attempt in range(1, self.retry_limit + 1):
            response = await client.request(self.method, url, **arguments)
            if response.status_code < 400:
                break
            self.log.warning("Try %d of %d: %s answered %d", attempt, self.retry_limit, url, response.status_code)
            if response.status_code < 500 or attempt == self.retry_limit:
                raise HttpErrorException(f"{response.status_code}:{response.reason_phrase}")
            await asyncio.sleep(self.retry_delay)
        return like_requests(response)
