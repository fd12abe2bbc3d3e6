"""``manage.py celery worker | stop | flower``."""

from __future__ import annotations

import argparse
import importlib.util
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from orchestration.conf import conf

#: The application's module, as Celery's own programs name it.
APPLICATION = "airflowsite.celery"


class Command(BaseCommand):
    """Start and stop Celery workers, and show what they do."""

    help = "Celery workers: start one, stop it, watch them with Flower."
    requires_system_checks = []  # they would load the web server\'s pages

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parts = parser.add_subparsers(dest="subcommand", metavar="COMMAND", required=True)
        worker = parts.add_parser("worker", help="Start a worker")
        worker.add_argument("-q", "--queues", default=conf.get("operators", "default_queue"), help="Queues, by commas.")
        worker.add_argument("-c", "--concurrency", type=int, default=conf.getint("celery", "worker_concurrency"))
        worker.add_argument("-H", "--celery-hostname", help="Name of the worker, where a machine has several.")
        worker.add_argument("--pid", dest="pid_file", help="File to write the process id to.")
        worker.add_argument("-s", "--skip-serve-logs", action="store_true", help="Do not serve this machine's logs.")
        worker.add_argument("-u", "--umask", help="File mode creation mask, in octal.")
        worker.add_argument(
            "-a", "--autoscale", help="Accepted for compatibility; threads cost nothing while they wait."
        )
        worker.add_argument("--without-mingle", action="store_true", help="Do not ask other workers at the start.")
        worker.add_argument("--without-gossip", action="store_true", help="Do not listen to other workers.")
        stop = parts.add_parser("stop", help="Stop this machine's worker when its tasks have ended")
        stop.add_argument("--pid", dest="pid_file", help="File with the process id.")
        flower = parts.add_parser("flower", help="Start Flower")
        flower.add_argument("-A", "--basic-auth", help="Users and passwords: user1:password1,user2:password2")
        flower.add_argument("-a", "--broker-api", help="Address of the broker's management interface.")
        flower.add_argument("-c", "--flower-conf", help="Flower's configuration file.")
        flower.add_argument("-H", "--hostname", default="127.0.0.1", help="Address to listen on.")
        flower.add_argument("-p", "--port", type=int, default=conf.getint("celery", "flower_port"))
        flower.add_argument("-u", "--url-prefix", help="First part of Flower's addresses.")

    def handle(self, *args: Any, **options: Any) -> None:
        getattr(self, f"_{options['subcommand']}")(options)

    def _worker(self, options: dict[str, Any]) -> None:
        if options["concurrency"] < 1:
            raise CommandError("--concurrency must be at least 1.")
        if options["umask"]:
            os.umask(int(options["umask"], 8))
        if options["skip_serve_logs"]:
            os.environ["AIRFLOW__CELERY__SERVE_LOGS"] = "False"
        pid_file = _pid_file(options)
        if _is_running(pid_file):
            raise CommandError(f"A worker runs already with the process id in {pid_file}. Give another --pid.")
        from airflowsite.celery import app  # Celery takes its time to load

        argv = [
            "worker",
            "--pool=threads",
            f"--concurrency={options['concurrency']}",
            f"--queues={options['queues']}",
            f"--pidfile={pid_file}",
            f"--loglevel={conf.get('logging', 'logging_level').lower()}",
        ]
        if options["celery_hostname"]:
            argv.append(f"--hostname={options['celery_hostname']}")
        argv += [f"--{name}" for name in ("without-mingle", "without-gossip") if options[name.replace("-", "_")]]
        app.worker_main(argv)

    def _stop(self, options: dict[str, Any]) -> None:
        pid_file = _pid_file(options)
        pid = _read(pid_file)
        if pid is None or not _is_running(pid_file):
            raise CommandError(f"No worker runs with the process id in {pid_file}.")
        os.kill(pid, signal.SIGTERM)
        while _is_running(pid_file):
            time.sleep(0.2)

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
        os.execv(sys.executable, argv)  # noqa: S606 this process becomes Flower


def _pid_file(options: dict[str, Any]) -> Path:
    return Path(options["pid_file"] or conf.home / "airflow-worker.pid").absolute()


def _read(pid_file: Path) -> int | None:
    try:
        return int(pid_file.read_text())
    except (OSError, ValueError):
        return None


def _is_running(pid_file: Path) -> bool:
    pid = _read(pid_file)
    if pid is None:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
