"""``manage.py dag_processor``: the process that reads DAG files."""

from __future__ import annotations

import argparse
import logging
import os
from functools import partial
from typing import Any

from orchestration.dagfiles.manager import Processor
from orchestration.dagfiles.options import Options
from orchestration.execution import store_server
from orchestration.management import background
from orchestration.management.part import PartCommand

log = logging.getLogger(__name__)


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
        found = Options.from_conf(options["subdir"])
        _tell_missing(found, is_named=bool(options["subdir"]), goes_on=options["num_runs"] < 0)
        with background.running("dag-processor", options):
            Processor(
                found,
                answer=partial(store_server.call, None),
                mailer="orchestration.execution.mails:send_alert",
                rounds=options["num_runs"],
            ).run()


def _tell_missing(options: Options, *, is_named: bool, goes_on: bool) -> None:
    """Warn of a DAGs folder that is not there: the processor would read nothing and be silent about it."""
    place = options.roots[0]
    if os.path.exists(place) and os.access(place, os.R_OK):  # noqa: PTH110 Path.exists raises for names that are too long
        return
    log.warning(
        "%s, so no DAG is read. %s%s, or give another by %s.",
        f"{place} may not be read" if os.path.lexists(place) else f"There is no folder or file {place}",
        "Let this user read it" if os.path.lexists(place) else "Make it",
        f" (it is looked for every {options.listing_interval:.0f} s)" if goes_on else "",
        "--subdir" if is_named else "[core] dags_folder",
    )
