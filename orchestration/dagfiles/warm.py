"""The warm parent of all parsers: a small process without Django that has loaded what DAG files import.

It is not the tasks' zygote (``execution.warm``), though both fork for DAG files. A file that ends its parent while it
is parsed must not end tasks with it; a parser is killed with all it left behind, while a task's remains get time to
end; a parser imports its file itself, and for tasks it is imported once, ahead. What both need is in ``processes`` and
``authoring.preload``, and they share that memory where a nursery forked them.

Started by the DAG processor with one socket. For each request it forks a parser, at once and cheaply, and tells when it
ended. It makes sure that nothing outlives a parser: each has a session of its own; whatever leaves that session
becomes this process's child when its parent dies (it is a subreaper), and is killed. If the DAG processor dies, the
socket closes and everything here ends.

Requests are ``F<id>`` with two descriptors (the parser's channel, its output) and ``K<id>`` (kill). Answers are
``R`` (ready), ``P<id> <pid>``, ``N<id>`` (no process could be started for it) and ``X<id> <status>``, the status as
``os.waitpid`` gives it.
"""

from __future__ import annotations

import contextlib
import gc
import os
import selectors
import signal
import socket
import sys

from orchestration.authoring import preload
from orchestration.authoring.compat import plugins_manager
from orchestration.processes import kernel

#: Loaded before any file is, beside what DAG files import.
PRELOADED = ("orchestration.dagfiles.parser", "orchestration.serialization.encode")


def main(descriptor: int) -> None:
    """Serve until the socket closes."""
    with contextlib.suppress(OSError):
        os.chdir("/")  # a DAG file may remove the folder the processor was started in
    kernel.adopt_orphans()
    preload.load(*PRELOADED)
    preload.load_airflow()
    plugins_manager.integrate_macros_plugins()
    gc.collect()
    gc.freeze()  # collecting in a child would copy the pages of everything loaded here
    with socket.socket(fileno=descriptor) as control:
        WarmParent(control).serve()


class WarmParent:
    """Forks, kills and reaps; ``control`` is a SEQPACKET socket to the DAG processor."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._pids: dict[int, int] = {}  # request → pid
        self._strays_seen = False

    def serve(self) -> None:
        """Answer requests until the socket closes, then kill what still runs."""
        self._tell("R")
        heard, told = socket.socketpair()
        for end in (heard, told):
            end.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(told.fileno(), warn_on_full_buffer=False)
        with selectors.DefaultSelector() as selector:
            selector.register(self._control, selectors.EVENT_READ)
            selector.register(heard, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select(0.5 if self._strays_seen else None):
                    if key.fileobj is heard:
                        with contextlib.suppress(BlockingIOError):
                            while heard.recv(4096):
                                pass
                    elif not self._handle():
                        self._end_all()
                        return
                self._reap()

    def _handle(self) -> bool:
        try:
            data, descriptors, _, _ = socket.recv_fds(self._control, 64, 2)
        except OSError:
            return False
        if not data:
            return False
        request = int(data[1:])
        if data[:1] == b"K":
            if request in self._pids:
                _kill_group(self._pids[request])
            return True
        channel, output = descriptors
        try:
            pid = os.fork()
        except OSError:
            pid = None
        if pid == 0:
            self._become_parser(channel, output)
        os.close(channel)
        os.close(output)
        if pid is None:
            self._tell(f"N{request}")
            return True
        self._pids[request] = pid
        self._tell(f"P{request} {pid}")
        return True

    def _become_parser(self, channel: int, output: int) -> None:
        """In the child; never returns."""
        try:
            _isolate(channel, output)
            from orchestration.dagfiles.parser import main as parse

            parse()
        except BaseException as error:  # whatever it is, this must not run on as a second warm parent
            with contextlib.suppress(BaseException):
                sys.stderr.write(f"The parser failed: {error!r}\n")
                sys.stderr.flush()
        finally:
            os._exit(0)

    def _reap(self) -> None:
        for request, pid in list(self._pids.items()):
            if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
                continue
            _kill_group(pid)  # while the pid is not yet given back, so nobody else can have it
            _, status = os.waitpid(pid, 0)
            del self._pids[request]
            self._tell(f"X{request} {status}")
        self._strays_seen = kernel.kill_orphans(set(self._pids.values()))

    def _end_all(self) -> None:
        for pid in self._pids.values():
            _kill_group(pid)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)
        self._pids.clear()
        for _ in range(100):
            if not kernel.kill_orphans(()):
                return

    def _tell(self, text: str) -> None:
        with contextlib.suppress(OSError):
            self._control.send(text.encode())


def _isolate(channel: int, output: int) -> None:
    """A session of its own, no inherited descriptors or handlers; the channel becomes descriptor 3."""
    os.setsid()
    kernel.end_with_parent()
    kernel.adopt_orphans()
    signal.set_wakeup_fd(-1)
    for number in signal.valid_signals():
        if number not in (signal.SIGKILL, signal.SIGSTOP):
            with contextlib.suppress(OSError, ValueError):
                signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    kept = (os.dup(channel), os.dup(output))  # above 3 whatever they were
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(kept[1], 1)
    os.dup2(kept[1], 2)
    os.dup2(kept[0], 3, inheritable=False)
    os.closerange(4, 65536)


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
