"""``manage.py triggerer``: the process that waits for deferred tasks."""

from __future__ import annotations

import argparse
import logging
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from orchestration.execution.triggerer import Triggerer
from orchestration.management import background
from orchestration.services.notifier import Notifier


class Command(BaseCommand):
    """Run triggers until told to stop."""

    help = "Start a triggerer."
    requires_system_checks = []  # they would load the web server\'s pages

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        # -v is --verbose, a switch, as in Airflow; Django's is --verbosity.
        return super().create_parser(prog_name, subcommand, conflict_handler="resolve", **kwargs)

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--capacity", type=int, help="Triggers run at once; default: triggerer.default_capacity.")
        parser.add_argument("-s", "--skip-serve-logs", action="store_true", help="Accepted for compatibility.")
        parser.add_argument("-v", "--verbose", action="store_true", help="Log more.")
        background.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        if options["capacity"] is not None and options["capacity"] < 1:
            raise CommandError("--capacity must be at least 1.")
        if options["verbose"]:
            logging.getLogger("orchestration").setLevel(logging.DEBUG)
        with background.running("triggerer", options), Notifier():
            Triggerer(options["capacity"]).run()
