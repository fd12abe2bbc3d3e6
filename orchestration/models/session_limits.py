"""What a database session may hold up: set when a process opens one; on SQLite there is nothing to set."""

from __future__ import annotations

from typing import Final

from django.db.backends.base.base import BaseDatabaseWrapper

#: How long the server waits for a process in a transaction: one that hangs holds no lock for longer.
IDLE_IN_TRANSACTION: Final = "30s"


def limit(connection: BaseDatabaseWrapper, *, lock_timeout: str, waits_for_disk: bool = True) -> None:
    """Wait for a lock no longer than ``lock_timeout`` ("10s"), and hold none for long; one statement.

    Without ``waits_for_disk`` a crash of PostgreSQL may take the last commits, in order.
    """
    if connection.vendor != "postgresql":
        return
    limits = {"lock_timeout": lock_timeout, "idle_in_transaction_session_timeout": IDLE_IN_TRANSACTION}
    if not waits_for_disk:
        limits["synchronous_commit"] = "off"
    with connection.cursor() as cursor:
        settings = ", ".join(["set_config(%s, %s, false)"] * len(limits))
        cursor.execute(f"SELECT {settings}", [text for pair in limits.items() for text in pair])
