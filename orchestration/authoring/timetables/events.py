"""Runs at listed moments. Mirrors ``airflow.timetables.events`` of Airflow 2.10.5."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from orchestration.authoring.timetables.base import DagRunInfo, DataInterval, TimeRestriction, Timetable
from orchestration.authoring.timetables.moments import decode_moment, encode_moment, utcnow


class EventsTimetable(Timetable):
    """A run at each of ``event_dates``, in order, each once.

    ``restrict_to_events``: a run someone triggers takes the last event's moment instead of its own.
    ``presorted``: the dates are in order already. ``description`` replaces the words made from the dates.
    """

    def __init__(
        self,
        event_dates: Iterable[datetime],
        restrict_to_events: bool = False,
        presorted: bool = False,
        description: str | None = None,
    ) -> None:
        self.event_dates = list(event_dates) if presorted else sorted(event_dates)
        self.restrict_to_events = restrict_to_events
        if description is not None:
            self._summary = self.description = description
            return
        self._summary = f"{len(self.event_dates)} events"
        if self.event_dates:
            first, last = self.event_dates[0], self.event_dates[-1]
            self.description = f"{len(self.event_dates)} events between {first} and {last}"
        else:
            self.description = "No events"

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> EventsTimetable:
        """From ``{"event_dates", "restrict_to_events", "summary", "description"}``."""
        found = cls([decode_moment(text) for text in data["event_dates"]], data["restrict_to_events"], presorted=True)
        found._summary, found.description = data["summary"], data["description"]
        return found

    def serialize(self) -> dict[str, Any]:
        """As ``{"event_dates", "restrict_to_events", "summary", "description"}``."""
        return {
            "event_dates": [encode_moment(moment) for moment in self.event_dates],
            "restrict_to_events": self.restrict_to_events,
            "summary": self._summary,
            "description": self.description,
        }

    @property
    def summary(self) -> str:
        """How many events, or the description that was given."""
        return self._summary

    def __repr__(self) -> str:
        return self.summary

    def next_dagrun_info(
        self, *, last_automated_data_interval: DataInterval | None, restriction: TimeRestriction
    ) -> DagRunInfo | None:
        """The first event after the last run's, not before the start date (without catchup: not before now)."""
        earliest = restriction.earliest
        if not restriction.catchup:
            now = utcnow()
            earliest = now if earliest is None else max(earliest, now)
        index = 0
        if earliest is not None:
            index = bisect_left(self.event_dates, earliest)
        if last_automated_data_interval is not None:
            index = max(index, bisect_right(self.event_dates, last_automated_data_interval.end))
        if index == len(self.event_dates):
            return None
        event = self.event_dates[index]
        if restriction.latest is not None and event > restriction.latest:
            return None
        return DagRunInfo.exact(event)

    def infer_manual_data_interval(self, *, run_after: datetime) -> DataInterval:
        """An interval without length: at ``run_after``, or at the last (else the first) event if restricted to them."""
        if not self.restrict_to_events or not self.event_dates:
            return DataInterval.exact(run_after)
        index = bisect_right(self.event_dates, run_after)
        return DataInterval.exact(self.event_dates[max(index - 1, 0)])
