"""``manage.py dag_processor``: the process that reads DAG files."""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

from orchestration.dagfiles.manager import Processor
from orchestration.dagfiles.options import Options
from orchestration.execution import store_server
from orchestration.management import background
from orchestration.management.part import PartCommand


class Command(PartCommand):
    """Parse the DAG files again and again, and at once when they change."""

    help = "Start a DAG processor."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("-S", "--subdir", help="Folder or file to read instead of the DAGs folder.")
        parser.add_argument("-n", "--num-runs", type=int, default=-1, help="End after so many parses of each file.")
        parser.add_argument("-p", "--do-pickle", action="store_true", help="Accepted for compatibility.")
        parser.add_argument("-v", "--verbose", action="store_true", help="Log more.")
        background.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        self.look_at_tables()
        with background.running("dag-processor", options):
            Processor(
                Options.from_conf(options["subdir"]),
                answer=partial(store_server.call, None),
                mailer="orchestration.execution.mails:send_alert",
                rounds=options["num_runs"],
            ).run()
