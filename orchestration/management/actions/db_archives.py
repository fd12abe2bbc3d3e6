"""``db export-archived``, ``drop-archived``: the copies that ``db clean`` kept."""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

from orchestration.management.cli.files import unwritable
from orchestration.management.cli.output import confirm_by
from orchestration.management.cli.progress import progress
from orchestration.services import retention

_PHRASE = "drop archived tables"


def export(args: argparse.Namespace) -> None:
    """Write each table of copies to a CSV file, and drop them if asked."""
    tables = retention.archives(args.tables)
    if args.dry_run:
        print(f"Would write {len(tables)} tables:")
        for table in tables:
            path = Path(args.output_path) / f"{table}.csv"
            print(f"{table} to {path}{' in the place of the file there' if path.exists() else ''}")
        if args.drop_archives:
            print("\n".join([f"Would drop {len(tables)} tables:", *tables]))
        return
    if args.drop_archives and tables and not args.yes:
        _confirm(tables)
    for table in tables:
        path = Path(args.output_path) / f"{table}.csv"
        _write(table, path)
        print(f"Wrote {path}")
        if args.drop_archives:
            retention.drop_archive(table)
    print(f"Tables written: {len(tables)}, dropped: {len(tables) if args.drop_archives else 0}")


def _write(table: str, path: Path) -> None:
    """Write the copies batch by batch, with a bar. Raises Invalid where the file cannot be written."""
    try:
        with path.open("w", newline="", encoding="utf-8") as file, progress(None) as advance:
            writer = csv.writer(file)
            for row in retention.archived_rows(table):
                writer.writerow(row)
                advance(1)
    except OSError as error:
        raise unwritable(path, error) from None


def drop(args: argparse.Namespace) -> None:
    """Drop the tables of copies."""
    tables = retention.archives(args.tables)
    if args.dry_run:
        print("\n".join([f"Would drop {len(tables)} tables:", *tables]))
        return
    if tables and not args.yes:
        _confirm(tables)
    for table in tables:
        retention.drop_archive(table)
        print(f"Dropped {table}")
    print(f"Tables dropped: {len(tables)}")


def _confirm(tables: list[str]) -> None:
    print("These tables of copies will be dropped:\n  " + "\n  ".join(tables))
    confirm_by(_PHRASE)
