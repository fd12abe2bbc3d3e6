"""The web server's database sessions: broken ones are left before a request begins, and no lock is waited for long."""

from __future__ import annotations

import select
from typing import Any, Final

from django.core.signals import request_started
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from orchestration.models import session_limits

#: How long a request waits for a lock that somebody keeps before its caller is told to try again; SQLite has
#: ``database.sqlite_busy_timeout`` for the same.
LOCK_TIMEOUT: Final = "10s"


def guard() -> None:
    """Look after the sessions of this process and of those it forks."""
    connection_created.connect(_limit_waits, dispatch_uid="limit_waits")
    request_started.connect(_leave_broken, dispatch_uid="leave_broken")


def _limit_waits(*, connection: BaseDatabaseWrapper, **_: Any) -> None:
    session_limits.limit(connection, lock_timeout=LOCK_TIMEOUT)


def _leave_broken(**_: Any) -> None:
    """Close sessions that PostgreSQL has ended, so that the request opens another one instead of failing.

    Nothing is asked of the server: a session at rest has nothing to read unless the server said good-bye.
    """
    for connection in connections.all(initialized_only=True):
        if connection.vendor == "postgresql" and connection.connection is not None and _has_something(connection):
            connection.close()


def _has_something(connection: BaseDatabaseWrapper) -> bool:
    session = connection.connection
    if session.closed:
        return True
    poll = select.poll()
    poll.register(session.fileno(), select.POLLIN)
    return bool(poll.poll(0))
