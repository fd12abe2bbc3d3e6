"""A supervisor as a child process: how it is started and ended, for whoever holds the other end of its socket."""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any

from django.db import connections
from setproctitle import setproctitle

from orchestration.processes import programs

log = logging.getLogger(__name__)

_ROOT = Path(__file__).resolve().parents[2]


class SupervisorProcess:
    """A running supervisor; ``socket`` is its non-blocking other end.

    ``by_fork`` shares the memory of this process, which must have no other threads; otherwise a fresh interpreter is
    started. ``hears_wakeups``: it looks for lost claims when the scheduler is woken, because nobody tells it of them.
    """

    def __init__(self, *, by_fork: bool, hears_wakeups: bool) -> None:
        self.id = uuid.uuid4().hex
        self.started = time.monotonic()
        self.socket, theirs = socket.socketpair()
        with theirs:
            start = _fork if by_fork else _spawn
            self.pid = start(theirs, self.id, hears_wakeups)
        self.socket.setblocking(False)
        self._has_exited = False
        log.info("Supervisor %s started", self.pid)

    def has_exited(self) -> bool:
        """Whether the process is gone; it is reaped then."""
        if not self._has_exited:
            try:
                self._has_exited = os.waitpid(self.pid, os.WNOHANG)[0] != 0
            except ChildProcessError:
                self._has_exited = True
        return self._has_exited

    def kill(self) -> None:
        """Make sure that the process is gone."""
        if not self.has_exited():
            with contextlib.suppress(OSError):
                os.kill(self.pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self.pid, 0)
            self._has_exited = True

    def close(self) -> None:
        """Let go of the socket."""
        self.socket.close()


def serve(descriptor: int, supervisor_id: str, hears_wakeups: bool) -> None:
    """Be the supervisor at the other end of the socket; returns when its work is done."""
    from orchestration.execution import supervisor, ties  # in a fresh interpreter Django has to be set up before

    setproctitle(ties.SUPERVISOR_TITLE)
    supervisor.run(socket.socket(fileno=descriptor), supervisor_id, hears_wakeups=hears_wakeups)


def _spawn(sock: socket.socket, supervisor_id: str, hears_wakeups: bool) -> int:
    code = (
        f"import sys; sys.path[0] = {str(_ROOT)!r}\n"
        "import django; django.setup()\n"
        "from orchestration.execution.supervisor_process import serve\n"
        f"serve({sock.fileno()}, {supervisor_id!r}, {hears_wakeups})"
    )
    settings = os.environ.get("DJANGO_SETTINGS_MODULE", "airflowsite.settings")
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        pass_fds=[sock.fileno()],
        stdin=subprocess.DEVNULL,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": settings},
        start_new_session=True,
    )
    process.returncode = 0  # reaped by has_exited and kill
    return process.pid


#: Database connections of the parent, kept from being closed: closing would speak on the parent's sockets.
_inherited: list[Any] = []


def _fork(sock: socket.socket, supervisor_id: str, hears_wakeups: bool) -> int:
    sys.stdout.flush()
    sys.stderr.flush()
    _close_files()
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        gc.freeze()  # what is shared with the parent stays so
        for alias in list(connections):
            _inherited.append(connections[alias])
            del connections[alias]
        _detach_descriptors(keep={0, 1, 2, sock.fileno(), *programs.descriptors()})
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD, signal.SIGUSR1, signal.SIGUSR2):
            signal.signal(number, signal.SIG_DFL)
        signal.set_wakeup_fd(-1)
        serve(sock.detach(), supervisor_id, hears_wakeups)
        status = 0
    except BaseException:
        log.exception("The supervisor failed")
    finally:
        os._exit(status)


def _close_files() -> None:
    """Close SQLite's files before a fork: its library would take locks of the parent for the child's own.

    The next query opens them again. Must not be called within a transaction.
    """
    for connection in connections.all(initialized_only=True):
        if connection.vendor == "sqlite":
            assert not connection.in_atomic_block, "a supervisor cannot be started within a transaction"
            connection.close()


def _detach_descriptors(keep: set[int]) -> None:
    """Point inherited descriptors to nowhere.

    They are not closed: the numbers would be given out again, and an inherited object that is collected later would
    close what is not its own.
    """
    nowhere = os.open(os.devnull, os.O_RDWR)
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 numbers, not paths
        number = int(name)
        if number not in keep and number != nowhere:
            with contextlib.suppress(OSError):
                os.fstat(number)
                os.dup2(nowhere, number, inheritable=False)
    os.close(nowhere)
