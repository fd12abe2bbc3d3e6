"""The answering side of the store port, and claims: rows in, values out."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from orchestration.authoring.store import Store, StoreError
from orchestration.execution import claims, store_client, store_server, turns
from orchestration.execution.executors.base import Workload
from orchestration.execution.turns import Batch, Call, Crash
from orchestration.models import (
    Connection,
    DagRun,
    Dataset,
    TaskInstance,
    TaskReschedule,
    Variable,
    XCom,
    dataset_events,
)
from orchestration.models.outcomes import Held, Outcome, PushedXCom
from orchestration.states import TaskInstanceState as S
from tests.factories import XComFactory, make_dag, make_run

pytestmark = pytest.mark.django_db

ME = claims.Claimant("supervisor-1", "host", "user")
OTHER = claims.Claimant("supervisor-2", "host", "user")


def call(name, *args, held=None, **kwargs):
    return store_server.call(held, name, args, kwargs)


def held_of(run, task_id, now) -> Held:
    ti = run.task_instances.get(task_id=task_id)
    ti.state, ti.claim, ti.try_number, ti.start_date = S.RUNNING, uuid.uuid4(), 1, now
    ti.save()
    return Held.of(ti)


def queued(run, task_id, **columns) -> Workload:
    ti = run.task_instances.get(task_id=task_id)
    values = {"state": S.QUEUED, "claim": uuid.uuid4(), "try_number": 1, **columns}
    for name, value in values.items():
        setattr(ti, name, value)
    ti.save()
    return Workload.of(ti, ti.claim)


def test_the_server_answers_exactly_what_the_port_and_the_client_have():
    port = {name for name in vars(Store) if not name.startswith("_")}
    assert set(store_server.METHODS) == port == store_client.METHODS


@pytest.mark.parametrize("name", ["__class__", "delete_everything", "get_variable_", ""])
def test_no_other_method_can_be_called(name):
    with pytest.raises(StoreError, match="no method"):
        call(name)


@pytest.mark.parametrize(("args", "kwargs"), [((), {}), (("a", "b", "c"), {}), (("a",), {"unknown": 1})])
def test_wrong_arguments_are_refused(args, kwargs):
    with pytest.raises(StoreError, match="called wrongly"):
        store_server.call(None, "get_variable", args, kwargs)


@pytest.mark.parametrize("name", ["set_xcom", "delete_xcoms", "set_rendered_fields", "set_note"])
def test_what_belongs_to_a_try_is_refused_outside_of_one(name):
    with pytest.raises(StoreError, match="running task only"):
        call(name)


def test_variables():
    assert call("get_variable", "k") is None
    call("set_variable", "k", "v", "about")
    assert call("get_variable", "k") == "v"
    assert Variable.objects.get().description == "about"
    assert (call("delete_variable", "k"), call("delete_variable", "k")) == (1, 0)


def test_connections_come_with_their_secrets():
    Connection.objects.create(conn_id="c", conn_type="http", password="pw", extra="{}", port=80)
    found = call("get_connection", "c")
    assert (found["conn_id"], found["password"], found["extra"], found["port"]) == ("c", "pw", "{}", 80)
    assert call("get_connection", "none") is None


def test_xcoms_of_one_run_and_of_earlier_ones(now):
    dag = make_dag("a >> b", dag_id="d")
    runs = [make_run(dag, run_id=f"r{i}", logical_date=now + timedelta(days=i)) for i in range(3)]
    for number, run in enumerate(runs):
        held = held_of(run, "a", now)
        call("set_xcom", "d", run.run_id, "a", -1, "return_value", str(number), None, held=held)
        call("set_xcom", "d", run.run_id, "a", -1, "other", "[1]", 1, held=held)

    def values(**kwargs):
        return [(x["run_id"], x["value"]) for x in call("get_xcoms", dag_id="d", **kwargs)]

    assert values(run_id="r1", key="return_value") == [("r1", "1")]
    assert values(run_id="r1", key="return_value", include_prior_dates=True) == [("r1", "1"), ("r0", "0")]
    assert values(run_id="r1", key="return_value", include_prior_dates=True, limit=1) == [("r1", "1")]
    assert len(values(run_id="r1")) == 2
    assert values(run_id="r1", task_ids=["b"]) == values(run_id="r1", map_indexes=[0]) == []
    call("delete_xcoms", "d", "r1", "a", -1, "other", held=held_of(runs[1], "a", now))
    assert values(run_id="r1") == [("r1", "1")]


def test_another_tasks_xcom_needs_its_instance(now):
    run = make_run(make_dag("a >> b", dag_id="d"))
    held = held_of(run, "a", now)
    call("set_xcom", "d", run.run_id, "b", -1, "k", "1", None, held=held)
    assert XCom.objects.get().task_instance.task_id == "b"
    with pytest.raises(StoreError, match="no task instance"):
        call("set_xcom", "d", run.run_id, "none", -1, "k", "1", None, held=held)


def test_runs_and_instances_are_found_by_date_and_state(now):
    dag = make_dag("a >> b", dag_id="d")
    run = make_run(dag, {"a": S.SUCCESS}, run_id="r", logical_date=now)
    date = now.isoformat()
    assert [r["run_id"] for r in call("get_dag_runs", dag_id="d", logical_dates=[date])] == ["r"]
    assert call("get_dag_runs", dag_id="d", logical_date_lt=date) == []
    assert call("get_dag_runs", dag_id="d", states=["failed"]) == []
    assert call("get_dag_runs", dag_id="d", run_ids=["r"])[0]["logical_date"] == date
    found = call("get_task_instances", dag_id="d", logical_dates=[date], task_ids=["a", "b"])
    assert [(ti["task_id"], ti["state"]) for ti in found] == [("a", "success"), ("b", None)]
    assert [ti["task_id"] for ti in call("get_task_instances", dag_id="d", states=[None])] == ["b"]
    with pytest.raises(StoreError, match="no task group"):
        call("get_task_instances", dag_id="d", task_group_id="none")
    with pytest.raises(StoreError, match="no moment"):
        call("get_dag_runs", dag_id="d", logical_dates=["yesterday"])
    assert run.pk


def test_a_dag_is_told_with_its_tasks():
    make_dag("a >> b", dag_id="d")
    assert call("get_dag", "d")["task_ids"] == ["a", "b"]
    assert call("get_dag", "none") is None


def test_dataset_events_and_what_aliases_stand_for(now):
    change = dataset_events.Change("s3://x", {"n": 1}, frozenset({"alias"}))
    dataset_events.register([change], source=None, now=now)
    assert [e["extra"] for e in call("get_dataset_events", uris=["s3://x"])] == [{"n": 1}]
    assert len(call("get_dataset_events", alias="alias")) == 1
    assert call("get_dataset_events") == []
    assert call("get_alias_datasets", "alias") == [{"uri": "s3://x", "extra": {}}]
    assert call("get_alias_datasets", "none") == []
    assert Dataset.objects.count() == 1


def test_a_task_triggers_and_clears(now):
    make_dag("a >> b", dag_id="other")
    run = call("trigger_dag_run", dag_id="other", run_id="mine", logical_date=now.isoformat(), conf={"x": 1})
    assert (run["run_id"], run["conf"], run["state"]) == ("mine", {"x": 1}, "queued")
    with pytest.raises(StoreError, match="already exists"):
        call("trigger_dag_run", dag_id="other", run_id="mine", logical_date=now.isoformat(), conf={})
    TaskInstance.objects.update(state=S.SUCCESS)
    again = call(
        "trigger_dag_run", dag_id="other", run_id="mine", logical_date=now.isoformat(), conf={}, reset_dag_run=True
    )
    assert again["id"] == run["id"]
    assert set(TaskInstance.objects.values_list("state", flat=True)) == {S.NONE}
    with pytest.raises(StoreError, match="not found"):
        call("trigger_dag_run", dag_id="none", run_id=None, logical_date=None, conf={})
    TaskInstance.objects.update(state=S.FAILED)
    assert call("clear_task_instances", dag_id="other", run_id="mine", task_ids=["a"]) == 1
    with pytest.raises(StoreError, match="not found"):
        call("clear_task_instances", dag_id="other", run_id="none")
    assert DagRun.objects.count() == 1


# Claims


def test_a_queued_try_is_claimed_once(now):
    workload = queued(make_run(make_dag("a", dag_id="d")), "a")
    first = claims.claim([workload], ME, now=now)
    assert claims.claim([workload], OTHER, now=now) == {}
    start = first[workload.claim]
    ti = TaskInstance.objects.get()
    assert (ti.state, ti.start_date, ti.hostname, ti.external_executor_id) == (S.RUNNING, now, "host", "supervisor-1")
    assert start.document["ti"]["task_id"] == "a"
    assert start.document["run"]["run_id"] == workload.run_id
    assert start.document["log_path"].endswith("attempt=1.log")
    assert "claim" not in start.document["ti"]


def test_a_claim_whose_answer_was_lost_is_known_again(now):
    workload = queued(make_run(make_dag("a", dag_id="d")), "a")
    claims.claim([workload], ME, now=now)
    assert list(claims.claim([workload], ME, now=now + timedelta(seconds=1))) == [workload.claim]
    assert TaskInstance.objects.get().start_date == now


@pytest.mark.parametrize(
    "theft", [{"claim": uuid.uuid4()}, {"claim": None}, {"state": S.SCHEDULED}, {"state": S.FAILED}]
)
def test_a_try_that_was_taken_back_is_not_claimed(now, theft):
    workload = queued(make_run(make_dag("a", dag_id="d")), "a")
    TaskInstance.objects.update(**theft)
    assert claims.claim([workload], ME, now=now) == {}


def test_claiming_many_costs_no_more_than_claiming_one(now, django_assert_max_num_queries):
    names = [f"t{i}" for i in range(20)]
    run = make_run(make_dag(", ".join(names), dag_id="d"))
    workloads = [queued(run, name) for name in names]
    with django_assert_max_num_queries(3):
        assert len(claims.claim(workloads, ME, now=now)) == 20


def test_a_resumed_try_keeps_its_start_and_its_xcoms(now):
    earlier = now - timedelta(hours=1)
    run = make_run(make_dag("a", dag_id="d"))
    workload = queued(run, "a", next_method="go_on", next_kwargs={"x": 1}, start_date=earlier, try_number=2)
    XComFactory.create(task_instance=TaskInstance.objects.get(pk=workload.ti_id), key="kept")
    document = claims.claim([workload], ME, now=now)[workload.claim].document
    assert TaskInstance.objects.get().start_date == earlier
    assert (document["ti"]["next_method"], document["ti"]["next_kwargs"]) == ("go_on", {"x": 1})
    assert XCom.objects.exists()


def test_a_rescheduled_try_knows_its_first_check(now):
    run = make_run(make_dag("a", dag_id="d"))
    workload = queued(run, "a")
    for minutes in (3, 2):
        moment = now - timedelta(minutes=minutes)
        TaskReschedule.objects.create(
            task_instance_id=workload.ti_id, try_number=1, start_date=moment, end_date=moment, duration=0,
            reschedule_date=moment,
        )  # fmt: skip
    ti = claims.claim([workload], ME, now=now)[workload.claim].document["ti"]
    assert ti["first_checks"] == {"1": (now - timedelta(minutes=3)).isoformat()}
    assert ti["reschedule_count"] == 2


def test_one_heartbeat_serves_all_and_finds_who_lost_the_claim(now, django_assert_num_queries):
    run = make_run(make_dag("a, b, c", dag_id="d"))
    held = [held_of(run, name, now) for name in "abc"]
    with django_assert_num_queries(1):
        assert claims.beat(held, now=now) == frozenset()
    TaskInstance.objects.filter(task_id="b").override(S.FAILED, now=now)
    assert claims.beat(held, now=now) == {held[1].ti_id}


# Turns


def test_one_thing_that_cannot_be_stored_does_not_keep_the_others_from_it(now):
    run = make_run(make_dag("a, b", dag_id="d"))
    good, bad = held_of(run, "a", now), held_of(run, "b", now)
    broken = PushedXCom("k" * 20, "1", 2**70)  # a length no column holds
    batch = Batch(
        outcomes=[
            Outcome(held=good, state=S.SUCCESS, ended_at=now, xcoms=[PushedXCom("k", "1", None)]),
            Outcome(held=bad, state=S.SUCCESS, ended_at=now, xcoms=[broken]),
        ]
    )
    done = turns.run(batch, ME, now=now)
    assert done.ended == {good.ti_id: S.SUCCESS, bad.ti_id: S.FAILED}
    reason = TaskInstance.objects.get(task_id="b").reason
    assert reason.startswith("The result of the task could not be stored")
    assert XCom.objects.get().task_instance_id == good.ti_id


def test_a_repeated_turn_knows_what_was_stored_before_the_answer_was_lost(now):
    held = held_of(make_run(make_dag("a", dag_id="d")), "a", now)
    batch = Batch(outcomes=[Outcome(held=held, state=S.SUCCESS, ended_at=now)])
    assert turns.run(batch, ME, now=now).ended == {held.ti_id: S.SUCCESS}
    assert turns.run(batch, ME, now=now, is_repeated=True).ended == {held.ti_id: S.SUCCESS}
    assert turns.run(batch, ME, now=now).ended == {held.ti_id: None}


def test_reads_alone_write_nothing_and_lock_nothing(now, django_assert_num_queries):
    batch = Batch(calls=[Call(1, None, "get_variable", ["x"], {}), Call(2, None, "get_connection", ["x"], {})])
    with django_assert_num_queries(2):
        assert turns.run(batch, ME, now=now).answers == [(1, True, None), (2, True, None)]


def test_a_write_of_a_try_that_lost_its_claim_is_refused(now):
    held = held_of(make_run(make_dag("a", dag_id="d")), "a", now)
    TaskInstance.objects.override(S.FAILED, now=now)
    done = turns.run(Batch(calls=[Call(1, held, "set_variable", ["k", "v"], {})]), ME, now=now)
    assert done.answers == [(1, False, turns.LOST)]
    assert done.lost == {held.ti_id}
    assert not Variable.objects.exists()


def test_a_crash_of_a_try_whose_dag_is_gone_fails_it(now):
    run = make_run(make_dag("a", dag_id="d"))
    held = held_of(run, "a", now)
    DagRun.objects.update(dag_version=None)
    assert turns.run(Batch(crashes=[Crash(held, "gone", now)]), ME, now=now).ended == {held.ti_id: S.FAILED}
