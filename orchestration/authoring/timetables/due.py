"""The next run of a DAG, from its serialised form: what the parser's results and the scheduler both write."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from orchestration.authoring.timetables.base import (
    DagRunInfo,
    DataInterval,
    TimeRestriction,
    Timetable,
    time_restriction,
)
from orchestration.authoring.timetables.custom import Forecast
from orchestration.authoring.timetables.registry import decode

log = logging.getLogger(__name__)


class _Dated(Protocol):
    @property
    def start_date(self) -> datetime | None: ...
    @property
    def end_date(self) -> datetime | None: ...


class Schedulable(_Dated, Protocol):
    """What of a DAG decides its next run; ``SerializedDag`` is one."""

    @property
    def dag_id(self) -> str: ...
    @property
    def catchup(self) -> bool: ...
    @property
    def is_subdag(self) -> bool: ...
    @property
    def timetable(self) -> Any: ...
    @property
    def tasks(self) -> Mapping[str, _Dated]: ...


def restriction_of(dag: Schedulable) -> TimeRestriction:
    """Between which moments the DAG makes runs."""
    return time_restriction(
        (dag.start_date, dag.end_date),
        [(task.start_date, task.end_date) for task in dag.tasks.values()],
        catchup=dag.catchup,
    )


def next_run(
    dag: Schedulable,
    last: DataInterval | None,
    *,
    forecast: Forecast | None = None,
    timetable: Timetable | None = None,
) -> DagRunInfo | None:
    """The run after the last automated one (scheduled or backfilled); None if there is none to be made.

    ``timetable`` spares decoding the DAG's. A sub-DAG has no runs of its own. A timetable that raises makes no run:
    the exception is logged.
    """
    if dag.is_subdag:
        return None
    try:
        found = timetable if timetable is not None else decode(dag.timetable, forecast)
        return found.next_dagrun_info(last_automated_data_interval=last, restriction=restriction_of(dag))
    except Exception:
        log.exception("The next run of DAG %s after %s could not be found. Check its schedule.", dag.dag_id, last)
        return None
