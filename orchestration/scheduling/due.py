"""Which runs are due: pure functions over timetables, dataset events and limits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from orchestration.authoring.datasets import Dataset, decode_condition
from orchestration.authoring.timetables.base import DagRunInfo, DataInterval, Timetable
from orchestration.authoring.timetables.custom import Forecast
from orchestration.authoring.timetables.due import restriction_of
from orchestration.authoring.timetables.registry import decode
from orchestration.serialization.values import SerializedDag


class NextRun(NamedTuple):
    """The columns of a DAG that say what run comes next; all None when none does.

    ``create_after`` alone is None while the DAG has all the runs it may have.
    """

    logical_date: datetime | None
    interval: DataInterval | None
    create_after: datetime | None

    @classmethod
    def of(cls, info: DagRunInfo | None) -> NextRun:
        """From a timetable's answer."""
        if info is None:
            return cls(None, None, None)
        return cls(info.logical_date, info.data_interval, info.run_after)


def timetable_of(dag: SerializedDag, forecast: Forecast | None = None) -> Timetable:
    """The DAG's timetable; ValueError for one that cannot be decoded."""
    return decode(dag.timetable, forecast, lambda name: ())


def next_run(dag: SerializedDag, timetable: Timetable, last: DataInterval | None) -> NextRun:
    """The run after the last automated one. Raises what the timetable raises."""
    if dag.is_subdag:
        return NextRun(None, None, None)
    info = timetable.next_dagrun_info(last_automated_data_interval=last, restriction=restriction_of(dag))
    return NextRun.of(info)


def is_full(active: int, max_active_runs: int | None) -> bool:
    """Whether a DAG has all the runs it may have at once; None and 0 are no limit."""
    return bool(max_active_runs) and active >= (max_active_runs or 0)


def is_met(condition: Any, with_events: Iterable[str], datasets_of: Callable[[str], Iterable[str]]) -> bool:
    """Whether a condition on datasets holds.

    ``condition`` is JSON as in ``SerializedDag.dataset_condition``, ``with_events`` the URIs that have an unused event,
    ``datasets_of`` gives the URIs that an alias stands for.
    """
    decoded = decode_condition(condition, lambda name: [Dataset(uri) for uri in datasets_of(name)])
    return bool(decoded) and decoded.evaluate(dict.fromkeys(with_events, True))


class SourceSpan(NamedTuple):
    """What a dataset event gives to the interval of the run it makes: that of its source run, or its own moment."""

    start: datetime
    end: datetime


def interval_of_events(at: datetime, spans: Sequence[SourceSpan]) -> DataInterval:
    """The interval of a run made by dataset events: from the first source's start to the last one's end."""
    if not spans:
        return DataInterval.exact(at)
    return DataInterval(min(span.start for span in spans), max(span.end for span in spans))


def free_moment(wanted: datetime, taken: Iterable[datetime]) -> datetime:
    """The first moment from ``wanted`` on, in microseconds, at which the DAG has no run yet."""
    dates = frozenset(taken)
    while wanted in dates:
        wanted += timedelta(microseconds=1)
    return wanted


def startable(
    queued: Iterable[tuple[int, str, int | None]],
    running: Mapping[str, int],
    limits: Mapping[str, int | None],
    backfill_running: Mapping[int, int],
    backfill_limits: Mapping[int, int],
) -> list[int]:
    """Which queued runs, given as (id, DAG, backfill) in their order, may start.

    A backfill's runs count against its own limit only, all others against their DAG's.
    """
    by_dag, by_backfill = dict(running), dict(backfill_running)
    chosen = []
    for pk, dag_id, backfill_id in queued:
        if backfill_id is not None:
            active = by_backfill.get(backfill_id, 0)
            if is_full(active, backfill_limits.get(backfill_id)):
                continue
            by_backfill[backfill_id] = active + 1
        else:
            active = by_dag.get(dag_id, 0)
            if is_full(active, limits.get(dag_id)):
                continue
            by_dag[dag_id] = active + 1
        chosen.append(pk)
    return chosen
