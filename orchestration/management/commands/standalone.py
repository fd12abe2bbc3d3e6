"""``manage.py standalone``: everything on one machine."""

from __future__ import annotations

from typing import Any

from django.db import DatabaseError

from airflowsite import standalone
from orchestration.errors import Unavailable
from orchestration.management.cli.main import database_trouble
from orchestration.management.part import PartCommand


class Command(PartCommand):
    """Run the web server, the scheduler, the DAG processor and the triggerer together."""

    help = "Migrate, make the first login, and run web server, scheduler, DAG processor and triggerer together."
    requires_migrations_checks = False

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            standalone.run()
        except DatabaseError as error:
            raise Unavailable(database_trouble(error) or str(error)) from error
