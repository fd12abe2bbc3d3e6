"""Timetables whose runs work on adjoining intervals: each run is due when its interval ends.

Mirrors ``airflow.timetables.interval`` of Airflow 2.10.5.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from orchestration.authoring.timetables.base import DagRunInfo, DataInterval, TimeRestriction, Timetable
from orchestration.authoring.timetables.cron import CronMixin
from orchestration.authoring.timetables.delta import DeltaMixin
from orchestration.authoring.timetables.moments import decode_delta, encode_delta, encode_zone, in_utc, utcnow

if TYPE_CHECKING:
    from orchestration.authoring.timetables.delta import Delta


class DataIntervalTimetable(Timetable):
    """The common rule of interval timetables; subclasses say how moments follow one another."""

    def _skip_to_latest(self, earliest: datetime | None) -> datetime:
        """The start of the interval that is complete now, but not before ``earliest``."""
        raise NotImplementedError

    def _align_to_next(self, current: datetime) -> datetime:
        raise NotImplementedError

    def _align_to_prev(self, current: datetime) -> datetime:
        raise NotImplementedError

    def _get_next(self, current: datetime) -> datetime:
        raise NotImplementedError

    def _get_prev(self, current: datetime) -> datetime:
        raise NotImplementedError

    def next_dagrun_info(
        self, *, last_automated_data_interval: DataInterval | None, restriction: TimeRestriction
    ) -> DagRunInfo | None:
        """The interval after the last one, aligned to the schedule because that may have changed since."""
        earliest, latest, catchup = restriction
        candidates = []
        if last_automated_data_interval is not None:
            candidates.append(self._align_to_prev(last_automated_data_interval.end))
        if not catchup:
            candidates.append(self._skip_to_latest(earliest))
        elif earliest is not None:
            candidates.append(self._align_to_next(earliest))
        start = max(candidates, default=None)
        if start is None or (latest is not None and latest < start):
            return None
        return DagRunInfo.interval(start, self._get_next(start))


class CronDataIntervalTimetable(CronMixin, DataIntervalTimetable):
    """Intervals between the moments at which a cron expression fires: ``schedule="@daily"``."""

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> Timetable:
        """From ``{"expression", "timezone"}``."""
        return cls(data["expression"], data["timezone"])

    def serialize(self) -> dict[str, Any]:
        """As ``{"expression", "timezone"}``."""
        return {"expression": self._expression, "timezone": encode_zone(self._timezone)}

    def _skip_to_latest(self, earliest: datetime | None) -> datetime:
        # The last complete interval ends now, where the expression fires now, or when it fired last.
        end = self._align_to_prev(utcnow() if earliest is None else in_utc(utcnow(), like=earliest))
        start = self._get_prev(end)
        return start if earliest is None else max(start, self._align_to_next(earliest))

    def infer_manual_data_interval(self, *, run_after: datetime) -> DataInterval:
        """The last interval complete at ``run_after``: triggered at 1:00, a daily DAG works on yesterday."""
        end = self._align_to_prev(run_after)
        return DataInterval(start=self._get_prev(end), end=end)


class DeltaDataIntervalTimetable(DeltaMixin, DataIntervalTimetable):
    """Intervals of one length from the start date on: ``schedule=timedelta(hours=3)`` or a relativedelta."""

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> Timetable:
        """From ``{"delta": seconds or the parts of a relativedelta}``."""
        return cls(decode_delta(data["delta"]))

    def serialize(self) -> dict[str, Any]:
        """As ``{"delta": seconds or the parts of a relativedelta}``."""
        return {"delta": encode_delta(self._delta)}

    def __eq__(self, other: object) -> bool:
        return self._delta == other._delta if isinstance(other, DeltaDataIntervalTimetable) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._delta)

    def _skip_to_latest(self, earliest: datetime | None) -> datetime:
        now = utcnow()
        seconds = now.timestamp()
        rounded = datetime.fromtimestamp(seconds - seconds % _rough_seconds(self._delta), tz=UTC)
        start = self._get_prev(rounded if earliest is None else in_utc(rounded, like=earliest))
        return start if earliest is None else max(start, earliest)

    def infer_manual_data_interval(self, *, run_after: datetime) -> DataInterval:
        """The delta before ``run_after``."""
        return DataInterval(start=self._get_prev(run_after), end=run_after)


def _rough_seconds(delta: Delta) -> float:
    """The delta in seconds, with months of 30 and years of 365 days."""
    if isinstance(delta, timedelta):
        return delta.total_seconds()
    days = delta.years * 365 + delta.months * 30 + delta.days
    return days * 86400 + delta.hours * 3600 + delta.minutes * 60 + delta.seconds
