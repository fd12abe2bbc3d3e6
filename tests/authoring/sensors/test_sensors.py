from __future__ import annotations

import datetime as dt
import sqlite3

import pendulum
import pytest
import time_machine

from orchestration.authoring.dag import DAG
from orchestration.authoring.exceptions import (
    AirflowException,
    AirflowFailException,
    AirflowNotFoundException,
    AirflowRescheduleException,
    TaskDeferred,
)
from orchestration.authoring.sensors.base import PokeReturnValue
from orchestration.authoring.sensors.bash import BashSensor
from orchestration.authoring.sensors.date_time import DateTimeSensor, DateTimeSensorAsync
from orchestration.authoring.sensors.filesystem import FileSensor
from orchestration.authoring.sensors.python import PythonSensor
from orchestration.authoring.sensors.sql import SqlSensor
from orchestration.authoring.sensors.time_delta import TimeDeltaSensor, TimeDeltaSensorAsync
from orchestration.authoring.sensors.time_sensor import TimeSensor, TimeSensorAsync
from orchestration.authoring.sensors.weekday import DayOfWeekSensor
from tests.authoring.operators.support import connection_value, execute, make_dag

pytestmark = pytest.mark.usefixtures("memory")


def made(cls, **kwargs):
    with make_dag():
        return cls(task_id="t", mode="reschedule", **kwargs)


def is_done(cls, **kwargs) -> bool:
    try:
        execute(made(cls, **kwargs))
    except AirflowRescheduleException:
        return False
    return True


@pytest.mark.parametrize(("now", "expected"), [("2024-03-05T09:59:59Z", False), ("2024-03-05T10:00:01Z", True)])
@pytest.mark.parametrize(
    ("cls", "kwargs"),
    [
        (DateTimeSensor, {"target_time": "2024-03-05T10:00:00+00:00"}),
        (DateTimeSensor, {"target_time": "{{ logical_date }}"}),
        (DateTimeSensor, {"target_time": pendulum.datetime(2024, 3, 5, 10)}),
        (TimeSensor, {"target_time": dt.time(10, 0)}),
        (TimeDeltaSensor, {"delta": dt.timedelta(0)}),
    ],
)
def test_a_moment_is_waited_for(cls, kwargs, now, expected):
    with time_machine.travel(now, tick=False):
        assert is_done(cls, **kwargs) is expected


def test_a_time_of_day_is_one_of_the_dags_zone():
    with DAG("d", start_date=pendulum.datetime(2024, 1, 1, tz="Asia/Tokyo"), schedule=None):
        task = TimeSensor(task_id="t", target_time=dt.time(9, 30), mode="reschedule")
    with time_machine.travel("2024-03-05T00:31:00Z", tick=False):  # 9:31 in Tokyo
        execute(task)
    with time_machine.travel("2024-03-05T00:29:00Z", tick=False), pytest.raises(AirflowRescheduleException):
        execute(task)


def test_a_target_that_is_no_time_is_refused():
    with pytest.raises(TypeError, match="not 5"):
        made(DateTimeSensor, target_time=5)


MOMENT = pendulum.datetime(2024, 3, 5, 12)


@pytest.mark.parametrize(
    ("cls", "kwargs"),
    [
        (DateTimeSensorAsync, {"target_time": MOMENT}),
        (TimeSensorAsync, {"target_time": dt.time(12, 0)}),
        (TimeDeltaSensorAsync, {"delta": dt.timedelta(hours=2)}),
    ],
)
@pytest.mark.parametrize("ends_there", [False, True])
def test_waiting_without_a_process_defers_to_the_moment(cls, kwargs, ends_there):
    task = made(cls, end_from_trigger=ends_there, **kwargs)
    with time_machine.travel("2024-03-05T11:00:00Z", tick=False), pytest.raises(TaskDeferred) as deferred:
        execute(task)
    assert deferred.value.method_name == "execute_complete"
    assert deferred.value.trigger.serialize() == (
        "airflow.triggers.temporal.DateTimeTrigger",
        {"moment": MOMENT, "end_from_trigger": ends_there},
    )
    assert execute(task, resume=("execute_complete", {"event": MOMENT.isoformat()})).result is None


def test_a_time_that_is_over_is_not_waited_for():
    with time_machine.travel("2024-03-05T13:00:00Z"):
        assert execute(made(TimeDeltaSensorAsync, delta=dt.timedelta(hours=2))).result is True


@pytest.mark.parametrize(
    ("cls", "kwargs"),
    [(DateTimeSensorAsync, {"target_time": MOMENT}), (TimeSensorAsync, {"target_time": dt.time(12, 0)})],
)
def test_a_task_can_begin_deferred_without_touching_its_class(cls, kwargs):
    with time_machine.travel("2024-03-05T11:00:00Z", tick=False):
        one = made(cls, start_from_trigger=True, **kwargs)
        plain = made(cls, **kwargs)
    assert one.start_trigger_args.trigger_kwargs == {"moment": MOMENT, "end_from_trigger": False}
    assert plain.start_from_trigger is False
    assert cls.start_trigger_args.trigger_kwargs["moment"] == ""


@pytest.mark.parametrize(
    ("days", "by_logical_date", "expected"),
    [("Tuesday", True, True), ({"Saturday"}, True, False), ("Saturday", False, True), ("Tuesday", False, False)],
)
def test_a_day_of_the_week_is_waited_for(days, by_logical_date, expected):
    with time_machine.travel("2024-03-09T12:00:00Z"):
        assert is_done(DayOfWeekSensor, week_day=days, use_task_logical_date=by_logical_date) is expected


@pytest.mark.parametrize(
    ("pattern", "recursive", "expected"),
    [
        ("there.txt", False, True),
        ("gone.txt", False, False),
        ("*.txt", False, True),
        ("*.csv", False, False),
        ("full", False, True),
        ("empty", False, False),
        ("**/deep.csv", True, True),
        ("full/*/deep.csv", False, True),
        ("{{ 'there' }}.txt", False, True),
    ],
)
def test_a_file_or_a_folder_with_a_file_is_waited_for(tmp_path, pattern, recursive, expected):
    (tmp_path / "there.txt").touch()
    (tmp_path / "empty").mkdir()
    (tmp_path / "full" / "sub").mkdir(parents=True)
    (tmp_path / "full" / "sub" / "deep.csv").touch()
    assert is_done(FileSensor, filepath=f"{tmp_path}/{pattern}", recursive=recursive) is expected


def test_paths_are_below_the_connections_folder(memory, tmp_path):
    memory.connections["disk"] = connection_value("disk", "fs", extra=f'{{"path": "{tmp_path}"}}')
    (tmp_path / "a.txt").touch()
    assert is_done(FileSensor, filepath="a.txt", fs_conn_id="disk")
    with pytest.raises(AirflowNotFoundException):
        is_done(FileSensor, filepath="a.txt", fs_conn_id="unknown")


def test_a_deferrable_file_sensor_looks_once_and_then_defers(tmp_path):
    task = made(FileSensor, filepath=f"{tmp_path}/a.txt", deferrable=True, timeout=100, poke_interval=7)
    with pytest.raises(TaskDeferred) as deferred:
        execute(task)
    assert deferred.value.timeout == dt.timedelta(seconds=100)
    assert deferred.value.trigger.serialize()[1] == {
        "filepath": f"{tmp_path}/a.txt",
        "recursive": False,
        "poke_interval": 7.0,
    }
    execute(task, resume=("execute_complete", {"event": True}))
    with pytest.raises(AirflowException, match="without having found"):
        execute(task, resume=("execute_complete", {"event": None}))
    (tmp_path / "a.txt").touch()
    execute(task)


@pytest.mark.parametrize(
    ("answer", "done", "result"),
    [(True, True, None), (False, False, None), ("", False, None), (PokeReturnValue(True, "x"), True, "x")],
)
def test_a_function_is_asked(answer, done, result):
    task = made(
        PythonSensor,
        python_callable=lambda ds, n: answer if (ds, n) == ("2024-03-05", 3) else 1 / 0,
        op_kwargs={"n": 3},
    )
    if done:
        assert execute(task).result == result
    else:
        with pytest.raises(AirflowRescheduleException):
            execute(task)


@pytest.mark.parametrize(
    ("command", "retry_code", "expected"),
    [("true", None, True), ("exit 3", None, False), ("exit 3", 3, False), ("exit 4", 3, AirflowFailException)],
)
def test_a_command_is_run(command, retry_code, expected):
    if isinstance(expected, bool):
        assert is_done(BashSensor, bash_command=command, retry_exit_code=retry_code) is expected
    else:
        with pytest.raises(expected):
            is_done(BashSensor, bash_command=command, retry_exit_code=retry_code)


def test_a_command_gets_what_others_chose_as_a_value(tmp_path):
    task = made(BashSensor, bash_command='test "$word" = "\\$(touch x)"', env={"word": "{{ dag_run.conf['word'] }}"})
    execute(task, conf={"word": "$(touch x)"})


@pytest.mark.parametrize(
    ("kwargs", "expected"),
    [
        ({"sql": "select 1"}, True),
        ({"sql": "select 0"}, False),
        ({"sql": "select 1 where 0"}, False),
        ({"sql": "select 1 where 0", "fail_on_empty": True}, AirflowException),
        ({"sql": "select 5, 0", "selector": lambda row: row[1]}, False),
        ({"sql": "select 5", "success": lambda value: value > 9}, False),
        ({"sql": "select 5", "failure": lambda value: value == 5}, AirflowException),
        ({"sql": "select 5", "success": "no function"}, AirflowException),
        ({"sql": "select :n", "parameters": {"n": 2}}, True),
    ],
)
def test_a_row_is_waited_for(memory, tmp_path, kwargs, expected):
    sqlite3.connect(tmp_path / "x.db").close()
    memory.connections["db"] = connection_value("db", "sqlite", host=str(tmp_path / "x.db"))
    if isinstance(expected, bool):
        assert is_done(SqlSensor, conn_id="db", **kwargs) is expected
    else:
        with pytest.raises(expected):
            is_done(SqlSensor, conn_id="db", **kwargs)
