"""``db check``, ``migrate``, ``init``, ``reset``, ``downgrade``, ``shell`` …"""

from __future__ import annotations

import argparse
import contextlib
import re
import sqlite3
import sys
import time
from pathlib import Path

from django.core.management import call_command
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader

from airflowsite import API_VERSION, __version__
from orchestration.errors import Conflict, Invalid, Unavailable
from orchestration.management.cli.output import confirm

#: A table that only Apache Airflow's own databases have.
_FOREIGN_TABLE = "alembic_version"
_APP = "orchestration"
_VERSION = re.compile(r"\d+\.\d+\.\d+\S*")


def check(args: argparse.Namespace) -> None:
    """Exit with 0 when the database answers, else with 1 after ``--retry`` further tries."""
    for attempts_left in range(args.retry, -1, -1):
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
        except DatabaseError as error:
            connection.close()
            if not attempts_left:
                raise Unavailable(f"The database does not answer: {str(error).strip()}") from error
            time.sleep(args.retry_delay)
        else:
            print("Connection successful.")
            return


def check_migrations(args: argparse.Namespace) -> None:
    """Wait until all migrations have run; exit with 1 when the time is up."""
    until = time.monotonic() + args.migration_wait_timeout
    while True:
        try:
            require_migrations()
        except Unavailable:
            if time.monotonic() >= until:
                raise
            time.sleep(1)
        else:
            return


def require_migrations() -> None:
    """Raise Unavailable where migrations have not run."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if plan:
        first = plan[0][0]
        raise Unavailable(
            f"{len(plan)} migrations have not run, {first.app_label}.{first.name} first. Run: airflowsite db migrate"
        )


def init(args: argparse.Namespace) -> None:
    """The old name of ``migrate``."""
    print("db init is the old name of db migrate.", file=sys.stderr)
    _migrate(verbosity=1)


def migrate(args: argparse.Namespace) -> None:
    """Make or renew the tables; refuses a database of Apache Airflow's own."""
    if (args.from_revision or args.from_version) and not args.show_sql_only:
        raise Invalid("--from-revision and --from-version only go with --show-sql-only.")
    if args.to_version and not _VERSION.fullmatch(args.to_version):
        raise Invalid(f"{args.to_version!r} is no version such as {API_VERSION}.")
    if args.to_version and args.to_version not in {API_VERSION, __version__}:
        raise Invalid(
            f"The tables are made for {API_VERSION}, not for {args.to_version}. Leave out --to-version, or name a "
            "migration by --to-revision; `airflowsite showmigrations orchestration` lists them."
        )
    if args.show_sql_only:
        _print_sql(args.from_revision, args.to_revision)
        return
    _migrate(args.to_revision, verbosity=1)
    print("The tables are up to date.")


def _migrate(target: str | None = None, *, verbosity: int) -> None:
    refuse_foreign_tables()
    words = [_APP, _named(MigrationLoader(connection), target)] if target else []
    call_command("migrate", *words, interactive=False, verbosity=verbosity)


def refuse_foreign_tables() -> None:
    """Raise Conflict for a database that Apache Airflow itself keeps: nothing here may touch it."""
    if _FOREIGN_TABLE in _table_names():
        raise Conflict(
            "This database belongs to Apache Airflow itself (it has a table alembic_version), and stays untouched. "
            "Set [database] sql_alchemy_conn to a new database, then copy what is in this one with: "
            "airflowsite import-airflow --from URL"
        )


def _table_names() -> list[str]:
    """The tables' names; a SQLite file is looked at without a change of its journal mode."""
    path = Path(str(connection.settings_dict["NAME"]))
    if connection.vendor != "sqlite" or connection.connection is not None or not path.is_file():
        return connection.introspection.table_names()
    with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as file:
        return [name for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]


def _print_sql(first: str | None, last: str | None) -> None:
    executor = MigrationExecutor(connection)
    loader = executor.loader
    targets = [(_APP, _named(loader, last))] if last else loader.graph.leaf_nodes()
    start = loader.graph.forwards_plan((_APP, _named(loader, first))) if first else []
    done = set(start) if first else set(loader.applied_migrations)
    seen: set[tuple[str, str]] = set()
    for target in targets:
        for key in loader.graph.forwards_plan(target):
            if key in done or key in seen:
                continue
            seen.add(key)
            print(f"-- {key[0]} {key[1]}")
            call_command("sqlmigrate", *key)


def _named(loader: MigrationLoader, name: str) -> str:
    names: list[str] = [key[1] for key in loader.disk_migrations or {} if key[0] == _APP]
    found = [full for full in names if full.startswith(name)]
    if name == "zero":
        return name
    if len(found) != 1:
        raise Invalid(f"{name!r} names {len(found)} migrations. There are: {', '.join(sorted(names))}.")
    return found[0]


def downgrade(args: argparse.Namespace) -> None:
    """Take the tables of this program back to a migration."""
    if not args.to_revision:
        raise Invalid(
            "Say which migration to go back to with --to-revision; versions are not known. "
            "`airflowsite showmigrations orchestration` lists them."
        )
    executor = MigrationExecutor(connection)
    target = _named(executor.loader, args.to_revision)
    if args.show_sql_only:
        for migration, backwards in executor.migration_plan([(_APP, None if target == "zero" else target)]):
            print(f"-- {migration.app_label} {migration.name}")
            call_command("sqlmigrate", migration.app_label, migration.name, backwards=backwards)
        return
    if args.dry_run:
        plan = executor.migration_plan([(_APP, None if target == "zero" else target)])
        names = [f"{migration.app_label}.{migration.name}" for migration, _ in plan]
        print("\n".join([f"Would take back {len(names)} migrations:", *names]))
        return
    question = f"{connection.settings_dict['NAME']} goes back to the migration {target}, which may lose rows. Go on?"
    if not confirm(question, yes=args.yes):
        raise Invalid("Nothing was changed.")
    call_command("migrate", _APP, target, interactive=False, verbosity=1)
    print(f"The tables are those of {target}.")


def reset(args: argparse.Namespace) -> None:
    """Drop all tables, and make them anew unless told not to."""
    refuse_foreign_tables()
    name = connection.settings_dict["NAME"]
    if args.dry_run:
        print("\n".join([f"Would drop these tables of {name}:", *sorted(_table_names())]))
        return
    print(f"Database: {name}")
    if not confirm("All tables and what they hold will be dropped. Go on?", yes=args.yes):
        raise Invalid("Nothing was changed.")
    _drop_tables()
    if args.skip_init:
        print("All tables were dropped. Make them anew with: airflowsite db migrate")
        return
    _migrate(verbosity=0)
    print("The tables were made anew.")


def _drop_tables() -> None:
    names = connection.introspection.table_names()
    quote = connection.ops.quote_name
    cascade = " CASCADE" if connection.vendor == "postgresql" else ""
    with connection.constraint_checks_disabled(), connection.cursor() as cursor:
        for name in names:
            cursor.execute(f"DROP TABLE IF EXISTS {quote(name)}{cascade}")


def shell(args: argparse.Namespace) -> None:
    """Open ``sqlite3`` or ``psql`` on the database."""
    call_command("dbshell")
