"""``manage.py dag_processor``: the process that reads DAG files."""

from __future__ import annotations

import argparse
import logging
from functools import partial
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from orchestration.dagfiles.manager import Processor
from orchestration.dagfiles.options import Options
from orchestration.execution import store_server
from orchestration.management import background


class Command(BaseCommand):
    """Parse the DAG files again and again, and at once when they change."""

    help = "Start a DAG processor."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        # -v is --verbose, a switch, as in Airflow; Django's is --verbosity.
        return super().create_parser(prog_name, subcommand, conflict_handler="resolve", **kwargs)

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("-S", "--subdir", help="Folder or file to read instead of the DAGs folder.")
        parser.add_argument("-n", "--num-runs", type=int, default=-1, help="End after so many parses of each file.")
        parser.add_argument("-p", "--do-pickle", action="store_true", help="Accepted for compatibility.")
        parser.add_argument("-v", "--verbose", action="store_true", help="Log more.")
        background.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        if options["verbose"]:
            logging.getLogger("orchestration").setLevel(logging.DEBUG)
        with background.running("dag-processor", options):
            Processor(
                Options.from_conf(options["subdir"]),
                answer=partial(store_server.call, None),
                mailer="orchestration.execution.mails:send_alert",
                rounds=options["num_runs"],
            ).run()
