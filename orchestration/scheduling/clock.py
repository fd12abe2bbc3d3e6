"""The scheduler's clock: the database's, so that several schedulers agree, told on by the monotonic clock meanwhile.

A machine's clock that is set forward or back so moves no decision; on SQLite, where there is one machine, it is read
directly, and a jump is noticed.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from django.db import connection

#: Seconds after which the database is asked again.
SYNC_SECONDS = 30.0
#: A difference between the wall clock and the monotonic clock from which on one speaks of a jump.
JUMP = timedelta(seconds=2)


class DatabaseClock:
    """``now()`` in UTC, aware."""

    def __init__(self) -> None:
        self._at: datetime | None = None
        self._since = 0.0
        self._jumped_at: float | None = None

    def now(self) -> datetime:
        """The present moment; now and then one query on PostgreSQL."""
        elapsed = time.monotonic() - self._since
        if self._at is not None and elapsed < SYNC_SECONDS and connection.vendor == "postgresql":
            return self._at + timedelta(seconds=elapsed)
        expected = None if self._at is None else self._at + timedelta(seconds=elapsed)
        self._at, self._since = _read(), time.monotonic()
        if expected is not None and abs(self._at - expected) > JUMP:
            self._jumped_at = self._since
        return self._at

    def has_jumped(self, within_seconds: float) -> bool:
        """Whether the clock was set within the last seconds: heartbeats of before say nothing then."""
        return self._jumped_at is not None and time.monotonic() - self._jumped_at < within_seconds

    def forget(self) -> None:
        """Read the database's clock at the next call (its connection is new)."""
        self._at = None


def _read() -> datetime:
    if connection.vendor != "postgresql":
        return datetime.now(UTC)
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        row = cursor.fetchone()
    assert row is not None, "SELECT of one value gives one row"
    moment: datetime = row[0]
    return moment
