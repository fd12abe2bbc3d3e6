"""``import-airflow``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, closing, nullcontext

from django.db import connection, transaction

from orchestration.conf import conf
from orchestration.errors import Invalid
from orchestration.management.cli.output import emit
from orchestration.management.cli.progress import progress
from orchestration.management.moving import behind
from orchestration.management.moving.attached import attached
from orchestration.management.moving.carry import Hands
from orchestration.management.moving.dags import copy_dags
from orchestration.management.moving.datasets import copy_dataset_events, copy_datasets
from orchestration.management.moving.history import copy_runs
from orchestration.management.moving.log import copy_log
from orchestration.management.moving.move import Move
from orchestration.management.moving.objects import copy_connections, copy_pools, copy_variables
from orchestration.management.moving.people import copy_roles, copy_users
from orchestration.management.moving.sla import copy_sla_misses
from orchestration.management.moving.source import Source, open_source

#: Each kind and how it is copied, in an order in which each finds what it needs.
_KINDS: Mapping[str, Callable[[Move], None]] = {
    "variables": copy_variables,
    "connections": copy_connections,
    "pools": copy_pools,
    "dags": copy_dags,
    "roles": copy_roles,
    "users": copy_users,
    "datasets": copy_datasets,
    "dataset_events": copy_dataset_events,
    "runs": copy_runs,
    "sla_misses": copy_sla_misses,
    "log": copy_log,
}
#: What a batch changes in SQLite's indexes stays in memory until it is committed: a quarter less work than with 2 MB.
_CACHE_KIBIBYTES = 65_536
#: Pages of 4 KB in SQLite's log before it is written back: a page that many batches change is written once for them.
_CHECKPOINT_PAGES = 65_536
#: So many processes copy where there are so many processors: each takes memory and a connection to both databases.
_PROCESSES = 8
#: The tables that can be long, by kind.
_LONG = {"dataset_events": "dataset_event", "runs": "dag_run", "sla_misses": "sla_miss", "log": "log"}


def import_(args: argparse.Namespace) -> None:
    """Copy what is not here yet; a dry run does the same and takes it back."""
    kinds = args.tables or list(_KINDS)
    unknown = [name for name in kinds if name not in _KINDS]
    if unknown:
        raise Invalid(f"There is no kind {unknown[0]!r}. There are: {', '.join(_KINDS)}.")
    url = _line() if args.source == "-" else args.source
    key = _line() if args.fernet_key == "-" else args.fernet_key
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA cache_size = -{_CACHE_KIBIBYTES}")
            cursor.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
    with closing(open_source(url)) as source:
        total = sum(source.count(_LONG[name]) for name in kinds if name in _LONG)
        with (
            _attached(source, args.dry_run) as is_attached,
            _taken_back(args.dry_run),
            _hands(args, url, is_alone=is_attached) as hands,
            progress(total) as advance,
        ):
            move = Move(
                source,
                fernet_keys=(conf.get("core", "fernet_key") if key is None else key) or "",
                batch_size=args.batch_size,
                is_paused=args.paused,
                is_attached=is_attached,
                hands=hands,
                advance=advance,
            )
            for name, copy in _KINDS.items():
                if name in kinds:
                    copy(move)
            if not args.tables:
                behind.tell(move)
            if args.dry_run:
                transaction.set_rollback(True)
    emit(move.report.rows(), "table")
    sentences = move.report.sentences()
    if sentences:
        print("Left:")
    for sentence in sentences:
        print(f"  {sentence}")
    if args.dry_run:
        print("This was a dry run: nothing was kept.")


def _line() -> str:
    return sys.stdin.readline().strip()


def _hands(args: argparse.Namespace, url: str, *, is_alone: bool) -> AbstractContextManager[Hands | None]:
    """The processes that copy. What a transaction has not committed, they would not see."""
    processes = args.processes or min(os.cpu_count() or 1, _PROCESSES)
    others = processes - 1 if connection.vendor == "sqlite" else processes  # this one is SQLite's only writer
    if is_alone or connection.in_atomic_block or processes == 1:
        return nullcontext()
    return Hands(others, url, args.batch_size)


def _attached(source: Source, is_dry: bool) -> AbstractContextManager[bool]:
    return nullcontext(False) if is_dry else attached(source)


def _taken_back(is_dry: bool) -> AbstractContextManager[object]:
    return transaction.atomic() if is_dry else nullcontext()
