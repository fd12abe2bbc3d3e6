"""``manage.py standalone``: everything on one machine."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from airflowsite import standalone


class Command(BaseCommand):
    """Run the web server, the scheduler, the DAG processor and the triggerer together."""

    help = "Migrate, make the first login, and run web server, scheduler, DAG processor and triggerer together."
    requires_migrations_checks = False

    def handle(self, *args: Any, **options: Any) -> None:
        standalone.run()
