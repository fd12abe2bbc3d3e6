"""Connections: how to reach outside systems. Mirrors ``airflow.models.connection``.

The environment (``AIRFLOW_CONN_{ID}``, a URI or JSON) is asked first, then the store.
"""

from __future__ import annotations

import json
import logging
import re
import warnings
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode, urlsplit

from orchestration.authoring import store
from orchestration.authoring.columns import columns
from orchestration.authoring.exceptions import AirflowException, AirflowNotFoundException, RemovedInAirflow3Warning
from orchestration.authoring.helpers import prune_dict
from orchestration.authoring.logging_mixin import LoggingMixin
from orchestration.authoring.secrets import mask_secret

if TYPE_CHECKING:
    from orchestration.authoring.hooks_base import BaseHook

log = logging.getLogger("airflow.models.connection")

CONN_ID_MAX_LEN = 250
_CONN_ID = re.compile(r"[\w#!()\-.:/\\]+")


def sanitize_conn_id(conn_id: str | None, max_length: int = CONN_ID_MAX_LEN) -> str | None:
    """The allowed beginning of an id: letters, digits and ``#!()-.:/\\_``; None for nothing allowed or too long."""
    if not isinstance(conn_id, str) or len(conn_id) > max_length:
        return None
    match = _CONN_ID.match(conn_id)
    return match[0] if match else None


@columns("id conn_id conn_type description host schema login port extra")
class Connection(LoggingMixin):
    """A connection, from its parts or from a URI (AirflowException for both). ``extra`` is JSON text, or a dict."""

    #: Under this name a URI's query holds an ``extra`` that is no flat dict of texts.
    EXTRA_KEY = "__extra__"

    id: int | None = None
    is_encrypted = False
    is_extra_encrypted = False

    def __init__(
        self,
        conn_id: str | None = None,
        conn_type: str | None = None,
        description: str | None = None,
        host: str | None = None,
        login: str | None = None,
        password: str | None = None,
        schema: str | None = None,
        port: int | None = None,
        extra: str | dict[str, Any] | None = None,
        uri: str | None = None,
    ) -> None:
        if uri and any((conn_type, host, port, login, password, schema, extra)):
            raise AirflowException("A connection is made from a URI or from its parts, not from both: leave out one")
        self.conn_id, self.description = sanitize_conn_id(conn_id), description
        self.conn_type, self.host, self.login, self.password = conn_type, host, login, password or None
        self.schema, self.port = schema, port
        self.extra: Any = json.dumps(extra) if extra and not isinstance(extra, str) else extra
        if uri:
            self._parse_from_uri(uri)
        _warn_of_extra(self.extra, self.conn_id)
        if self.password:
            mask_secret(self.password)

    def __repr__(self) -> str:
        return self.conn_id or ""

    @classmethod
    def from_uri(cls, uri: str, conn_id: str | None = None) -> Connection:
        """The connection that a URI describes."""
        return cls(conn_id=conn_id, uri=uri)

    @classmethod
    def from_json(cls, value: str, conn_id: str | None = None) -> Connection:
        """The connection that a JSON object describes. ValueError for a wrong port, TypeError for no object."""
        parts = json.loads(value)
        if not isinstance(parts, dict):
            raise TypeError(f"A connection as JSON is an object, not a {type(parts).__name__}")
        for name, read in (("conn_type", _normalise_type), ("port", _port)):
            parts[name] = read(parts[name]) if parts.get(name) else None
        return cls(conn_id=conn_id, **{**parts, "extra": parts.get("extra") or None})

    def _parse_from_uri(self, uri: str) -> None:
        count = uri.count("://")
        if count > 2:
            raise AirflowException(_not_a_uri(uri))
        scheme = urlsplit(uri).scheme
        self.conn_type = _normalise_type(scheme)
        rest = uri.replace(f"{scheme}://", "" if count == 2 else "//")
        if count == 2:
            before = rest.partition("://")[0]
            if "@" in before or ":" in before:
                raise AirflowException(_not_a_uri(uri))
        parts = urlsplit(rest)
        host = _host_of(parts)
        self.host = f"{parts.scheme}://{host}" if host and count == 2 else host
        self.schema = unquote(parts.path[1:])
        self.login = unquote(parts.username) if parts.username else parts.username
        self.password = unquote(parts.password) if parts.password else None
        self.port = parts.port
        if parts.query:
            query = dict(parse_qsl(parts.query, keep_blank_values=True))
            self.extra = query[self.EXTRA_KEY] if self.EXTRA_KEY in query else json.dumps(query)

    def get_uri(self) -> str:
        """The connection as a URI."""
        scheme = f"{self.conn_type.lower().replace('_', '-')}://" if self.conn_type else "//"
        protocol, _, host = (self.host or "").rpartition("://")
        authority = "" if self.login is None else quote(self.login, safe="")
        if self.password is not None:
            authority += f":{quote(self.password, safe='')}"
        if authority:
            authority += "@"
        place = quote(host, safe="")
        if self.port:
            place += f":{self.port}" if place or authority else f"@:{self.port}"
        if self.schema:
            place += f"/{quote(self.schema, safe='')}"
        return f"{scheme}{protocol and protocol + '://'}{authority}{place}{self._query()}"

    def _query(self) -> str:
        if not self.extra:
            return ""
        extra = self.extra_dejson
        try:
            query = urlencode(extra)
        except TypeError:
            query = ""
        if not query or extra != dict(parse_qsl(query, keep_blank_values=True)):
            query = urlencode({self.EXTRA_KEY: self.extra})
        return f"{'?' if self.schema else '/?'}{query}"

    def get_password(self) -> str | None:
        """The password."""
        return self.password

    def set_password(self, value: str | None) -> None:
        """Set the password."""
        self.password = value

    def get_extra(self) -> str | None:
        """The extra's text."""
        text: str | None = self.extra
        return text

    def set_extra(self, value: str | None) -> None:
        """Set the extra's text."""
        self.extra = value

    def get_extra_dejson(self, nested: bool = False) -> dict[str, Any]:
        """The extra's object; empty for text that is no JSON. ``nested``: texts in it that are JSON are read too."""
        if not self.extra:
            return {}
        try:
            extra = json.loads(self.extra)
        except ValueError:
            self.log.exception("The extra of connection %r is no JSON, and is left out", self.conn_id)
            return {}
        if nested and isinstance(extra, dict):
            extra = {key: _json_or_text(value) for key, value in extra.items()}
        mask_secret(extra)
        found: dict[str, Any] = extra
        return found

    @property
    def extra_dejson(self) -> dict[str, Any]:
        """The extra's object."""
        return self.get_extra_dejson()

    def get_hook(self, *, hook_params: dict[str, Any] | None = None) -> BaseHook:
        """The hook that fits the connection's type; AirflowException for a type without one."""
        from orchestration.authoring.hook_table import hook_for

        return hook_for(self, hook_params or {})

    def test_connection(self) -> tuple[bool, str]:
        """Whether the system answers, and what it or the error says."""
        try:
            hook = self.get_hook()
            test = getattr(hook, "test_connection", None)
            if test is None:
                return False, f"{type(hook).__name__} has no test_connection(), so it cannot be tried out"
            status, message = test()
        except Exception as error:
            return False, str(error)
        return bool(status), str(message)

    def to_dict(self, *, prune_empty: bool = False, validate: bool = True) -> dict[str, Any]:
        """The parts by name; with ``prune_empty`` without those that are None."""
        parts: dict[str, Any] = {
            name: getattr(self, name)
            for name in ("conn_id", "conn_type", "description", "host", "login", "password", "schema", "port")
        }
        if prune_empty:
            parts = prune_dict(parts, mode="strict")
        if (extra := self.extra_dejson) or not prune_empty:
            parts["extra"] = extra
        if validate:
            json.dumps(parts)
        return parts

    def as_json(self) -> str:
        """The parts that are not None as JSON, for the environment."""
        parts = self.to_dict(prune_empty=True, validate=False)
        parts.pop("conn_id", None)
        return json.dumps(parts)

    def log_info(self) -> str:
        """The connection in one line, without secrets."""
        return self.debug_info()

    def debug_info(self) -> str:
        """The connection in one line, without secrets."""
        shown = {name: getattr(self, name) for name in ("host", "port", "schema", "login")}
        parts = ", ".join(f"{name.capitalize()}: {value}" for name, value in shown.items())
        return f"id: {self.conn_id}. {parts}, Password: {'***' if self.password else None}"

    @classmethod
    def get_connection_from_secrets(cls, conn_id: str) -> Connection:
        """The connection of an id, from the environment or the store; AirflowNotFoundException without one."""
        text = store.connection_from_environment(conn_id)
        if text is not None:
            text = text.strip()
            return cls.from_json(text, conn_id) if text.startswith("{") else cls(conn_id=conn_id, uri=text)
        value = store.current().get_connection(conn_id)
        if value is None:
            raise AirflowNotFoundException(
                f"There is no connection {conn_id!r}: add it, or set AIRFLOW_CONN_{conn_id.upper()}"
            )
        return cls(**value)


def _normalise_type(conn_type: str) -> str:
    return "postgres" if conn_type == "postgresql" else conn_type.replace("-", "_")


def _port(value: Any) -> int:
    try:
        return int(value)
    except ValueError:
        raise ValueError(f"The port of a connection is a number, not {value!r}") from None


def _host_of(parts: SplitResult) -> str:
    """The host as it is written: ``hostname`` is lower-cased, and wrong for a quoted path (``%2Ftmp``)."""
    host = unquote(parts.hostname or "")
    if "/" in host:
        host = unquote(parts.netloc.rpartition("@")[2].partition(":")[0])
    return host


def _not_a_uri(uri: str) -> str:
    shown = re.sub(r"(:)[^:@/]+(@)", r"\1***\2", uri)
    return f"{shown} is no URI of a connection; one looks like postgres://user:password@host:5432/database"


def _json_or_text(value: Any) -> Any:
    if isinstance(value, str):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _warn_of_extra(extra: Any, conn_id: str | None) -> None:
    if not extra:
        return
    try:
        is_object = isinstance(json.loads(extra), dict)
    except ValueError:
        is_object = False
    if not is_object:
        warnings.warn(
            f"The extra of connection {conn_id!r} is no JSON object, which Airflow 3 refuses",
            RemovedInAirflow3Warning,
            stacklevel=3,
        )
