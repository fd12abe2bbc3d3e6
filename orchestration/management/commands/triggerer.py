"""``manage.py triggerer``: the process that waits for deferred tasks."""

from __future__ import annotations

import argparse
from typing import Any

from django.core.management.base import CommandError

from orchestration.execution.triggerer import Triggerer
from orchestration.management import background
from orchestration.management.part import PartCommand
from orchestration.services.notifier import Notifier


class Command(PartCommand):
    """Run triggers until told to stop."""

    help = "Start a triggerer."
    requires_system_checks = []  # they would load the web server\'s pages

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--capacity", type=int, help="Triggers run at once; default: triggerer.default_capacity.")
        parser.add_argument("-s", "--skip-serve-logs", action="store_true", help="Accepted for compatibility.")
        parser.add_argument("-v", "--verbose", action="store_true", help="Log more.")
        background.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        if options["capacity"] is not None and options["capacity"] < 1:
            raise CommandError("--capacity must be at least 1.")
        self.look_at_tables()
        with background.running("triggerer", options), Notifier():
            Triggerer(options["capacity"]).run()
