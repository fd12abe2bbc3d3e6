"""What the commands of the long-running parts share: what they refuse is a sentence and an exit status."""

from __future__ import annotations

import contextlib
import logging
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from orchestration.conf import conf
from orchestration.errors import OrchestrationError
from orchestration.management.actions import db


class PartCommand(BaseCommand):
    """A part that runs until it is told to stop."""

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
        """Raise Unavailable where migrations are missing and ``database.check_migrations`` is on.

        Only what was typed is refused: ``standalone`` makes the tables first. A database that is away is waited for by
        the part itself.
        """
        if not self._is_typed or not conf.getboolean("database", "check_migrations"):
            return
        with contextlib.suppress(DatabaseError):
            db.require_migrations()

    @property
    def _is_typed(self) -> bool:
        return bool(getattr(self, "_called_from_command_line", False))
