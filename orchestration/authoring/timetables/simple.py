"""Timetables without a clock: never, once, as often as possible, and whenever datasets change.

Mirrors ``airflow.timetables.simple`` of Airflow 2.10.5.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, Protocol

from orchestration.authoring.datasets import (
    BaseDataset,
    DatasetAlias,
    DatasetAliasCondition,
    decode_condition,
    encode_condition,
)
from orchestration.authoring.timetables.base import (
    DagRunInfo,
    DataInterval,
    TimeRestriction,
    Timetable,
    TrivialTimetable,
)
from orchestration.authoring.timetables.moments import in_utc, utcnow


class NullTimetable(TrivialTimetable):
    """No runs but those someone triggers: ``schedule=None``."""

    can_be_scheduled = False
    description = "Never, external triggers only"

    @property
    def summary(self) -> str:
        """None, as text."""
        return "None"

    def next_dagrun_info(
        self, *, last_automated_data_interval: DataInterval | None, restriction: TimeRestriction
    ) -> DagRunInfo | None:
        """Never a run."""
        return None


class OnceTimetable(TrivialTimetable):
    """One run at the start date: ``schedule="@once"``."""

    description = "Once, as soon as possible"

    @property
    def summary(self) -> str:
        """The preset's name."""
        return "@once"

    def next_dagrun_info(
        self, *, last_automated_data_interval: DataInterval | None, restriction: TimeRestriction
    ) -> DagRunInfo | None:
        """A run at the start date, with or without catchup, unless there was one."""
        at = restriction.earliest
        if last_automated_data_interval is not None or at is None:
            return None
        if restriction.latest is not None and at > restriction.latest:
            return None
        return DagRunInfo.exact(at)


class ContinuousTimetable(TrivialTimetable):
    """The next run as soon as the last one ended: ``schedule="@continuous"``."""

    description = "As frequently as possible, but only one run at a time."
    active_runs_limit = 1

    @property
    def summary(self) -> str:
        """The preset's name."""
        return "@continuous"

    def next_dagrun_info(
        self, *, last_automated_data_interval: DataInterval | None, restriction: TimeRestriction
    ) -> DagRunInfo | None:
        """A run from the last interval's end until now."""
        earliest, latest, _ = restriction
        if earliest is None:
            return None
        now, last = in_utc(utcnow(), like=earliest), last_automated_data_interval
        start, end = (earliest, max(earliest, now)) if last is None else (last.end, now)
        return DagRunInfo.interval(start, end) if latest is None or end <= latest else None


class _SourceRun(Protocol):
    data_interval_start: datetime
    data_interval_end: datetime


class EventLike(Protocol):
    """What a dataset event must show to give a run its interval."""

    timestamp: datetime
    source_dag_run: _SourceRun | None


class DatasetTriggeredTimetable(TrivialTimetable):
    """Runs made by dataset events only: ``schedule=[Dataset(…)]`` or an expression of datasets."""

    description = "Triggered by datasets"

    def __init__(self, datasets: BaseDataset) -> None:
        self.dataset_condition = (
            DatasetAliasCondition(datasets.name) if isinstance(datasets, DatasetAlias) else datasets
        )
        is_resolved = next(self.dataset_condition.iter_datasets(), None) is not None
        self._summary = "Dataset" if is_resolved else "Unresolved DatasetAlias"

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> DatasetTriggeredTimetable:
        """From ``{"dataset_condition"}``."""
        return cls(decode_condition(data["dataset_condition"]))

    def serialize(self) -> dict[str, Any]:
        """As ``{"dataset_condition"}``."""
        return {"dataset_condition": encode_condition(self.dataset_condition)}

    @property
    def summary(self) -> str:
        """``Dataset``, or ``Unresolved DatasetAlias`` while no dataset is known to be behind its aliases."""
        return self._summary

    def generate_run_id(
        self, *, run_type: Any, logical_date: datetime, data_interval: DataInterval | None, **extra: Any
    ) -> str:
        """The usual id; ``extra`` may hold ``events`` for subclasses."""
        return Timetable.generate_run_id(
            self, run_type=run_type, logical_date=logical_date, data_interval=data_interval
        )

    def data_interval_for_events(self, logical_date: datetime, events: Collection[EventLike]) -> DataInterval:
        """The span of the source runs' intervals; an event without a source run counts with its moment."""
        if not events:
            return DataInterval(logical_date, logical_date)
        spans = [
            (event.timestamp, event.timestamp)
            if event.source_dag_run is None
            else (event.source_dag_run.data_interval_start, event.source_dag_run.data_interval_end)
            for event in events
        ]
        return DataInterval(min(start for start, _ in spans), max(end for _, end in spans))

    def next_dagrun_info(
        self, *, last_automated_data_interval: DataInterval | None, restriction: TimeRestriction
    ) -> DagRunInfo | None:
        """Never a run: events make them."""
        return None
