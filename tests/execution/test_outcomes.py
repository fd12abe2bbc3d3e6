"""Where tries go when they end, and what they leave: each by rows, on both databases."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest

from orchestration.models import (
    CallbackRequest,
    DagRun,
    EventLog,
    RenderedFields,
    TaskInstance,
    TaskInstanceHistory,
    TaskReschedule,
    Trigger,
    XCom,
)
from orchestration.models.outcomes import (
    Deferral,
    Held,
    Outcome,
    PushedXCom,
    end_deferred,
    fail_or_retry,
    queue_again,
    restarted,
    resume,
    resume_failed,
    time_out_deferred,
    write,
)
from orchestration.states import TaskInstanceState as S
from tests.factories import TriggerFactory, XComFactory, make_dag, make_run, serialized

pytestmark = pytest.mark.django_db


def running(run: DagRun, task_id: str, now, **columns: Any) -> TaskInstance:
    ti = run.task_instances.get(task_id=task_id, map_index=columns.pop("map_index", -1))
    values = {"state": S.RUNNING, "try_number": 1, "claim": uuid.uuid4(), "start_date": now - timedelta(seconds=3)}
    for name, value in {**values, **columns}.items():
        setattr(ti, name, value)
    ti.save()
    return ti


def fresh(ti: TaskInstance) -> TaskInstance:
    return TaskInstance.objects.select_related("run").get(pk=ti.pk)


@pytest.mark.parametrize("state", [S.SUCCESS, S.SKIPPED, S.FAILED])
def test_a_try_ends_with_what_it_brought(now, state):
    run = make_run(make_dag("a"))
    ti = running(run, "a", now, next_method="resume", next_kwargs={"x": 1})
    outcome = Outcome(
        held=Held.of(ti),
        state=state,
        ended_at=now,
        reason="why",
        pid=4711,
        owner="ann",
        xcoms=[PushedXCom("return_value", "[1,2]", 2), PushedXCom("other", "null", None)],
        rendered_fields={"command": "echo"},
        rendered_map_index="first",
    )
    assert write([outcome]) == {ti.pk}
    ti = fresh(ti)
    assert (ti.state, ti.claim, ti.reason, ti.pid, ti.duration) == (state, None, "why", 4711, 3.0)
    assert (ti.end_date, ti.next_method, ti.next_kwargs, ti.rendered_map_index) == (now, None, None, "first")
    xcoms = XCom.objects.filter(task_instance=ti).values_list("key", "value", "length")
    assert list(xcoms) == [("return_value", "[1,2]", 2), ("other", "null", None)]
    assert RenderedFields.objects.get(pk=ti.pk).fields == {"command": "echo"}
    events = EventLog.objects.order_by("pk").values_list("event", "owner", "task_id", "try_number")
    assert list(events) == [("running", "ann", "a", 1), (state.value, "ann", "a", 1)]


def test_a_second_xcom_of_a_key_overwrites_the_first(now):
    ti = running(make_run(make_dag("a")), "a", now)
    XComFactory.create(task_instance=ti)
    write([Outcome(held=Held.of(ti), state=S.SUCCESS, ended_at=now, xcoms=[PushedXCom("return_value", "2", None)])])
    assert XCom.objects.get(task_instance=ti).value == "2"


@pytest.mark.parametrize(
    "theft",
    [
        {"claim": uuid.uuid4()},
        {"claim": None, "state": S.FAILED},
        {"claim": None, "state": S.RESTARTING},
        {"state": S.QUEUED},
        {"try_number": 2},
    ],
)
def test_who_lost_the_claim_changes_nothing(now, theft):
    run = make_run(make_dag("a >> b"))
    ti = running(run, "a", now)
    held = Held.of(ti)
    TaskInstance.objects.filter(pk=ti.pk).update(**theft)
    before = TaskInstance.objects.filter(pk=ti.pk).values().get()
    late = Outcome(
        held=held,
        state=S.SUCCESS,
        ended_at=now,
        xcoms=[PushedXCom("k", "1", None)],
        skip_task_ids=["b"],
        rendered_fields={},
    )
    assert write([late]) == frozenset()
    assert TaskInstance.objects.filter(pk=ti.pk).values().get() == before
    assert not XCom.objects.exists()
    assert not RenderedFields.objects.exists()
    assert not EventLog.objects.exists()
    assert run.task_instances.get(task_id="b").state == S.NONE


def test_of_several_tries_only_those_that_hold_their_claims_are_stored(now):
    run = make_run(make_dag("a >> b"))
    ti, other = running(run, "a", now), running(run, "b", now)
    both = [Outcome(held=Held.of(each), state=S.SUCCESS, ended_at=now) for each in (ti, other)]
    TaskInstance.objects.filter(pk=other.pk).update(claim=uuid.uuid4())
    assert write(both) == {ti.pk}


def test_a_retry_leaves_a_failed_try_in_the_history(now):
    ti = running(make_run(make_dag("a")), "a", now)
    due = now + timedelta(minutes=5)
    assert write([Outcome(held=Held.of(ti), state=S.UP_FOR_RETRY, ended_at=now, reason="boom", not_before=due)])
    ti = fresh(ti)
    assert (ti.state, ti.not_before, ti.try_number, ti.claim) == (S.UP_FOR_RETRY, due, 1, None)
    kept = TaskInstanceHistory.objects.get(task_instance=ti)
    assert (kept.try_number, kept.state, kept.reason, kept.end_date) == (1, S.FAILED, "boom", now)
    assert list(EventLog.objects.order_by("pk").values_list("event", flat=True)) == ["running", "failed"]


def test_a_reschedule_is_noted_with_its_check(now):
    ti = running(make_run(make_dag("a")), "a", now)
    due = now + timedelta(minutes=1)
    write([Outcome(held=Held.of(ti), state=S.UP_FOR_RESCHEDULE, ended_at=now, not_before=due)])
    ti = fresh(ti)
    assert (ti.state, ti.not_before, ti.try_number) == (S.UP_FOR_RESCHEDULE, due, 1)
    note = TaskReschedule.objects.get(task_instance=ti)
    assert (note.try_number, note.duration, note.reschedule_date) == (1, 3.0, due)
    assert not TaskInstanceHistory.objects.exists()


def test_a_clock_set_back_gives_no_negative_duration(now):
    ti = running(make_run(make_dag("a")), "a", now, start_date=now + timedelta(hours=1))
    write([Outcome(held=Held.of(ti), state=S.SUCCESS, ended_at=now)])
    assert fresh(ti).duration == 0.0


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (S.NONE, S.SKIPPED),
        (S.SCHEDULED, S.SKIPPED),
        (S.QUEUED, S.SKIPPED),
        (S.UP_FOR_RETRY, S.SKIPPED),
        (S.RUNNING, S.RUNNING),
        (S.SUCCESS, S.SUCCESS),
        (S.FAILED, S.FAILED),
        (S.REMOVED, S.REMOVED),
    ],
)
def test_a_branch_skips_what_waits_after_it(now, before, after):
    run = make_run(make_dag("a >> b"), {"b": before})
    ti = running(run, "a", now)
    write([Outcome(held=Held.of(ti), state=S.SUCCESS, ended_at=now, skip_task_ids=["b"])])
    skipped = run.task_instances.get(task_id="b")
    assert (skipped.state, skipped.duration) == (after, None)


def test_a_mapped_branch_skips_only_its_own_index(now):
    run = make_run(make_dag("a >> b"))
    first = running(run, "a", now, map_index=-1)
    TaskInstance.objects.filter(pk=first.pk).update(map_index=1)
    other = run.task_instances.get(task_id="b")
    TaskInstance.objects.filter(pk=other.pk).update(map_index=0)
    other.pk, other.map_index = None, 1
    other.save()
    write([Outcome(held=Held.of(fresh(first)), state=S.SUCCESS, ended_at=now, skip_task_ids=["b"])])
    states = dict(run.task_instances.filter(task_id="b").values_list("map_index", "state"))
    assert states == {0: S.NONE, 1: S.SKIPPED}


def test_fail_stop_ends_all_but_teardowns(now):
    run = make_run(make_dag("a >> b, a >> c, a >> d, a >> t"), {"b": S.NONE, "c": S.SUCCESS})
    ti, other = running(run, "a", now), running(run, "d", now)
    write([Outcome(held=Held.of(ti), state=S.FAILED, ended_at=now, stop_except=frozenset({"t"}))])
    assert dict(run.task_instances.values_list("task_id", "state")) == {
        "a": S.FAILED,
        "b": S.SKIPPED,
        "c": S.SUCCESS,
        "d": S.FAILED,
        "t": S.NONE,
    }
    assert fresh(other).claim is None  # its process is ended


@pytest.mark.parametrize(
    ("retries", "try_number", "is_final", "expected"),
    [(0, 1, False, S.FAILED), (1, 1, False, S.UP_FOR_RETRY), (1, 2, False, S.FAILED), (1, 1, True, S.FAILED)],
)
def test_a_lost_try_is_retried_while_it_may(now, retries, try_number, is_final, expected):
    graph = serialized("a", tasks={"a": {"retries": retries, "retry_delay_seconds": 60.0}})
    run = make_run(make_dag(graph))
    ti = running(run, "a", now, try_number=try_number)
    assert fail_or_retry(ti, graph.tasks["a"], reason="gone", now=now, is_final=is_final, dag=graph) == expected
    ti = fresh(ti)
    assert (ti.state, ti.reason) == (expected, "gone")
    assert ti.not_before == (now + timedelta(seconds=60) if expected == S.UP_FOR_RETRY else None)


def test_a_lost_try_of_a_task_that_vanished_fails(now):
    ti = running(make_run(make_dag("a")), "a", now)
    assert fail_or_retry(ti, None, reason="gone", now=now) == S.FAILED


def test_two_who_fail_the_same_try_leave_one_end(now):
    graph = serialized("a", tasks={"a": {"retries": 3}})
    ti = running(make_run(make_dag(graph)), "a", now)
    again = fresh(ti)
    assert fail_or_retry(ti, graph.tasks["a"], reason="one", now=now) == S.UP_FOR_RETRY
    assert fail_or_retry(again, graph.tasks["a"], reason="two", now=now) is None
    assert fresh(ti).reason == "one"
    assert TaskInstanceHistory.objects.count() == 1


def test_a_writer_with_another_claim_is_fenced(now):
    ti = running(make_run(make_dag("a")), "a", now)
    assert fail_or_retry(ti, None, reason="late", now=now, fenced_by=uuid.uuid4()) is None
    assert fresh(ti).state == S.RUNNING


@pytest.mark.parametrize(
    ("fields", "is_asked"),
    [
        ({}, False),
        ({"has_on_failure_callback": True}, True),
        ({"email": ("a@example.com",)}, True),
        ({"email": ("a@example.com",), "email_on_failure": False}, False),
        ({"has_on_retry_callback": True}, False),
        ({"retries": 1, "has_on_retry_callback": True}, True),
        ({"retries": 1, "has_on_failure_callback": True}, False),
    ],
)
def test_the_callbacks_of_a_try_that_died_are_left_to_a_dag_processor(now, fields, is_asked):
    graph = serialized("a", tasks={"a": fields})
    ti = running(make_run(make_dag(graph)), "a", now)
    state = fail_or_retry(ti, graph.tasks["a"], reason="gone", now=now, dag=graph)
    requests = list(CallbackRequest.objects.all())
    assert bool(requests) is is_asked
    for request in requests:
        assert request.kind == CallbackRequest.Kind.TASK
        assert request.data["task_id"] == "a"
        assert request.data["state"] == state


def test_a_try_of_an_executor_that_stops_is_queued_again_without_costing_a_retry(now):
    ti = running(make_run(make_dag("a")), "a", now, max_tries=0)
    assert queue_again(Held.of(ti), reason="stopped", now=now)
    ti = fresh(ti)
    assert (ti.state, ti.max_tries, ti.not_before) == (S.UP_FOR_RETRY, 1, now)


def test_a_cleared_running_try_starts_anew_when_its_processes_are_gone(now):
    run = make_run(make_dag("a >> b"))
    cleared = running(run, "a", now, state=S.RESTARTING, claim=None, next_method="x")
    marked = running(run, "b", now, state=S.SUCCESS, claim=None)
    assert restarted([cleared.pk, marked.pk], now=now) == 1
    assert (fresh(cleared).state, fresh(cleared).next_method, fresh(marked).state) == (S.NONE, None, S.SUCCESS)


def deferred(now, **columns: Any) -> TaskInstance:
    run = make_run(make_dag("a"))
    values = {"state": S.DEFERRED, "claim": None, "trigger": TriggerFactory(), "next_method": "go_on"}
    return running(run, "a", now, **{**values, **columns})


def test_a_try_defers_with_a_trigger(now):
    ti = running(make_run(make_dag("a")), "a", now)
    wait = Deferral("module.Class", '{"a": 1}', "go_on", {"x": 1}, now + timedelta(hours=1))
    assert write([Outcome(held=Held.of(ti), state=S.DEFERRED, ended_at=now, deferral=wait)])
    ti = fresh(ti)
    assert (ti.state, ti.next_method, ti.next_kwargs, ti.end_date, ti.claim) == (
        S.DEFERRED,
        "go_on",
        {"x": 1},
        None,
        None,
    )
    assert ti.trigger is not None
    assert (ti.trigger.classpath, ti.trigger.kwargs) == ("module.Class", '{"a": 1}')
    assert ti.start_date is not None


def test_a_fired_trigger_lets_its_task_go_on_with_the_event(now):
    ti = deferred(now, next_kwargs={"x": 1})
    assert ti.trigger_id is not None
    assert resume({ti.trigger_id: {"status": "done"}}, now=now) == [(ti.pk, ti.run_id)]
    ti = fresh(ti)
    assert (ti.state, ti.try_number, ti.trigger_id) == (S.SCHEDULED, 1, None)
    assert (ti.next_method, ti.next_kwargs) == ("go_on", {"x": 1, "event": {"status": "done"}})


def test_a_trigger_fires_once(now):
    ti = deferred(now)
    assert ti.trigger_id is not None
    assert resume({ti.trigger_id: 1}, now=now)
    assert resume({ti.trigger_id: 2}, now=now) == []


def test_a_failed_trigger_lets_its_task_go_on_to_raise_the_error(now):
    ti = deferred(now, next_kwargs={"x": 1})
    assert ti.trigger_id is not None
    resume_failed({ti.trigger_id: ["line\n"]}, now=now)
    ti = fresh(ti)
    assert (ti.state, ti.next_method) == (S.SCHEDULED, "__fail__")
    assert ti.next_kwargs == {"error": "Trigger failure", "traceback": ["line\n"]}


def test_a_trigger_may_end_its_task(now):
    ti = deferred(now)
    assert ti.trigger_id is not None
    assert end_deferred(ti.trigger_id, S.SUCCESS, [PushedXCom("k", "1", None)], now=now) == [(ti.pk, ti.run_id)]
    assert fresh(ti).state == S.SUCCESS
    assert XCom.objects.get(task_instance=ti).key == "k"


@pytest.mark.parametrize(
    ("state", "fields", "is_asked"),
    [
        (S.SUCCESS, {"has_on_success_callback": True}, True),
        (S.FAILED, {"has_on_failure_callback": True}, True),
        (S.SKIPPED, {"has_on_success_callback": True, "has_on_failure_callback": True}, False),
        (S.SUCCESS, {"has_on_failure_callback": True, "email": ("a@example.com",)}, False),
    ],
)
def test_callbacks_of_a_task_that_its_trigger_ended_are_asked_for(now, state, fields, is_asked):
    run = make_run(make_dag(serialized("a", tasks={"a": fields})))
    ti = running(run, "a", now, state=S.DEFERRED, claim=None, trigger=TriggerFactory())
    assert ti.trigger_id is not None
    end_deferred(ti.trigger_id, state, [], now=now)
    assert [request.data["state"] for request in CallbackRequest.objects.all()] == ([state] if is_asked else [])


@pytest.mark.parametrize(("seconds", "is_late"), [(-1, True), (1, False), (None, False)])
def test_a_wait_that_takes_too_long_ends(now, seconds, is_late):
    ti = deferred(now, trigger_timeout_at=None if seconds is None else now + timedelta(seconds=seconds))
    assert bool(time_out_deferred(now=now)) is is_late
    assert fresh(ti).state == (S.SCHEDULED if is_late else S.DEFERRED)
    if is_late:
        assert fresh(ti).next_kwargs == {"error": "Trigger timeout"}
        assert Trigger.objects.filter(task_instances=None).count() == 1
