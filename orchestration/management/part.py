"""What the commands of the long-running parts share: what they refuse is a sentence and an exit status.

A database that is away is told, and waited for: whoever started the part need not start it again. Where waiting cannot
help (a folder that is not there, an option that nobody knows) the part ends with 1.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, InterfaceError, connection

from orchestration.conf import conf
from orchestration.errors import OrchestrationError, Unavailable
from orchestration.management.actions import db
from orchestration.models.outages import first_line, is_outage

log = logging.getLogger(__name__)

#: What SQLite says of a file that stays as unusable as it is until somebody does something.
_LASTING: Final = frozenset({sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM})
_CORRECT: Final = "Correct [database] sql_alchemy_conn, or what its user may do there."
_ELSEWHERE: Final = "or name another file in [database] sql_alchemy_conn."


class PartCommand(BaseCommand):
    """A part that runs until it is told to stop."""

    #: What others meet while the part waits for its database; a sentence.
    while_away = ""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        # -v is --verbose, a switch, as in Airflow; Django's is --verbosity.
        return super().create_parser(prog_name, subcommand, conflict_handler="resolve", **kwargs)

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run the part; from a command line, what is refused is said and ends the process with 1."""
        if options.get("verbose"):
            logging.getLogger("orchestration").setLevel(logging.DEBUG)
        try:
            return super().execute(*args, **options)
        except (OrchestrationError, CommandError) as error:
            if not self._is_typed or options.get("traceback"):
                raise
            self.stderr.write(str(error))
            raise SystemExit(1) from None

    def look_at_tables(self) -> None:
        """Raise Unavailable for tables that lack migrations (with ``database.check_migrations``) and lasting troubles.

        Only what was typed is refused: ``standalone`` makes the tables first. A database that is away is told, and
        waited for by the part itself.
        """
        if not self._is_typed:
            return
        try:
            connection.ensure_connection()
            _refuse_read_only_file()
            if conf.getboolean("database", "check_migrations"):
                db.require_migrations()
        except (DatabaseError, InterfaceError) as error:
            connection.close()
            lasting = lasting_trouble(error)
            if lasting is not None:
                raise Unavailable(lasting) from error
            log.warning(
                "The database does not answer (%s). This process waits, and goes on by itself when it does.%s If that "
                "lasts, start the database, or correct [database] sql_alchemy_conn and start this process again.",
                first_line(error),
                self.while_away and f" {self.while_away}",
            )

    @property
    def _is_typed(self) -> bool:
        return bool(getattr(self, "_called_from_command_line", False))


def unconnected(error: Exception) -> str:
    """A sentence for whoever cannot wait until the database can be connected to."""
    return lasting_trouble(error) or (
        f"The database does not answer ({first_line(error)}). Start the database, or correct [database] "
        "sql_alchemy_conn; then start this again."
    )


def lasting_trouble(error: Exception) -> str | None:
    """What no waiting helps against, and what to do; None for a database that may come by itself."""
    cause = error if isinstance(error, sqlite3.Error) else error.__cause__
    if not isinstance(cause, sqlite3.Error):
        return None if is_outage(error) else f"The database cannot be used ({first_line(error)}). {_CORRECT}"
    code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_NOTADB:
        return f"{_sqlite_file()} is no SQLite database. Move it away, {_ELSEWHERE}"
    return _unopened(_sqlite_file()) if code in _LASTING else None


def _sqlite_file() -> Path:
    return Path(str(connection.settings_dict["NAME"]))


# Not pathlib below: Path.exists and Path.is_dir raise where a folder above may not be read.


def _refuse_read_only_file() -> None:
    """Raise Unavailable for a SQLite file that can be read, and not be written."""
    file = _sqlite_file()
    if connection.vendor == "sqlite" and os.path.isfile(file) and not os.access(file, os.W_OK):  # noqa: PTH113
        raise Unavailable(_unopened(file))


def _unopened(file: Path) -> str:
    """Why a SQLite file cannot be opened and written, and what to do."""
    folder = file.parent
    if not os.path.lexists(folder):
        return f"There is no folder {folder} for the SQLite database. Make it, {_ELSEWHERE}"
    if not os.path.isdir(folder):  # noqa: PTH112
        return f"{folder}, where the SQLite database should be, is no folder. Move it away, {_ELSEWHERE}"
    if os.path.isdir(file):  # noqa: PTH112
        return f"{file} is a folder, and no SQLite database. Move it away, {_ELSEWHERE}"
    return (
        f"The SQLite database {file} cannot be opened and written by the user with the id {os.geteuid()}. Let that "
        f"user write the file and its folder, {_ELSEWHERE}"
    )
