"""What ``--dry-run`` needs: to do without leaving anything, and to say what would have become of what is there."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from orchestration import clients


@contextmanager
def stage(args: argparse.Namespace) -> Iterator[bool]:
    """Whether the body is to act: as it is asked or, for a dry run, in a transaction that is taken back.

    Through a server nothing can be taken back, so a dry run does not act there. What is refused is refused in a dry run
    near the database, too, in the same words.
    """
    if not args.dry_run:
        yield True
        return
    if clients.is_remote():
        yield False
        return
    from django.db import transaction  # a command that goes through a server has no database

    with transaction.atomic():
        yield True
        transaction.set_rollback(True)


@contextmanager
def stage_here(args: argparse.Namespace) -> Iterator[None]:
    """Do the body all or not at all, in a dry run not at all; for commands that never go through a server."""
    from django.db import transaction

    with transaction.atomic():
        yield
        if args.dry_run:
            transaction.set_rollback(True)


def told(
    what: str, name: str, before: Mapping[str, Any] | None, after: Mapping[str, Any], *, leaves: bool = False
) -> str:
    """What would become of one thing: made, changed (in which parts; no values, they may be secret), or left.

    ``leaves``: it stays as it is, whatever is wanted.
    """
    if before is None:
        return f"Would make the {what} {name}"
    parts = [part for part, value in after.items() if before.get(part) != value]
    if leaves or not parts:
        return f"Would leave the {what} {name} as it is"
    return f"Would change the {what} {name}: {', '.join(parts)}"
