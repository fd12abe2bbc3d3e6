"""The nursery: a process that has loaded what programs need, and forks them, so that all share that memory.

``open_nursery`` forks it from a process that has neither Django nor threads; what that process had loaded is shared
with it, too. Whoever inherits the door (a SEQPACKET socket) may have programs forked: a request is JSON with the
descriptors ``[reply, …the program's]``; over ``reply`` come the process id, with a descriptor of the process, and when
it has ended its wait status. A program is killed when ``reply`` closes, for whoever asked for it is gone, and when the
nursery ends: when nobody holds the door any more. The nursery runs no user code. Whoever loses it starts fresh
interpreters instead.
"""

from __future__ import annotations

import contextlib
import gc
import os
import select
import signal
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

import orjson
from setproctitle import setproctitle

from orchestration.processes import kernel, programs

#: Bytes of a request, the environment included, beyond which the kernel takes it for too long anyway.
_LONGEST_REQUEST = 1 << 20
_MOST_DESCRIPTORS = 8
#: Seconds within which the nursery says that it forked.
_PATIENCE = 10.0


def is_possible() -> bool:
    """Whether this kernel has what the nursery needs: Linux 5.3 and later."""
    return hasattr(os, "pidfd_open") and hasattr(signal, "pidfd_send_signal")


def open_nursery(prepare: Callable[[], None]) -> Nursery:
    """Fork the nursery; ``prepare`` loads, in it alone, what programs need beyond what is loaded here."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    gc.collect()
    gc.freeze()  # here, too: collecting on either side would copy the pages of everything loaded up to now
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        try:
            ours.close()
            _Server(theirs).serve(prepare)
        finally:
            os._exit(1)
    theirs.close()
    return Nursery(ours, pid)


class Nursery:
    """The nursery as those see it who hold the door."""

    def __init__(self, door: socket.socket, pid: int) -> None:
        self._door, self.pid = door, pid

    def fileno(self) -> int:
        """The door's descriptor, which forks inherit."""
        return self._door.fileno()

    def fork(
        self, program: str, descriptors: Sequence[int], numbers: Sequence[int], environment: Mapping[str, str]
    ) -> Forked:
        """Have a program forked. OSError when it cannot be."""
        variables = [[os.fsencode(each).decode("latin-1") for each in pair] for pair in environment.items()]
        request = orjson.dumps({"program": program, "numbers": list(numbers), "environment": variables})
        reply, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            socket.send_fds(self._door, [request], [theirs.fileno(), *descriptors])
        reply.settimeout(_PATIENCE)
        data, handles, _, _ = socket.recv_fds(reply, 64, 1)
        if not handles:
            raise OSError(data.decode() or "the nursery is gone")
        reply.setblocking(False)
        return Forked(int(data), handles[0], reply)

    def close(self) -> None:
        """Let go of the door. Without others who hold it, the nursery ends."""
        self._door.close()


class Forked:
    """A program that the nursery forked; see ``programs.Process``."""

    def __init__(self, pid: int, handle: int, reply: socket.socket) -> None:
        self.pid = pid
        self._handle, self._reply = handle, reply
        self._status: int | None = None

    def poll(self) -> int | None:
        """See ``programs.Process``."""
        if self._status is None:
            try:
                data = self._reply.recv(64)
            except BlockingIOError:
                return None
            except OSError:
                data = b""
            if not data:  # the nursery is gone, and what it forked goes, too
                self._signal(signal.SIGKILL)
            self._status = os.waitstatus_to_exitcode(int(data)) if data else -signal.SIGKILL
            self._reply.close()
            os.close(self._handle)
        return self._status

    def wait(self, timeout: float | None = None) -> int:
        """See ``programs.Process``."""
        limit = None if timeout is None else time.monotonic() + timeout
        while (status := self.poll()) is None:
            left = None if limit is None else limit - time.monotonic()
            if left is not None and left <= 0:
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0.0)
            select.select([self._reply], [], [], left)
        return status

    def kill(self) -> None:
        """See ``programs.Process``."""
        if self.poll() is None:
            self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(OSError):
            signal.pidfd_send_signal(self._handle, number)


class _Server:
    """The nursery itself."""

    def __init__(self, door: socket.socket) -> None:
        self._door = door
        self._replies: dict[int, socket.socket] = {}  # a program's pid → where its end is told
        self._poller = select.poll()
        self._woken, self._waker = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._has_orphans = False

    def serve(self, prepare: Callable[[], None]) -> NoReturn:
        """Fork programs until nobody holds the door."""
        os.setsid()
        kernel.adopt_orphans()
        setproctitle("airflowsite nursery")
        sys.path[:] = [*sys.path[1:], programs.ROOT]  # as with python -P: not the folder of the command
        prepare()
        gc.collect()
        gc.freeze()  # and that of what was loaded here
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._waker, warn_on_full_buffer=False)
        for readable in (self._door, self._woken):
            self._poller.register(readable, select.POLLIN)
        while True:
            for descriptor, _ in self._poller.poll(500 if self._has_orphans else None):
                if descriptor == self._woken:
                    with contextlib.suppress(BlockingIOError):
                        os.read(self._woken, 4096)
                elif descriptor != self._door.fileno():
                    self._end(descriptor)
                elif not self._take():
                    os._exit(0)
            self._reap()

    def _take(self) -> bool:
        """Answer a request; False at the end of the door."""
        data, descriptors, _, _ = socket.recv_fds(self._door, _LONGEST_REQUEST, _MOST_DESCRIPTORS)
        if not data:
            return False
        request = orjson.loads(data)
        reply = socket.socket(fileno=descriptors[0])
        parent = os.getpid()
        try:
            pid = os.fork()
        except OSError as error:
            with contextlib.suppress(OSError), reply:
                reply.send(f"no process could be started: {error}".encode())
            pid = -1
        if pid == 0:
            try:
                reply.close()
                self._become(request, descriptors[1:], parent)
            except BaseException:  # whatever it is, this must not run on as a second nursery
                with contextlib.suppress(BaseException):
                    traceback.print_exc()
                    sys.stderr.flush()
            finally:
                os._exit(1)
        for each in descriptors[1:]:
            os.close(each)
        if pid > 0:
            self._replies[pid] = reply
            self._poller.register(reply, 0)  # its end is told unasked
            handle = os.pidfd_open(pid)  # it is not reaped yet, so it is this process
            with contextlib.suppress(OSError):  # who asked is gone: the program sees its own descriptors close
                socket.send_fds(reply, [str(pid).encode()], [handle])
            os.close(handle)
        return True

    def _become(self, request: dict[str, Any], descriptors: Sequence[int], parent: int) -> NoReturn:
        """In the fork: nothing of the nursery's but what it loaded."""
        kernel.end_with_parent()
        if os.getppid() != parent:
            os._exit(1)
        os.setsid()
        setproctitle(f"airflowsite {request['program']}")
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for each in (self._door, *self._replies.values()):
            each.close()
        os.close(self._woken)
        os.close(self._waker)
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, 0)
        os.close(nothing)
        os.environ.clear()
        os.environ.update(
            {
                os.fsdecode(name.encode("latin-1")): os.fsdecode(value.encode("latin-1"))
                for name, value in request["environment"]
            }
        )
        time.tzset()
        status: Any = 0
        try:
            programs.run(request["program"], *descriptors, *request["numbers"])
        except SystemExit as end:
            status = end.code or 0
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status if isinstance(status, int) else 1)

    def _end(self, descriptor: int) -> None:
        """Kill the program whose reply this is: nobody hears it any more."""
        self._poller.unregister(descriptor)
        for pid, reply in self._replies.items():
            if reply.fileno() == descriptor:
                os.kill(pid, signal.SIGKILL)  # it is reaped, and the reply closed, afterwards

    def _reap(self) -> None:
        """Tell of programs that ended, and end what they left behind."""
        for pid, status in kernel.reaped():
            if (reply := self._replies.pop(pid, None)) is not None:
                with contextlib.suppress(KeyError):
                    self._poller.unregister(reply)
                with contextlib.suppress(OSError), reply:
                    reply.send(str(status).encode())
        self._has_orphans = kernel.kill_orphans(self._replies.keys())
