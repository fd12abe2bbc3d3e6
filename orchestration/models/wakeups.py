"""Work wakes work: tell a sleeping process that there may be something to do.

A wake-up never carries truth: who is woken reads the database. On PostgreSQL it is NOTIFY, sent when the transaction
commits and not at all when it rolls back; elsewhere a datagram to each listener's socket in ``$AIRFLOW_HOME/run``.
Losing one costs a delay of one polling interval, nothing else.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import select
import socket
import tempfile
from pathlib import Path
from typing import Literal

from django.db import connection, transaction

from orchestration.conf import conf

Channel = Literal["scheduler", "triggerer", "dag_processor", "watchers"]


def notify(channel: Channel) -> None:
    """Wake every listener of the channel when the present transaction commits (now, outside one)."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, '')", [f"airflowsite_{channel}"])
        return
    transaction.on_commit(lambda: _send(channel), robust=True)


#: The longest folder name that leaves room for a socket's name in its address.
_LONGEST_FOLDER = 70


def _folder() -> Path:
    folder = conf.home / "run"
    if len(os.fsencode(folder)) <= _LONGEST_FOLDER:
        return folder
    short = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"airflowsite-{os.getuid()}-{short}"


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
    """Hears the wake-ups of one channel; a context manager. ``fileno`` is for selectors.

    On PostgreSQL it has a connection of its own; if that breaks, ``drain`` opens a new one.
    """

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self._socket: socket.socket | None = None
        self._connection: object = None
        self._path: Path | None = None

    def __enter__(self) -> Listener:
        self._open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open(self) -> None:
        if connection.vendor == "postgresql":
            import psycopg  # not installed where only SQLite is used

            parameters = connection.get_connection_params()
            kept = {
                k: v
                for k, v in parameters.items()
                if k in {"dbname", "user", "password", "host", "port", "service", "options"}
            }
            listener = psycopg.connect(**kept, autocommit=True)
            listener.execute(f"LISTEN airflowsite_{self.channel}")
            self._connection = listener
            return
        folder = _folder()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._path = folder / f"{self.channel}-{os.getpid()}.sock"
        self._path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind(str(self._path))

    def fileno(self) -> int:
        """The descriptor that becomes readable when a wake-up came."""
        holder = self._connection if self._connection is not None else self._socket
        assert holder is not None, "the listener is not open"
        return int(holder.fileno())  # type: ignore[attr-defined]

    def drain(self) -> bool:
        """Forget the wake-ups that came; whether there were any. A broken connection counts as one, and is replaced."""
        if self._connection is not None:
            return self._drain_postgres()
        heard = False
        if self._socket is not None:
            with contextlib.suppress(BlockingIOError):
                while self._socket.recv(16):
                    heard = True
        return heard

    def _drain_postgres(self) -> bool:
        import psycopg

        assert isinstance(self._connection, psycopg.Connection)
        try:
            return len(list(self._connection.notifies(timeout=0))) > 0
        except psycopg.Error:
            with contextlib.suppress(Exception):
                self._connection.close()
            with contextlib.suppress(psycopg.Error):
                self._open()
            return True

    def wait(self, seconds: float) -> bool:
        """Sleep until a wake-up or for so long; whether one came."""
        ready, _, _ = select.select([self], [], [], seconds)
        return bool(ready) and self.drain()

    def close(self) -> None:
        """Stop listening."""
        if self._connection is not None:
            self._connection.close()  # type: ignore[attr-defined]
            self._connection = None
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        if self._path is not None:
            self._path.unlink(missing_ok=True)
