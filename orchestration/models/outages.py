"""Which errors say that the database is busy, away, or may only be read: whoever asked may try again."""

from __future__ import annotations

from typing import Final

from django.db import InterfaceError, InternalError, OperationalError

#: PostgreSQL's code for a write where only reads are allowed, as on a standby.
_READ_ONLY: Final = "25006"
#: Those for: a lock could not be had in time, a deadlock, a conflict with another transaction.
_CONTENTION: Final = frozenset({"55P03", "40P01", "40001"})


def is_outage(error: BaseException) -> bool:
    """Whether an error is the database's present state, and neither the request's fault nor the program's."""
    if isinstance(error, InternalError):
        return getattr(error.__cause__, "sqlstate", None) == _READ_ONLY
    return isinstance(error, OperationalError | InterfaceError)


def is_contention(error: BaseException) -> bool:
    """Whether others stand in the way, and the database is well."""
    return getattr(error.__cause__, "sqlstate", None) in _CONTENTION


def first_line(error: BaseException) -> str:
    """What a database's error says, without the hints below; its kind where it says nothing."""
    return str(error).strip().partition("\n")[0] or type(error).__name__
