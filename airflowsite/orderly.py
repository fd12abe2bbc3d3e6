"""The web server's worker process: requests are answered in the order they came, while none takes long.

Python runs one thread at a time, and where threads contend it picks one that just ran: in gunicorn's threaded worker,
with four busy connections, some requests were passed by hundreds of younger ones. Here one thread takes request after
request. Only when it has been at one for ``PATIENCE`` seconds (a slow query, a stream, a large page) does another
start to help, up to the configured number of threads: a slow request delays others by no more than that.

Connections that stay open are spread evenly, too: who has more of them than another worker lets that one go first.
"""

from __future__ import annotations

import mmap
import selectors
import threading
import time
from collections import deque
from concurrent.futures import Future
from functools import partial
from typing import Any, Final

from gunicorn.workers.gthread import ThreadWorker

#: Seconds that the other requests wait for one before another thread takes them.
PATIENCE: Final = 0.02
#: Seconds for which a worker leaves a new connection to another.
_COURTESY: Final = 0.001
#: Open connections of each worker, at its age modulo the number of places; -1 where there is no worker.
_connections: Final = memoryview(mmap.mmap(-1, 64 * 4)).cast("i")  # made before the workers fork, who share it
for _place in range(len(_connections)):
    _connections[_place] = -1


class OrderlyWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """Gunicorn's threaded worker with one queue."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._lock = threading.Lock()
        #: Connections with a request that no thread has taken.
        self._waiting: deque[Any] = deque()
        #: The threads at work: when each took its present request, by the monotonic clock.
        self._began: dict[object, float] = {}

    # ------------------------------------------------------------ one request after the other

    def enqueue_req(self, conn: Any) -> None:
        """Have the connection's request answered; of a new connection when it has come. In the main thread."""
        if not (conn.initialized or conn.data_ready):
            conn.sock.setblocking(False)
            conn.timeout = time.monotonic() + self.cfg.keepalive
            self.pending_conns.append(conn)
            readable = partial(self.on_pending_socket_readable, conn)
            self.poller.register(conn.sock, selectors.EVENT_READ, readable)
            return
        with self._lock:
            self._waiting.append(conn)
        self._help()

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """As before, and look after requests that wait for too long."""
        super().wait_for_and_dispatch_events(min(timeout, PATIENCE) if self._waiting else timeout)
        if self._waiting:
            self._help()

    def _help(self) -> None:
        """Start one more thread where requests wait and all threads are held up."""
        now = time.monotonic()
        with self._lock:
            is_soon_taken = any(now - began < PATIENCE for began in self._began.values())
            if is_soon_taken or not self._waiting or len(self._began) >= self.cfg.threads:
                return
            place = object()
            self._began[place] = now
        self.tpool.submit(self._work, place)

    def _work(self, place: object) -> None:
        while (conn := self._next(place)) is not None:
            done: Future[Any] = Future()
            try:
                done.set_result(self.handle(conn))
            except BaseException as error:  # the main thread tells of it, as it does for gunicorn's own futures
                done.set_exception(error)
            self.method_queue.defer(self.finish_request, conn, done)

    def _next(self, place: object) -> Any:
        with self._lock:
            if not self._waiting:
                del self._began[place]
                return None
            self._began[place] = time.monotonic()
            return self._waiting.popleft()

    # ------------------------------------------------------------ as many connections as the others

    def run(self) -> None:
        """Until told to stop."""
        self._tell()
        super().run()

    def accept(self, listener: Any) -> None:
        """Take a new connection, unless another worker with fewer takes it first."""
        here = self._tell()
        if any(0 <= there < self.nr_conns for place, there in enumerate(_connections) if place != here):
            time.sleep(_COURTESY)
        super().accept(listener)
        self._tell()

    def finish_request(self, conn: Any, fs: Any) -> None:
        """The connection waits for its next request, or is closed."""
        super().finish_request(conn, fs)
        self._tell()

    def _tell(self) -> int:
        """Note the number of connections for the others; where."""
        place = _place_of(self)
        _connections[place] = self.nr_conns
        return place


def _place_of(worker: Any) -> int:
    return int(worker.age) % len(_connections)


def forget(_server: Any, worker: Any) -> None:
    """Gunicorn's ``child_exit``: this worker is no more."""
    _connections[_place_of(worker)] = -1
