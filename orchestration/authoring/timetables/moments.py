"""Moments and zones for timetables: computed with the standard library, dressed as pendulum where user code looks.

A result has the class of the moment it was computed from. The scheduler asks with plain ``datetime`` and gets plain
``datetime``, so it never loads pendulum; DAG files ask with ``pendulum.DateTime`` and get ``pendulum.DateTime``.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

#: Stored form of a zone: an IANA name, or a fixed offset from UTC in seconds.
ZoneDocument = str | int | float


def utcnow() -> datetime:
    """The current moment in UTC, as a plain datetime."""
    return datetime.now(UTC)


def plain(moment: datetime) -> datetime:
    """The same moment as a plain datetime in its own zone. Raises ValueError for a naive one."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment} has no time zone. Give it one, for example tzinfo=pendulum.UTC.")
    if type(moment) is datetime:
        return moment
    return datetime(
        moment.year,
        moment.month,
        moment.day,
        moment.hour,
        moment.minute,
        moment.second,
        moment.microsecond,
        tzinfo=moment.tzinfo,
        fold=moment.fold,
    )


def in_utc(moment: datetime, *, like: datetime | None = None) -> datetime:
    """The moment in UTC, as a pendulum DateTime if ``like`` (else itself) is more than a plain datetime."""
    model = moment if like is None else like
    result = plain(moment).astimezone(UTC)
    if type(model) is datetime:
        return result
    import pendulum

    return pendulum.instance(result, tz=pendulum.UTC)


def as_zone(zone: Any) -> tzinfo:
    """A zone from an IANA name, an offset in seconds, or any tzinfo (pendulum, pytz, dateutil, standard library).

    Raises ValueError for a name nobody knows.
    """
    if isinstance(zone, str):
        return _named(zone)
    if isinstance(zone, int | float):
        return timezone(timedelta(seconds=zone))
    name = getattr(zone, "key", None) or getattr(zone, "zone", None)
    if isinstance(name, str):
        return _named(name)
    if isinstance(zone, timezone):
        return zone
    if isinstance(zone, tzinfo):
        return timezone(zone.utcoffset(utcnow().replace(tzinfo=None)) or timedelta())
    raise ValueError(f"{zone!r} is not a time zone. Give an IANA name such as 'Europe/Berlin' or a tzinfo.")


@lru_cache(maxsize=1024)
def _named(name: str) -> tzinfo:
    if name.upper() in {"UTC", "ETC/UTC", "Z"}:
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"There is no time zone {name!r}. Use an IANA name such as 'Europe/Berlin'.") from None


def encode_zone(zone: Any) -> ZoneDocument:
    """The zone as an IANA name, or as an offset in seconds where it has no name."""
    known = as_zone(zone)
    if known is UTC:
        return "UTC"
    if isinstance(known, ZoneInfo):
        return known.key
    offset = known.utcoffset(None) or timedelta()
    return offset.total_seconds() if offset.microseconds else int(offset.total_seconds())


def encode_delta(delta: Any) -> float | dict[str, Any]:
    """A timedelta as seconds, a relativedelta as its non-zero parts (``weekday`` as ``[day]`` or ``[day, n]``)."""
    if isinstance(delta, timedelta):
        return delta.total_seconds()
    parts = {
        name: value for name, value in vars(delta).items() if value and not name.startswith("_") and name != "weekday"
    }
    if delta.weekday is not None:
        day = delta.weekday
        parts["weekday"] = [day.weekday, day.n] if day.n else [day.weekday]
    return parts


def decode_delta(document: float | dict[str, Any]) -> Any:
    """The reverse of ``encode_delta``."""
    if not isinstance(document, dict):
        return timedelta(seconds=document)
    from dateutil.relativedelta import relativedelta, weekday

    parts = dict(document)
    if "weekday" in parts:
        parts["weekday"] = weekday(*parts["weekday"])
    return relativedelta(**parts)


def encode_moment(moment: datetime) -> str:
    """The moment in UTC as ISO 8601 text."""
    return plain(moment).astimezone(UTC).isoformat()


def decode_moment(text: str) -> datetime:
    """The reverse of ``encode_moment``: a plain datetime in UTC."""
    return datetime.fromisoformat(text).astimezone(UTC)
