from __future__ import annotations

import asyncio
import datetime as dt
import json

import pendulum
import pytest
import time_machine

from orchestration.authoring import alias
from orchestration.authoring.compat.module_loading import import_string
from orchestration.authoring.triggers.base import (
    BaseTrigger,
    TaskFailedEvent,
    TaskSkippedEvent,
    TaskSuccessEvent,
    TriggerEvent,
)
from orchestration.authoring.triggers.external_task import DagStateTrigger, TaskStateTrigger, WorkflowTrigger
from orchestration.authoring.triggers.file import FileTrigger
from orchestration.authoring.triggers.temporal import DateTimeTrigger, TimeDeltaTrigger
from orchestration.authoring.triggers.testing import FailureTrigger, SuccessTrigger
from tests.authoring.operators.support import instance_value, run_value

DATE = pendulum.datetime(2024, 3, 5, 10)


def events(trigger: BaseTrigger, seconds: float = 5) -> list[TriggerEvent]:
    async def collect() -> list[TriggerEvent]:
        return [event async for event in trigger.run()]

    return asyncio.run(asyncio.wait_for(collect(), seconds))


def is_waiting(trigger: BaseTrigger) -> bool:
    try:
        events(trigger, 0.2)
    except TimeoutError:
        return True
    return False


def soon(milliseconds: int = 50) -> dt.datetime:
    return dt.datetime.now(dt.UTC) + dt.timedelta(milliseconds=milliseconds)


def test_a_moment_fires_with_itself_as_payload():
    moment = soon()
    assert [event.payload for event in events(DateTimeTrigger(moment))] == [moment]
    assert dt.datetime.now(dt.UTC) >= moment


def test_a_moment_can_end_the_task():
    (event,) = events(DateTimeTrigger(soon(0), end_from_trigger=True))
    assert isinstance(event, TaskSuccessEvent)


def test_a_moment_in_the_future_is_waited_for():
    assert is_waiting(DateTimeTrigger(soon(60_000)))


@pytest.mark.parametrize(("moment", "error"), [("2024-01-01", TypeError), (dt.datetime(2024, 1, 1), ValueError)])
def test_a_moment_must_be_an_aware_datetime(moment, error):
    with pytest.raises(error):
        DateTimeTrigger(moment)


def test_a_delay_is_kept_as_its_moment():
    with time_machine.travel("2024-03-05T10:00:00Z", tick=False):
        path, arguments = TimeDeltaTrigger(dt.timedelta(minutes=5)).serialize()
    assert path == "airflow.triggers.temporal.DateTimeTrigger"
    assert arguments["moment"] == pendulum.datetime(2024, 3, 5, 10, 5)


def test_a_file_is_waited_for(tmp_path):
    trigger = FileTrigger(f"{tmp_path}/*.txt", poke_interval=0.02)
    assert is_waiting(trigger)
    (tmp_path / "a.txt").touch()
    assert events(trigger) == [TriggerEvent(True)]


@pytest.mark.parametrize(
    ("kwargs", "states", "status"),
    [
        ({}, {"run": "success"}, "success"),
        ({}, {"run": "running"}, None),
        ({"failed_states": ["failed"]}, {"run": "failed"}, "failed"),
        ({"failed_states": ["failed"]}, {"run": "running"}, None),  # not failed is not yet success
        ({"external_task_ids": ["a"], "skipped_states": ["skipped"]}, {"a": "skipped"}, "skipped"),
        ({"external_task_ids": ["a"]}, {"a": "success"}, "success"),
        ({"external_task_group_id": "g"}, {"g.a": "success"}, "success"),
    ],
)
def test_another_dag_is_watched(memory, kwargs, states, status):
    for name, state in states.items():
        if name == "run":
            memory.runs.append(run_value("other", "r", state=state))
        else:
            memory.instances.append(instance_value("other", name, state))
    trigger = WorkflowTrigger("other", [DATE], allowed_states=["success"], poke_interval=0.02, **kwargs)
    if status is None:
        assert is_waiting(trigger)
    else:
        assert events(trigger) == [TriggerEvent({"status": status})]


def test_a_run_is_waited_for_and_named_in_the_payload(memory):
    trigger = DagStateTrigger("other", ["success"], [DATE], poll_interval=0.02)
    assert is_waiting(trigger)
    memory.runs.append(run_value("other", "r"))
    ((path, arguments),) = [event.payload for event in events(trigger)]
    assert path == "airflow.triggers.external_task.DagStateTrigger"
    assert arguments["execution_dates"] == [DATE]


@pytest.mark.parametrize(
    ("waited", "run", "task", "status"),
    [
        (0, None, None, None),
        (61, None, None, "timeout"),
        (61, "running", None, None),
        (0, "success", "success", "success"),
    ],
)
def test_a_task_that_never_starts_is_given_up(memory, waited, run, task, status):
    if run:
        memory.runs.append(run_value("other", "r", state=run))
    if task:
        memory.instances.append(instance_value("other", "a", task))
    start = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=waited)
    trigger = TaskStateTrigger("other", [DATE], start, task_id="a", poll_interval=0.02)
    if status is None:
        assert is_waiting(trigger)
    else:
        assert events(trigger) == [TriggerEvent({"status": status})]


def test_triggers_for_tests_fire_or_end():
    assert events(SuccessTrigger()) == [TriggerEvent(True)]
    assert events(FailureTrigger()) == []


@pytest.mark.parametrize(
    ("event", "state"), [(TaskSuccessEvent, "success"), (TaskFailedEvent, "failed"), (TaskSkippedEvent, "skipped")]
)
def test_events_that_end_a_task_name_its_state_and_carry_xcoms(event, state):
    made = event(xcoms={"return_value": 1})
    assert (made.payload, made.task_instance_state, made.xcoms) == (state, state, {"return_value": 1})
    with pytest.raises(ValueError, match="payload"):
        event(payload=1)


def test_events_are_equal_by_payload():
    assert TriggerEvent([1]) == TriggerEvent([1]) != TriggerEvent([2])
    assert len({TriggerEvent([1]), TriggerEvent([1])}) == 1
    assert repr(TriggerEvent(1)) == "TriggerEvent<1>"


@pytest.mark.parametrize(
    "trigger",
    [
        DateTimeTrigger(DATE),
        FileTrigger("/x", recursive=True),
        WorkflowTrigger("o", [DATE], external_task_ids=("a",), allowed_states=["success"]),
        DagStateTrigger("o", ["success"], [DATE]),
        TaskStateTrigger("o", [DATE], DATE),
        SuccessTrigger(),
    ],
)
def test_a_trigger_is_made_again_from_what_it_wrote(trigger):
    alias.install()
    path, arguments = trigger.serialize()
    json.dumps(arguments, default=str)
    again = import_string(path)(**arguments)
    assert type(again) is type(trigger)
    assert again.serialize() == (path, arguments)
    assert path in repr(trigger)
