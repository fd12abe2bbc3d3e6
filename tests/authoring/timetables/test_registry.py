"""Timetables to JSON and back, and what ``DAG(schedule=…)`` accepts."""

import json
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pendulum
import pytest
from dateutil.relativedelta import FR, relativedelta

from orchestration.authoring.datasets import Dataset, DatasetAlias
from orchestration.authoring.exceptions import AirflowTimetableInvalid
from orchestration.authoring.timetables import DataInterval, TimeRestriction, create_timetable, decode, encode
from orchestration.authoring.timetables.base import Timetable, time_restriction
from orchestration.authoring.timetables.datasets import DatasetOrTimeSchedule
from orchestration.authoring.timetables.events import EventsTimetable
from orchestration.authoring.timetables.interval import CronDataIntervalTimetable, DeltaDataIntervalTimetable
from orchestration.authoring.timetables.simple import ContinuousTimetable, DatasetTriggeredTimetable, NullTimetable
from orchestration.authoring.timetables.trigger import (
    CronTriggerTimetable,
    DeltaTriggerTimetable,
    MultipleCronTriggerTimetable,
)
from orchestration.states import DagRunType

START = datetime(2025, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "timetable",
    [
        create_timetable(None, UTC),
        create_timetable("@once", UTC),
        create_timetable("@continuous", UTC),
        create_timetable("@daily", "Europe/Berlin"),
        create_timetable("0 6 * * 1", timezone(timedelta(hours=5, minutes=30))),
        create_timetable(timedelta(minutes=7), UTC),
        create_timetable(relativedelta(months=2, day=5, weekday=FR(-1)), UTC),
        CronTriggerTimetable("@hourly", timezone="UTC", interval=relativedelta(weeks=1)),
        MultipleCronTriggerTimetable("0 1 * * *", "30 2 * * *", timezone="UTC", interval=timedelta(hours=1)),
        DeltaTriggerTimetable(timedelta(hours=5), interval=timedelta(hours=1)),
        EventsTimetable([START, START + timedelta(days=400)], restrict_to_events=True),
        create_timetable((Dataset("s3://a/b", {"k": 1}) & DatasetAlias("c")) | Dataset("d"), UTC),
        DatasetOrTimeSchedule(timetable=CronTriggerTimetable("@daily", timezone="UTC"), datasets=[Dataset("a")]),
    ],
    ids=lambda timetable: type(timetable).__name__,
)
def test_a_timetable_survives_json(timetable):
    document = json.loads(json.dumps(encode(timetable)))
    back = decode(document)
    assert type(back) is type(timetable)
    assert encode(back) == document
    assert (back.summary, back.description) == (timetable.summary, timetable.description)
    restriction = TimeRestriction(START, None, True)
    if not isinstance(timetable, ContinuousTimetable):
        assert back.next_dagrun_info(
            last_automated_data_interval=None, restriction=restriction
        ) == timetable.next_dagrun_info(last_automated_data_interval=None, restriction=restriction)


@pytest.mark.parametrize("document", [{}, {"type": "os.system"}, {"type": ["null"]}, {"type": "simple"}])
def test_only_registered_types_are_decoded(document):
    with pytest.raises(ValueError, match="no timetable of type"):
        decode(document)


@pytest.mark.parametrize(
    ("zone", "stored"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        (ZoneInfo("Pacific/Apia"), "Pacific/Apia"),
        (pendulum.timezone("Asia/Kolkata"), "Asia/Kolkata"),
        (pendulum.UTC, "UTC"),
        (UTC, "UTC"),
        (pendulum.timezone(3600), 3600),
        (timezone(timedelta(hours=-3)), -10800),
    ],
)
def test_zones_are_stored_by_name_or_offset(zone, stored):
    assert encode(create_timetable("@daily", zone))["timezone"] == stored


def test_an_unknown_zone_is_refused():
    with pytest.raises(ValueError, match="no time zone 'Mars/Base'"):
        CronDataIntervalTimetable("@daily", "Mars/Base")


@pytest.mark.parametrize("schedule", [5, 1.5, object(), [1], ["a"], [Dataset("a") | Dataset("b")], {}.keys])
def test_other_schedules_are_refused(schedule):
    with pytest.raises(ValueError, match="schedule"):
        create_timetable(schedule, UTC)


def test_without_data_intervals_a_cron_is_a_trigger(monkeypatch):
    monkeypatch.setenv("AIRFLOW__SCHEDULER__CREATE_CRON_DATA_INTERVALS", "False")
    assert type(create_timetable("@daily", UTC)) is CronTriggerTimetable


@pytest.mark.parametrize("delta", [timedelta(), timedelta(days=-1), relativedelta(months=-1), relativedelta()])
def test_a_delta_must_move_time_forward(delta):
    with pytest.raises(AirflowTimetableInvalid, match="does not move on"):
        DeltaDataIntervalTimetable(delta).validate()


def test_dataset_timetables_do_not_nest():
    inner = DatasetTriggeredTimetable(Dataset("a"))
    with pytest.raises(AirflowTimetableInvalid, match="goes by the clock"):
        DatasetOrTimeSchedule(timetable=inner, datasets=[Dataset("b")]).validate()


def test_run_ids_name_their_kind_and_date():
    timetable = NullTimetable()
    interval = DataInterval.exact(START)
    for run_type in (DagRunType.MANUAL, "manual"):
        assert (
            timetable.generate_run_id(run_type=run_type, logical_date=START, data_interval=interval)
            == "manual__2025-01-01T00:00:00+00:00"
        )


def test_flags_of_each_kind():
    assert [NullTimetable().can_be_scheduled, NullTimetable().periodic] == [False, False]
    assert ContinuousTimetable().active_runs_limit == 1
    assert Timetable().run_ordering == ("data_interval_end", "execution_date")
    assert not Timetable().dataset_condition
    assert DatasetTriggeredTimetable(Dataset("a")).dataset_condition


@pytest.mark.parametrize(
    ("dag", "tasks", "expected"),
    [
        ((None, None), [], (None, None)),
        ((1, 9), [], (1, 9)),
        ((3, None), [(2, None), (4, None)], (2, None)),
        ((3, 5), [(None, 7), (None, 8)], (3, 8)),
        ((3, 5), [(None, 7), (None, None)], (3, 5)),
        ((3, None), [(None, 7)], (3, 7)),
        ((3, None), [(None, None)], (3, None)),
    ],
)
def test_restrictions_follow_from_the_dates_of_dag_and_tasks(dag, tasks, expected):
    def day(number):
        return None if number is None else START + timedelta(days=number)

    found = time_restriction(tuple(map(day, dag)), [tuple(map(day, task)) for task in tasks], catchup=False)
    assert found == TimeRestriction(day(expected[0]), day(expected[1]), False)


def test_importing_timetables_loads_no_library():
    code = (
        "import sys, orchestration.authoring.timetables;"
        "print([m for m in ('pendulum', 'croniter', 'cron_descriptor', 'dateutil', 'django') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_many_threads_may_ask_at_once():
    timetable = create_timetable("*/7 * * * *", "Europe/Berlin")
    wrong = []

    def ask(day):
        interval = DataInterval.exact(datetime(2025, 1, day, tzinfo=UTC))
        for _ in range(100):
            info = timetable.next_dagrun_info(
                last_automated_data_interval=interval, restriction=TimeRestriction(None, None, True)
            )
            if info is None or info.data_interval.start.day != day:
                wrong.append(info)

    threads = [threading.Thread(target=ask, args=(day,)) for day in range(2, 10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
