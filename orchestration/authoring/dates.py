"""Date functions that DAG files import from ``airflow.utils.dates``."""

from __future__ import annotations

import warnings
from bisect import bisect_left
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from orchestration.authoring import timezone
from orchestration.authoring.exceptions import RemovedInAirflow3Warning
from orchestration.authoring.timetables.cron import PRESETS

if TYPE_CHECKING:
    from dateutil.relativedelta import relativedelta
    from pendulum import DateTime

cron_presets: dict[str, str] = PRESETS

TimeUnit = Literal["days", "hours", "minutes", "seconds"]
_SECONDS_PER_UNIT = {"days": 86400, "hours": 3600, "minutes": 60, "seconds": 1}


def days_ago(n: int, hour: int = 0, minute: int = 0, second: int = 0, microsecond: int = 0) -> DateTime:
    """The day ``n`` days before today in UTC, at midnight or the time given."""
    told = f"days_ago moves with every parse of the file; write a fixed date, or pendulum.today('UTC').add(days=-{n})."
    warnings.warn(told, RemovedInAirflow3Warning, stacklevel=2)
    day = timezone.utcnow() - timedelta(days=n)
    return day.replace(hour=hour, minute=minute, second=second, microsecond=microsecond)


def date_range(
    start_date: datetime,
    end_date: datetime | None = None,
    num: int | None = None,
    delta: str | timedelta | relativedelta | None = None,
) -> list[datetime]:
    """The dates from ``start_date`` by steps of ``delta`` (a cron text or a duration), sorted.

    Until ``end_date``, or ``num`` of them (backwards if negative), or until now. ValueError for both limits.
    """
    if not delta:
        return []
    if end_date and start_date > end_date:
        raise ValueError(f"The series would end ({end_date}) before it begins ({start_date})")
    if end_date and num:
        raise ValueError("Give end_date or num, not both")
    if not end_date and not num:
        end_date = timezone.utcnow()
    zone = start_date.tzinfo
    is_cron = isinstance(delta, str)
    if is_cron and timezone.is_localized(start_date):
        start_date = timezone.make_naive(start_date, zone)
    if end_date is not None and timezone.is_naive(start_date) and timezone.is_localized(end_date):
        end_date = timezone.make_naive(end_date, zone)
    step = _cron_step(delta, start_date) if isinstance(delta, str) else _duration_step(delta)
    backwards = num is not None and num < 0
    found: list[datetime] = []
    moment = start_date
    while (moment <= end_date) if end_date is not None else (len(found) < abs(num or 0)):
        found.append(timezone.make_aware(moment, zone) if timezone.is_naive(moment) else moment)
        moment = step(moment, backwards)
    return sorted(found)


def _cron_step(expression: str, start: datetime) -> Any:
    from croniter import croniter

    cron = croniter(cron_presets.get(expression, expression), start)
    return lambda _, backwards: cron.get_prev(datetime) if backwards else cron.get_next(datetime)


def _duration_step(delta: Any) -> Any:
    if not hasattr(delta, "__abs__"):
        raise TypeError("delta must be a timedelta, a relativedelta or a cron expression")
    size = abs(delta)
    return lambda moment, backwards: moment - size if backwards else moment + size


def round_time(dt: datetime, delta: str | timedelta | relativedelta, start_date: datetime | None = None) -> datetime:
    """The moment of the series ``start_date + i * delta`` nearest to ``dt``; for a cron text the one before."""
    start = start_date if start_date is not None else timezone.make_aware(datetime.min)  # noqa: DTZ901 made aware here
    if isinstance(delta, str):
        from croniter import croniter

        zone = start.tzinfo
        naive = timezone.make_naive(start, zone)
        before: datetime = croniter(delta, naive).get_prev(datetime)
        return timezone.make_aware(naive if before == naive else before, zone)

    def member(index: int) -> datetime:
        return start + index * delta

    whole = dt - timedelta(microseconds=dt.microsecond)
    reach = 1
    while member(reach) < whole:  # a relativedelta has no fixed length to divide by
        reach *= 2
    index = max(1, bisect_left(range(reach + 1), whole, key=member))
    earlier, later = member(index - 1), member(index)
    return later if later - whole <= whole - earlier else earlier


def infer_time_unit(time_seconds_arr: Collection[float]) -> TimeUnit:
    """The unit in which the longest of the durations reads best."""
    longest = max(time_seconds_arr, default=None)
    if longest is None:
        return "hours"
    if longest <= 2 * 60:
        return "seconds"
    if longest <= 2 * 3600:
        return "minutes"
    return "hours" if longest <= 2 * 86400 else "days"


def scale_time_units(time_seconds_arr: Collection[float], unit: TimeUnit) -> Collection[float]:
    """Seconds in another unit."""
    return [seconds / _SECONDS_PER_UNIT[unit] for seconds in time_seconds_arr]


def parse_execution_date(execution_date_str: str) -> DateTime:
    """The moment that the text names."""
    return timezone.parse(execution_date_str)


def datetime_to_nano(datetime: datetime | None) -> int | None:
    """The moment as nanoseconds since 1970."""
    return int(datetime.timestamp() * 1_000_000_000) if datetime else None
