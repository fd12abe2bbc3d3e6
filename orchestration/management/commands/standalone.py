"""``manage.py standalone``: everything on one machine."""

from __future__ import annotations

import sqlite3
from typing import Any

from django.db import DatabaseError, InterfaceError, connection

from airflowsite import standalone
from orchestration.errors import Unavailable
from orchestration.management.cli.main import database_trouble
from orchestration.management.part import PartCommand, lasting_trouble, unconnected


class Command(PartCommand):
    """Run the web server, the scheduler, the DAG processor and the triggerer together."""

    help = "Migrate, make the first login, and run web server, scheduler, DAG processor and triggerer together."
    requires_migrations_checks = False

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            standalone.run()
        except OSError as error:
            if error.filename is None:
                raise
            raise Unavailable(
                f"{error.filename} cannot be used: {error.strerror}. Let the user who starts this write there, or name "
                "another place in the configuration."
            ) from error
        except (DatabaseError, InterfaceError, sqlite3.Error) as error:
            # It makes the tables first, so it cannot wait as its parts do.
            if connection.connection is None:
                raise Unavailable(unconnected(error)) from error
            raise Unavailable(lasting_trouble(error) or database_trouble(error) or str(error)) from error
