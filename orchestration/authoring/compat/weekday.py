"""The days of the week. Mirrors ``airflow.utils.weekday``."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import Any


class WeekDay(IntEnum):
    """A day by its ISO number, Monday is 1."""

    MONDAY = 1
    TUESDAY = 2
    WEDNESDAY = 3
    THURSDAY = 4
    FRIDAY = 5
    SATURDAY = 6
    SUNDAY = 7

    @classmethod
    def get_weekday_number(cls, week_day_str: str) -> WeekDay:
        """The day of an English name in any case; AttributeError for another text."""
        name = week_day_str.upper()
        if name in cls.__members__:
            return cls[name]
        raise AttributeError(f"{week_day_str!r} is no day of the week; the first is {cls.MONDAY.name}")

    @classmethod
    def convert(cls, day: str | WeekDay) -> int:
        """The number of a day or of its name; TypeError for anything else."""
        if isinstance(day, WeekDay):
            return day.value
        if isinstance(day, str):
            return cls.get_weekday_number(day).value
        raise TypeError(f"A day of the week is a name or a WeekDay, not {day!r}")

    @classmethod
    def validate_week_day(cls, week_day: str | WeekDay | Iterable[str] | Iterable[WeekDay]) -> set[int]:
        """The numbers of one day or several."""
        days: Any = [week_day] if isinstance(week_day, (str, WeekDay)) else week_day
        if not isinstance(days, Iterable):
            raise TypeError(f"week_day is a day of the week or several, not {week_day!r}")
        return {cls.convert(day) for day in days}
