"""``manage.py webserver``: the web server."""

from __future__ import annotations

import argparse
import dataclasses
from typing import Any

from django.core.management.base import BaseCommand

from airflowsite.webserver import WebOptions, serve
from orchestration.management import background


class Command(BaseCommand):
    """Serve the APIs and the operators' pages."""

    help = "Start the web server."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("-p", "--port", type=int, help="Port to listen on.")
        parser.add_argument("-H", "--hostname", dest="host", help="Address to listen on.")
        parser.add_argument("-w", "--workers", type=int, help="Number of worker processes.")
        parser.add_argument(
            "-t", "--worker-timeout", dest="timeout_seconds", type=int, help="Seconds a worker may be silent."
        )
        parser.add_argument("-k", "--workerclass", help="Accepted for compatibility; workers are threaded.")
        parser.add_argument(
            "-A", "--access-logfile", dest="access_log", help="File for the access log; - is standard output."
        )
        parser.add_argument("-E", "--error-logfile", help="Accepted for compatibility; errors go to standard error.")
        parser.add_argument("--ssl-cert", dest="certificate", help="Certificate file.")
        parser.add_argument("--ssl-key", dest="key", help="Private key file.")
        parser.add_argument("-L", "--access-logformat", help="Accepted for compatibility.")
        background.add_arguments(parser)
        parser.add_argument("-d", "--debug", action="store_true", help="Accepted for compatibility.")

    def handle(self, *args: Any, **options: Any) -> None:
        names = {field.name for field in dataclasses.fields(WebOptions)}
        given = {name: value for name, value in options.items() if name in names and value not in (None, "")}
        given = {name: value for name, value in given.items() if name not in {"daemon", "pid_file"}}
        with background.running("webserver", options):
            serve(dataclasses.replace(WebOptions.configured(), **given))
