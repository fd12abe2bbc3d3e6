"""Following a run until it ends: its states as lines of JSON, as they change.

One thread of each process hears the wake-ups and wakes all who wait in it; the truth is read from the database. A wait
holds a thread of the server, so their number and their length are bounded.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

from django.db import connection

from api_v1.problems import Problem
from api_v1.renderers import dumps
from orchestration.conf import conf
from orchestration.models.wakeups import Listener
from orchestration.states import RUN_FINISHED

#: Seconds after which a caller may ask again when too many wait.
_RETRY_AFTER: Final = 5
#: The longest sleep of the thread that listens, in seconds.
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
                raise Problem(
                    503, "Too many callers wait for runs already.", headers={"Retry-After": str(_RETRY_AFTER)}
                )
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

    def sleep(self, since: int, seconds: float) -> None:
        """Sleep for so long, or until something changed since the mark."""
        with self._changed:
            self._changed.wait_for(lambda: self._woken != since, seconds)

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
    """How many may wait in one process: half of its threads, so that the others go on answering."""
    return max(1, conf.getint("webserver", "worker_threads") // 2)


class Following:
    """``{"state": …}`` now and at every change, until the run ends or is gone (null), or the time is over.

    ``read`` gives the state, None where there is no run any more; it is asked at least every ``interval`` seconds.
    ``is_allowed`` is asked before something is told; the lines end where it says no.
    Raises Problem (503) where too many wait already.
    """

    def __init__(
        self,
        read: Callable[[], str | None],
        is_allowed: Callable[[], bool],
        *,
        interval: float,
        timeout: float,
    ) -> None:
        self._read, self._is_allowed = read, is_allowed
        self._interval, self._timeout = interval, timeout
        self._place = ExitStack()
        self._place.enter_context(hub.waiting(most_waiting()))

    def __iter__(self) -> Iterator[bytes]:
        end = time.monotonic() + self._timeout
        shown: str | None = ""
        while True:
            mark = hub.seen()
            state = self._read()
            if state != shown:
                if not self._is_allowed():
                    return
                yield dumps({"state": state}) + b"\n"
                shown = state
            left = end - time.monotonic()
            if state is None or state in RUN_FINISHED or left <= 0:
                return
            _give_back_connection()
            hub.sleep(mark, min(self._interval, left))
            time.sleep(min(_PAUSE, max(left, 0)))

    def close(self) -> None:
        """Make room for another caller; the server calls it when the answer is over, told or not."""
        self._place.close()


def _give_back_connection() -> None:
    """A sleeper keeps none of the pool's connections."""
    if connection.vendor == "postgresql" and not connection.in_atomic_block:
        connection.close()
