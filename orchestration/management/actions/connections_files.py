"""``connections export``, ``import``: the reference's files, there and back."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from orchestration import clients
from orchestration.clients.base import Client, ConnectionValue
from orchestration.errors import Invalid, NotFound, OrchestrationError
from orchestration.management import rehearsal
from orchestration.management.actions.connections import as_connection, parse, value_of
from orchestration.management.cli.files import read_text, write_export

_FORMATS = (".yaml", ".json", ".env")
_FIELDS = ("conn_type", "description", "login", "password", "host", "port", "schema", "extra")


def export(args: argparse.Namespace) -> None:
    """Write all connections with their secrets as JSON, YAML, or lines ``ID=URI``."""
    if args.format and args.file_format:
        raise Invalid("--format is the old name of --file-format; give only the latter.")
    named = args.format or args.file_format
    if named:
        kind = f".{named}"
    elif args.file == "-":
        kind = ".json"
    else:
        kind = Path(args.file).suffix.lower()
        if kind not in _FORMATS:
            raise Invalid(
                f"{args.file} does not say its form. End it with {', '.join(_FORMATS)}, or give --file-format."
            )
    if args.serialization_format and kind != ".env":
        raise Invalid("--serialization-format only goes with the form env.")
    found = sorted(clients.current().connections(), key=lambda connection: connection.conn_id)
    write_export(args.file, _as_text(found, kind, args.serialization_format or "uri"), "connections", found)


def _as_text(found: Sequence[ConnectionValue], kind: str, line_form: str) -> str:
    if kind == ".env":
        lines = (f"{one.conn_id}={json.dumps(_parts(one)) if line_form == 'json' else _uri(one)}\n" for one in found)
        return "".join(lines)
    parts = {one.conn_id: _parts(one) for one in found}
    if kind == ".yaml":
        import yaml

        return str(yaml.safe_dump(parts))
    return json.dumps(parts, indent=2)


def _parts(connection: ConnectionValue) -> dict[str, Any]:
    return {name: getattr(connection, name) for name in _FIELDS}


def _uri(connection: ConnectionValue) -> str:
    return as_connection(connection).get_uri()


def import_(args: argparse.Namespace) -> int:
    """Make the connections of a file; one that is there stays unless ``--overwrite``. Leaves with 1 if one failed."""
    text = read_text(args.file, missing=f"There is no file {args.file}. Name another, or - for standard input.")
    client = clients.current()
    failures = 0
    for conn_id, written in _read(text, args.file).items():
        try:
            value = _value(conn_id, written)
            with rehearsal.stage(args) as acts:
                print(_put(client, value, args, acts=acts))
        except OrchestrationError as error:
            print(f"{conn_id} was not imported: {error}", file=sys.stderr)
            failures += 1
    return 1 if failures else 0


def _put(client: Client, value: ConnectionValue, args: argparse.Namespace, *, acts: bool) -> str:
    """Make or replace a connection where ``acts`` says so; what to tell of it."""
    try:
        before = client.connection(value.conn_id)
    except NotFound:
        before = None
    if before is not None and not args.overwrite:  # told, and no failure: as in the reference
        verb = "would not be" if args.dry_run else "was not"
        return f"{value.conn_id} {verb} imported: it is there already. Use --overwrite to replace it."
    if acts:
        (client.replace_connection if before else client.add_connection)(value)
    if not args.dry_run:
        return f"Imported {value.conn_id}"
    after = _parts(client.connection(value.conn_id) if acts else value)
    return rehearsal.told("connection", value.conn_id, _parts(before) if before else None, after)


def _read(text: str, path: str) -> Mapping[str, Any]:
    kind = Path(path).suffix.lower()
    if kind == ".json" or path == "-":
        try:
            found = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise Invalid(f"{path} is no JSON: {error}") from None
    elif kind in {".yaml", ".yml"}:
        import yaml

        try:
            found = yaml.safe_load(text) or {}
        except (yaml.YAMLError, RecursionError) as error:
            raise Invalid(f"{path} is no YAML: {error}") from None
    elif kind == ".env":
        found = _lines(text)
    else:
        raise Invalid(f"{path} does not say its form. End its name with .json, .yaml, .yml or .env.")
    if not isinstance(found, dict):
        raise Invalid(f"{path} must hold an object: connection id → connection.")
    return found


def _lines(text: str) -> dict[str, str]:
    found = {}
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        name, sign, value = line.partition("=")
        if not (sign and name.strip() and value.strip()):
            raise Invalid(f"Line {number} is not of the form ID=URI or ID=JSON.")
        found[name.strip()] = value.strip()
    return found


def _value(conn_id: str, written: Any) -> ConnectionValue:
    """A connection as a file writes it: a URI, JSON text, or an object of its parts. Raises Invalid."""
    if isinstance(written, str):
        return value_of(parse(conn_id, written))
    if isinstance(written, list) and len(written) == 1:
        return _value(conn_id, written[0])
    if not isinstance(written, dict):
        raise Invalid("A connection must be a URI or an object of its parts.")
    parts = {name: value for name, value in written.items() if name not in {"conn_id", "id"}}
    if "extra_dejson" in parts:
        parts["extra"] = json.dumps(parts.pop("extra_dejson"))
    if "uri" in parts:
        return value_of(parse(conn_id, str(parts["uri"])))
    if unknown := sorted(set(parts) - set(_FIELDS)):
        raise Invalid(f"It has unknown parts: {', '.join(unknown)}.")
    return value_of(parse(conn_id, json.dumps(parts)))
