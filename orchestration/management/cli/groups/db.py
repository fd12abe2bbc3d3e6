"""``db``: the database's tables."""

from orchestration.management.cli import arguments as a
from orchestration.management.cli.arguments import Argument, option, switch
from orchestration.management.cli.tree import Command, Group, Needs

_TABLES = option("-t", "--tables", help="Only these tables, separated by commas", type=a.some_names)
_REVISIONS = (
    option("--from-revision", help="With --show-sql-only: the migration to start from"),
    option("--from-version", help="Accepted for compatibility; use --from-revision"),
    switch("-s", "--show-sql-only", help="Print the SQL and change nothing"),
)
_MIGRATE: tuple[Argument, ...] = (
    *_REVISIONS,
    switch("--no-reserialize-dags", help=None, action="store_false", dest="reserialize_dags"),
    option("-r", "--to-revision", help="Migrate no further than this migration of the app orchestration"),
    option("-n", "--to-version", help="Only the version that runs is taken"),
    switch("-m", "--use-migration-files", help="Accepted for compatibility; migration files are always used"),
    a.VERBOSE,
)

GROUP = Group(
    "db",
    "Database operations",
    (
        Command(
            "check",
            "Check whether the database can be reached",
            "db:check",
            (
                option("--retry", help="Times to try again", type=a.positive(zero=True), default=0),
                option("--retry-delay", help="Seconds between tries", type=a.positive(zero=False), default=1),
                a.VERBOSE,
            ),
        ),
        Command(
            "check-migrations",
            "Wait until all migrations have run",
            "db:check_migrations",
            (option("-t", "--migration-wait-timeout", help="Seconds to wait", type=int, default=60), a.VERBOSE),
            needs=Needs.EVERYTHING,
        ),
        Command(
            "clean",
            "Delete old rows",
            "db_clean:clean",
            (
                option(
                    "--clean-before-timestamp",
                    help="Delete what is older than this moment; without an offset it is in core.default_timezone",
                    type=a.moment,
                    required=True,
                ),
                switch("--dry-run", help="Count what would be deleted and delete nothing"),
                switch("--skip-archive", help="Keep no copy of what is deleted"),
                option(
                    "--keep-last",
                    help="Keep each DAG's last so many runs, however old",
                    type=a.positive(zero=True),
                    default=1,
                    is_extra=True,
                ),
                option(
                    "--batch-size",
                    help="Rows deleted at a time",
                    type=a.positive(zero=False),
                    default=1000,
                    is_extra=True,
                ),
                _TABLES,
                a.VERBOSE,
                a.YES,
            ),
            event="cli_cleanup_tables",
        ),
        Command(
            "downgrade",
            "Take the tables back to an earlier migration",
            "db:downgrade",
            (
                *_REVISIONS,
                option("-r", "--to-revision", help="The migration of the app orchestration to go back to"),
                option("-n", "--to-version", help="Accepted for compatibility; use --to-revision"),
                a.DRY_RUN,
                a.VERBOSE,
                a.YES,
            ),
            needs=Needs.EVERYTHING,
        ),
        Command(
            "drop-archived",
            "Drop the tables that db clean kept copies in",
            "db_archives:drop",
            (_TABLES, a.DRY_RUN, a.YES),
            event="cli_drop_archived",
        ),
        Command(
            "export-archived",
            "Write the copies that db clean kept to files",
            "db_archives:export",
            (
                switch("--drop-archives", help="Drop the copies afterwards"),
                option("--export-format", help="Form of the files", choices=("csv",), default="csv"),
                option(
                    "--output-path",
                    help="Folder for the files; it must exist",
                    required=True,
                    type=a.folder,
                    metavar="DIRPATH",
                ),
                _TABLES,
                a.DRY_RUN,
                a.YES,
            ),
            event="cli_export_archived",
        ),
        Command("init", "Deprecated: use db migrate", "db:init", (a.VERBOSE,), needs=Needs.EVERYTHING, is_hidden=True),
        Command(
            "migrate",
            "Make the tables or bring them up to date",
            "db:migrate",
            _MIGRATE,
            needs=Needs.EVERYTHING,
        ),
        Command(
            "reset",
            "Drop all tables and make them anew",
            "db:reset",
            (
                switch("-s", "--skip-init", help="Only drop the tables"),
                switch(
                    "-m", "--use-migration-files", help="Accepted for compatibility; migration files are always used"
                ),
                a.DRY_RUN,
                a.VERBOSE,
                a.YES,
            ),
            needs=Needs.EVERYTHING,
        ),
        Command("shell", "Open the database's own shell", "db:shell", (a.VERBOSE,)),
        Command(
            "upgrade", "Deprecated: use db migrate", "db:migrate", _MIGRATE, needs=Needs.EVERYTHING, is_hidden=True
        ),
    ),
)
