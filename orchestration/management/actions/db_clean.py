"""``db clean``."""

from __future__ import annotations

import argparse
import sys

from django.utils import timezone

from orchestration.management.cli.output import confirm_by, emit
from orchestration.management.cli.progress import progress
from orchestration.services import retention
from orchestration.services.retention import Cleaning

_PHRASE = "delete rows"


def _known(tables: list[str] | None) -> list[str] | None:
    """The names without those that are no tables, which are told, as in the reference; all where none is one."""
    known = [name for name in tables or () if name in retention.RULES or name in retention.ABSENT]
    if not known:
        return tables
    if left := [name for name in tables or () if name not in known]:
        print(f"Left out, for there are no such tables: {', '.join(left)}.", file=sys.stderr)
    return known


def clean(args: argparse.Namespace) -> None:
    """Delete what is older than a moment, after asking; ``--dry-run`` counts it."""
    names = retention.chosen(_known(args.tables))
    stamp = None if args.skip_archive else f"{timezone.now():%Y%m%d%H%M%S}"
    cleaning = Cleaning(args.clean_before_timestamp, args.keep_last, args.batch_size, stamp)
    kept = retention.kept_runs(args.keep_last)
    counts = {name: retention.count(name, cleaning, kept) for name in names}
    if args.dry_run:
        print("A dry run: this would be deleted.")
        _report(counts, "rows to delete")
        return
    if not any(counts.values()):
        print("There is nothing to delete.")
        return
    if not args.yes:
        _confirm(args, counts)
    deleted: dict[str, int] = {}
    with progress(sum(counts.values())) as advance:
        for name in names:
            deleted[name] = 0
            for ids in retention.batches(name, cleaning, kept):
                deleted[name] += retention.delete(name, ids, cleaning)
                advance(len(ids))
    _report(deleted, "rows deleted")
    if stamp is not None:
        print("Copies are kept in tables; see `airflowsite db export-archived` and `db drop-archived`.")


def _confirm(args: argparse.Namespace, counts: dict[str, int]) -> None:
    _report(counts, "rows to delete")
    print(
        f"Rows older than {args.clean_before_timestamp} will be deleted for good; --dry-run only counts them, and a "
        "backup brings them back."
    )
    confirm_by(_PHRASE)


def _report(counts: dict[str, int], title: str) -> None:
    emit(({"table": name, title: number} for name, number in counts.items()), "table")
