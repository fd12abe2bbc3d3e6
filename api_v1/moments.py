"""Moments in requests: RFC 3339, always with an offset."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

_RFC3339 = re.compile(r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
#: PostgreSQL reads no offset as large as this; no place on earth has one.
_LARGEST_OFFSET: Final = timedelta(hours=16)


def moment(text: str) -> datetime:
    """The moment in ``text``, in the offset it was written with if that is one that a place may have, else in UTC.

    Digits beyond microseconds are dropped. Raises ValueError for anything but RFC 3339, and for moments that are not in
    the years 1 to 9999 of UTC.
    """
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise ValueError(f"{text[:100]!r} is not a 'date-time'")
    day, clock, fraction, offset = match.groups()
    micro = f".{fraction[:6]:0<6}" if fraction else ""
    try:
        value = datetime.fromisoformat(f"{day}T{clock}{micro}{'+00:00' if offset in 'Zz' else offset}")
        in_utc = value.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{text[:100]!r} is not a 'date-time'") from None
    return value if abs(value.utcoffset() or timedelta()) < _LARGEST_OFFSET else in_utc


def utc(text: str) -> datetime:
    """``moment`` in UTC."""
    return moment(text).astimezone(UTC)
