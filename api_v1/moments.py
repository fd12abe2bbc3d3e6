"""Moments in requests: RFC 3339, always with an offset."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from orchestration.models.moments import storable

_RFC3339 = re.compile(r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


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
        return storable(datetime.fromisoformat(f"{day}T{clock}{micro}{'+00:00' if offset in 'Zz' else offset}"))
    except (ValueError, OverflowError):
        raise ValueError(f"{text[:100]!r} is not a 'date-time'") from None


def utc(text: str) -> datetime:
    """``moment`` in UTC."""
    return moment(text).astimezone(UTC)
