"""``manage.py webserver``: the web server."""

from __future__ import annotations

import argparse
import dataclasses
import ssl
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from airflowsite.webserver import WebOptions, serve
from orchestration.management import background
from orchestration.management.part import PartCommand


class Command(PartCommand):
    """Serve the APIs and the operators' pages."""

    help = "Start the web server."
    while_away = "Until then it answers with 503."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("-p", "--port", type=int, help="Port to listen on.")
        parser.add_argument("-H", "--hostname", dest="host", help="Address to listen on.")
        parser.add_argument("-w", "--workers", type=int, help="Number of worker processes.")
        parser.add_argument(
            "-t", "--worker-timeout", dest="timeout_seconds", type=int, help="Seconds a worker may be silent."
        )
        parser.add_argument(
            "-k",
            "--workerclass",
            choices=("sync", "eventlet", "gevent", "tornado"),
            help="Accepted for compatibility; workers are threaded.",
        )
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
        wanted = dataclasses.replace(WebOptions.configured(), **given)
        _refuse(wanted)
        self.look_at_tables()
        with background.running("webserver", options):
            serve(wanted)


def _refuse(options: WebOptions) -> None:
    """Raise CommandError for what gunicorn would stumble over, or serve nothing with."""
    if not 0 <= options.port <= 65535:
        raise CommandError(f"There is no port {options.port}. Give --port a number from 0 to 65535.")
    if options.workers < 1:
        raise CommandError("--workers must be at least 1.")
    if options.timeout_seconds < 0:
        raise CommandError("--worker-timeout must be at least 0, which is no limit.")
    for path in filter(None, (options.certificate, options.key)):
        if not Path(path).is_file():
            raise CommandError(
                f"There is no file {path}, which HTTPS was to be served with. Name others by --ssl-cert and --ssl-key."
            )
    if options.certificate:
        try:
            ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(
                options.certificate, options.key or None
            )
        except OSError as error:  # also what ssl raises
            reason = error.reason or error.strerror if isinstance(error, ssl.SSLError) else error.strerror
            raise CommandError(
                f"HTTPS cannot be served with {options.certificate}: {reason}. "
                "Give a certificate and its key in PEM by --ssl-cert and --ssl-key."
            ) from None
    if options.access_log not in {None, "-"}:
        try:
            with Path(str(options.access_log)).open("a"):
                pass
        except OSError as error:
            raise CommandError(
                f"{options.access_log} cannot be written: {error.strerror}. Give another file by --access-logfile."
            ) from None
