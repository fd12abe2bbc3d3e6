"""Why a task instance does not run, beside what ``tests/api_v1/test_task_instances`` asks through the API."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from orchestration.models import Dag, DagRun, TaskInstance, versions
from orchestration.scheduling.progress import advance
from orchestration.scheduling.starting import start_queued
from orchestration.scheduling.unmet import PAST, Back, active_runs, kept, look_back, run_before, unmet
from orchestration.services import dag_runs, task_instances
from orchestration.states import DagRunState, TaskInstanceState
from tests.factories import BackfillFactory, make_dag, make_run, serialized

pytestmark = pytest.mark.django_db


def names(run, task_id: str = "a") -> list[str]:
    return [each.name for each in unmet(run.task_instances.select_related("run").get(task_id=task_id))]


def test_a_backfill_minds_its_dag_s_switch_as_little_as_the_scheduler_does():
    dag = make_dag("a", is_paused=True)
    assert names(make_run(dag, {"a": "scheduled"}, state="running", run_type="backfill")) == []
    assert names(make_run(dag, {"a": "scheduled"}, state="running")) == ["Dag Not Paused"]


def test_dates_outside_those_of_task_and_dag_are_named_each():
    day = timezone.now() - timedelta(days=10)
    task = {"start_date": day + timedelta(days=1)}
    dag = make_dag(serialized("a", tasks={"a": task}, end_date=day - timedelta(days=1)))
    run = make_run(dag, {"a": "scheduled"}, state="running", run_type="backfill", logical_date=day)
    found = unmet(run.task_instances.select_related("run").get())
    assert [each.name for each in found] == ["Execution Date", "Execution Date"]
    assert found[0].reason.startswith("The DAG ends on")
    assert found[1].reason.startswith("The task starts on")


def test_a_run_ahead_of_time_is_kept_by_its_date():
    dag = make_dag("a")
    run = make_run(dag, {"a": "scheduled"}, state="running", logical_date=timezone.now() + timedelta(days=1))
    assert names(run) == ["Execution Date"]


def test_a_dag_that_was_put_aside_says_so():
    dag = make_dag("a", put_aside_reason="its graph has a cycle")
    run = make_run(dag, {"a": "scheduled"}, state="running")
    found = unmet(run.task_instances.select_related("run").get())
    assert [each.name for each in found] == ["Dag Schedulable"]
    assert "its graph has a cycle" in found[0].reason


def test_a_task_that_is_gone_from_the_dag_is_kept_by_nothing():
    run = make_run(make_dag("a"), {"a": "scheduled"}, state="queued")
    run.task_instances.update(task_id="gone")
    assert names(run, "gone") == []


def test_a_mapped_task_waits_until_its_number_is_known():
    tasks = {"b": {"is_mapped": True}}
    run = make_run(make_dag(serialized("a >> b", tasks=tasks)), {"a": "success", "b": "scheduled"}, state="running")
    assert "Task has been mapped" in names(run, "b")
    run.task_instances.filter(task_id="b").update(map_index=0)
    assert "Task has been mapped" not in names(run, "b")


# ------------------------------------------------------------ runs that wait for each other


def looking_back(most: int | None, *, edges: str = "a", **dag):
    """A DAG whose task a depends on the past, and which may have ``most`` active runs."""
    shape = serialized(edges, tasks={"a": {"depends_on_past": True}}, catchup=False, **dag)
    return make_dag(shape, max_active_runs=most)


def jammed(most: int = 1, **dag):
    """A queued run, and after it as many active ones as may be, each of which waits for the run before it."""
    row = looking_back(most, **dag)
    make_run(row, {"a": "success"}, run_id="r0", state="success")
    first = make_run(row, run_id="first", state="queued", start_date=None)
    return row, first, [make_run(row, run_id=f"active{number}") for number in range(most)]


def back_of(run, row):
    run.refresh_from_db()
    row.refresh_from_db()
    return look_back(run, row, active_runs(row))


@pytest.mark.parametrize("most", [1, 3])
def test_active_runs_that_wait_for_a_queued_one_behind_them_are_a_jam(most):
    row, first, active = jammed(most)
    found = back_of(active[-1], row)
    assert found.jam is not None
    assert (found.jam.first, list(found.jam.active)) == (first, active)
    assert (list(found.tasks), found.before) == (["a"], active[-2] if most > 1 else first)
    assert back_of(first, row).jam == found.jam
    assert list(back_of(first, row).tasks) == []  # the run before it let it start


def _mark_queued(first, active):
    dag_runs.set_state(active, DagRunState.QUEUED, actor=None)


def _mark_success(first, active):
    dag = versions.current(first.dag_id)
    task_instances.set_state(dag, first, "a", TaskInstanceState.SUCCESS, actor=None)


def _delete_first(first, active):
    dag_runs.delete(first, actor=None)


def _delete_active(first, active):
    dag_runs.delete(active, actor=None)


def _raise_the_limit(first, active):
    Dag.objects.update(max_active_runs=2)


def _nothing(first, active):
    pass


def _clear(first, active):
    task_instances.clear_run(active, actor=None)


@pytest.mark.parametrize(
    ("way", "expected"),
    [
        (_mark_queued, {"first": "scheduled", "active0": ""}),
        (_mark_success, {"active0": "scheduled"}),
        (_delete_first, {"active0": "scheduled"}),
        (_delete_active, {"first": "scheduled"}),
        (_raise_the_limit, {"first": "scheduled", "active0": ""}),
        # what does not help, and is not told as a way out
        (_nothing, {"first": "", "active0": ""}),
        (_clear, {"first": "", "active0": ""}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_each_way_out_that_is_told_lets_the_scheduler_go_on_and_no_other(way, expected):
    _, first, (active,) = jammed()
    way(first, active)
    now = timezone.now()
    for _ in range(2):
        start_queued(now=now, limit=10)
        advance(DagRun.objects.filter(state="running").values_list("pk", flat=True), now=now)
    states = dict(TaskInstance.objects.exclude(run__run_id="r0").values_list("run__run_id", "state"))
    assert {name: states[name] for name in expected} == expected
    is_over = any(state == "scheduled" for state in states.values())
    assert is_over is (way not in (_nothing, _clear))


def test_it_is_no_jam_while_an_active_run_can_end_or_a_place_is_free():
    row, _, active = jammed(2)
    active[0].task_instances.update(state="running")
    assert back_of(active[1], row).jam is None
    active[0].task_instances.update(state="")
    assert back_of(active[1], row).jam is not None
    row.max_active_runs = 3
    row.save()
    assert back_of(active[1], row).jam is None
    row.max_active_runs = None
    row.save()
    assert back_of(active[1], row).jam is None


def test_it_is_no_jam_where_the_run_before_failed_or_has_a_place_of_its_own():
    row, first, (active,) = jammed()
    first.state = "failed"
    first.save()
    found = back_of(active, row)
    assert (found.jam, found.before, list(found.tasks)) == (None, first, ["a"])
    first.state, first.backfill = "queued", BackfillFactory(dag=row)
    first.save()
    assert back_of(active, row).jam is None


def test_with_catchup_manual_runs_are_not_the_run_before():
    row = make_dag(serialized("a", tasks={"a": {"depends_on_past": True}}, catchup=True))
    before = make_run(row, run_id="scheduled", run_type="scheduled", state="queued")
    make_run(row, run_id="manual", state="queued")
    run = make_run(row, run_id="r")
    assert back_of(run, row).before == before
    assert run_before(run) == before


def test_a_dag_that_never_looks_back_costs_nothing(django_assert_num_queries):
    row = make_dag("a")
    run = make_run(row)
    active = active_runs(row)
    with django_assert_num_queries(0):
        assert look_back(run, row, active) == Back()


@pytest.mark.parametrize("most", [1, 12])
def test_a_look_back_costs_the_same_for_one_active_run_and_for_many(most, django_assert_max_num_queries):
    row, first, active = jammed(most)
    for run in (first, active[-1]):
        with django_assert_max_num_queries(6):  # active runs; runs before, their states; what waits; two runs
            assert look_back(run, row, active_runs(row)).jam is not None


def test_the_api_s_answer_is_for_programs_and_stays_as_it_is():
    _, _, (active,) = jammed()
    instance = active.task_instances.select_related("run").get()
    assert {each.name: each.reason for each in unmet(instance)} == {
        PAST: "With depends_on_past (or wait_for_downstream) it waits for the run before, where it, or what follows "
        "it, has not succeeded.",
        "Task Instance State": "The scheduler has not chosen it yet: it has no state.",
    }
    instance.state = "up_for_retry"
    assert unmet(instance) == []
    dag = versions.current(active.dag_id)
    assert [each.name for each in kept(instance, active.dag, dag)] == [PAST]
