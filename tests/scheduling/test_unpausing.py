"""What run is next when a DAG is unpaused after a while: every case as Airflow 2.10.5 answers it.

The DAG's first date is ten days ago, its last automated run, where it has one, covers the day that ended so many days
ago. Answers are hours from the last midnight (UTC); they were asked of ``DagModel.next_dagrun`` and
``next_dagrun_create_after`` after an unpause and a parse.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from orchestration.authoring.timetables import registry
from orchestration.authoring.timetables.registry import create_timetable
from orchestration.services import dags
from tests.factories import make_dag, make_run, serialized

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
#: An even number of days after 1970, as the day was on which the reference was asked: deltas are counted from there.
TODAY = datetime(2024, 3, 12, tzinfo=UTC)
#: Hours since midnight, as when the reference was asked.
NOW = 18.25

CASES = [
    # schedule, catchup, days since the last run's end, next run's date, when it may be made
    ("@daily", True, None, -240, -216),
    ("@daily", True, 5, -120, -96),
    ("@daily", True, 1, -24, 0),
    ("@daily", False, None, -24, 0),
    ("@daily", False, 5, -24, 0),
    ("@daily", False, 1, -24, 0),
    ("0 6 * * *", True, None, -234, -210),
    ("0 6 * * *", False, None, -18, 6),
    (DAY, True, None, -240, -216),
    (DAY, True, 5, -120, -96),
    (DAY, True, 1, -24, 0),
    (DAY, False, None, -24, 0),
    (DAY, False, 5, -24, 0),
    (DAY, False, 1, -24, 0),
    (2 * DAY, True, None, -240, -192),
    (2 * DAY, False, None, -48, 0),
    ("@once", True, None, -240, -240),
    ("@once", True, 5, None, None),
    ("@once", False, None, -240, -240),
    ("@once", False, 5, None, None),
    ("@continuous", True, None, -240, NOW),
    ("@continuous", True, 5, -120, NOW),
    ("@continuous", False, None, -240, NOW),
    ("@continuous", False, 5, -120, NOW),
]


@pytest.mark.parametrize(("schedule", "catchup", "days_since", "logical_date", "create_after"), CASES, ids=str)
def test_an_unpaused_dag_is_due_as_in_the_reference(schedule, catchup, days_since, logical_date, create_after):
    start = TODAY - 10 * DAY
    graph = serialized(timetable=registry.encode(create_timetable(schedule, UTC)), catchup=catchup, start_date=start)
    dag = make_dag(graph, is_paused=True, next_dagrun=start, next_dagrun_create_after=start)
    if days_since is not None:
        begin = TODAY - (days_since + 1) * DAY
        interval = {"logical_date": begin, "data_interval_start": begin, "data_interval_end": begin + DAY}
        make_run(dag, run_type="scheduled", state="success", **interval)
    with time_machine.travel(TODAY + timedelta(hours=NOW), tick=False):
        dags.unpause(dag, actor=None)
    dag.refresh_from_db()
    assert not dag.is_paused
    assert (_hours(dag.next_dagrun), _hours(dag.next_dagrun_create_after)) == (logical_date, create_after)


def _hours(moment: datetime | None) -> float | None:
    return None if moment is None else (moment - TODAY) / timedelta(hours=1)
