"""Trying a connection from the server: off unless ``core.test_connection`` is Enabled, and then on a short leash.

Only the types of the table below; never the server's own addresses, link-local ones (cloud metadata) or files beyond a
SQLite database; what ``outbound`` checked is what is spoken to; ten seconds; two at once.
"""

from __future__ import annotations

import smtplib
import sqlite3
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from orchestration.access import permissions
from orchestration.access.permissions import Caller
from orchestration.conf import conf
from orchestration.errors import Unavailable
from orchestration.models import Connection
from orchestration.services import outbound

#: Seconds after which a test is given up.
TIMEOUT_SECONDS: Final = outbound.TIMEOUT_SECONDS
#: Tests that one process runs at once.
AT_ONCE: Final = 2
#: The databases and servers of an organisation are in its private networks.
_REACH: Final = outbound.Reach.NETWORKS
_SUCCESS: Final = "Connection successfully tested"
_SQLITE_START: Final = b"SQLite format 3\0"


@dataclass(frozen=True, slots=True)
class Result:
    """Whether the connection works, and what was found. The message holds no secret and no text of the other side."""

    is_good: bool
    message: str


class Refused(Exception):
    """The target may not be tried, or did not answer as it should; the text is for the caller."""


_threads = ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="connection-test")
_places = threading.BoundedSemaphore(AT_ONCE)


def is_enabled() -> bool:
    """Whether ``core.test_connection`` allows tests."""
    return conf.get("core", "test_connection").strip().lower() == "enabled"


def run(connection: Connection, *, actor: Caller | None) -> Result:
    """Try a connection that need not be stored. Raises Unavailable when others are being tested, Forbidden."""
    permissions.require(actor, permissions.CREATE, permissions.CONNECTIONS)
    check = _CHECKS.get(connection.conn_type)
    if check is None:
        return Result(False, f'Unknown hook type "{connection.conn_type[:100]}"')
    if not _places.acquire(blocking=False):
        raise Unavailable("Other connections are being tested. Try again in some seconds.")
    future: Future[None] = _threads.submit(_run_in_place, check, connection)
    try:
        future.result(timeout=TIMEOUT_SECONDS + 1)
    except FutureTimeout:
        return Result(False, f"There was no answer within {TIMEOUT_SECONDS:.0f} seconds.")
    except (Refused, outbound.Refused) as error:
        return Result(False, str(error))
    except Exception as error:  # whatever a driver raises; its text may hold the password
        return Result(False, f"The connection failed: {type(error).__name__}.")
    return Result(True, _SUCCESS)


def _run_in_place(check: Callable[[Connection], None], connection: Connection) -> None:
    try:
        check(connection)
    finally:
        _places.release()


def _checked_address(host: str | None, port: int) -> str:
    """The host's address, if it is one that may be tried."""
    return outbound.resolve(_named(host), port, reach=_REACH)


def _named(host: str | None) -> str:
    if not host:
        raise Refused("The connection names no host.")
    return host


def _try_sqlite(connection: Connection) -> None:
    place = connection.host or connection.schema or ":memory:"
    if place == ":memory:":
        sqlite3.connect(":memory:").execute("SELECT 1").close()
        return
    path = Path(place)
    if place.lower().startswith("file:") or not path.is_absolute():
        raise Refused("Give the absolute path of the database, not a URI.")
    if not path.exists():
        if not path.parent.is_dir():
            raise Refused("There is no such folder.")
        return  # SQLite would make the file
    if not path.is_file() or _start_of(path) not in {b"", _SQLITE_START}:
        raise Refused("That is no SQLite database.")
    with sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=TIMEOUT_SECONDS) as database:
        database.execute("SELECT 1")
    database.close()


def _start_of(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(len(_SQLITE_START))
    except OSError:
        raise Refused("That is no SQLite database.") from None


def _try_postgres(connection: Connection) -> None:
    port = connection.port or 5432
    import psycopg  # some megabytes, here and below: for those who try a connection

    address = _checked_address(connection.host, port)
    psycopg.connect(
        host=connection.host or "",
        hostaddr=address,
        port=port,
        user=connection.login or "",
        password=connection.password or "",
        dbname=connection.schema or "",
        connect_timeout=int(TIMEOUT_SECONDS),
    ).close()


def _try_http(connection: Connection) -> None:
    scheme = connection.schema or "http"
    host = connection.host or ""
    if "://" in host:
        scheme, _, host = host.partition("://")
    if scheme not in {"http", "https"}:
        raise Refused("Only http and https are tried.")
    host, _, path = host.partition("/")
    name = f"[{host}]" if ":" in host else _named(host)
    port = connection.port or (443 if scheme == "https" else 80)
    login = (connection.login, connection.password or "") if connection.login else None
    status = outbound.call("GET", f"{scheme}://{name}:{port}/{path}", reach=_REACH, login=login)
    if status >= 400:
        raise Refused(f"The server answered {status}.")


def _try_smtp(connection: Connection) -> None:
    port = connection.port or 25
    address = _checked_address(connection.host, port)
    with smtplib.SMTP(address, port, timeout=TIMEOUT_SECONDS) as server:
        server.ehlo()


#: Types that can be tried.
_CHECKS: Final[Mapping[str, Callable[[Connection], None]]] = {
    "sqlite": _try_sqlite,
    "postgres": _try_postgres,
    "http": _try_http,
    "smtp": _try_smtp,
}
