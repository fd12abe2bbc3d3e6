"""``db export-archived``, ``drop-archived``: the copies that ``db clean`` kept."""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

from orchestration.services import retention

_PHRASE = "drop archived tables"


def export(args: argparse.Namespace) -> None:
    """Write each table of copies to a CSV file, and drop them if asked."""
    tables = retention.archives(args.tables)
    if args.drop_archives and tables and not args.yes:
        _confirm(tables)
    for table in tables:
        path = Path(args.output_path) / f"{table}.csv"
        print(f"Exporting table {table}")
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(retention.archived_rows(table))
        print(f"Data exported in csv to {path}")
        if args.drop_archives:
            retention.drop_archive(table)
    print(f"Total exported tables: {len(tables)}, Total dropped tables: {len(tables) if args.drop_archives else 0}")


def drop(args: argparse.Namespace) -> None:
    """Drop the tables of copies."""
    tables = retention.archives(args.tables)
    if args.dry_run:
        print("\n".join([f"Would drop {len(tables)} tables:", *tables]))
        return
    if tables and not args.yes:
        _confirm(tables)
    for table in tables:
        print(f"Dropping archived table {table}")
        retention.drop_archive(table)
    print(f"Total dropped tables: {len(tables)}")


def _confirm(tables: list[str]) -> None:
    print("You have requested that we drop the following archived tables:\n  " + "\n  ".join(tables))
    try:
        answer = input(f"Enter '{_PHRASE}' (without quotes) to proceed.\n").strip()
    except EOFError:
        answer = ""
    if answer != _PHRASE:
        raise SystemExit("User did not confirm; exiting.")
