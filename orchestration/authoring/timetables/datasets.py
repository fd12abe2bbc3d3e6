"""Runs by the clock and by datasets at once. Mirrors ``airflow.timetables.datasets`` of Airflow 2.10.5."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from orchestration.authoring.datasets import BaseDataset, Dataset, DatasetAll
from orchestration.authoring.timetables.base import DagRunInfo, DataInterval, TimeRestriction, Timetable
from orchestration.authoring.timetables.simple import DatasetTriggeredTimetable


class DatasetOrTimeSchedule(DatasetTriggeredTimetable):
    """A timetable's runs, and one more whenever the datasets' condition is met."""

    def __init__(self, *, timetable: Timetable, datasets: Collection[Dataset] | BaseDataset) -> None:
        self.dataset_condition = datasets if isinstance(datasets, BaseDataset) else DatasetAll(*datasets)
        self.timetable = timetable
        for name in ("periodic", "active_runs_limit", "_can_be_scheduled"):
            setattr(self, name, getattr(timetable, name))
        self.description = f"Triggered by datasets or {timetable.description}"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, DatasetOrTimeSchedule):
            return NotImplemented
        return self.timetable == other.timetable and self.serialize_condition() == other.serialize_condition()

    def __hash__(self) -> int:
        return hash((type(self), self.summary))

    def serialize_condition(self) -> Any:
        """The datasets' condition as JSON."""
        return super().serialize()["dataset_condition"]

    def validate(self) -> None:
        """Raise AirflowTimetableInvalid for a dataset timetable within, or for datasets that are none."""
        from orchestration.authoring.exceptions import AirflowTimetableInvalid

        if isinstance(self.timetable, DatasetTriggeredTimetable):
            raise AirflowTimetableInvalid("The timetable within goes by the clock: put its datasets into `datasets`")
        if not isinstance(self.dataset_condition, BaseDataset):
            raise AirflowTimetableInvalid(
                f"datasets are datasets or a condition over them, not {self.dataset_condition!r}"
            )

    @property
    def summary(self) -> str:
        """The inner timetable's, with ``Dataset or`` before it."""
        return f"Dataset or {self.timetable.summary}"

    def infer_manual_data_interval(self, *, run_after: datetime) -> DataInterval:
        """The inner timetable's answer."""
        return self.timetable.infer_manual_data_interval(run_after=run_after)

    def next_dagrun_info(
        self, *, last_automated_data_interval: DataInterval | None, restriction: TimeRestriction
    ) -> DagRunInfo | None:
        """The inner timetable's answer."""
        return self.timetable.next_dagrun_info(
            last_automated_data_interval=last_automated_data_interval, restriction=restriction
        )

    def generate_run_id(
        self, *, run_type: Any, logical_date: datetime, data_interval: DataInterval | None, **extra: Any
    ) -> str:
        """The inner timetable's answer, but for runs that datasets made."""
        is_by_datasets = getattr(run_type, "value", run_type) == "dataset_triggered"
        generate = super().generate_run_id if is_by_datasets else self.timetable.generate_run_id
        return generate(run_type=run_type, logical_date=logical_date, data_interval=data_interval, **extra)
