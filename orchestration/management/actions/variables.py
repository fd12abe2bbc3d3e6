"""``variables list``, ``get``, ``set``, ``delete``, ``import``, ``export``."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from typing import Any

from orchestration import clients
from orchestration.authoring import store
from orchestration.clients.base import Client, VariableValue
from orchestration.errors import Conflict, Invalid, NotFound, OrchestrationError
from orchestration.management import rehearsal
from orchestration.management.cli.files import read_json, write_export
from orchestration.management.cli.output import emit, given_ids


def list_variables(args: argparse.Namespace) -> None:
    """The keys."""
    emit(({"key": variable.key} for variable in clients.current().variables()), args.output)


def get(args: argparse.Namespace) -> None:
    """One value: of the environment (``AIRFLOW_VAR_…``), else as it is stored, else the default."""
    value = None if clients.is_remote() else store.variable_from_environment(args.key)
    if value is None:
        try:
            value = clients.current().variable(args.key).val
        except NotFound:
            if args.default is None:
                raise NotFound(f"There is no variable {args.key!r}. `airflowsite variables list` shows all.") from None
            print(args.default)
            return
    if args.json:
        try:
            print(json.loads(value or ""))
        except ValueError as error:
            raise Invalid(f"The value of {args.key} is not JSON: {error}") from None
        return
    print(value)


def set_(args: argparse.Namespace) -> None:
    """Set a variable; the value ``-`` is read from standard input."""
    value = sys.stdin.read().removesuffix("\n") if args.value == "-" else args.value
    text = json.dumps(value, indent=2) if args.json else value
    told = _put(clients.current(), VariableValue(args.key, text, args.description), args)
    print(told or f"Set the variable {args.key}")


def _put(client: Client, wanted: VariableValue, args: argparse.Namespace) -> str | None:
    """Set a variable; in a dry run do not, and tell what would become of it."""
    if not args.dry_run:
        client.set_variable(wanted)
        return None
    before = _stored(client, wanted.key)
    with rehearsal.stage(args) as acts:
        if acts:
            client.set_variable(wanted)
        after = _stored(client, wanted.key) if acts else wanted
    assert after is not None
    return rehearsal.told("variable", wanted.key, asdict(before) if before else None, asdict(after))


def _stored(client: Client, key: str) -> VariableValue | None:
    try:
        return client.variable(key)
    except NotFound:
        return None


def delete(args: argparse.Namespace) -> None:
    """Delete variables; one that is not there is no error, as in the reference."""
    client = clients.current()
    for key in given_ids(args.key):
        if args.dry_run:
            is_there = any(variable.key == key for variable in client.variables())
            print(f"Would delete the variable {key}" if is_there else f"There is no variable {key!r}.")
        else:
            is_there = client.delete_variable(key)
            print(f"Deleted the variable {key}" if is_there else f"There was no variable {key!r}.")


def import_(args: argparse.Namespace) -> int:
    """Set the variables of a JSON file; leaves with 1 when one could not be set."""
    found = read_json(args.file, missing=f"There is no file {args.file}. Name another, or - for standard input.")
    if not isinstance(found, dict):
        raise Invalid("The file must hold a JSON object: {key: value, …}")
    client = clients.current()
    known = {variable.key for variable in client.variables()} if args.action_on_existing_key != "overwrite" else set()
    existing = sorted(known & set(found))
    if existing and args.action_on_existing_key == "fail":
        raise Conflict(f"Nothing was set, for these keys are taken: {', '.join(existing)}")
    failures = 0
    wanted = {key: value for key, value in found.items() if key not in existing}
    for key, value in wanted.items():
        text = value if isinstance(value, str) else json.dumps(value, indent=2)
        try:
            told = _put(client, VariableValue(key, text), args)
            if told:
                print(told)
        except OrchestrationError as error:
            print(f"{key} was not set: {error}", file=sys.stderr)
            failures += 1
    print(f"{'Would set' if args.dry_run else 'Set'} {len(wanted) - failures} of {len(found)} variables.")
    if failures:
        print(f"Failed: {failures}.")
    if existing:
        print(f"Left as they were: {', '.join(existing)}.")
    return 1 if failures else 0


def export(args: argparse.Namespace) -> None:
    """Write all variables to a file; a value that is JSON is written as JSON."""
    found = {variable.key: _decoded(variable.val) for variable in clients.current().variables()}
    write_export(args.file, json.dumps(found, sort_keys=True, indent=4), "variables", found)


def _decoded(value: str | None) -> Any:
    try:
        return json.loads(value or "")
    except ValueError:
        return value
