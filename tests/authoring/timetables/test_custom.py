"""User-written timetables: asked ahead in the parser, answered from that in the scheduler."""

import json
from datetime import UTC, datetime, time, timedelta

import pendulum
import pytest
import time_machine
from pendulum import DateTime

from orchestration.authoring.datasets import Dataset
from orchestration.authoring.timetables import (
    DagRunInfo,
    DataInterval,
    TimeRestriction,
    Timetable,
    custom_part,
    decode,
    encode,
)
from orchestration.authoring.timetables.custom import PrecomputedTimetable, look_ahead
from orchestration.authoring.timetables.datasets import DatasetOrTimeSchedule

NOW = datetime(2025, 3, 12, 15, 30, tzinfo=UTC)  # a Wednesday


class AfterWorkday(Timetable):
    """A run after each workday, written as in the documentation of Airflow."""

    description = "After each workday"

    def infer_manual_data_interval(self, *, run_after: DateTime) -> DataInterval:  # type: ignore[override]
        end = DateTime.combine(run_after.date(), time.min).replace(tzinfo=pendulum.UTC)
        start = end - timedelta(days=1)
        while start.weekday() in (5, 6):
            end, start = start, start - timedelta(days=1)
        return DataInterval(start=start, end=start + timedelta(days=1))

    def next_dagrun_info(self, *, last_automated_data_interval, restriction):
        if last_automated_data_interval is not None:
            start = last_automated_data_interval.start.add(days=1)
        else:
            start = restriction.earliest
            if start is None:
                return None
            if not restriction.catchup:
                start = max(start, pendulum.today("UTC"))
            start = start.start_of("day")
        while start.weekday() in (5, 6):
            start = start.add(days=1)
        if restriction.latest is not None and start > restriction.latest:
            return None
        return DagRunInfo.interval(start=start, end=start.add(days=1))


class Named(AfterWorkday):
    def generate_run_id(self, *, run_type, logical_date, data_interval, **extra):
        return f"workday-{logical_date:%Y-%m-%d}"

    @property
    def summary(self):
        return "workdays"


class Exact(Timetable):
    def infer_manual_data_interval(self, *, run_after):
        return DataInterval(run_after.subtract(hours=2), run_after)

    def next_dagrun_info(self, *, last_automated_data_interval, restriction):
        raise RuntimeError("no luck")


def scheduler_view(timetable, *, last=None, start=datetime(2025, 3, 3, tzinfo=UTC), end=None, catchup=True, ahead=20):
    """What the scheduler decodes after the parser has looked ahead."""
    restriction = TimeRestriction(start, end, catchup)
    forecast = look_ahead(
        custom_part(timetable), last=last, restriction=restriction, make_moment=pendulum.instance, ahead=ahead
    )
    document, forecast = json.loads(json.dumps([encode(timetable), forecast]))
    return decode(document, forecast), restriction, forecast


@pytest.fixture(autouse=True)
def _now():
    with time_machine.travel(NOW, tick=False):
        yield


def test_the_scheduler_walks_the_same_series_as_the_class():
    view, restriction, _ = scheduler_view(AfterWorkday())
    assert isinstance(view, PrecomputedTimetable)
    theirs, ours = None, None
    for _ in range(20):
        ours_info = view.next_dagrun_info(last_automated_data_interval=ours, restriction=restriction)
        theirs_info = AfterWorkday().next_dagrun_info(
            last_automated_data_interval=theirs,
            restriction=TimeRestriction(pendulum.instance(restriction.earliest), None, True),
        )
        assert ours_info == theirs_info
        assert type(ours_info.run_after) is datetime
        ours, theirs = ours_info.data_interval, theirs_info.data_interval
    assert view.next_dagrun_info(last_automated_data_interval=ours, restriction=restriction) is None


def test_the_chain_goes_on_after_the_last_run_known():
    last = DataInterval(datetime(2025, 3, 7, tzinfo=UTC), datetime(2025, 3, 8, tzinfo=UTC))
    view, restriction, _ = scheduler_view(AfterWorkday(), last=last)
    info = view.next_dagrun_info(last_automated_data_interval=last, restriction=restriction)
    assert info.logical_date == datetime(2025, 3, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("catchup", "minutes_since_the_parse", "day"),
    [(True, 0, 4), (True, 60, 4), (False, 5, 4), (False, 60, 12)],
)
def test_due_runs_are_left_out_only_without_catchup_and_a_parse(catchup, minutes_since_the_parse, day):
    last = DataInterval(datetime(2025, 3, 3, tzinfo=UTC), datetime(2025, 3, 4, tzinfo=UTC))
    view, restriction, _ = scheduler_view(AfterWorkday(), last=last, catchup=catchup)
    with time_machine.travel(datetime(2025, 3, 13, 0, 0, tzinfo=UTC)):
        view._computed_at = datetime(2025, 3, 13, tzinfo=UTC) - timedelta(minutes=minutes_since_the_parse)
        info = view.next_dagrun_info(last_automated_data_interval=last, restriction=restriction)
    assert info.logical_date == datetime(2025, 3, day, tzinfo=UTC)


def test_the_end_date_ends_the_runs():
    view, restriction, forecast = scheduler_view(AfterWorkday(), end=datetime(2025, 3, 5, tzinfo=UTC))
    assert len(forecast["runs"]) == 3
    assert forecast["is_complete"]
    last = DataInterval(datetime(2025, 3, 5, tzinfo=UTC), datetime(2025, 3, 6, tzinfo=UTC))
    assert view.next_dagrun_info(last_automated_data_interval=last, restriction=restriction) is None


@pytest.mark.parametrize(
    ("at", "start"),
    [
        (NOW, 11),
        (NOW + timedelta(hours=1), 11),
        (NOW + timedelta(days=1), 12),
        (datetime(2025, 3, 16, 12, tzinfo=UTC), 14),  # Sunday: Friday's
        (datetime(2025, 3, 10, 12, tzinfo=UTC), 7),  # last Monday: Friday's
        (datetime(2025, 3, 7, 0, tzinfo=UTC), 6),
    ],
)
def test_a_hand_triggered_run_gets_the_interval_the_class_gives(at, start):
    view, _, _ = scheduler_view(AfterWorkday(), last=None)
    found = view.infer_manual_data_interval(run_after=at)
    assert found == AfterWorkday().infer_manual_data_interval(run_after=pendulum.instance(at))
    assert found.start == datetime(2025, 3, start, tzinfo=UTC)


def test_a_hand_triggered_run_long_ago_gets_an_interval_without_length():
    view, _, _ = scheduler_view(AfterWorkday())
    at = datetime(2001, 1, 1, tzinfo=UTC)
    assert view.infer_manual_data_interval(run_after=at) == DataInterval.exact(at)


def test_an_interval_that_keeps_its_distance_is_kept_as_offsets():
    view, _, forecast = scheduler_view(Exact())
    assert "no luck" in forecast["error"]
    assert forecast["runs"] == []
    forecast = look_ahead(
        type("E", (Exact,), {"next_dagrun_info": lambda self, **kw: None})(),
        last=None,
        restriction=TimeRestriction(None, None, True),
        make_moment=pendulum.instance,
    )
    assert forecast["manual"] == {"kind": "offset", "start": -7200.0, "end": 0.0}
    view = decode(encode(Exact()), forecast)
    at = datetime(2019, 5, 6, tzinfo=UTC)
    assert view.infer_manual_data_interval(run_after=at) == DataInterval(at - timedelta(hours=2), at)


def test_run_ids_of_the_class_are_kept_for_scheduled_runs():
    view, restriction, _ = scheduler_view(Named())
    info = view.next_dagrun_info(last_automated_data_interval=None, restriction=restriction)
    kwargs = {"logical_date": info.logical_date, "data_interval": info.data_interval}
    assert view.generate_run_id(run_type="scheduled", **kwargs) == "workday-2025-03-03"
    assert view.generate_run_id(run_type="manual", **kwargs) == "manual__2025-03-03T00:00:00+00:00"
    assert view.summary == "workdays"
    assert view.description == "After each workday"


def test_a_user_written_part_of_a_dataset_schedule_is_looked_ahead_too():
    timetable = DatasetOrTimeSchedule(timetable=AfterWorkday(), datasets=[Dataset("a")])
    view, restriction, _ = scheduler_view(timetable)
    assert isinstance(view, DatasetOrTimeSchedule)
    info = view.next_dagrun_info(last_automated_data_interval=None, restriction=restriction)
    assert info.logical_date == datetime(2025, 3, 3, tzinfo=UTC)
    assert view.summary == "Dataset or AfterWorkday"


def test_without_a_forecast_there_are_no_runs():
    view = decode(encode(AfterWorkday()))
    assert (
        view.next_dagrun_info(last_automated_data_interval=None, restriction=TimeRestriction(NOW, None, True)) is None
    )


def test_known_timetables_need_no_look_ahead():
    from orchestration.authoring.timetables import create_timetable

    assert custom_part(create_timetable("@daily", UTC)) is None
    assert custom_part(create_timetable([Dataset("a")], UTC)) is None
