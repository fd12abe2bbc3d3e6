"""Running a part in the background: ``--daemon``, ``--pid``, ``--stdout``, ``--stderr``, ``--log-file``."""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import psutil
from django.db import connections

from orchestration.conf import conf
from orchestration.errors import Conflict, Invalid
from orchestration.management.cli.files import unwritable

#: Seconds by which the beginning of a process and the time of a file may differ and be the same.
_CLOCKS = 2.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options that all parts share."""
    parser.add_argument("-D", "--daemon", action="store_true", help="Run in the background.")
    parser.add_argument("--pid", dest="pid_file", nargs="?", help="File to write the process id to.")
    parser.add_argument("-l", "--log-file", help="File for the log, in the background.")
    parser.add_argument("--stdout", help="File for standard output, in the background.")
    parser.add_argument("--stderr", help="File for standard error, in the background.")


@dataclass(frozen=True, slots=True)
class _Outputs:
    """What a process in the background writes to, opened while somebody can be told that it cannot be."""

    out: int
    err: int
    log: logging.FileHandler
    umask: int

    @classmethod
    def opened(cls, name: str, options: Mapping[str, Any]) -> Self:
        log_file = options.get("log_file")
        return cls(
            log=_log_handler(_place(log_file, f"airflow-{name}.log")),
            out=_open(_place(options.get("stdout") or log_file, f"airflow-{name}.out"), "--stdout"),
            err=_open(_place(options.get("stderr") or log_file, f"airflow-{name}.err"), "--stderr"),
            umask=_umask(options.get("umask")),
        )

    def take_over(self) -> None:
        """Write to them from now on."""
        os.umask(self.umask)
        nowhere = os.open(os.devnull, os.O_RDONLY)
        for source, number in ((nowhere, 0), (self.out, 1), (self.err, 2)):
            os.dup2(source, number)
        root = logging.getLogger()
        for handler in [each for each in root.handlers if type(each) is logging.StreamHandler]:
            self.log.setFormatter(handler.formatter)
            root.removeHandler(handler)
        root.addHandler(self.log)


@contextlib.contextmanager
def running(name: str, options: Mapping[str, Any], *, always_writes_pid: bool = False) -> Iterator[None]:
    """Run the body as the options say; with ``--daemon`` only the process in the background enters it.

    The first process ends with 0 when the file for the process id holds the id of the other; the file goes with the
    part, also by SIGTERM. Raises Conflict if the file names a process that lives, Invalid for a file that cannot be
    written.
    """
    is_daemon = bool(options.get("daemon"))
    pid_file = pid_path(name, options) if options.get("pid_file") or is_daemon or always_writes_pid else None
    outputs = _Outputs.opened(name, options) if is_daemon else None
    if pid_file is not None:
        _claim(pid_file)
        _end_orderly()
    if outputs is not None and pid_file is not None:
        _leave_terminal(outputs, pid_file)
    try:
        yield
    finally:
        if pid_file is not None and read_pid(pid_file) == os.getpid():
            pid_file.unlink(missing_ok=True)


def pid_path(name: str, options: Mapping[str, Any]) -> Path:
    """Where a part writes its process id."""
    return _place(options.get("pid_file"), f"airflow-{name}.pid")


def read_pid(pid_file: Path) -> int | None:
    """The process id that a file holds; None where there is no such file or it holds something else."""
    try:
        pid = int(pid_file.read_text())
    except (OSError, ValueError):  # bytes that are no text are a ValueError, too
        return None
    return pid if pid > 0 else None


def holder(pid_file: Path) -> psutil.Process | None:
    """The process that wrote its id into the file, if it lives.

    One that began after the file was written has only got the same id, as after a restart of a container or machine.
    """
    pid = read_pid(pid_file)
    if pid is None:
        return None
    try:
        process = psutil.Process(pid)
        is_it = process.create_time() <= pid_file.stat().st_mtime + _CLOCKS
    except (OSError, OverflowError, psutil.Error):
        return None
    return process if is_it else None


def _place(given: str | None, name: str) -> Path:
    return Path(given).expanduser().absolute() if given else conf.home / name


def _open(path: Path, option: str) -> int:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
    except (OSError, ValueError) as error:
        raise unwritable(path, error, f"Give another file by {option}.") from None


def _log_handler(path: Path) -> logging.FileHandler:
    os.close(_open(path, "--log-file"))
    return logging.FileHandler(path, encoding="utf-8")


def _umask(given: int | None) -> int:
    if given is not None:
        return given
    text = conf.get("core", "daemon_umask")
    try:
        return int(text, 8)
    except ValueError:
        raise Invalid(f"[core] daemon_umask must be an octal number such as 0o077, not {text!r}.") from None


def _claim(pid_file: Path) -> None:
    """Write this process's id into the file; of two parts that start at once only one can."""
    try:
        pid_file.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(pid_file, os.O_RDWR | os.O_CREAT, 0o640), "r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            found = holder(pid_file)
            if found is not None and found.pid != os.getpid():
                raise Conflict(
                    f"Process {found.pid} runs already, says {pid_file}. Stop it first, or give another file by --pid."
                )
            file.seek(0)
            file.truncate()
            file.write(f"{os.getpid()}\n")
    except (OSError, ValueError) as error:
        raise unwritable(pid_file, error, "Give another file by --pid.") from None


def _end_orderly() -> None:
    """Let SIGTERM end this process as an exit does, until the part has its own way."""
    is_main = threading.current_thread() is threading.main_thread()
    if is_main and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))


def _leave_terminal(outputs: _Outputs, pid_file: Path) -> None:
    """Fork twice; the first process exits with 0 as soon as the last one has written its id."""
    sys.stdout.flush()
    sys.stderr.flush()
    connections.close_all()
    heard, told = os.pipe()
    if os.fork():
        os.close(told)
        os.read(heard, 1)
        os._exit(0)
    os.setsid()
    if os.fork():
        os._exit(0)
    outputs.take_over()
    pid_file.write_text(f"{os.getpid()}\n")
    os.close(heard)
    os.close(told)
