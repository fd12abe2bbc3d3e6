from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from orchestration.authoring.dag import DAG
from orchestration.authoring.exceptions import (
    AirflowException,
    AirflowRescheduleException,
    AirflowSkipException,
    DagNotFound,
    DagRunAlreadyExists,
    TaskDeferred,
)
from orchestration.authoring.operators.empty import EmptyOperator
from orchestration.authoring.operators.links import ExternalDagLink, TriggerDagRunLink
from orchestration.authoring.operators.subdag import SkippedStatePropagationOptions, SubDagOperator
from orchestration.authoring.operators.trigger_dagrun import TriggerDagRunOperator
from orchestration.authoring.sensors.external_task import ExternalTaskMarker, ExternalTaskSensor
from tests.authoring.operators.support import MOMENT, execute, instance_value, make_dag, run_value


def trigger(**kwargs):
    with make_dag():
        return TriggerDagRunOperator(task_id="t", trigger_dag_id="other", **kwargs)


@pytest.fixture
def other(memory):
    memory.dags["other"] = {"dag_id": "other", "is_paused": False, "is_active": True, "fileloc": __file__,
                            "task_ids": ["a", "g.b"], "group_ids": ["g"]}  # fmt: skip
    return memory


def test_a_run_is_made_with_conf_and_date(other):
    outcome = execute(trigger(conf={"day": "{{ ds }}", "n": 1}, logical_date="{{ logical_date }}"))
    assert [(run["dag_id"], run["run_id"], run["conf"]) for run in other.runs] == [
        ("other", f"manual__{MOMENT}", {"day": "2024-03-05", "n": 1})
    ]
    assert outcome.xcoms == {"trigger_logical_date_iso": MOMENT, "trigger_run_id": f"manual__{MOMENT}"}


def test_the_run_id_can_be_given(other):
    execute(trigger(trigger_run_id="mine_{{ ds }}"))
    assert other.runs[0]["run_id"] == "mine_2024-03-05"


@pytest.mark.parametrize(
    ("kwargs", "error"),
    [
        ({}, DagRunAlreadyExists),
        ({"skip_when_already_exists": True}, AirflowSkipException),
        ({"reset_dag_run": True}, None),
    ],
)
def test_a_run_that_is_there_is_an_error_a_skip_or_cleared(other, kwargs, error):
    other.runs.append(run_value("other", "old"))
    task = trigger(logical_date=MOMENT, **kwargs)
    if error is None:
        execute(task)
        assert other.cleared == [("other", "old")]
    else:
        with pytest.raises(error):
            execute(task)


def test_an_unknown_dag_is_said_to_be_unknown(memory):
    with pytest.raises(DagNotFound, match="other"):
        execute(trigger())


def test_conf_must_be_json(other):
    with pytest.raises(AirflowException, match="JSON"):
        execute(trigger(conf={"x": object()}))


def test_a_date_must_be_a_date():
    with pytest.raises(TypeError, match="not 5"):
        trigger(logical_date=5)


@pytest.mark.parametrize(
    ("state", "error"),
    [("success", None), ("failed", "is failed, one of failed_states"), ("gone", "is gone")],
)
def test_waiting_ends_with_the_run(other, monkeypatch, state, error):
    naps = []

    def nap(seconds):
        naps.append(seconds)
        if len(naps) == 2:
            other.runs[0]["state"] = state
            if state == "gone":
                other.runs.clear()

    monkeypatch.setattr("orchestration.authoring.operators.trigger_dagrun.time.sleep", nap)
    task = trigger(wait_for_completion=True, poke_interval=7)
    if error is None:
        execute(task)
        assert naps == [7, 7]
    else:
        with pytest.raises(AirflowException, match=error):
            execute(task)


def test_a_deferred_wait_names_the_run_and_judges_it_later(other):
    task = trigger(wait_for_completion=True, deferrable=True, logical_date=MOMENT, allowed_states=["success", "failed"])
    with pytest.raises(TaskDeferred) as deferred:
        execute(task)
    path, arguments = deferred.value.trigger.serialize()
    assert path == "airflow.triggers.external_task.DagStateTrigger"
    assert arguments["states"] == ["success", "failed", "failed"]
    for state, error in (("success", None), ("running", "is running, which is neither")):
        other.runs[0]["state"] = state
        event = [path, {**arguments, "execution_dates": [MOMENT]}]  # as JSON gives it back
        if error is None:
            execute(task, resume=("execute_complete", {"event": event}))
        else:
            with pytest.raises(AirflowException, match=error):
                execute(task, resume=("execute_complete", {"event": event}))


def test_links_lead_to_the_other_dag(other):
    outcome = execute(trigger(trigger_run_id="r 1"))
    key = type("Key", (), {"dag_id": "d", "run_id": "run_1", "task_id": "t", "map_index": -1})
    assert TriggerDagRunLink().get_link(outcome.task, ti_key=key) == "/dags/other/grid?dag_run_id=r+1"
    other.runs.append(run_value("d", "run_1"))
    sensor = type("Sensor", (), {"external_dag_id": "other"})
    assert (
        ExternalDagLink().get_link(sensor, ti_key=key)
        == "/dags/other/grid?execution_date=2024-03-05T10%3A00%3A00%2B00%3A00"
    )


def sensor(**kwargs):
    with make_dag():
        return ExternalTaskSensor(task_id="t", external_dag_id="other", mode="reschedule", **kwargs)


EARLIER = "2024-03-04T10:00:00+00:00"


@pytest.mark.parametrize(
    ("kwargs", "states", "result"),
    [
        ({}, {"run": "success"}, "done"),
        ({}, {"run": "running"}, "wait"),
        ({}, {}, "wait"),
        ({}, {"run": "failed"}, "wait"),
        ({"failed_states": ["failed"]}, {"run": "failed"}, "fail"),
        ({"failed_states": ["failed"], "soft_fail": True}, {"run": "failed"}, "skip"),
        ({"allowed_states": ["failed"]}, {"run": "failed"}, "done"),
        ({"external_task_id": "a"}, {"a": "success"}, "done"),
        ({"external_task_id": "a"}, {"a": "skipped"}, "wait"),
        ({"external_task_id": "a", "skipped_states": ["skipped"]}, {"a": "skipped"}, "skip"),
        ({"external_task_ids": ["a", "b"]}, {"a": "success", "b": "success"}, "done"),
        ({"external_task_ids": ["a", "b"]}, {"a": "success"}, "wait"),
        ({"external_task_ids": ["a", "b"], "failed_states": ["failed"]}, {"a": "success", "b": "failed"}, "fail"),
        ({"external_task_group_id": "g"}, {"g.a": "success", "g.b": "success"}, "done"),
        ({"external_task_group_id": "g"}, {"g.a": "success", "g.b": "running"}, "wait"),
        ({"external_task_group_id": "g"}, {}, "wait"),
        ({"execution_delta": timedelta(days=1)}, {"run": "success", "at": EARLIER}, "done"),
        ({"execution_delta": timedelta(days=1)}, {"run": "success"}, "wait"),
        ({"execution_date_fn": lambda date, ti: date - timedelta(days=1)}, {"run": "success", "at": EARLIER}, "done"),
        ({"execution_date_fn": lambda date, **context: [date, context["ti"] and date]}, {"run": "success"}, "wait"),
    ],
)
def test_what_the_sensor_makes_of_the_other_dag(memory, kwargs, states, result):
    states = dict(states)
    at = states.pop("at", MOMENT)
    for name, state in states.items():
        if name == "run":
            memory.runs.append(run_value("other", "r", logical_date=at, state=state))
        else:
            memory.instances.append(instance_value("other", name, state, logical_date=at))
    errors = {"wait": AirflowRescheduleException, "fail": AirflowException, "skip": AirflowSkipException}
    if result == "done":
        execute(sensor(**kwargs))
        return
    with pytest.raises(errors[result]) as raised:
        execute(sensor(**kwargs))
    assert type(raised.value) is errors[result]


def test_all_instances_of_a_mapped_task_must_be_done(memory):
    memory.instances += [
        instance_value("other", "a", "success", map_index=0),
        instance_value("other", "a", "running", map_index=1),
    ]
    with pytest.raises(AirflowRescheduleException):
        execute(sensor(external_task_id="a"))
    memory.instances[1]["state"] = "success"
    execute(sensor(external_task_id="a"))


def test_a_date_without_a_run_keeps_a_group_waiting(memory):
    memory.instances.append(instance_value("other", "g.a", "success"))
    task = sensor(external_task_group_id="g", execution_date_fn=lambda date: [date, date - timedelta(days=1)])
    with pytest.raises(AirflowRescheduleException):
        execute(task)


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        ({"external_task_id": "nobody"}, "no task 'nobody'"),
        ({"external_task_group_id": "nogroup"}, "no group 'nogroup'"),
        ({"external_task_id": "a"}, None),
        ({"external_task_group_id": "g"}, None),
    ],
)
def test_existence_is_checked_on_request(other, kwargs, words):
    with pytest.raises(AirflowRescheduleException if words is None else AirflowException, match=words):
        execute(sensor(check_existence=True, **kwargs))


def test_a_missing_dag_fails_at_once_on_request(memory):
    with pytest.raises(AirflowException, match="There is no DAG 'other'"):
        execute(sensor(check_existence=True))


@pytest.mark.parametrize(
    ("kwargs", "error"),
    [
        ({"external_task_id": "a", "external_task_ids": ["b"]}, ValueError),
        ({"external_task_id": "a", "external_task_group_id": "g"}, ValueError),
        ({"allowed_states": ["success"], "failed_states": ["success"]}, AirflowException),
        ({"allowed_states": ["skipped"]}, ValueError),  # no state of a run
        ({"external_task_id": "a", "allowed_states": ["nonsense"]}, ValueError),
        ({"execution_delta": timedelta(1), "execution_date_fn": lambda d: d}, ValueError),
    ],
)
def test_arguments_that_contradict_each_other_are_refused(kwargs, error):
    with pytest.raises(error):
        sensor(**kwargs)


@pytest.mark.parametrize(
    ("status", "soft", "error"),
    [("success", False, None), ("skipped", False, AirflowSkipException), ("failed", False, AirflowException),
     ("failed", True, AirflowSkipException)],
)  # fmt: skip
def test_a_deferred_sensor_takes_what_its_trigger_saw(memory, status, soft, error):
    task = sensor(deferrable=True, soft_fail=soft, failed_states=["failed"])
    with pytest.raises(TaskDeferred) as deferred:
        execute(task)
    assert deferred.value.trigger.serialize()[1]["failed_states"] == ["failed"]
    resume = ("execute_complete", {"event": {"status": status}})
    if error is None:
        execute(task, resume=resume)
    else:
        with pytest.raises(error) as raised:
            execute(task, resume=resume)
        assert type(raised.value) is error


def test_a_marker_checks_its_arguments():
    number: Any = 5
    with make_dag():
        marker = ExternalTaskMarker(task_id="m", external_dag_id="o", external_task_id="a")
        assert marker.inherits_from_empty_operator
        assert marker.recursion_depth == 10
        with pytest.raises(ValueError, match="from 1 up"):
            ExternalTaskMarker(task_id="n", external_dag_id="o", external_task_id="a", recursion_depth=0)
        with pytest.raises(TypeError):
            ExternalTaskMarker(task_id="p", external_dag_id="o", external_task_id="a", execution_date=number)


def sub_dag(**kwargs):
    with make_dag():
        inner = DAG("d.t", start_date=None, schedule=None)
        with inner:
            EmptyOperator(task_id="one") >> EmptyOperator(task_id="two")
        task = SubDagOperator(task_id="t", subdag=inner, poke_interval=0.01, **kwargs)
        task >> EmptyOperator(task_id="after")
    return task


def test_a_sub_dags_run_is_made_and_waited_for(memory, monkeypatch):
    task = sub_dag(conf={"x": 1})
    monkeypatch.setattr("time.sleep", lambda seconds: memory.runs[0].update(state="success"))
    execute(task)
    assert [(run["dag_id"], run["conf"]) for run in memory.runs] == [("d.t", {"x": 1})]


def test_a_failed_sub_dag_fails_the_task_and_is_cleared_at_the_next_try(memory, monkeypatch):
    memory.runs.append(run_value("d.t", "r", state="failed"))
    with pytest.raises(AirflowException, match="its state is failed"):
        execute(sub_dag())
    assert memory.cleared == [("d.t", "r")]


@pytest.mark.parametrize(
    ("option", "states", "skipped"),
    [
        (None, ["skipped"], []),
        (SkippedStatePropagationOptions.ANY_LEAF, ["skipped"], ["after"]),
        (SkippedStatePropagationOptions.ALL_LEAVES, ["success"], []),
    ],
)
def test_skipped_leaves_skip_what_follows_on_request(memory, option, states, skipped):
    memory.runs.append(run_value("d.t", f"run_{MOMENT}"))
    memory.instances += [instance_value("d.t", "two", state) for state in states]
    assert execute(sub_dag(propagate_skipped_state=option)).skipped == skipped


def test_a_sub_dags_id_must_fit():
    with make_dag(), pytest.raises(AirflowException, match="The inner DAG's id joins"):
        SubDagOperator(task_id="t", subdag=DAG("x.y", start_date=None, schedule=None))
