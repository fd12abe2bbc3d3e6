"""What a DAG can say of its runs: the interval of one, the next one, those between two dates."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from orchestration.authoring import timezone
from orchestration.authoring.exceptions import RemovedInAirflow3Warning

if TYPE_CHECKING:
    from logging import Logger

    from pendulum import DateTime

    from orchestration.authoring.dagrun import DagRun
    from orchestration.authoring.timetables.base import DagRunInfo, DataInterval, TimeRestriction, Timetable


class DagScheduleMixin:
    """The part of DAG that asks its timetable, and the store for its runs."""

    dag_id: Any
    timetable: Timetable
    catchup: bool
    start_date: Any
    end_date: Any
    schedule_interval: Any
    log: Logger
    tasks: Any
    is_subdag: Any

    @property
    def normalized_schedule_interval(self) -> Any:
        """The schedule with presets written out; None for ``@once`` and ``@continuous``."""
        from orchestration.authoring.dates import cron_presets

        _deprecated("DAG.normalized_schedule_interval")
        shown = self.schedule_interval
        if not isinstance(shown, str):
            return shown
        return {**cron_presets, "@once": None, "@continuous": None}.get(shown, shown)

    @property
    def time_restriction(self) -> TimeRestriction:
        """The dates between which runs are made: of the DAG and of its tasks."""
        from orchestration.authoring.timetables import time_restriction

        tasks = [(task.start_date, task.end_date) for task in self.tasks]
        return time_restriction((self.start_date, self.end_date), tasks, catchup=self.catchup)

    _time_restriction = time_restriction

    def get_run_data_interval(self, run: DagRun) -> DataInterval:
        """The run's interval; of a run without one what its logical date stands for."""
        from orchestration.authoring.timetables.base import DataInterval

        if run.dag_id != self.dag_id:
            raise ValueError(f"The run is of DAG {run.dag_id!r}, not of {self.dag_id!r}")
        if run.data_interval_start is not None and run.data_interval_end is not None:
            return DataInterval(run.data_interval_start, run.data_interval_end)
        return self.infer_automated_data_interval(run.logical_date)

    def infer_automated_data_interval(self, logical_date: datetime) -> DataInterval:
        """The interval of a scheduled run of that logical date; ValueError for a timetable that cannot say."""
        from orchestration.authoring.timetables import interval, simple
        from orchestration.authoring.timetables.base import DataInterval

        start = timezone.coerce_datetime(logical_date)
        points = (simple.NullTimetable, simple.OnceTimetable, simple.DatasetTriggeredTimetable)
        if isinstance(self.timetable, points):
            return DataInterval.exact(start)
        if isinstance(self.timetable, (interval.CronDataIntervalTimetable, interval.DeltaDataIntervalTimetable)):
            return DataInterval(start, self.timetable._get_next(start))
        raise ValueError(f"{self.timetable!r} does not tell the interval of a run by its logical date alone")

    def next_dagrun_info(
        self, last_automated_dagrun: datetime | DataInterval | None, *, restricted: bool = True
    ) -> DagRunInfo | None:
        """The run after the last scheduled one, given its interval; None if there is none.

        ``restricted=False`` leaves start and end dates and ``catchup`` out of account.
        """
        from orchestration.authoring.timetables.base import TimeRestriction

        if self.is_subdag:
            return None
        if isinstance(last_automated_dagrun, datetime):
            last_automated_dagrun = self.infer_automated_data_interval(last_automated_dagrun)
        restriction = self.time_restriction if restricted else TimeRestriction(None, None, True)
        return self._ask_timetable(last_automated_dagrun, restriction)

    def _ask_timetable(self, last: DataInterval | None, restriction: TimeRestriction) -> DagRunInfo | None:
        try:
            return self.timetable.next_dagrun_info(last_automated_data_interval=last, restriction=restriction)
        except Exception:
            self.log.exception("The timetable of DAG %r failed to tell the run after %s", self.dag_id, last)
            return None

    def iter_dagrun_infos_between(
        self, earliest: datetime | None, latest: datetime, *, align: bool = True
    ) -> Iterator[DagRunInfo]:
        """The runs with logical dates between the two; without ``align`` the first is at ``earliest`` in any case."""
        from orchestration.authoring.timetables.base import DagRunInfo, TimeRestriction

        earliest = earliest if earliest is not None else self.time_restriction.earliest
        if earliest is None:
            raise ValueError(f"Runs are counted from a date: give earliest, or DAG {self.dag_id!r} a start_date")
        first, last = timezone.coerce_datetime(earliest), timezone.coerce_datetime(latest)
        restriction = TimeRestriction(first, last, catchup=True)
        info = self._ask_timetable(None, restriction)
        if not (align and not self.is_subdag) and (info is None or info.logical_date != first):
            yield DagRunInfo.interval(first, last if info is None else info.data_interval.start)
        while info is not None:
            yield info
            info = self._ask_timetable(info.data_interval, restriction)

    def following_schedule(self, dttm: datetime) -> datetime | None:
        """The start of the interval after the one that starts at the moment."""
        _deprecated("DAG.following_schedule()")
        info = self.next_dagrun_info(self.infer_automated_data_interval(dttm), restricted=False)
        return info and info.data_interval.start

    def previous_schedule(self, dttm: datetime) -> DateTime | None:
        """The start of the interval before the one that starts at the moment; None where runs have no intervals."""
        _deprecated("DAG.previous_schedule()")
        return self.previous_interval_start(dttm)

    def previous_interval_start(self, dttm: datetime) -> DateTime | None:
        """As ``previous_schedule``, without the warning."""
        from orchestration.authoring.timetables.interval import CronDataIntervalTimetable, DeltaDataIntervalTimetable

        if not isinstance(self.timetable, (CronDataIntervalTimetable, DeltaDataIntervalTimetable)):
            return None
        return timezone.coerce_datetime(self.timetable._get_prev(timezone.coerce_datetime(dttm)))

    def get_run_dates(self, start_date: datetime, end_date: datetime | None = None) -> list[datetime]:
        """The logical dates between two moments (default: until now)."""
        _deprecated("DAG.get_run_dates()")
        until = end_date or timezone.utcnow()
        return [info.logical_date for info in self.iter_dagrun_infos_between(start_date, until)]

    def date_range(
        self, start_date: datetime, num: int | None = None, end_date: datetime | None = None
    ) -> list[datetime]:
        """The logical dates from a moment: so many, or until another moment (default: now)."""
        from orchestration.authoring.dates import date_range

        _deprecated("DAG.date_range()")
        if num is not None:
            return date_range(start_date, num=num, delta=self.normalized_schedule_interval)
        until = end_date or timezone.utcnow()
        return [info.logical_date for info in self.iter_dagrun_infos_between(start_date, until, align=False)]

    def get_dagrun(
        self, execution_date: datetime | None = None, run_id: str | None = None, session: Any = None
    ) -> DagRun | None:
        """The run of a logical date or a run id; TypeError without either."""
        from orchestration.authoring.dagrun import DagRun

        if not (execution_date or run_id):
            raise TypeError("A run is found by its execution_date or its run_id: give one of them")
        found = DagRun.find(dag_id=self.dag_id, execution_date=execution_date, run_id=run_id)
        return found[0] if found else None

    def get_last_dagrun(self, session: Any = None, include_externally_triggered: bool = False) -> DagRun | None:
        """The run with the latest logical date, by default among the scheduled ones."""
        from orchestration.authoring.dagrun import DagRun

        external = None if include_externally_triggered else False
        found = DagRun.find(dag_id=self.dag_id, external_trigger=external)
        return found[-1] if found else None

    def get_active_runs(self) -> list[datetime]:
        """The logical dates of the running runs."""
        from orchestration.authoring.dagrun import DagRun

        return [run.logical_date for run in DagRun.find(dag_id=self.dag_id, state="running")]

    def get_is_paused(self, session: Any = None) -> bool:
        """Whether the DAG is paused; False where nothing is known of it."""
        from orchestration.authoring import store

        known = store.current().get_dag(self.dag_id)
        return bool(known and known["is_paused"])

    is_paused = property(get_is_paused)


def _deprecated(name: str) -> None:
    warnings.warn(f"{name} will go away; ask dag.timetable instead.", RemovedInAirflow3Warning, stacklevel=3)
