"""The supervisor's side of the warm parents: which there are, whether they are fresh, what they say."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from orchestration.conf import conf
from orchestration.execution import warm
from orchestration.processes import frames, programs

_LONGEST_MESSAGE = 65536
#: Warm parents kept for files that have no running try.
MOST_IDLE = 8
#: Seconds beyond ``core.dagbag_import_timeout`` after which a parent that imports is taken for stuck.
IMPORT_GRACE = 10.0
#: Seconds within which a zygote without a supervisor ends.
ZYGOTE_GRACE = 10.0


@dataclass(eq=False, slots=True)
class WarmParent:
    """One process that has imported a DAG file. ``control`` goes to it; ``store`` serves its import."""

    path: str
    number: int
    control: socket.socket
    store: socket.socket
    started: float
    store_inbox: frames.Inbox = field(default_factory=frames.Inbox)
    store_outbox: frames.Outbox = field(init=False)
    pid: int | None = None
    #: Why its process could not be started.
    failure: str | None = None
    #: What the import read, once it is done.
    fingerprint: warm.Fingerprint | None = None
    #: The numbers of the tries it runs or was asked to.
    tries: set[int] = field(default_factory=set)
    #: Tries to start when the import is done: number and the process's end of the socket.
    waiting: deque[tuple[int, socket.socket]] = field(default_factory=deque)
    orphans: set[int] = field(default_factory=set)
    last_used: float = 0.0
    is_retired: bool = False
    is_gone: bool = False

    def __post_init__(self) -> None:
        self.store_outbox = frames.Outbox(self.store)

    def is_fresh(self, now: float, longest_age: float) -> bool:
        """Whether the file would be imported the same now, as far as can be told."""
        if self.is_retired or self.is_gone:
            return False
        if self.fingerprint is None:
            return True  # it imports right now
        if now - self.started > longest_age:
            return False
        return all(warm.stamp_of(file) == stamp for file, stamp in self.fingerprint.items())


class WarmParents:
    """Starts the zygote and one warm parent for each DAG file, and replaces those that are no longer fresh.

    A parent is used for ``scheduler.min_file_process_interval`` at most, because an import may read more than files:
    what a task sees is never older than what the DAG processor sees. ``watch`` and ``unwatch`` are called with each
    socket that the event loop has to hear.
    """

    def __init__(
        self,
        watch: Callable[[socket.socket, Any], None],
        unwatch: Callable[[socket.socket], None],
    ) -> None:
        self._watch, self._unwatch = watch, unwatch
        self._parents: dict[str, WarmParent] = {}
        self._all: set[WarmParent] = set()
        self._zygote: programs.Process | None = None
        self._control: socket.socket | None = None
        self._numbers = 0

    @property
    def control(self) -> socket.socket | None:
        """The socket to the zygote."""
        return self._control

    def start(self) -> None:
        """Start the zygote, if it does not run."""
        if self._zygote is not None and self._zygote.poll() is None:
            return
        self._end_zygote()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._zygote = programs.start("orchestration.execution.warm:main", [theirs.fileno()], [os.getpid()])
        ours.setblocking(False)
        self._control = ours
        self._watch(ours, self)

    def for_file(self, path: str) -> WarmParent:
        """A fresh parent for the file; one is started if there is none. OSError when no process can be started."""
        now = time.monotonic()
        parent = self._parents.get(path)
        if parent is None or not parent.is_fresh(now, conf.getint("scheduler", "min_file_process_interval")):
            if parent is not None:
                self.retire(parent)
            parent = self._start_parent(path, now)
        parent.last_used = now
        return parent

    def fork(self, parent: WarmParent, number: int, task_socket: socket.socket) -> None:
        """Have the parent start a process for a try, now or when its import is done; takes the socket over."""
        parent.tries.add(number)
        parent.waiting.append((number, task_socket))
        self.flush(parent)

    def flush(self, parent: WarmParent) -> None:
        """Send the requests that the parent can take now. One that is gone says so by its socket's end."""
        while parent.waiting and parent.fingerprint is not None:
            number, task_socket = parent.waiting[0]
            try:
                socket.send_fds(parent.control, [orjson.dumps({"try": number})], [task_socket.fileno()])
            except BlockingIOError:
                return
            except OSError:
                pass
            parent.waiting.popleft()
            task_socket.close()

    def ready(self, parent: WarmParent, fingerprint: warm.Fingerprint) -> None:
        """The import is done."""
        parent.fingerprint = fingerprint
        self.close_store(parent)
        self.flush(parent)

    def done(self, parent: WarmParent, number: int) -> None:
        """A try of the parent is over, its process gone."""
        parent.tries.discard(number)
        self._limit_idle()

    def retire(self, parent: WarmParent) -> None:
        """Use the parent for no further try; it ends with its last one."""
        if self._parents.get(parent.path) is parent:
            del self._parents[parent.path]
        if not parent.is_retired and not parent.is_gone:
            parent.is_retired = True
            with contextlib.suppress(OSError):
                parent.control.send(orjson.dumps({"retire": True}))

    def messages(self, sock: socket.socket) -> Iterator[dict[str, Any]]:
        """What came over a control socket; ``{"closed": True}`` at the end of it."""
        while True:
            try:
                data = sock.recv(_LONGEST_MESSAGE)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                yield {"closed": True}
                return
            yield orjson.loads(data)

    def forget(self, parent: WarmParent) -> None:
        """The parent's process is gone."""
        self.retire(parent)
        parent.is_gone = True
        self._all.discard(parent)
        for sock in (parent.control, parent.store):
            self._unwatch(sock)
            sock.close()
        for _, task_socket in parent.waiting:
            task_socket.close()
        parent.waiting.clear()

    def close_store(self, parent: WarmParent) -> None:
        """The import is done, or its socket broke."""
        self._unwatch(parent.store)
        parent.store.close()

    def tidy(self) -> list[WarmParent]:
        """Retire what is idle and old; the parents that have been importing for too long."""
        now = time.monotonic()
        longest_age = conf.getint("scheduler", "min_file_process_interval")
        for parent in list(self._parents.values()):
            if not parent.tries and not parent.is_fresh(now, longest_age):
                self.retire(parent)
        limit = conf.getfloat("core", "dagbag_import_timeout") + IMPORT_GRACE
        return [p for p in self._all if p.fingerprint is None and not p.is_gone and now - p.started > limit]

    def hear_zygote(self, message: dict[str, Any]) -> None:
        """Note which process a parent is, or why it is none."""
        for parent in self._all:
            if parent.number == message.get("number"):
                parent.pid = message.get("pid")
                parent.failure = message.get("failed")

    def restart_zygote(self) -> None:
        """The zygote is gone: its parents end by themselves, and the next file starts another."""
        self._end_zygote()

    def zygote_ended(self) -> bool:
        """Whether the zygote is gone; all parents went with it."""
        return self._zygote is not None and self._zygote.poll() is not None

    def everyone(self) -> list[WarmParent]:
        """Every parent that may still run."""
        return list(self._all)

    def stop(self) -> None:
        """Close every socket: the processes end."""
        for parent in self.everyone():
            self.forget(parent)
        self._end_zygote()

    def _start_parent(self, path: str, now: float) -> WarmParent:
        self.start()
        assert self._control is not None
        control, their_control = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        store, their_store = socket.socketpair()
        self._numbers += 1
        with their_control, their_store:
            request = orjson.dumps({"warm": self._numbers, "path": path})
            socket.send_fds(self._control, [request], [their_control.fileno(), their_store.fileno()])
        for sock in (control, store):
            sock.setblocking(False)
        parent = WarmParent(path, self._numbers, control, store, started=now)
        self._parents[path] = parent
        self._all.add(parent)
        self._watch(control, parent)
        self._watch(store, parent)
        self._limit_idle()
        return parent

    def _limit_idle(self) -> None:
        idle = [parent for parent in self._parents.values() if not parent.tries and parent.fingerprint is not None]
        idle.sort(key=lambda parent: parent.last_used)
        for parent in idle[: max(len(idle) - MOST_IDLE, 0)]:
            self.retire(parent)

    def _end_zygote(self) -> None:
        if self._control is not None:
            self._unwatch(self._control)
            self._control.close()
            self._control = None
        if self._zygote is not None:
            try:
                self._zygote.wait(timeout=ZYGOTE_GRACE)
            except subprocess.TimeoutExpired:
                self._zygote.kill()
                self._zygote.wait()
            self._zygote = None
