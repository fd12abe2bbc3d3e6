from __future__ import annotations

from datetime import timedelta

import pendulum
import pytest
import time_machine

from orchestration.authoring.exceptions import (
    AirflowException,
    AirflowFailException,
    AirflowRescheduleException,
    AirflowSensorTimeout,
    AirflowSkipException,
    AirflowTaskTimeout,
    TaskDeferralError,
)
from orchestration.authoring.sensors.base import BaseSensorOperator, PokeReturnValue, poke_mode_only
from tests.authoring.operators.support import execute, make_dag

pytestmark = pytest.mark.usefixtures("memory")


class Scripted(BaseSensorOperator):
    """Answers each poke with the next of its answers; an exception is raised."""

    def __init__(self, *, answers, **kwargs):
        super().__init__(**kwargs)
        self.answers = answers

    def poke(self, context):
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, BaseException):
            raise answer
        return answer


def sensor(*answers, **kwargs):
    with make_dag():
        return Scripted(task_id="t", answers=list(answers), poke_interval=kwargs.pop("poke_interval", 0.001), **kwargs)


def test_it_pokes_until_it_is_done():
    task = sensor(False, False, True)
    execute(task)
    assert task.answers == [True]


def test_a_poke_may_carry_a_result():
    assert execute(sensor(False, PokeReturnValue(is_done=True, xcom_value={"n": 1}))).result == {"n": 1}
    assert execute(sensor(True)).result is None


@pytest.mark.parametrize(
    ("kwargs", "error"),
    [
        ({}, AirflowSensorTimeout),
        ({"soft_fail": True}, AirflowSkipException),
        ({"never_fail": True}, AirflowSensorTimeout),
    ],
)
def test_waiting_too_long_fails_or_skips(kwargs, error):
    with pytest.raises(error, match="The wait is over"):
        execute(sensor(False, timeout=0.01, **kwargs))


@pytest.mark.parametrize(
    ("raised", "kwargs", "expected"),
    [
        (ValueError("v"), {}, ValueError),
        (ValueError("v"), {"soft_fail": True}, ValueError),
        (ValueError("v"), {"never_fail": True}, AirflowSkipException),
        (AirflowFailException("f"), {}, AirflowFailException),
        (AirflowFailException("f"), {"soft_fail": True}, AirflowSkipException),
        (AirflowFailException("f"), {"never_fail": True}, AirflowSkipException),
        (AirflowFailException("f"), {"silent_fail": True}, AirflowFailException),
        (AirflowTaskTimeout("t"), {}, AirflowTaskTimeout),
        (AirflowTaskTimeout("t"), {"soft_fail": True}, AirflowSkipException),
        (AirflowSkipException("s"), {"silent_fail": True}, AirflowSkipException),
    ],
)
def test_what_an_error_in_a_poke_becomes(raised, kwargs, expected):
    with pytest.raises(expected) as found:
        execute(sensor(raised, **kwargs))
    assert type(found.value) is expected


def test_a_silent_failure_is_logged_and_waiting_goes_on(caplog):
    execute(sensor(ValueError("hiccup"), True, silent_fail=True))
    assert "hiccup" in caplog.text


def test_rescheduling_gives_the_process_back_until_the_next_poke():
    with time_machine.travel("2024-03-05T10:00:00Z", tick=False):
        with pytest.raises(AirflowRescheduleException) as raised:
            execute(sensor(False, mode="reschedule", poke_interval=90), start_date="2024-03-05T10:00:00+00:00")
    assert raised.value.reschedule_date == pendulum.datetime(2024, 3, 5, 10, 1, 30)


@pytest.mark.parametrize(("first", "error"), [("09:00", AirflowSensorTimeout), ("09:59", AirflowRescheduleException)])
def test_the_timeout_counts_over_all_pokes_of_a_rescheduled_sensor(first, error):
    with time_machine.travel("2024-03-05T10:00:00Z", tick=False), pytest.raises(error):
        execute(
            sensor(False, mode="reschedule", timeout=1800),
            start_date="2024-03-05T10:00:00+00:00",
            first_start_date=f"2024-03-05T{first}:00+00:00",
        )


def test_backing_off_doubles_the_interval_with_jitter_up_to_the_longest_wait():
    task = sensor(False, exponential_backoff=True, poke_interval=60, timeout=100_000)
    waits = [task._get_next_poke_interval("started", lambda: 0.0, count) for count in range(1, 7)]
    for count, wait in enumerate(waits, start=1):
        smallest = max(int(60 * 2 ** (count - 2)), 1)
        assert smallest <= wait < 2 * smallest
    capped = sensor(False, exponential_backoff=True, poke_interval=60, max_wait=timedelta(seconds=5))
    assert capped._get_next_poke_interval("started", lambda: 0.0, 9) == 5


def test_backing_off_never_waits_past_the_timeout():
    task = sensor(False, exponential_backoff=True, poke_interval=1000, timeout=50)
    assert task._get_next_poke_interval("started", lambda: 20.0, 5) == 30


def test_a_rescheduled_sensor_finds_its_step_from_the_time_that_went_by():
    task = sensor(False, exponential_backoff=True, poke_interval=10, timeout=100_000, mode="reschedule")
    early = task._get_next_poke_interval("started", lambda: 0.0, 1)
    late = task._get_next_poke_interval("started", lambda: 1000.0, 1)
    assert late > 20 * early


@pytest.mark.parametrize(
    ("kwargs", "error"),
    [
        ({"mode": "sleepy"}, AirflowException),
        ({"poke_interval": -1}, AirflowException),
        ({"poke_interval": "5"}, AirflowException),
        ({"timeout": -1}, AirflowException),
        ({"max_wait": -1}, AirflowException),
        ({"soft_fail": True, "never_fail": True}, ValueError),
    ],
)
def test_arguments_that_make_no_sense_are_refused(kwargs, error):
    with pytest.raises(error):
        sensor(True, **kwargs)


def test_durations_are_seconds_or_timedeltas():
    task = sensor(True, poke_interval=timedelta(minutes=1), timeout=timedelta(hours=1))
    assert (task.poke_interval, task.timeout) == (60, 3600)


def test_a_failed_wait_of_a_deferred_sensor_can_skip():
    resume = ("__fail__", {"error": "Trigger timeout"})
    with pytest.raises(TaskDeferralError, match="Trigger timeout"):
        execute(sensor(True), resume=resume)
    with pytest.raises(AirflowSkipException):
        execute(sensor(True, soft_fail=True), resume=resume)


def test_a_class_can_insist_on_poke_mode():
    @poke_mode_only
    class Insisting(Scripted):
        pass

    with make_dag():
        assert Insisting(task_id="a", answers=[True]).mode == "poke"
        with pytest.raises(ValueError, match="its mode is 'poke'"):
            Insisting(task_id="b", answers=[True], mode="reschedule")
    with pytest.raises(ValueError, match="is for sensor classes"):
        poke_mode_only(dict)
