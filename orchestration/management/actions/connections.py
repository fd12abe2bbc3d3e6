"""``connections list``, ``get``, ``add``, ``delete``, ``test``, ``create-default-connections``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from orchestration import clients
from orchestration.authoring import store
from orchestration.authoring.connection import Connection
from orchestration.authoring.exceptions import AirflowException
from orchestration.clients.base import ConnectionValue
from orchestration.errors import Conflict, Invalid, NotFound, Unavailable
from orchestration.management.cli.output import emit, given_ids

#: Options that say a part of a connection, which a URI or JSON says as a whole.
_PARTS = ("conn_type", "conn_host", "conn_login", "conn_password", "conn_schema", "conn_port")
#: Those of a new Airflow installation whose type works here.
DEFAULTS = (
    ConnectionValue("fs_default", conn_type="fs", extra='{"path": "/"}'),
    ConnectionValue("http_default", conn_type="http", host="https://www.httpbin.org/"),
    ConnectionValue(
        "postgres_default",
        conn_type="postgres",
        host="postgres",
        schema="airflow",
        login="postgres",
        password="airflow",  # noqa: S106 the reference's example
    ),
    ConnectionValue("sqlite_default", conn_type="sqlite", host="/tmp/sqlite_default.db"),  # noqa: S108 as there
)
_ALL = "`airflowsite connections list` shows all."
_FIELDS = ("conn_type", "description", "host", "schema", "login", "password", "port", "extra")


def list_connections(args: argparse.Namespace) -> None:
    """All connections, or the one of ``--conn-id``; secrets are shown, as in the reference: this is the operator's."""
    found = clients.current().connections()
    _show((one for one in found if args.conn_id in {None, one.conn_id}), args.output)


def get(args: argparse.Namespace) -> None:
    """One connection: of the environment (``AIRFLOW_CONN_…``), else as it is stored."""
    text = None if clients.is_remote() else store.connection_from_environment(args.conn_id)
    if text is not None:
        _show([value_of(parse(args.conn_id, text))], args.output)
        return
    try:
        _show([clients.current().connection(args.conn_id)], args.output)
    except NotFound:
        raise NotFound(f"Connection not found. {_ALL}") from None


def _show(connections: Iterable[ConnectionValue], output: str) -> None:
    emit(map(_row, connections), output)


def _row(value: ConnectionValue) -> dict[str, Any]:
    connection = as_connection(value)
    return {
        "id": value.id,
        "conn_id": value.conn_id,
        "conn_type": value.conn_type,
        "description": value.description,
        "host": value.host,
        "schema": value.schema,
        "login": value.login,
        "password": value.password,
        "port": value.port,
        "is_encrypted": bool(value.password),
        "is_extra_encrypted": bool(value.extra),
        "extra_dejson": connection.extra_dejson,
        "get_uri": connection.get_uri(),
    }


def as_connection(value: ConnectionValue) -> Connection:
    """The connection as DAG files know it: it can be written as a URI."""
    return Connection(value.conn_id, **{name: getattr(value, name) for name in _FIELDS})


def value_of(connection: Connection) -> ConnectionValue:
    """The parts of a connection that was read from a URI or JSON."""
    assert connection.conn_id is not None
    return ConnectionValue(connection.conn_id, **{name: getattr(connection, name) for name in _FIELDS})


def parse(conn_id: str, text: str) -> Connection:
    """A connection from a URI or a JSON object. Raises Invalid."""
    try:
        if text.lstrip().startswith("{"):
            return Connection.from_json(text, conn_id)
        return Connection(conn_id, uri=text)
    except (AirflowException, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise Invalid(f"The connection {conn_id} cannot be read: {error}") from None


def add(args: argparse.Namespace) -> None:
    """Make a connection from a URI, from JSON, or from its parts."""
    for name in ("conn_uri", "conn_json", "conn_password"):
        if getattr(args, name) == "-":
            setattr(args, name, sys.stdin.read().strip())
    value = _wanted(args)
    try:
        clients.current().add_connection(value)
    except Conflict:
        raise Conflict(f"{args.conn_id!r} is taken. Delete that connection first, or choose another id.") from None
    print(f"Added the connection {args.conn_id}: {_shown_uri(value)}")


def _wanted(args: argparse.Namespace) -> ConnectionValue:
    whole = args.conn_uri or args.conn_json
    if not (whole or args.conn_type):
        raise Invalid("Say what it connects to: --conn-uri, --conn-json, or --conn-type with the other parts.")
    if args.conn_uri and args.conn_json:
        raise Invalid("Give --conn-uri or --conn-json, not both.")
    if not whole:
        return ConnectionValue(
            args.conn_id,
            conn_type=args.conn_type,
            description=args.conn_description,
            host=args.conn_host,
            schema=args.conn_schema,
            login=args.conn_login,
            password=args.conn_password,
            port=_port(args.conn_port),
            extra=args.conn_extra,
        )
    if args.conn_uri and not urlsplit(args.conn_uri).scheme:
        raise Invalid("--conn-uri needs a scheme such as postgres:// in front.")
    clashing = [name for name in _PARTS if getattr(args, name) is not None]
    clashing += ["conn_extra"] if args.conn_json and args.conn_extra else []
    if clashing:
        kind = "uri" if args.conn_uri else "json"
        raise Invalid(f"--conn-{kind} says it all already; leave out: {', '.join(map(_flag, clashing))}.")
    if args.conn_json:
        _refuse_no_object(args.conn_json)
    connection = parse(args.conn_id, whole)
    if not connection.conn_type:
        raise Invalid("The connection has no type: add conn_type to the JSON.")
    connection.description = args.conn_description or connection.description
    connection.extra = args.conn_extra if args.conn_extra is not None else connection.extra
    return value_of(connection)


def _refuse_no_object(text: str) -> None:
    try:
        is_object = isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        is_object = False
    if not is_object:
        raise Invalid("""--conn-json takes a JSON object, such as '{"conn_type": "http", "host": "h"}'.""")


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _port(text: str | None) -> int | None:
    if not text:
        return None
    try:
        return int(text)
    except ValueError:
        raise Invalid(f"The port must be a whole number, not {text!r}.") from None


def _shown_uri(value: ConnectionValue) -> str:
    login = f"{value.login or ''}:{'******' if value.password else ''}"
    place = f"{login}@{value.host or ''}:{value.port or ''}"
    return urlunsplit((value.conn_type or "", place, value.schema or "", "", ""))


def delete(args: argparse.Namespace) -> None:
    """Delete connections."""
    client = clients.current()
    for conn_id in given_ids(args.conn_id):
        if args.dry_run:
            _found(conn_id, client.connection)
            print(f"Would delete the connection {conn_id}")
        else:
            _found(conn_id, client.delete_connection)
            print(f"Deleted the connection {conn_id}")


def _found(conn_id: str, act: Callable[[str], object]) -> None:
    try:
        act(conn_id)
    except NotFound:
        raise NotFound(f"There is no connection {conn_id!r}. {_ALL}") from None


def test(args: argparse.Namespace) -> None:
    """Try a connection; leaves with 1 when it fails or when tests are switched off."""
    from orchestration.services import connection_tests, connections  # the network's libraries

    if not connection_tests.is_enabled():
        raise Unavailable("Connections may not be tried here. To allow it set [core] test_connection = Enabled.")
    connection = connections.find(args.conn_id)
    result = connection_tests.run(connection, actor=None)
    if not result.is_good:
        raise Unavailable(f"{args.conn_id} failed: {result.message}")
    print(f"{args.conn_id} works: {result.message}")


def create_defaults(args: argparse.Namespace) -> None:
    """Make the connections of a new Airflow installation; those that are there stay."""
    client = clients.current()
    known = {connection.conn_id for connection in client.connections()}
    missing = [connection for connection in DEFAULTS if connection.conn_id not in known]
    for connection in missing:
        client.add_connection(connection)
    print(f"{len(missing)} default connections were added, {len(DEFAULTS) - len(missing)} were there.")
