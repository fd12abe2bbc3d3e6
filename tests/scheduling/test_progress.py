"""Running runs move on: what is read, decided and written, with real rows."""

from __future__ import annotations

from datetime import timedelta

import pytest

from orchestration.models import (
    CallbackRequest,
    Dag,
    DagRun,
    DagVersion,
    EventLog,
    SlaMiss,
    TaskInstance,
    Trigger,
    versions,
)
from orchestration.scheduling import progress, rows
from orchestration.scheduling.graph import Graph, graph_of
from orchestration.scheduling.progress import advance
from orchestration.serialization.values import (
    Expansion,
    LiteralLength,
    SerializedGroup,
    StartTrigger,
    XComLength,
)
from tests.factories import START, XComFactory, add_version, make_dag, make_run, serialized, states_of

pytestmark = pytest.mark.django_db


def end(run: DagRun, task_id: str, state: str = "success", map_index: int = -1) -> TaskInstance:
    """The task instance ended; the row."""
    rows = run.task_instances.filter(task_id=task_id, map_index=map_index)
    assert rows.update(state=state) == 1
    return rows.get()


def over_xcom(task_id: str) -> Expansion:
    return Expansion("product", {"x": XComLength(task_id, "return_value")})


def test_what_has_nothing_before_it_is_scheduled_for_its_first_try(now):
    run = make_run(make_dag("a >> b, c"))
    found = advance([run.pk], now=now)
    assert states_of(run) == {"a": "scheduled", "b": "", "c": "scheduled"}
    assert set(run.task_instances.filter(state="scheduled").values_list("try_number", flat=True)) == {1}
    assert found.scheduled == 2


def test_a_finished_run_is_left_alone(now):
    run = make_run(make_dag("a"), state="success")
    advance([run.pk], now=now)
    assert states_of(run) == {"a": ""}


def test_the_end_of_the_last_task_ends_the_run(now):
    run = make_run(make_dag("a >> b"), {"a": "success", "b": "success"})
    found = advance([run.pk], now=now)
    run.refresh_from_db()
    assert (run.state, run.end_date, found.ended_dags) == ("success", now, {run.dag_id})


@pytest.mark.parametrize(
    ("state", "not_before_seconds", "expected", "tries"),
    [
        ("up_for_retry", -1, "scheduled", 2),
        ("up_for_retry", 60, "up_for_retry", 1),
        ("up_for_retry", None, "scheduled", 2),
        ("up_for_reschedule", -1, "scheduled", 1),
        ("up_for_reschedule", 60, "up_for_reschedule", 1),
    ],
)
def test_a_retry_is_a_new_try_when_its_time_has_come_and_a_reschedule_the_same(
    now, state, not_before_seconds, expected, tries
):
    run = make_run(make_dag("a"))
    moment = None if not_before_seconds is None else now + timedelta(seconds=not_before_seconds)
    run.task_instances.update(state=state, try_number=1, not_before=moment)
    found = advance([run.pk], now=now)
    assert run.task_instances.values_list("state", "try_number").get() == (expected, tries)
    assert found.alarm == (moment if expected == state else None)


def test_what_settles_without_a_process_settles_at_once_down_the_whole_graph(now):
    empty = {"is_empty": True}
    graph = serialized("a >> b >> c, a >> d >> e", tasks={"b": empty, "c": empty})
    run = make_run(make_dag(graph), {"a": "success", "d": "failed"})
    advance([run.pk], now=now)
    assert states_of(run) == {"a": "success", "b": "success", "c": "success", "d": "failed", "e": "upstream_failed"}
    run.refresh_from_db()
    assert run.state == "failed"
    b = run.task_instances.get(task_id="b")
    assert (b.try_number, b.duration, b.start_date, b.end_date) == (1, 0.0, now, now)
    e = run.task_instances.get(task_id="e")
    assert (e.try_number, e.duration, e.start_date, e.end_date) == (0, 0.0, now, now)


def test_nothing_of_a_paused_dag_is_scheduled_but_its_run_may_end(now):
    dag = make_dag("a", is_paused=True)
    waiting = make_run(dag)
    ended = make_run(dag, {"a": "success"})
    advance([waiting.pk, ended.pk], now=now)
    ended.refresh_from_db()
    assert (states_of(waiting), ended.state) == ({"a": ""}, "success")


def test_a_backfill_does_not_mind_that_its_dag_is_paused(now):
    run = make_run(make_dag("a", is_paused=True), run_type="backfill")
    advance([run.pk], now=now)
    assert states_of(run) == {"a": "scheduled"}


def test_a_run_dated_ahead_waits_unless_it_is_allowed_and_has_no_schedule(now, monkeypatch):
    ahead = now + timedelta(days=1)
    free, bound = make_dag("a"), make_dag(serialized("a", dag_id="bound", timetable={"type": "once"}))
    runs = [make_run(dag, logical_date=ahead) for dag in (free, bound)]
    advance([run.pk for run in runs], now=now)
    assert [states_of(run) for run in runs] == [{"a": ""}, {"a": ""}]
    monkeypatch.setenv("AIRFLOW__SCHEDULER__ALLOW_TRIGGER_IN_FUTURE", "true")
    advance([run.pk for run in runs], now=now)
    assert [states_of(run) for run in runs] == [{"a": "scheduled"}, {"a": ""}]


# Mapped tasks


def mapped(source: str = "a", *below: str):
    chain = " >> ".join([source, "m", *below])
    return serialized(chain, tasks={"m": {"expansion": over_xcom(source), "is_mapped": True}})


def push(run: DagRun, task_id: str, value: object, map_index: int = -1) -> None:
    XComFactory.create(task_instance=run.task_instances.get(task_id=task_id, map_index=map_index), value=value)


def test_a_mapped_task_multiplies_when_its_input_is_there(now):
    run = make_run(make_dag(mapped("a", "z")))
    advance([run.pk], now=now)
    assert states_of(run) == {"a": "scheduled", "m": "", "z": ""}
    end(run, "a")
    push(run, "a", [1, 2, 3])
    advance([run.pk], now=now)
    assert states_of(run) == {
        "a": "success", "m[0]": "scheduled", "m[1]": "scheduled", "m[2]": "scheduled", "z": "",
    }  # fmt: skip
    assert set(run.task_instances.filter(task_id="m").values_list("try_number", flat=True)) == {1}


@pytest.mark.parametrize(("value", "expected"), [([], "skipped"), (None, "upstream_failed"), (7, "upstream_failed")])
def test_a_mapped_task_without_values_is_skipped_and_without_a_list_fails(now, value, expected):
    run = make_run(make_dag(mapped()), {"a": "success"})
    if value is not None:
        push(run, "a", value)
    advance([run.pk], now=now)
    assert states_of(run) == {"a": "success", "m": expected}


def test_what_follows_a_mapped_task_waits_for_all_its_instances(now):
    run = make_run(make_dag(mapped("a", "z")), {"a": "success"})
    push(run, "a", [1, 2])
    advance([run.pk], now=now)
    end(run, "m", map_index=0)
    advance([run.pk], now=now)
    assert states_of(run)["z"] == ""
    end(run, "m", map_index=1)
    advance([run.pk], now=now)
    assert states_of(run)["z"] == "scheduled"


def test_a_mapped_task_over_a_mapped_one_has_an_instance_for_each_that_pushed(now):
    graph = serialized(
        "m >> n",
        tasks={
            "m": {"expansion": Expansion("product", {"x": LiteralLength(3)}), "is_mapped": True},
            "n": {"expansion": over_xcom("m"), "is_mapped": True, "trigger_rule": "all_done"},
        },
    )
    run = make_run(make_dag(graph))
    for index, state in enumerate(["success", "skipped", "success"]):
        end(run, "m", state, map_index=index)
    push(run, "m", "x", map_index=0)
    push(run, "m", "y", map_index=2)
    advance([run.pk], now=now)
    assert [name for name in states_of(run) if name.startswith("n")] == ["n[0]", "n[1]"]


def test_a_mapped_task_that_shrank_loses_instances_and_one_that_grew_gets_more(now):
    run = make_run(make_dag(mapped()), {"a": "success"})
    push(run, "a", [1, 2, 3])
    advance([run.pk], now=now)
    run.task_instances.filter(task_id="m").update(state="")
    value = run.task_instances.get(task_id="a").xcoms.get()
    value.length = 1
    value.save()
    advance([run.pk], now=now)
    assert states_of(run) == {"a": "success", "m[0]": "scheduled", "m[1]": "removed", "m[2]": "removed"}
    run.task_instances.filter(task_id="m", map_index=0).update(state="")
    value.length = 4
    value.save()
    advance([run.pk], now=now)
    assert states_of(run)["m[3]"] == "scheduled"


def group_graph(**fields):
    literal = Expansion("product", {"x": LiteralLength(2)})
    return serialized(
        "g.a >> g.b",
        tasks={"g.a": {"group_id": "g"}, "g.b": {"group_id": "g", **fields}},
        groups=[SerializedGroup(group_id="g", expansion=literal)],
    )


def test_within_a_mapped_group_each_branch_goes_its_own_way(now):
    run = make_run(make_dag(group_graph()))
    assert states_of(run) == {"g.a[0]": "", "g.a[1]": "", "g.b[0]": "", "g.b[1]": ""}
    advance([run.pk], now=now)
    end(run, "g.a", map_index=1)
    advance([run.pk], now=now)
    assert states_of(run) == {"g.a[0]": "scheduled", "g.a[1]": "success", "g.b[0]": "", "g.b[1]": "scheduled"}


def test_within_a_group_over_an_xcom_min_one_success_waits_for_its_branch(now):
    graph = serialized(
        "s >> g.a >> g.b",
        tasks={"g.a": {"group_id": "g"}, "g.b": {"group_id": "g", "trigger_rule": "none_failed_min_one_success"}},
        groups=[SerializedGroup(group_id="g", expansion=over_xcom("s"))],
    )
    run = make_run(make_dag(graph), {"s": "success"})
    push(run, "s", [1])
    advance([run.pk], now=now)
    assert states_of(run) == {"s": "success", "g.a[0]": "scheduled", "g.b[0]": ""}


# Branches


def branch(run: DagRun, record: dict[str, list[str]]) -> None:
    """What a branching task leaves."""
    pick = run.task_instances.get(task_id="pick")
    XComFactory.create(task_instance=pick, key="skipmixin_key", value=record)


def test_a_cleared_task_that_a_branch_did_not_follow_is_skipped_again(now):
    run = make_run(make_dag("pick >> a, pick >> b"), {"pick": "success"})
    XComFactory.create(
        task_instance=run.task_instances.get(task_id="pick"), key="skipmixin_key", value={"followed": ["a"]}
    )
    advance([run.pk], now=now)
    assert states_of(run) == {"pick": "success", "a": "scheduled", "b": "skipped"}


def test_a_task_that_was_skipped_by_name_is_skipped_again(now):
    run = make_run(make_dag("pick >> a, pick >> b"), {"pick": "success"})
    XComFactory.create(
        task_instance=run.task_instances.get(task_id="pick"), key="skipmixin_key", value={"skipped": ["a"]}
    )
    advance([run.pk], now=now)
    assert states_of(run) == {"pick": "success", "a": "skipped", "b": "scheduled"}


def test_a_branch_that_is_to_run_again_decides_anew(now):
    run = make_run(make_dag("pick >> a"))
    XComFactory.create(
        task_instance=run.task_instances.get(task_id="pick"), key="skipmixin_key", value={"skipped": ["a"]}
    )
    advance([run.pk], now=now)
    assert states_of(run) == {"pick": "scheduled", "a": ""}


# The past


def past_dag(**fields):
    fields = {"depends_on_past": True, "start_date": START, **fields}
    return make_dag(serialized("a >> b", dag_id="past", tasks={"a": fields}))


@pytest.mark.parametrize(
    ("before", "fields", "expected"),
    [
        (None, {}, "scheduled"),
        ({"a": "success"}, {}, "scheduled"),
        ({"a": "skipped"}, {}, "scheduled"),
        ({"a": "failed"}, {}, ""),
        ({"a": "running"}, {}, ""),
        ({"a": "success", "b": "running"}, {}, "scheduled"),
        ({"a": "success", "b": "running"}, {"wait_for_downstream": True}, ""),
        ({"a": "success", "b": "success"}, {"wait_for_downstream": True}, "scheduled"),
    ],
)
def test_a_task_that_depends_on_the_past_waits_for_the_run_before(now, before, fields, expected):
    dag = past_dag(**fields)
    if before is not None:
        make_run(dag, before, run_type="scheduled", logical_date=START)
    run = make_run(dag, run_type="scheduled", logical_date=START + timedelta(days=1))
    advance([run.pk], now=now)
    assert states_of(run)["a"] == expected


@pytest.mark.parametrize(("ignores_first", "expected"), [(True, "scheduled"), (False, "")])
def test_a_task_new_in_its_dag_has_no_past_to_wait_for(now, ignores_first, expected):
    dag = past_dag(ignore_first_depends_on_past=ignores_first)
    make_run(dag, run_type="scheduled", logical_date=START).task_instances.all().delete()
    run = make_run(dag, run_type="scheduled", logical_date=START + timedelta(days=1))
    advance([run.pk], now=now)
    assert states_of(run)["a"] == expected


def test_with_catchup_runs_by_hand_are_no_past(now):
    dag = past_dag()
    make_run(dag, {"a": "failed"}, run_type="manual", logical_date=START)
    run = make_run(dag, run_type="scheduled", logical_date=START + timedelta(days=1))
    advance([run.pk], now=now)
    assert states_of(run)["a"] == "scheduled"


def test_the_end_of_a_task_calls_for_a_look_at_the_runs_that_wait_for_it(now):
    dag = past_dag()
    first, second = (make_run(dag, run_type="scheduled", logical_date=START + timedelta(days=day)) for day in range(2))
    row = end(first, "a")
    assert advance([first.pk], now=now, ended={first.pk: {row.pk}}).dependants == {second.pk}


@pytest.mark.parametrize(("waits", "expected"), [(True, ""), (False, "skipped")])
def test_a_task_may_wait_for_the_past_before_it_is_skipped(now, waits, expected):
    fields = {"depends_on_past": True, "wait_for_past_depends_before_skipping": waits}
    dag = make_dag(serialized("z >> a", dag_id="past", tasks={"a": fields}))
    make_run(dag, {"a": "failed"}, run_type="scheduled", logical_date=START)
    run = make_run(dag, {"z": "skipped"}, run_type="scheduled", logical_date=START + timedelta(days=1))
    advance([run.pk], now=now)
    assert states_of(run)["a"] == expected


# Ends of runs


@pytest.mark.parametrize(
    ("states", "tasks", "expected"),
    [
        ({"a": "success", "b": "success"}, {}, "success"),
        ({"a": "success", "b": "skipped"}, {}, "success"),
        ({"a": "failed", "b": "upstream_failed"}, {}, "failed"),
        ({"a": "failed", "b": "success"}, {"b": {"trigger_rule": "all_done"}}, "success"),
        ({"a": "success", "b": "running"}, {}, "running"),
        # a teardown's failure does not count, unless it says so
        ({"a": "success", "b": "failed"}, {"b": {"is_teardown": True}}, "success"),
        ({"a": "failed", "b": "success"}, {"b": {"is_teardown": True}}, "failed"),
        ({"a": "success", "b": "failed"}, {"b": {"is_teardown": True, "on_failure_fail_dagrun": True}}, "failed"),
    ],
)
def test_the_leaves_make_the_runs_state(now, states, tasks, expected):
    run = make_run(make_dag(serialized("a >> b", tasks=tasks)), states)
    advance([run.pk], now=now)
    run.refresh_from_db()
    assert run.state == expected


def test_a_run_in_which_nothing_can_ever_run_fails(now):
    dag = make_dag("a >> b")
    run = make_run(dag)
    run.task_instances.filter(task_id="a").delete()
    advance([run.pk], now=now)
    run.refresh_from_db()
    assert run.state == "failed"


def test_a_run_without_task_instances_succeeds(now):
    run = make_run(make_dag("a"))
    run.task_instances.all().delete()
    advance([run.pk], now=now)
    run.refresh_from_db()
    assert run.state == "success"


def test_a_run_that_takes_too_long_fails_and_what_is_left_of_it_is_skipped(now):
    dag = make_dag(serialized("a >> b", dagrun_timeout_seconds=60.0, has_on_failure_callback=True))
    run = make_run(dag, {"a": "running"}, start_date=now - timedelta(seconds=61))
    fresh = make_run(dag, {"a": "running"}, start_date=now - timedelta(seconds=59))
    advance([run.pk, fresh.pk], now=now)
    run.refresh_from_db()
    assert (run.state, states_of(run)) == ("failed", {"a": "skipped", "b": "skipped"})
    assert CallbackRequest.objects.get().data["reason"] == "timed_out"
    assert states_of(fresh) == {"a": "running", "b": ""}


@pytest.mark.parametrize("state", ["success", "failed"])
def test_a_dag_callback_is_asked_for_where_there_is_one(now, state):
    dag = make_dag(serialized("a", has_on_failure_callback=True))
    run = make_run(dag, {"a": state})
    advance([run.pk], now=now)
    requests = [request.data for request in CallbackRequest.objects.all()]
    expected = {"dag_id": dag.dag_id, "run_id": run.run_id, "state": "failed", "reason": "task_failure"}
    assert requests == ([expected] if state == "failed" else [])


def test_a_dag_is_paused_when_its_last_runs_all_failed(now):
    dag = make_dag(serialized("a", max_consecutive_failed_dag_runs=2))
    make_run(dag, state="failed")
    run = make_run(dag, {"a": "failed"})
    advance([run.pk], now=now)
    dag.refresh_from_db()
    assert dag.is_paused
    assert EventLog.objects.filter(event="paused", dag_id=dag.dag_id, owner="scheduler").exists()


def test_a_success_between_failures_keeps_a_dag_unpaused(now):
    dag = make_dag(serialized("a", max_consecutive_failed_dag_runs=2))
    make_run(dag, state="failed")
    make_run(dag, state="success")
    run = make_run(dag, {"a": "failed"})
    advance([run.pk], now=now)
    dag.refresh_from_db()
    assert not dag.is_paused


# Deferred from the start


def test_a_task_that_starts_with_its_trigger_is_deferred_without_a_process(now):
    start = StartTrigger("airflow.triggers.testing.SuccessTrigger", {"moment": 1}, "resume", None, 60.0)
    run = make_run(make_dag(serialized("a", tasks={"a": {"start_trigger": start}})))
    found = advance([run.pk], now=now)
    row = run.task_instances.get()
    assert (row.state, row.try_number, row.next_method, row.next_kwargs) == ("deferred", 1, "resume", {})
    assert row.trigger_timeout_at == now + timedelta(seconds=60)
    trigger = Trigger.objects.get()
    assert (row.trigger, trigger.kwargs) == (trigger, '{"moment":1}')
    assert found.deferred == 1


def test_instances_of_a_mapped_task_may_start_with_triggers_too(now):
    start = StartTrigger("airflow.triggers.testing.SuccessTrigger", {}, "resume", None, None)
    graph = serialized("a >> m", tasks={"m": {"expansion": over_xcom("a"), "is_mapped": True, "start_trigger": start}})
    run = make_run(make_dag(graph), {"a": "success"})
    push(run, "a", [1, 2])
    advance([run.pk], now=now)
    assert states_of(run) == {"a": "success", "m[0]": "deferred", "m[1]": "deferred"}
    assert Trigger.objects.count() == 2


# SLAs


def test_a_task_that_is_not_done_in_time_is_recorded_once(now):
    graph = serialized("a >> b", tasks={"a": {"sla_seconds": 60.0}, "b": {"sla_seconds": 3600.0}})
    dag = make_dag(graph)
    run = make_run(dag, {"a": "running"}, run_type="scheduled", data_interval_end=now - timedelta(seconds=61))
    for _ in range(2):
        advance([run.pk], now=now)
    assert list(SlaMiss.objects.values_list("dag_id", "task_id", "logical_date")) == [
        (dag.dag_id, "a", run.logical_date)
    ]


def test_a_task_that_ended_too_late_is_recorded_too_and_one_in_time_is_not(now):
    late, on_time = {"sla_seconds": 60.0}, {"sla_seconds": 60.0}
    run = make_run(
        make_dag(serialized("a, b", tasks={"a": late, "b": on_time}, has_sla_miss_callback=True)),
        {"a": "success", "b": "success"},
        run_type="scheduled",
        data_interval_end=now - timedelta(seconds=100),
    )
    run.task_instances.filter(task_id="a").update(end_date=now - timedelta(seconds=10))
    run.task_instances.filter(task_id="b").update(end_date=now - timedelta(seconds=70))
    advance([run.pk], now=now)
    assert list(SlaMiss.objects.values_list("task_id", flat=True)) == ["a"]
    assert CallbackRequest.objects.filter(kind="sla").count() == 1


def test_runs_by_hand_have_no_sla(now):
    run = make_run(
        make_dag(serialized("a", tasks={"a": {"sla_seconds": 1.0}})),
        data_interval_end=now - timedelta(days=1),
    )
    advance([run.pk], now=now)
    assert not SlaMiss.objects.exists()


# Trouble


def test_a_dag_that_cannot_be_read_is_put_aside_and_the_others_go_on(now):
    good, bad = make_run(make_dag("a")), make_run(make_dag("a", dag_id="bad"))
    DagVersion.objects.filter(dag="bad").update(document={"format": 1}, updated_at=now)
    advance([good.pk, bad.pk], now=now)
    assert (states_of(good), states_of(bad)) == ({"a": "scheduled"}, {"a": ""})
    dag = Dag.objects.get(pk="bad")
    assert "Parse its file again" in dag.put_aside_reason
    assert dag.put_aside_until is not None
    assert dag.put_aside_until > now


def test_a_dag_whose_decision_raises_is_put_aside_and_the_others_go_on(now):
    good = make_run(make_dag("a"))
    bad = make_run(make_dag(serialized("a >> b", dag_id="bad", tasks={"b": {"trigger_rule": "all_success"}})))
    object.__setattr__(_graph(bad).plans["b"].task, "trigger_rule", "unheard_of")
    advance([good.pk, bad.pk], now=now)
    assert states_of(good) == {"a": "scheduled"}
    assert "unheard_of" in Dag.objects.get(pk="bad").put_aside_reason


def _graph(run: DagRun) -> Graph:
    assert run.dag_version_id is not None
    return graph_of(run.dag_version_id, versions.serialized(run.dag_version_id))


def test_a_dag_that_was_put_aside_is_taken_back_when_it_works_again(now):
    dag = make_dag("a", put_aside_reason="It was broken.", put_aside_until=now - timedelta(seconds=1))
    run = make_run(dag)
    advance([run.pk], now=now)
    dag.refresh_from_db()
    assert (dag.put_aside_reason, dag.put_aside_until, states_of(run)) == ("", None, {"a": "scheduled"})


def test_a_dag_that_is_aside_is_not_looked_at(now):
    run = make_run(make_dag("a", put_aside_reason="It is broken.", put_aside_until=now + timedelta(seconds=1)))
    advance([run.pk], now=now)
    assert states_of(run) == {"a": ""}


def test_a_run_keeps_the_version_it_began_with(now):
    dag = make_dag("a >> b")
    run = make_run(dag)
    dag.current_version = add_version(dag, serialized("b >> a", dag_id=dag.dag_id))
    dag.save()
    advance([run.pk], now=now)
    assert states_of(run) == {"a": "scheduled", "b": ""}


def test_an_instance_that_somebody_moved_meanwhile_stays_theirs(now, monkeypatch):
    run = make_run(make_dag("a"))

    def moved_meanwhile(*args, **kwargs):
        found = read(*args, **kwargs)
        run.task_instances.update(state="failed")
        return found

    read = rows.instances_of
    monkeypatch.setattr(rows, "instances_of", moved_meanwhile)
    advance([run.pk], now=now)
    assert states_of(run) == {"a": "failed"}


# Size


@pytest.mark.parametrize("runs", [1, 10])
def test_deciding_costs_the_same_number_of_statements_for_one_run_and_for_many(
    now, runs, django_assert_max_num_queries
):
    pks = [make_run(make_dag(f"a{n} >> b >> c"), {f"a{n}": "success"}).pk for n in range(runs)]
    advance(pks, now=now)  # decodes, and schedules b
    TaskInstance.objects.filter(state="scheduled").update(state="success")
    with django_assert_max_num_queries(7):  # begin, runs, instances, skips, schedule, end; one more for PostgreSQL
        advance(pks, now=now)


def test_of_a_large_run_only_what_an_event_concerns_is_read(now, monkeypatch):
    monkeypatch.setattr(progress, "LARGE", 2)
    empty = {"is_empty": True}
    run = make_run(make_dag(serialized("a >> b >> c, d >> e", tasks={"b": empty})), {"d": "running"})
    row = end(run, "a")
    seen: list[set[str]] = []
    read = rows.instances_of

    def spy(graphs, scopes):
        seen.append(set().union(*scopes.values()) if scopes else {"everything"})
        return read(graphs, scopes)

    monkeypatch.setattr(rows, "instances_of", spy)
    advance([run.pk], now=now, ended={run.pk: {row.pk}})
    # b ended at once, so that c came into view
    assert states_of(run) == {"a": "success", "b": "success", "c": "scheduled", "d": "running", "e": ""}
    assert seen[0] == {"a", "b"}
    assert {"everything"} not in seen
    assert all(scope.isdisjoint({"d", "e"}) for scope in seen)


def test_a_large_run_ends_with_its_last_task_without_a_pass(now, monkeypatch):
    monkeypatch.setattr(progress, "LARGE", 1)
    run = make_run(make_dag("a >> b"), {"a": "success", "b": "running"})
    row = end(run, "b")
    advance([run.pk], now=now, ended={run.pk: {row.pk}})
    run.refresh_from_db()
    assert run.state == "success"


def test_instances_that_only_count_are_not_read_one_by_one(now, monkeypatch):
    run = make_run(make_dag(mapped("a", "z")), {"a": "success"})
    push(run, "a", list(range(20)))
    advance([run.pk], now=now)
    run.task_instances.filter(task_id="m").update(state="success")
    run.task_instances.filter(task_id="m", map_index=3).update(state="running")
    read = rows.instances_of({run.pk: _graph(run)}, {})[run.pk]
    assert sorted(each.task_id for each in read.instances) == ["a", "z"]
    assert read.counted == {"m": {"success": 19, "running": 1}}
    run.task_instances.filter(task_id="m", map_index=3).update(state="success")
    advance([run.pk], now=now)
    assert states_of(run)["z"] == "scheduled"
