"""``manage.py scheduler``: makes runs, decides them, and has their tasks run by the executor."""

from __future__ import annotations

import argparse
import logging
import os
from typing import Any

from orchestration.conf import conf
from orchestration.execution import executors
from orchestration.management import background
from orchestration.management.part import PartCommand
from orchestration.scheduling.health import HealthServer
from orchestration.scheduling.loop import SchedulerLoop

log = logging.getLogger(__name__)


class Command(PartCommand):
    """Schedule until told to stop."""

    help = "Start a scheduler."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("-n", "--num-runs", type=int, help="End after so many passes; -1 is never.")
        parser.add_argument("-S", "--subdir", help="Accepted for compatibility; DAG files are the DAG processor's.")
        parser.add_argument("-p", "--do-pickle", action="store_true", help="Accepted for compatibility.")
        parser.add_argument(
            "-s", "--skip-serve-logs", action="store_true", help="Accepted for compatibility; no log server is started."
        )
        parser.add_argument("-v", "--verbose", action="store_true", help="Log more.")
        background.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        self.look_at_tables()
        subdir = options["subdir"]
        if subdir and not os.path.exists(subdir):  # noqa: PTH110 Path.exists raises for names that are too long
            log.warning(
                "There is no folder or file %s. The scheduler itself reads no DAG files: make it, and give it to "
                "airflowsite dag-processor --subdir.",
                subdir,
            )
        with background.running("scheduler", options):
            loop = SchedulerLoop(executors.make(), num_runs=options["num_runs"])
            if not conf.getboolean("scheduler", "enable_health_check"):
                loop.run()
                return
            server = HealthServer(conf.getint("scheduler", "scheduler_health_check_server_port"))
            loop.on_start = server.follow
            server.start()
            try:
                loop.run()
            finally:
                server.stop()
