"""Moments with a zone, as DAG files know them from ``airflow.utils.timezone``.

Moments are ``pendulum.DateTime``: DAG files call its methods (``add``, ``subtract``, ``to_date_string`` …).
pendulum is imported at the first use, since it costs a tenth of a second.
"""

from __future__ import annotations

import datetime as dt
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, overload

from orchestration.conf import conf

if TYPE_CHECKING:
    from pendulum import DateTime, FixedTimezone, Timezone

    utc: Timezone
    TIMEZONE: Timezone | FixedTimezone


def __getattr__(name: str) -> Any:
    if name == "utc":
        import pendulum

        return pendulum.UTC
    if name == "TIMEZONE":
        return default_timezone()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@cache
def _zone(name: str) -> Timezone | FixedTimezone:
    if name == "system":
        return local_timezone()
    return parse_timezone("UTC" if name.lower() == "utc" else name)


def default_timezone() -> Timezone | FixedTimezone:
    """The zone of naive dates in DAG files: ``core.default_timezone``."""
    return _zone(conf.get("core", "default_timezone"))


def is_localized(value: dt.datetime) -> bool:
    """Whether the moment knows its offset."""
    return value.utcoffset() is not None


def is_naive(value: dt.datetime) -> bool:
    """Whether the moment lacks an offset."""
    return value.utcoffset() is None


def utcnow() -> DateTime:
    """Now, in UTC."""
    import pendulum

    return pendulum.instance(dt.datetime.now(tz=dt.UTC), tz=pendulum.UTC)


def utc_epoch() -> dt.datetime:
    """1970-01-01T00:00 in UTC."""
    import pendulum

    return dt.datetime(1970, 1, 1, tzinfo=pendulum.UTC)


@overload
def convert_to_utc(value: None) -> None: ...
@overload
def convert_to_utc(value: dt.datetime) -> DateTime: ...
def convert_to_utc(value: dt.datetime | None) -> DateTime | None:
    """The moment in UTC; a naive one is taken in the default zone. None stays None."""
    import pendulum

    if value is None:
        return None
    if not is_localized(value):
        value = pendulum.instance(value, default_timezone())
    return pendulum.instance(value.astimezone(pendulum.UTC))


@overload
def make_aware(value: None, timezone: dt.tzinfo | None = None) -> None: ...
@overload
def make_aware(value: dt.datetime, timezone: dt.tzinfo | None = None) -> dt.datetime: ...
def make_aware(value: dt.datetime | None, timezone: dt.tzinfo | None = None) -> dt.datetime | None:
    """The naive moment in a zone (default: the default zone); ValueError for an aware one.

    Of an hour that a clock change repeats, the second is meant.
    """
    if value is None:
        return None
    if is_localized(value):
        raise ValueError(f"{value} has a time zone already: use convert_to_utc() or astimezone()")
    zone: Any = timezone if timezone is not None else default_timezone()
    value = value.replace(fold=1)
    if hasattr(zone, "localize"):  # pytz
        localized: dt.datetime = zone.localize(value)
        return localized
    if hasattr(zone, "convert"):  # pendulum
        converted: dt.datetime = zone.convert(value)
        return converted
    return value.replace(tzinfo=zone)


def make_naive(value: dt.datetime, timezone: dt.tzinfo | None = None) -> dt.datetime:
    """The wall clock of an aware moment in a zone, without the zone; ValueError for a naive one."""
    if is_naive(value):
        raise ValueError(f"{value} has no time zone to take away")
    local = value.astimezone(timezone if timezone is not None else default_timezone())
    return dt.datetime.combine(local.date(), local.time()).replace(fold=0)  # a plain one, whatever the moment's class


def datetime(*args: Any, **kwargs: Any) -> dt.datetime:
    """``datetime.datetime`` in the default zone unless ``tzinfo`` is given."""
    kwargs.setdefault("tzinfo", default_timezone())
    return dt.datetime(*args, **kwargs)  # noqa: DTZ001 the zone is among them


def parse(string: str, timezone: Any = None, *, strict: bool = False) -> DateTime:
    """The moment that the text names; without an offset in ``timezone`` or the default zone."""
    import pendulum

    parsed: Any = pendulum.parse(string, tz=timezone or default_timezone(), strict=strict)
    moment: DateTime = parsed
    return moment


@overload
def coerce_datetime(v: None, tz: dt.tzinfo | None = None) -> None: ...
@overload
def coerce_datetime(v: dt.datetime, tz: dt.tzinfo | None = None) -> DateTime: ...
def coerce_datetime(v: dt.datetime | None, tz: dt.tzinfo | None = None) -> DateTime | None:
    """The moment as ``pendulum.DateTime``; a naive one gets ``tz`` or the default zone, an aware one keeps its own."""
    import pendulum

    if v is None:
        return None
    if isinstance(v, pendulum.DateTime) and v.tzinfo:
        return v
    return pendulum.instance(v if v.tzinfo else make_aware(v, tz))


def td_format(td_object: dt.timedelta | float | int | None) -> str | None:
    """A duration in short words, ``1h:2M:32s``; months have 30 days; ``<1s`` below a second, None for nothing."""
    if not td_object:
        return None
    seconds = int(td_object.total_seconds() if isinstance(td_object, dt.timedelta) else td_object)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    months, days = divmod(days, 30)
    years, months = divmod(months, 12)
    amounts = {"y": years, "m": months, "d": days, "h": hours, "M": minutes, "s": seconds}
    return ":".join(f"{amount}{unit}" for unit, amount in amounts.items() if amount >= 1) or "<1s"


def parse_timezone(name: str | int) -> FixedTimezone | Timezone:
    """The zone of an IANA name or of an offset in seconds."""
    import pendulum

    zone: Any = pendulum.timezone
    found: FixedTimezone | Timezone = zone(name)
    return found


def local_timezone() -> FixedTimezone | Timezone:
    """This machine's zone."""
    import pendulum

    local: Any = pendulum.local_timezone
    found: FixedTimezone | Timezone = local()
    return found


def from_timestamp(timestamp: float, tz: str | FixedTimezone | Timezone | Literal["local"] | None = None) -> DateTime:
    """The moment of a Unix time, shown in ``tz`` (a zone, an IANA name or ``local``; default UTC)."""
    import pendulum

    moment = pendulum.instance(dt.datetime.fromtimestamp(timestamp, tz=dt.UTC), tz=pendulum.UTC)
    if tz is None:
        return moment
    return moment.in_timezone(local_timezone() if isinstance(tz, str) and tz.lower() == "local" else tz)
