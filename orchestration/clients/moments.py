"""Moments as people write them."""

from __future__ import annotations

from datetime import UTC, datetime

from orchestration.authoring import timezone


def as_moment(text: str) -> datetime | None:
    """The moment that the text names, in the default zone without an offset; None when it names none."""
    try:
        found: object = timezone.parse(text)
        if not isinstance(found, datetime):  # a duration or an interval
            return None
        found.astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        return None
    return found
