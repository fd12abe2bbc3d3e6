"""Schedules that are a length of time: ``timedelta(hours=3)`` or a relativedelta."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from orchestration.authoring.timetables.base import Timetable
from orchestration.authoring.timetables.moments import in_utc, plain, utcnow

if TYPE_CHECKING:
    from dateutil.relativedelta import relativedelta

    Delta = timedelta | relativedelta


def moved(moment: datetime, delta: Delta) -> datetime:
    """``delta`` after the moment, in UTC: elapsed time, or the moment's own calendar for a relativedelta."""
    at = plain(moment).astimezone(UTC) if isinstance(delta, timedelta) else plain(moment)
    return in_utc(at + delta, like=moment)


class DeltaMixin(Timetable):
    """What timetables of one length have in common: any moment may begin one."""

    def __init__(self, delta: Delta) -> None:
        self._delta = delta

    @property
    def summary(self) -> str:
        """The delta as Python prints it: ``3:00:00``."""
        return str(self._delta)

    def validate(self) -> None:
        """Raise AirflowTimetableInvalid unless the delta moves time forward."""
        from orchestration.authoring.exceptions import AirflowTimetableInvalid

        now = utcnow()
        if now + self._delta <= now:
            raise AirflowTimetableInvalid(f"A schedule of {self._delta!r} does not move on: give more than zero")

    def _get_next(self, current: datetime) -> datetime:
        return moved(current, self._delta)

    def _get_prev(self, current: datetime) -> datetime:
        return moved(current, -self._delta)

    def _align_to_next(self, current: datetime) -> datetime:
        return current

    def _align_to_prev(self, current: datetime) -> datetime:
        return current
