"""Timetables whose runs are due at a moment, with an interval that is given separately (none by default).

``CronTriggerTimetable`` mirrors ``airflow.timetables.trigger`` of Airflow 2.10.5; the other two are those of Airflow 3.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from orchestration.authoring.timetables.base import DagRunInfo, DataInterval, TimeRestriction, Timetable
from orchestration.authoring.timetables.cron import CronMixin
from orchestration.authoring.timetables.delta import DeltaMixin, moved
from orchestration.authoring.timetables.moments import decode_delta, encode_delta, encode_zone, in_utc, utcnow

if TYPE_CHECKING:
    from orchestration.authoring.timetables.delta import Delta


class TriggerTimetable(Timetable):
    """The common rule of trigger timetables; subclasses say how moments follow one another."""

    _interval: Delta

    def _get_next(self, current: datetime) -> datetime:
        raise NotImplementedError

    def _align_to_next(self, current: datetime) -> datetime:
        raise NotImplementedError

    def _align_to_prev(self, current: datetime) -> datetime:
        raise NotImplementedError

    def infer_manual_data_interval(self, *, run_after: datetime) -> DataInterval:
        """The interval that ends at ``run_after``."""
        return DataInterval(moved(run_after, -self._interval), run_after)

    def next_dagrun_info(
        self, *, last_automated_data_interval: DataInterval | None, restriction: TimeRestriction
    ) -> DagRunInfo | None:
        """The moment after the last run's; without catchup not before the last moment that has passed."""
        earliest, latest, catchup = restriction
        last_end = None if last_automated_data_interval is None else last_automated_data_interval.end
        candidates = []
        if last_end is not None:
            candidates.append(self._get_next(last_end))
        if earliest is not None and (last_end is None or not catchup):
            candidates.append(self._align_to_next(earliest))
        if not catchup:
            candidates.append(self._align_to_prev(in_utc(utcnow(), like=earliest or last_end)))
        at = max(candidates, default=None)
        if at is None or (latest is not None and latest < at):
            return None
        return DagRunInfo.interval(moved(at, -self._interval), at)


class CronTriggerTimetable(CronMixin, TriggerTimetable):
    """A run at each moment a cron expression fires, as POSIX cron does it."""

    def __init__(self, cron: str, *, timezone: Any, interval: Delta = timedelta()) -> None:
        super().__init__(cron, timezone)
        self._interval = interval

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> Timetable:
        """From ``{"expression", "timezone", "interval"}``."""
        return cls(data["expression"], timezone=data["timezone"], interval=decode_delta(data["interval"]))

    def serialize(self) -> dict[str, Any]:
        """As ``{"expression", "timezone", "interval"}``."""
        return {
            "expression": self._expression,
            "timezone": encode_zone(self._timezone),
            "interval": encode_delta(self._interval),
        }


class MultipleCronTriggerTimetable(TriggerTimetable):
    """A run at each moment any of several cron expressions fires."""

    def __init__(self, *crons: str, timezone: Any, interval: Delta = timedelta()) -> None:
        if not crons:
            raise ValueError("MultipleCronTriggerTimetable needs a cron expression")
        self._timetables = [CronTriggerTimetable(cron, timezone=timezone, interval=interval) for cron in crons]
        self._timezone = timezone
        self._interval = interval
        self.description = ", ".join(timetable.description for timetable in self._timetables)

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> Timetable:
        """From ``{"expressions", "timezone", "interval"}``."""
        return cls(*data["expressions"], timezone=data["timezone"], interval=decode_delta(data["interval"]))

    def serialize(self) -> dict[str, Any]:
        """As ``{"expressions", "timezone", "interval"}``."""
        return {
            "expressions": [timetable.summary for timetable in self._timetables],
            "timezone": encode_zone(self._timezone),
            "interval": encode_delta(self._interval),
        }

    @property
    def summary(self) -> str:
        """The expressions, separated by commas."""
        return ", ".join(timetable.summary for timetable in self._timetables)

    def validate(self) -> None:
        """Raise AirflowTimetableInvalid if an expression cannot be read."""
        for timetable in self._timetables:
            timetable.validate()

    def _get_next(self, current: datetime) -> datetime:
        return min(timetable._get_next(current) for timetable in self._timetables)

    def _align_to_next(self, current: datetime) -> datetime:
        return min(timetable._align_to_next(current) for timetable in self._timetables)

    def _align_to_prev(self, current: datetime) -> datetime:
        return max(timetable._align_to_prev(current) for timetable in self._timetables)


class DeltaTriggerTimetable(DeltaMixin, TriggerTimetable):
    """A run each time a delta has passed since the last."""

    def __init__(self, delta: Delta, *, interval: Delta = timedelta()) -> None:
        super().__init__(delta)
        self._interval = interval

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> Timetable:
        """From ``{"delta", "interval"}``."""
        return cls(decode_delta(data["delta"]), interval=decode_delta(data["interval"]))

    def serialize(self) -> dict[str, Any]:
        """As ``{"delta", "interval"}``."""
        return {"delta": encode_delta(self._delta), "interval": encode_delta(self._interval)}
