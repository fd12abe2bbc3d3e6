"""``manage.py celery worker | stop | flower``."""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
from typing import Any

import psutil
from django.core.management.base import CommandError

from orchestration.conf import conf
from orchestration.management import background
from orchestration.management.background import holder, pid_path
from orchestration.management.cli.arguments import names
from orchestration.management.part import PartCommand

#: The application's module, as Celery's own programs name it.
APPLICATION = "airflowsite.celery"


class Command(PartCommand):
    """Start and stop Celery workers, and show what they do."""

    help = "Celery workers: start one, stop it, watch them with Flower."
    requires_system_checks = []  # they would load the web server\'s pages

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parts = parser.add_subparsers(dest="subcommand", metavar="COMMAND", required=True)
        worker = parts.add_parser("worker", help="Start a worker")
        worker.add_argument(
            "-q",
            "--queues",
            type=_queues,
            default=conf.get("operators", "default_queue"),
            help="Queues, separated by commas.",
        )
        worker.add_argument(
            "-c",
            "--concurrency",
            type=int,
            default=conf.getint("celery", "worker_concurrency"),
            help="Tasks run at once.",
        )
        worker.add_argument("-H", "--celery-hostname", help="Name of the worker, where a machine has several.")
        worker.add_argument("-s", "--skip-serve-logs", action="store_true", help="Do not serve this machine's logs.")
        worker.add_argument("-u", "--umask", type=_octal, help="File mode creation mask in the background, in octal.")
        worker.add_argument(
            "-a",
            "--autoscale",
            type=_autoscale,
            help="MAX,MIN: accepted for compatibility; threads cost nothing while they wait.",
        )
        worker.add_argument("--without-mingle", action="store_true", help="Do not ask other workers at the start.")
        worker.add_argument("--without-gossip", action="store_true", help="Do not listen to other workers.")
        stop = parts.add_parser("stop", help="Stop this machine's worker when its tasks have ended")
        stop.add_argument("--pid", dest="pid_file", nargs="?", help="File with the process id.")
        flower = parts.add_parser("flower", help="Start Flower")
        flower.add_argument("-A", "--basic-auth", help="Users and passwords: user1:password1,user2:password2")
        flower.add_argument("-a", "--broker-api", help="Address of the broker's management interface.")
        flower.add_argument("-c", "--flower-conf", help="Flower's configuration file.")
        flower.add_argument("-H", "--hostname", default="127.0.0.1", help="Address to listen on.")
        flower.add_argument(
            "-p", "--port", type=int, default=conf.getint("celery", "flower_port"), help="Port to listen on."
        )
        flower.add_argument("-u", "--url-prefix", help="First part of Flower's addresses.")
        for part in (worker, flower):
            background.add_arguments(part)
        for part in (worker, stop, flower):
            part.add_argument("-v", "--verbose", action="store_true", help="Log more.")

    def handle(self, *args: Any, **options: Any) -> None:
        getattr(self, f"_{options['subcommand']}")(options)

    def _worker(self, options: dict[str, Any]) -> None:
        if options["concurrency"] < 1:
            raise CommandError("--concurrency must be at least 1.")
        self.look_at_tables()
        if options["umask"] is not None:
            os.umask(options["umask"])
        if options["skip_serve_logs"]:
            os.environ["AIRFLOW__CELERY__SERVE_LOGS"] = "False"
        argv = [
            "worker",
            f"--concurrency={options['concurrency']}",
            f"--queues={options['queues']}",
            f"--loglevel={'debug' if options['verbose'] else conf.get('logging', 'logging_level').lower()}",
        ]
        if options["celery_hostname"]:
            argv.append(f"--hostname={options['celery_hostname']}")
        argv += [f"--{name}" for name in ("without-mingle", "without-gossip") if options[name.replace("-", "_")]]
        with background.running("worker", options, always_writes_pid=True):
            from airflowsite.celery import app  # Celery takes its time to load

            app.worker_main(argv)

    def _stop(self, options: dict[str, Any]) -> None:
        pid_file = pid_path("worker", options)
        worker = holder(pid_file)
        if worker is None:
            raise CommandError(f"No worker runs with the process id in {pid_file}. Say where it is by --pid.")
        try:
            worker.terminate()
            worker.wait()
        except psutil.NoSuchProcess:
            return  # it ended by itself
        except psutil.AccessDenied:
            raise CommandError(f"The worker {worker.pid} is another user's. Stop it as that user.") from None

    def _flower(self, options: dict[str, Any]) -> None:
        if importlib.util.find_spec("flower") is None:
            raise CommandError("Flower is not installed. Install it with: pip install flower")
        argv = [sys.executable, "-m", "celery", "-A", APPLICATION, "flower"]
        argv += [f"--address={options['hostname']}", f"--port={options['port']}"]
        given = {
            "broker_api": "broker-api",
            "flower_conf": "conf",
            "url_prefix": "url-prefix",
            "basic_auth": "basic-auth",
        }
        argv += [f"--{flag}={options[name]}" for name, flag in given.items() if options[name]]
        with background.running("flower", options):
            os.execv(sys.executable, argv)  # noqa: S606 this process becomes Flower


def _queues(text: str) -> str:
    found = names(text)
    if not found:
        raise argparse.ArgumentTypeError("it names no queue, such as default")
    return ",".join(found)


def _octal(text: str) -> int:
    try:
        return int(text, 8)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no octal number such as 077") from None


def _autoscale(text: str) -> tuple[int, int]:
    most, comma, least = text.partition(",")
    try:
        found = int(most), int(least) if comma else 0
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no pair of whole numbers such as 12,4") from None
    if found[0] < max(1, found[1]) or found[1] < 0:
        raise argparse.ArgumentTypeError(f"{text!r}: the first number is the most, the second the fewest")
    return found
