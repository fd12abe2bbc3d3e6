"""The web server's worker process: requests are answered in the order they came, while none takes long.

Python runs one thread at a time, and where threads contend it picks one that just ran: in gunicorn's threaded worker,
with four busy connections, some requests were passed by hundreds of younger ones. Here one thread takes request after
request. Only when it has been at one for ``PATIENCE`` seconds (a slow query, a stream, a large page) does another
start to help, up to the configured number of threads: a slow request delays others by no more than that.

Requests for the system's health have a thread of their own: whoever watches gets an answer also while all the others
are held up, and does not take a busy web server for a dead one.

A client that takes and sends nothing for half a minute, in the midst of a request or an answer, is let go, so that no
thread is held up for ever. Where no file can be opened any more, idle connections are closed for new ones.

Connections that stay open are spread evenly, too: who has more of them than another worker lets that one go first.
"""

from __future__ import annotations

import errno
import logging
import mmap
import os
import selectors
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, Final

from gunicorn.workers.gthread import ThreadWorker

#: Seconds that the other requests wait for one before another thread takes them.
PATIENCE: Final = 0.02
#: Seconds for which a worker leaves a new connection to another.
_COURTESY: Final = 0.001
#: The most seconds in which a client that is being answered may neither take nor send anything.
_LONGEST_STALL: Final = 30
#: What the kernel answers where there are too many open files, or too little memory for one more.
_EXHAUSTED: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
#: Seconds before it is asked again, and between two words on it.
_EXHAUSTED_PAUSE: Final = 0.05
_EXHAUSTED_TOLD_EVERY: Final = 10.0
#: How requests for the system's health begin.
_HEALTH: Final = (b"GET /health", b"GET /api/v1/health", b"HEAD /health", b"HEAD /api/v1/health")
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
        #: Connections with a request for the health that is not taken.
        self._asking_health: deque[Any] = deque()
        self._is_telling_health = False
        self._told_exhausted_at = -_EXHAUSTED_TOLD_EVERY
        logging.getLogger("gunicorn.error").addFilter(_tell_stall_shortly)

    def get_thread_pool(self) -> ThreadPoolExecutor:
        """One thread more than configured: the one for the health."""
        return ThreadPoolExecutor(max_workers=self.cfg.threads + 1)

    # ------------------------------------------------------------ one request after the other

    def enqueue_req(self, conn: Any) -> None:
        """Have the connection's request answered; of a new connection when it has come. In the main thread."""
        if not (conn.initialized or conn.data_ready):
            conn.sock.setblocking(False)
            _limit_stalls(conn.sock, min(self.cfg.timeout or _LONGEST_STALL, _LONGEST_STALL))
            conn.timeout = time.monotonic() + self.cfg.keepalive
            self.pending_conns.append(conn)
            readable = partial(self.on_pending_socket_readable, conn)
            self.poller.register(conn.sock, selectors.EVENT_READ, readable)
            return
        if _asks_health(conn):
            self._tell_health(conn)
            return
        with self._lock:
            self._waiting.append(conn)
        self._help()

    def _tell_health(self, conn: Any) -> None:
        with self._lock:
            self._asking_health.append(conn)
            if self._is_telling_health:
                return
            self._is_telling_health = True
        self.tpool.submit(self._work, self._next_for_health)

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
        self.tpool.submit(self._work, partial(self._next, place))

    def _work(self, take: Callable[[], Any]) -> None:
        while (conn := take()) is not None:
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

    def _next_for_health(self) -> Any:
        with self._lock:
            if self._asking_health:
                return self._asking_health.popleft()
            self._is_telling_health = False
            return None

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
        try:
            super().accept(listener)
        except OSError as error:
            if error.errno not in _EXHAUSTED:
                raise
            self._make_room(error)
        self._tell()

    def _make_room(self, error: OSError) -> None:
        """No file can be opened for a new connection: it waits, and those that are idle are closed."""
        now = time.monotonic()
        if now - self._told_exhausted_at >= _EXHAUSTED_TOLD_EVERY:
            self._told_exhausted_at = now
            self.log.error(
                "New connections have to wait (%s); those there are go on. Allow more open files: ulimit -n",
                os.strerror(error.errno or 0),
            )
        self.murder_keepalived(force=True)
        time.sleep(_EXHAUSTED_PAUSE)

    def finish_request(self, conn: Any, fs: Any) -> None:
        """The connection waits for its next request, or is closed."""
        super().finish_request(conn, fs)
        self._tell()

    def _tell(self) -> int:
        """Note the number of connections for the others; where."""
        place = _place_of(self)
        _connections[place] = self.nr_conns
        return place


def _asks_health(conn: Any) -> bool:
    """Whether the request that has come on the connection is one for the health; it stays there to be read."""
    try:
        begun: bytes = conn.sock.recv(32, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except (OSError, ValueError):  # gone, or encrypted
        return False
    return begun.startswith(_HEALTH)


def _limit_stalls(sock: socket.socket, seconds: int) -> None:
    """Have a blocking read or write of the connection fail (EAGAIN) when nothing moves for so long."""
    for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
        sock.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", seconds, 0))


def _tell_stall_shortly(record: logging.LogRecord) -> bool:
    """A client that stalls is no fault of the program: a sentence, without a trace."""
    if record.exc_info and isinstance(record.exc_info[1], BlockingIOError):
        record.msg, record.args = "A client took and sent nothing for too long: its connection is closed.", ()
        record.exc_info = None
        record.levelno, record.levelname = logging.WARNING, "WARNING"
    return True


def _place_of(worker: Any) -> int:
    return int(worker.age) % len(_connections)


def forget(_server: Any, worker: Any) -> None:
    """Gunicorn's ``child_exit``: this worker is no more."""
    _connections[_place_of(worker)] = -1
