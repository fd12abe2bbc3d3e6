"""``pools list``, ``get``, ``set``, ``delete``, ``import``, ``export``."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from orchestration import clients
from orchestration.clients.base import Client, PoolValue
from orchestration.errors import Invalid, NotFound
from orchestration.management import rehearsal
from orchestration.management.cli.files import read_json, write_export
from orchestration.management.cli.output import emit, given_ids

#: The pool that stays.
_KEPT = "default_pool"
_ALL = "`airflowsite pools list` shows all."


def list_pools(args: argparse.Namespace) -> None:
    """All pools."""
    _show(clients.current().pools(), args.output)


def get(args: argparse.Namespace) -> None:
    """One pool."""
    try:
        _show([clients.current().pool(args.pool)], args.output)
    except NotFound:
        raise NotFound(f"There is no pool {args.pool!r}. {_ALL}") from None


def set_(args: argparse.Namespace) -> None:
    """Make or change a pool."""
    if not args.pool.strip():
        raise Invalid("A pool needs a name.")
    told = _put(clients.current(), PoolValue(args.pool, args.slots, args.description, args.include_deferred), args)
    print(told or f"Set the pool {args.pool}")


def _put(client: Client, wanted: PoolValue, args: argparse.Namespace) -> str | None:
    """Make or change a pool; in a dry run do not, and tell what would become of it."""
    if not args.dry_run:
        client.set_pool(wanted)
        return None
    with rehearsal.stage(args) as acts:
        try:
            before = client.pool(wanted.name)
        except NotFound:
            before = None
        if acts:
            client.set_pool(wanted)
        after = client.pool(wanted.name) if acts else wanted
    return rehearsal.told("pool", wanted.name, asdict(before) if before else None, asdict(after))


def delete(args: argparse.Namespace) -> None:
    """Delete pools."""
    client = clients.current()
    for name in given_ids(args.pool):
        try:
            with rehearsal.stage(args) as acts:
                if acts:
                    client.delete_pool(name)
                else:
                    _require_deletable(client.pool(name))
        except NotFound:
            raise NotFound(f"There is no pool {name!r}. {_ALL}") from None
        print(f"Would delete the pool {name}" if args.dry_run else f"Deleted the pool {name}")


def _require_deletable(pool: PoolValue) -> None:
    """Refuse what the server would refuse, in its words. Raises Invalid."""
    if pool.name == _KEPT:
        raise Invalid("Default Pool can't be deleted")


def import_(args: argparse.Namespace) -> None:
    """Make or change the pools of a file: ``{name: {"slots", "description", "include_deferred"?}}``."""
    found = read_json(args.file, missing=f"There is no file {args.file}. Name another, or - for standard input.")
    if not isinstance(found, dict):
        raise Invalid("The file must hold a JSON object of pools.")
    client = clients.current()
    failed = [name for name, fields in found.items() if not _is_pool(fields)]
    wanted = {name: fields for name, fields in found.items() if name not in failed}
    for name, fields in wanted.items():
        pool = PoolValue(name, fields["slots"], fields["description"], bool(fields.get("include_deferred", False)))
        told = _put(client, pool, args)
        if told:
            print(told)
    if failed:
        raise Invalid(f"These are no pools and were left out: {', '.join(failed)}. Each needs slots and a description.")
    print(f"{'Would import' if args.dry_run else 'Imported'} {len(wanted)} pools")


def _is_pool(fields: Any) -> bool:
    return isinstance(fields, dict) and type(fields.get("slots")) is int and "description" in fields


def export(args: argparse.Namespace) -> None:
    """Write all pools to a file."""
    pools = clients.current().pools()
    found = {
        pool.name: {"slots": pool.slots, "description": pool.description, "include_deferred": pool.include_deferred}
        for pool in pools
    }
    write_export(args.file, json.dumps(found, sort_keys=True, indent=4), "pools", pools)


def _show(pools: Iterable[PoolValue], output: str) -> None:
    rows = [
        {
            "pool": pool.name,
            "slots": pool.slots,
            "description": pool.description,
            "include_deferred": pool.include_deferred,
        }
        for pool in pools
    ]
    emit(rows, output)
