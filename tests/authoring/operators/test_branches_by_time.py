from __future__ import annotations

import datetime as dt
from types import SimpleNamespace
from typing import Any

import pendulum
import pytest
import time_machine

from orchestration.authoring.compat.weekday import WeekDay
from orchestration.authoring.exceptions import AirflowException
from orchestration.authoring.operators.datetime import BranchDateTimeOperator
from orchestration.authoring.operators.empty import EmptyOperator
from orchestration.authoring.operators.latest_only import LatestOnlyOperator
from orchestration.authoring.operators.weekday import BranchDayOfWeekOperator
from tests.authoring.operators.support import execute, make_dag, run_value

pytestmark = pytest.mark.usefixtures("memory")
FOLLOW = {"follow_task_ids_if_true": "yes", "follow_task_ids_if_false": "no"}


def chosen(cls, **kwargs):
    with make_dag():
        branch = cls(task_id="branch", **FOLLOW, **kwargs)
        branch >> [EmptyOperator(task_id="yes"), EmptyOperator(task_id="no")]
    return execute(branch).result


def moment(text):
    return pendulum.parse(text)


@pytest.mark.parametrize(
    ("lower", "upper", "expected"),
    [
        (dt.time(9, 0), dt.time(11, 0), "yes"),
        (dt.time(10, 0), dt.time(10, 0), "yes"),  # both ends are within
        (dt.time(10, 0, 1), None, "no"),
        (None, dt.time(9, 59, 59), "no"),
        (None, dt.time(10, 0), "yes"),
        (dt.time(9, 0), dt.time(8, 0), "yes"),  # until 8 o'clock of the next day
        (moment("2024-03-05T09:00Z"), moment("2024-03-05T11:00Z"), "yes"),
        (moment("2024-03-05T11:00Z"), moment("2024-03-05T09:00Z"), "no"),
        (dt.datetime(2024, 3, 5, 9), dt.time(11, 0), "yes"),
        (moment("2024-03-06T00:00Z"), None, "no"),
    ],
)
def test_the_logical_date_is_compared_with_the_bounds(lower, upper, expected):
    assert (
        chosen(BranchDateTimeOperator, target_lower=lower, target_upper=upper, use_task_logical_date=True) == expected
    )


def test_by_default_now_is_compared():
    with time_machine.travel(dt.datetime(2030, 1, 1, 12, tzinfo=dt.UTC)):
        assert chosen(BranchDateTimeOperator, target_lower=dt.time(11), target_upper=dt.time(13)) == "yes"


def test_one_bound_is_needed():
    with pytest.raises(AirflowException, match="no time to compare with"):
        chosen(BranchDateTimeOperator, target_lower=None, target_upper=None)


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ("Tuesday", "yes"),
        ("MONDAY", "no"),
        (WeekDay.TUESDAY, "yes"),
        ({"Monday", "Tuesday"}, "yes"),
        ([WeekDay.SATURDAY, WeekDay.SUNDAY], "no"),
    ],
)
def test_the_logical_dates_day_is_compared(days, expected):
    assert chosen(BranchDayOfWeekOperator, week_day=days, use_task_logical_date=True) == expected


def test_by_default_today_is_compared():
    with time_machine.travel(dt.datetime(2024, 3, 9, 12, tzinfo=dt.UTC)):
        assert chosen(BranchDayOfWeekOperator, week_day="saturday") == "yes"


@pytest.mark.parametrize(("days", "error"), [("Someday", AttributeError), (5, TypeError), ([5], TypeError)])
def test_what_is_no_day_is_refused(days, error):
    with pytest.raises(error):
        chosen(BranchDayOfWeekOperator, week_day=days)


@pytest.mark.parametrize(
    ("now", "external", "skipped"),
    [
        ("2024-03-06T12:00Z", False, []),
        ("2024-03-07T00:00Z", False, []),
        ("2024-03-08T00:00Z", False, ["after"]),
        ("2024-03-08T00:00Z", True, []),
    ],
)
def test_only_the_latest_scheduled_run_goes_on(now, external, skipped):
    from orchestration.authoring.dag import DAG

    with DAG("d", start_date=pendulum.datetime(2024, 1, 1), schedule="@daily"):
        task = LatestOnlyOperator(task_id="latest")
        task >> EmptyOperator(task_id="after")
    run = run_value(
        "d", "scheduled__x", logical_date="2024-03-05T00:00:00+00:00", run_type="scheduled", external_trigger=external,
        data_interval_end="2024-03-06T00:00:00+00:00",
    )  # fmt: skip
    run["data_interval_end"] = "2024-03-06T00:00:00+00:00"
    with time_machine.travel(moment(now)):
        assert execute(task, run=run).skipped == skipped


def test_the_last_run_of_a_schedule_goes_on():
    context: Any = {
        "task": SimpleNamespace(get_direct_relative_ids=lambda upstream: {"b", "a"}),
        "dag_run": SimpleNamespace(external_trigger=False),
        "dag": SimpleNamespace(get_run_data_interval=lambda run: None, next_dagrun_info=lambda *a, **k: None),
    }
    with make_dag():
        task = LatestOnlyOperator(task_id="latest")
    assert task.choose_branch(context) == ["a", "b"]
