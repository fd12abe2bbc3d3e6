"""Moments that callers send, made fit for every database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

#: PostgreSQL reads no offset as large as this; no place on earth has one.
_LARGEST_OFFSET: Final = timedelta(hours=16)


def storable(moment: datetime) -> datetime:
    """The aware moment in the offset it has if that is one that a place may have, else in UTC.

    Raises OverflowError for moments that are not in the years 1 to 9999 of UTC.
    """
    in_utc = moment.astimezone(UTC)
    return moment if abs(moment.utcoffset() or timedelta()) < _LARGEST_OFFSET else in_utc
