"""Running a part in the background: ``--daemon``, ``--pid``, ``--stdout``, ``--stderr``, ``--log-file``."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from django.db import connections

from orchestration.conf import conf
from orchestration.errors import Conflict


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options that all parts share."""
    parser.add_argument("-D", "--daemon", action="store_true", help="Run in the background.")
    parser.add_argument("--pid", dest="pid_file", nargs="?", help="File to write the process id to.")
    parser.add_argument("-l", "--log-file", help="File for the log, in the background.")
    parser.add_argument("--stdout", help="File for standard output, in the background.")
    parser.add_argument("--stderr", help="File for standard error, in the background.")


@contextlib.contextmanager
def running(name: str, options: Mapping[str, Any]) -> Iterator[None]:
    """Run the body as the options say; with ``--daemon`` only the process in the background enters it.

    Conflict if the file for the process id names a process that lives.
    """
    given = options.get("pid_file")
    is_daemon = bool(options.get("daemon"))
    pid_file = Path(given) if given else (conf.home / f"airflow-{name}.pid" if is_daemon else None)
    if pid_file is not None:
        _refuse_second(pid_file)
    if is_daemon:
        out = Path(options.get("stdout") or options.get("log_file") or conf.home / f"airflow-{name}.out")
        err = Path(options.get("stderr") or options.get("log_file") or conf.home / f"airflow-{name}.err")
        _leave_terminal(out, err)
    if pid_file is not None:
        pid_file.write_text(f"{os.getpid()}\n")
    try:
        yield
    finally:
        if pid_file is not None:
            pid_file.unlink(missing_ok=True)


def _refuse_second(pid_file: Path) -> None:
    with contextlib.suppress(FileNotFoundError, ValueError, ProcessLookupError):
        pid = int(pid_file.read_text())
        os.kill(pid, 0)
        if pid != os.getpid():
            raise Conflict(
                f"Process {pid} runs already, says {pid_file}. Stop it first, or give another file by --pid."
            )


def _leave_terminal(out: Path, err: Path) -> None:
    """Fork twice and point the standard streams to files; the first process exits with 0."""
    sys.stdout.flush()
    sys.stderr.flush()
    connections.close_all()
    if os.fork():
        os._exit(0)
    os.setsid()
    if os.fork():
        os._exit(0)
    nowhere = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nowhere, 0)
    for path, number in ((out, 1), (err, 2)):
        path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
        os.dup2(file, number)
