"""What every timetable is: the values it answers with and the methods user code may override.

Mirrors ``airflow.timetables.base`` of Airflow 2.10.5.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Self

from orchestration.authoring.datasets import BaseDataset, NullDataset


class DataInterval(NamedTuple):
    """The span of time a run works on; both ends are aware."""

    start: datetime
    end: datetime

    @classmethod
    def exact(cls, at: datetime) -> DataInterval:
        """An interval without length."""
        return cls(start=at, end=at)


class TimeRestriction(NamedTuple):
    """Between which moments runs may be made; both ends are inclusive, None is open.

    Without ``catchup`` the runs missed before now are left out.
    """

    earliest: datetime | None
    latest: datetime | None
    catchup: bool


class DagRunInfo(NamedTuple):
    """A run to be made: not before ``run_after``, over ``data_interval``."""

    run_after: datetime
    data_interval: DataInterval

    @classmethod
    def exact(cls, at: datetime) -> DagRunInfo:
        """A run at one moment, over an interval without length."""
        return cls(run_after=at, data_interval=DataInterval.exact(at))

    @classmethod
    def interval(cls, start: datetime, end: datetime) -> DagRunInfo:
        """A run over an interval, due when the interval ends."""
        return cls(run_after=end, data_interval=DataInterval(start, end))

    @property
    def logical_date(self) -> datetime:
        """The run's logical date: the start of its interval."""
        return self.data_interval.start


class Timetable:
    """The base of all timetables. User-written ones override what they need.

    A user-written class is only ever run in the parser and in tasks; see ``custom`` for what the scheduler sees of it.
    """

    #: In words, for people: "At 21:30, only on Friday".
    description: str = ""
    #: Whether runs repeat; False for ``None`` and ``@once``.
    periodic: bool = True
    _can_be_scheduled: bool = True
    #: The fields of a run that order a DAG's runs for people.
    run_ordering: Sequence[str] = ("data_interval_end", "execution_date")
    #: Most runs that may be active at once; also the DAG's default of ``max_active_runs``.
    active_runs_limit: int | None = None
    #: The datasets whose events make runs; falsy where there are none.
    dataset_condition: BaseDataset = NullDataset()

    @property
    def can_be_scheduled(self) -> bool:
        """Whether this timetable ever makes runs by itself."""
        old_name = getattr(self, "can_run", None)
        if old_name is not None:
            warnings.warn('"can_run" is the old name of "can_be_scheduled".', DeprecationWarning, stacklevel=2)
            return bool(old_name)
        return self._can_be_scheduled

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> Timetable:
        """The timetable from what ``serialize`` gave."""
        return cls()

    def serialize(self) -> dict[str, Any]:
        """The timetable's arguments as JSON."""
        return {}

    def validate(self) -> None:
        """Raise AirflowTimetableInvalid if no run can follow from the arguments."""

    @property
    def summary(self) -> str:
        """A few characters for lists: the cron expression, or the class's name."""
        return type(self).__name__

    def infer_manual_data_interval(self, *, run_after: datetime) -> DataInterval:
        """The interval of a run that someone triggers for ``run_after``."""
        raise NotImplementedError(f"{type(self).__name__} does not define infer_manual_data_interval.")

    def next_dagrun_info(
        self, *, last_automated_data_interval: DataInterval | None, restriction: TimeRestriction
    ) -> DagRunInfo | None:
        """The run after the last scheduled or backfilled one; None if there is none to be made now."""
        raise NotImplementedError(f"{type(self).__name__} does not define next_dagrun_info.")

    def generate_run_id(
        self, *, run_type: Any, logical_date: datetime, data_interval: DataInterval | None, **extra: Any
    ) -> str:
        """The id of a new run: ``scheduled__2025-01-01T00:00:00+00:00``."""
        return f"{getattr(run_type, 'value', run_type)}__{logical_date.isoformat()}"


def time_restriction(
    dag: tuple[datetime | None, datetime | None],
    tasks: Iterable[tuple[datetime | None, datetime | None]],
    *,
    catchup: bool,
) -> TimeRestriction:
    """The restriction that follows from the (start, end) dates of a DAG and of its tasks.

    The earliest of all start dates counts. The latest of all end dates counts only if every task has one.
    """
    pairs = list(tasks)
    starts = [start for start, _ in (*pairs, dag) if start is not None]
    ends = [end for _, end in pairs if end is not None]
    latest = dag[1]
    if len(ends) == len(pairs):
        latest = max((*ends, *([latest] if latest is not None else [])), default=None)
    return TimeRestriction(min(starts, default=None), latest, catchup)


class TrivialTimetable(Timetable):
    """The base of timetables without arguments; equal to any other of its class."""

    periodic = False
    run_ordering: Sequence[str] = ("execution_date",)

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> Self:
        """The timetable; ``data`` is empty."""
        return cls()

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) if isinstance(other, TrivialTimetable) else NotImplemented

    def __hash__(self) -> int:
        return hash(type(self))

    def infer_manual_data_interval(self, *, run_after: datetime) -> DataInterval:
        """An interval without length at ``run_after``."""
        return DataInterval.exact(run_after)
