"""Work wakes work: tell a sleeping process that there may be something to do.

A wake-up never carries truth: who is woken reads the database. On PostgreSQL it is NOTIFY, sent when the transaction
commits and not at all when it rolls back; elsewhere a datagram to each listener's socket in ``$AIRFLOW_HOME/run``.
Losing one costs a delay of one polling interval, nothing else.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import select
import socket
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from django.db import connection, transaction

from orchestration.conf import conf

if TYPE_CHECKING:
    import psycopg

log = logging.getLogger(__name__)

Channel = Literal["scheduler", "triggerer", "dag_processor", "watchers"]


def notify(channel: Channel) -> None:
    """Wake every listener of the channel when the present transaction commits (now, outside one)."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, '')", [f"airflowsite_{channel}"])
        return
    transaction.on_commit(lambda: _try_to_send(channel), robust=True)


#: Seconds that connecting may take.
_PATIENCE_SECONDS = 3
#: The longest folder name that leaves room for a socket's name in its address.
_LONGEST_FOLDER = 70


def _folder() -> Path:
    folder = conf.home / "run"
    if len(os.fsencode(folder)) <= _LONGEST_FOLDER:
        return folder
    short = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"airflowsite-{os.getuid()}-{short}"


def _try_to_send(channel: str) -> None:
    try:
        _send(channel)
    except OSError as error:  # no file can be opened any more
        log.warning("Nobody could be woken (%s); who sleeps looks by itself in a moment", error.strerror)


def _send(channel: str) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        for address in _folder().glob(f"{channel}-*.sock"):
            try:
                sender.sendto(b"1", str(address))
            except BlockingIOError:
                continue  # its queue is full: it will wake anyway
            except OSError:
                with contextlib.suppress(OSError):
                    address.unlink()  # the listener is gone


class Listener:
    """Hears the wake-ups of one channel; a context manager. ``fileno`` is for selectors and stays the same.

    On PostgreSQL it has a connection of its own. When that breaks, ``drain`` tells of it as of a wake-up, and
    ``revive``, which who listens calls now and then, opens another.
    """

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self._socket: socket.socket | None = None
        self._connection: psycopg.Connection[Any] | None = None
        self._poll: select.epoll | None = None  # holds the connection's descriptor, which changes
        self._path: Path | None = None
        self._retry_at = 0.0

    def __enter__(self) -> Listener:
        if connection.vendor == "postgresql":
            self._poll = select.epoll()
            self.revive()
        else:
            self._bind()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _connect(self) -> None:
        import psycopg  # not installed where only SQLite is used

        assert self._poll is not None, "the listener is open"
        kept = {"dbname", "user", "password", "host", "port", "service", "options"}
        parameters = {name: value for name, value in connection.get_connection_params().items() if name in kept}
        opened = psycopg.connect(**parameters, autocommit=True, connect_timeout=_PATIENCE_SECONDS)
        try:
            opened.execute(f"LISTEN airflowsite_{self.channel}")
            self._poll.register(opened.fileno(), select.EPOLLIN)
        except BaseException:
            opened.close()
            raise
        self._connection = opened

    def _bind(self) -> None:
        folder = _folder()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._path = folder / f"{self.channel}-{os.getpid()}.sock"
        self._path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind(str(self._path))

    def fileno(self) -> int:
        """The descriptor that becomes readable when a wake-up came, or the connection broke."""
        holder = self._poll if self._poll is not None else self._socket
        assert holder is not None, "the listener is not open"
        return holder.fileno()

    def drain(self) -> bool:
        """Forget the wake-ups that came; whether there were any. A connection that broke counts as one."""
        if self._poll is not None:
            return self._drain_postgres()
        heard = False
        if self._socket is not None:
            with contextlib.suppress(BlockingIOError):
                while self._socket.recv(16):
                    heard = True
        return heard

    def _drain_postgres(self) -> bool:
        import psycopg

        if self._connection is None:
            return self.revive()
        try:
            return len(list(self._connection.notifies(timeout=0))) > 0
        except psycopg.Error:
            with contextlib.suppress(Exception):
                self._connection.close()  # which takes its descriptor out of the poll, too
            self._connection = None
            self.revive()
            return True

    def revive(self) -> bool:
        """Connect where no connection is, at most once a second; whether it did, for wake-ups may have been missed."""
        if self._poll is None or self._connection is not None or time.monotonic() < self._retry_at:
            return False
        import psycopg

        try:
            self._connect()
        except (psycopg.Error, OSError):
            self._retry_at = time.monotonic() + 1.0
            return False
        return True

    def wait(self, seconds: float) -> bool:
        """Sleep until a wake-up or for so long; whether one came."""
        if self.revive():
            return True
        ready, _, _ = select.select([self], [], [], seconds)
        return bool(ready) and self.drain()

    def close(self) -> None:
        """Stop listening."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._poll is not None:
            self._poll.close()
            self._poll = None
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        if self._path is not None:
            self._path.unlink(missing_ok=True)
