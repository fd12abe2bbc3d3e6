"""Following a run until it ends: what changes of it, as lines of JSON.

One thread of each process hears the wake-ups and wakes all who wait in it; the truth is read from the database. A wait
holds a thread of the server, so their number and their length are bounded.
"""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, Final

from django.db import connection
from django.http import HttpRequest

from airflowsite.serving import is_served
from api_v1.problems import Problem
from api_v1.renderers import dumps
from orchestration.conf import conf
from orchestration.models.wakeups import Listener
from orchestration.states import RUN_FINISHED

#: Seconds after which a caller may ask again when too many wait.
_RETRY_AFTER: Final = 5
#: The longest sleep, in seconds, of the thread that listens, and of a waiter who may have been left.
_PULSE: Final = 1.0
#: Seconds between two looks, however much happens elsewhere.
_PAUSE: Final = 0.1


class Hub:
    """Wakes all who wait in this process. The listening thread lives as long as somebody waits."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._woken = 0
        self._waiting = 0
        self._process = 0
        self._thread: threading.Thread | None = None

    @contextmanager
    def waiting(self, most: int) -> Iterator[None]:
        """Count a waiter in. Raises Problem (503) where ``most`` wait already."""
        with self._changed:
            if self._process != os.getpid():  # forked: the thread stayed behind
                self._process, self._waiting, self._thread = os.getpid(), 0, None
            if self._waiting >= most:
                told = "Too many callers wait for runs already. Ask again later, or for the run itself."
                if not most:
                    told = "Nobody can wait here: [webserver] worker_threads is 1. Ask for the run itself."
                raise Problem(503, told, headers={"Retry-After": str(_RETRY_AFTER)})
            self._waiting += 1
            if self._thread is None:
                self._thread = threading.Thread(target=self._listen, name="watchers", daemon=True)
                self._thread.start()
        try:
            yield
        finally:
            with self._changed:
                self._waiting -= 1

    def seen(self) -> int:
        """A mark to sleep from: what wakes after it is not slept through."""
        with self._changed:
            return self._woken

    def sleep(self, since: int, seconds: float) -> bool:
        """Sleep for so long, or until something changed since the mark; whether it did."""
        with self._changed:
            return self._changed.wait_for(lambda: self._woken != since, seconds)

    def _listen(self) -> None:
        try:
            with Listener("watchers") as listener:
                while True:
                    heard = listener.wait(_PULSE)
                    with self._changed:
                        if heard:
                            self._woken += 1
                            self._changed.notify_all()
                        if not self._waiting:
                            self._thread = None
                            return
        finally:
            with self._changed:
                if self._thread is threading.current_thread():
                    self._thread = None  # it broke: who waits goes on by the clock, the next one starts another
            connection.close()


hub = Hub()


def most_waiting() -> int:
    """How many may wait in one process: half of its threads, so that the others go on answering; 0 where it has one."""
    return conf.getint("webserver", "worker_threads") // 2


#: What a line tells of a run.
Told = Mapping[str, Any]
_GONE: Final[Told] = {"state": None, "start_date": None, "end_date": None}


class Following:
    """``{"state": …, "start_date": …, "end_date": …, "changed": […]}`` now and at every change of them.

    The lines end when the run ends or is gone (its members are null then), when the time is over, when the caller hung
    up, and when the server stops. ``read`` gives the members, None where there is no run any more; it is asked at least
    every ``interval`` seconds. ``is_allowed`` is asked before something is told; the lines end where it says no.
    Raises Problem (503) where too many wait already.
    """

    def __init__(
        self,
        read: Callable[[], Told | None],
        *,
        is_allowed: Callable[[], bool],
        is_gone: Callable[[], bool],
        interval: float,
        timeout: float,
    ) -> None:
        self._read, self._is_allowed, self._is_gone = read, is_allowed, is_gone
        self._interval, self._timeout = interval, timeout
        self._place = ExitStack()
        self._place.enter_context(hub.waiting(most_waiting()))

    def __iter__(self) -> Iterator[bytes]:
        end = time.monotonic() + self._timeout
        shown: Told | None = None
        while True:
            mark = hub.seen()
            found = self._read() or _GONE
            if found != shown:
                if not self._is_allowed():
                    return
                yield _line(found, shown)
                shown = found
            if found["state"] is None or found["state"] in RUN_FINISHED or time.monotonic() >= end:
                return
            _give_back_connection()
            if not self._sleep(mark, min(end, time.monotonic() + self._interval)):
                return

    def _sleep(self, mark: int, until: float) -> bool:
        """Sleep until that moment or a change; False where the caller hung up, or the server stops, meanwhile."""
        while is_served() and not self._is_gone():
            left = until - time.monotonic()
            if left <= 0 or hub.sleep(mark, min(left, _PULSE)):
                time.sleep(min(_PAUSE, max(left, 0)))
                return True
        return False

    def close(self) -> None:
        """Make room for another caller; the server calls it when the answer is over, told or not."""
        self._place.close()


def _line(found: Told, shown: Told | None) -> bytes:
    changed = [] if shown is None else [name for name, value in found.items() if value != shown[name]]
    return dumps({**found, "changed": changed}) + b"\n"


def hang_up_of(request: HttpRequest) -> Callable[[], bool]:
    """Whether the caller of a request hung up, as far as the server lets see its socket (gunicorn does).

    Without it a caller who left is noticed when the next line is written to him, and at the end of the time.
    """
    socket = request.META.get("gunicorn.socket")
    if socket is None or not hasattr(select, "POLLRDHUP"):
        return lambda: False
    poll = select.poll()
    poll.register(socket.fileno(), select.POLLRDHUP | select.POLLHUP | select.POLLERR)
    return lambda: bool(poll.poll(0))


def _give_back_connection() -> None:
    """A sleeper keeps none of the pool's connections."""
    if connection.vendor == "postgresql" and not connection.in_atomic_block:
        connection.close()
