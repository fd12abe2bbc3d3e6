"""Backfills: which runs are made, run again or left, when they are over, and what stops them."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from orchestration.authoring.timetables import registry
from orchestration.authoring.timetables.registry import create_timetable
from orchestration.errors import Conflict, Invalid, NotFound
from orchestration.models import Backfill, Dag, DagRun, EventLog, TaskInstance, versions
from orchestration.scheduling.progress import advance
from orchestration.scheduling.starting import start_queued
from orchestration.serialization.values import Expansion, LiteralLength
from orchestration.services import backfills, clearing, dag_runs
from orchestration.services.backfills import Action
from orchestration.states import DagRunState
from tests.factories import BackfillFactory, DagRunFactory, make_dag, make_run, serialized, states_of

pytestmark = pytest.mark.django_db
DATE = datetime(2024, 1, 1, tzinfo=UTC)
END = DATE + timedelta(days=2)


def daily(graph: str = "a >> b >> c", dag_id: str = "d1", **fields) -> Dag:
    timetable = registry.encode(create_timetable("0 0 * * *", "UTC"))
    tasks = fields.pop("tasks", None)
    return make_dag(serialized(graph, dag_id=dag_id, timetable=timetable, tasks=tasks or {}), **fields)


@pytest.fixture
def dag(db) -> Dag:
    return daily()


def create(dag: Dag, **options) -> Backfill:
    return backfills.create(dag, **{"actor": None, "from_date": DATE, "to_date": END, **options})


def days(backfill: Backfill) -> list[int]:
    dates = DagRun.objects.filter(backfill=backfill).order_by("pk").values_list("logical_date", flat=True)
    return [date.day for date in dates]


# ------------------------------------------------------------ what is made


def test_runs_may_be_made_backwards_unless_tasks_look_back(dag):
    assert days(create(dag, run_backwards=True)) == [3, 2, 1]
    looking = daily("a", "d2", tasks={"a": {"depends_on_past": True}})
    with pytest.raises(Invalid, match="task a has depends_on_past"):
        create(looking, run_backwards=True)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"from_date": END, "to_date": DATE}, "ends before it begins"),
        ({"from_date": DATE + timedelta(hours=1), "to_date": DATE + timedelta(hours=2)}, "has no date"),
        ({"to_date": datetime(9999, 12, 31, tzinfo=UTC)}, "more than 10000"),
        ({"from_date": datetime(1, 1, 1, tzinfo=UTC), "to_date": DATE}, "more than 10000|no dates in this range"),
    ],
)
def test_a_range_without_a_use_is_refused_and_makes_nothing(dag, options, said):
    with pytest.raises(Invalid, match=said):
        create(dag, **options)
    assert (Backfill.objects.count(), DagRun.objects.count()) == (0, 0)


def test_a_range_that_reaches_ahead_is_refused(dag):
    now = timezone.now()
    with pytest.raises(Invalid, match="reaches ahead"):
        create(dag, from_date=now - timedelta(days=2), to_date=now + timedelta(days=2))


def test_a_range_without_end_is_refused_before_it_is_counted(dag):
    """A million dates cost as little as ten thousand and one."""
    every_minute = registry.encode(create_timetable("* * * * *", "UTC"))
    busy = make_dag(serialized("a", dag_id="d2", timetable=every_minute))
    with pytest.raises(Invalid, match="more than 10000"):
        create(busy, to_date=DATE + timedelta(days=700))


def test_a_dag_without_a_schedule_has_nothing_to_fill():
    with pytest.raises(Invalid, match="has no date"):
        create(make_dag("a"))


def test_too_many_task_instances_are_refused(dag, monkeypatch):
    monkeypatch.setattr(backfills, "MOST_INSTANCES", 8)
    with pytest.raises(Invalid, match="9 task instances"):
        create(dag)
    create(dag, task_ids={"a", "b"})
    assert TaskInstance.objects.count() == 6


def test_a_dag_that_cannot_be_triggered_cannot_be_backfilled():
    with pytest.raises(NotFound):
        create(daily(dag_id="gone", is_active=False))
    with pytest.raises(Invalid, match="cannot be imported"):
        create(daily(dag_id="broken", has_import_errors=True))


def test_conf_must_fit_the_params(dag):
    graph = serialized("a", dag_id="d2", params={"n": {"value": 1, "schema": {"type": "integer"}}})
    picky = make_dag(graph)
    with pytest.raises(Invalid):
        create(picky, conf={"n": "x"})


def test_one_backfill_of_a_dag_at_a_time(dag):
    first = create(dag)
    with pytest.raises(Conflict, match="Another backfill of d1"):
        create(dag)
    create(daily(dag_id="d2"))
    backfills.cancel(first, actor=None)
    create(dag, from_date=END + timedelta(days=1), to_date=END + timedelta(days=1))


@pytest.mark.django_db(transaction=True)
def test_of_many_orders_at_once_one_is_taken():
    daily("a")
    ended: list[str] = []

    def order() -> None:
        try:
            create(Dag.objects.get(pk="d1"))
            ended.append("made")
        except Conflict:
            ended.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=order) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(ended) == ["made"] + ["refused"] * 4
    assert (Backfill.objects.count(), DagRun.objects.count()) == (1, 3)


def test_making_many_runs_takes_few_statements_more_than_making_few(dag):
    costs = []
    for dag_id, length in (("few", 3), ("many", 100)):
        target = daily(dag_id=dag_id)
        with CaptureQueriesContext(connection) as asked:
            backfill = create(target, to_date=DATE + timedelta(days=length - 1))
        costs.append(len(asked))
        assert TaskInstance.objects.filter(run__backfill=backfill).count() == 3 * length
    assert costs[0] <= 20
    assert costs[1] - costs[0] <= 100 / 20  # one inserts as many runs as the database takes


def test_instances_of_a_backfill_are_those_that_a_run_begins_with():
    tasks = {
        "a": {
            "retries": 3,
            "pool": "p",
            "pool_slots": 2,
            "queue": "q",
            "executor_config": {"k": ["v"]},
        },
        "b": {"expansion": Expansion("product", {"n": LiteralLength(3)}), "is_mapped": True},
        "c": {"start_date": DATE + timedelta(days=900)},
    }
    dag = daily(tasks=tasks)
    backfill = create(dag, to_date=DATE + timedelta(days=1))
    by_hand = DagRunFactory(dag=dag, run_type="backfill", run_id="by hand", logical_date=END)
    by_hand.create_task_instances(versions.current(dag.dag_id))

    def rows(run: DagRun) -> list[dict[str, object]]:
        left_out = {"id", "run_id", "updated_at"}
        found = run.task_instances.order_by("pk").values()
        return [{name: value for name, value in row.items() if name not in left_out} for row in found]

    expected = rows(by_hand)
    assert [(row["task_id"], row["map_index"]) for row in expected] == [
        ("a", -1), ("b", 0), ("b", 1), ("b", 2), ("c", -1),
    ]  # fmt: skip
    assert [rows(run) for run in backfill.runs.all()] == [expected, expected]
    assert all(TaskInstance.objects.values_list("updated_at", flat=True))


def test_all_is_made_or_nothing(dag):
    make_run(dag, {"a": "failed"}, state="failed", logical_date=DATE)
    before = list(DagRun.objects.values()), list(TaskInstance.objects.values())
    for broken in ("orchestration.services.clearing.clear", "orchestration.services.audit.record"):
        with patch(broken, side_effect=RuntimeError), pytest.raises(RuntimeError):
            create(dag, reprocess="failed")
        assert (list(DagRun.objects.values()), list(TaskInstance.objects.values())) == before
        assert not Backfill.objects.exists()


# ------------------------------------------------------------ runs that exist


def test_a_plan_says_what_would_be_done_and_does_nothing(dag):
    make_run(dag, {"a": "failed"}, state="failed", logical_date=DATE)
    make_run(dag, state="running", logical_date=DATE + timedelta(days=1))
    for reprocess, actions in (
        ("none", [Action.LEAVE, Action.LEAVE, Action.CREATE]),
        ("failed", [Action.CLEAR, Action.LEAVE, Action.CREATE]),
        ("completed", [Action.CLEAR, Action.LEAVE, Action.CREATE]),
    ):
        steps = backfills.plan(dag, from_date=DATE, to_date=END, reprocess=reprocess)
        assert [step.action for step in steps] == actions
        backwards = backfills.plan(dag, from_date=DATE, to_date=END, reprocess=reprocess, run_backwards=True)
        assert backwards == steps[::-1]
    assert (DagRun.objects.count(), Backfill.objects.count()) == (2, 0)


def test_runs_that_exist_come_into_the_backfill_when_they_run_again(dag):
    old = make_run(dag, {"a": "success", "b": "success", "c": "success"}, state="success", logical_date=DATE)
    left = make_run(dag, state="queued", logical_date=END)
    backfill = create(dag, reprocess="completed")
    assert days(backfill) == [1, 2]
    old.refresh_from_db()
    left.refresh_from_db()
    assert (old.state, old.run_type, old.clear_number) == ("queued", "backfill", 1)
    assert set(states_of(old).values()) == {""}
    assert left.backfill is None


@pytest.mark.parametrize("instances", [{"a": "success", "b": "skipped", "c": "skipped"}, None])
def test_a_failed_run_without_a_failed_task_runs_again_as_a_whole(dag, instances):
    run = make_run(dag, instances, state="failed", logical_date=DATE)
    if instances is None:
        run.task_instances.all().delete()
    create(dag, reprocess="failed")
    run.refresh_from_db()
    assert run.state == "queued"
    assert set(states_of(run).values()) <= {""}


def test_a_backfill_that_leaves_everything_is_over_at_once(dag):
    for day in range(3):
        make_run(dag, state="success", logical_date=DATE + timedelta(days=day))
    backfill = create(dag)
    assert (days(backfill), backfill.completed_at is not None) == ([], True)


# ------------------------------------------------------------ the end


@pytest.mark.parametrize("state", ["success", "failed"])
def test_the_last_run_that_the_scheduler_ends_ends_the_backfill(dag, state):
    backfill = create(dag, to_date=DATE + timedelta(days=1))
    pks = start_queued(now=timezone.now(), limit=10)
    TaskInstance.objects.update(state=state)
    advance(pks[:1], now=timezone.now())
    backfill.refresh_from_db()
    assert backfill.completed_at is None
    advance(pks[1:], now=timezone.now())
    backfill.refresh_from_db()
    assert backfill.completed_at is not None
    assert set(backfill.runs.values_list("state", flat=True)) == {state}


def test_the_last_run_that_is_marked_ends_the_backfill(dag):
    backfill = create(dag)
    runs = list(backfill.runs.order_by("pk"))
    for run in runs[:2]:
        dag_runs.set_state(run, DagRunState.SUCCESS, actor=None)
        backfill.refresh_from_db()
        assert backfill.completed_at is None
    dag_runs.set_state(runs[2], DagRunState.FAILED, actor=None)
    backfill.refresh_from_db()
    assert backfill.completed_at is not None


def test_the_last_open_run_that_is_deleted_ends_the_backfill(dag):
    backfill = create(dag, to_date=DATE)
    dag_runs.delete(backfill.runs.get(), actor=None)
    backfill.refresh_from_db()
    assert backfill.completed_at is not None


def test_a_run_that_is_cleared_after_the_end_runs_again_and_opens_nothing(dag):
    backfill = create(dag, to_date=DATE)
    run = backfill.runs.get()
    dag_runs.set_state(run, DagRunState.SUCCESS, actor=None)
    backfill.refresh_from_db()
    ended = backfill.completed_at
    clearing.clear(run.task_instances.all(), now=timezone.now())
    assert start_queued(now=timezone.now(), limit=10) == [run.pk]
    dag_runs.set_state(run, DagRunState.FAILED, actor=None)
    backfill.refresh_from_db()
    assert backfill.completed_at == ended


@pytest.mark.django_db(transaction=True)
def test_of_two_that_end_the_last_runs_at_once_the_later_ends_the_backfill():
    backfill = create(daily("a"), to_date=DATE + timedelta(days=1))
    first, second = backfill.runs.order_by("pk")
    barrier = threading.Barrier(2)

    def end(run: DagRun) -> None:
        try:
            barrier.wait(10)
            dag_runs.set_state(run, DagRunState.SUCCESS, actor=None)
        finally:
            connection.close()

    threads = [threading.Thread(target=end, args=(run,)) for run in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    backfill.refresh_from_db()
    assert backfill.completed_at is not None


# ------------------------------------------------------------ stopping


def test_a_cancelled_backfill_fails_what_waits_and_lets_the_rest_go_on(dag):
    backfill = create(dag, max_active_runs=1)
    (started,) = start_queued(now=timezone.now(), limit=10)
    assert backfills.cancel(backfill, actor=None) == 2
    assert sorted(backfill.runs.values_list("state", flat=True)) == ["failed", "failed", "running"]
    for run in backfill.runs.filter(state="failed"):
        assert set(states_of(run).values()) == {"skipped"}
        assert run.end_date is not None
        assert all(ti.start_date and ti.end_date and ti.duration == 0 for ti in run.task_instances.all())
    assert (backfill.cancelled_at is not None, backfill.completed_at) == (True, None)
    dag_runs.set_state(DagRun.objects.get(pk=started), DagRunState.SUCCESS, actor=None)
    backfill.refresh_from_db()
    assert backfill.completed_at is not None
    with pytest.raises(Conflict):
        backfills.cancel(backfill, actor=None)
    assert list(EventLog.objects.filter(event="cancel_backfill").values_list("dag_id", flat=True)) == ["d1"]


def test_a_cancelled_backfill_of_which_nothing_runs_is_over(dag):
    backfill = create(dag)
    assert backfills.cancel(backfill, actor=None) == 3
    assert backfill.completed_at is not None


def test_a_paused_backfill_starts_nothing_until_it_goes_on(dag):
    backfill = create(dag)
    assert backfills.set_paused(backfill, True, actor=None).is_paused
    assert start_queued(now=timezone.now(), limit=10) == []
    backfills.set_paused(backfill, False, actor=None)
    assert len(start_queued(now=timezone.now(), limit=10)) == 3
    backfills.cancel(backfill, actor=None)
    with pytest.raises(Conflict):
        backfills.set_paused(backfill, True, actor=None)


def test_pausing_twice_changes_nothing_the_second_time(dag):
    backfill = create(dag)
    first = backfills.set_paused(backfill, True, actor=None).updated_at
    assert backfills.set_paused(backfill, True, actor=None).updated_at == first


def test_states_of_runs_are_counted_for_many_backfills_at_once(dag, django_assert_num_queries):
    one = create(dag)
    one.runs.filter(logical_date=DATE).update(state="running")
    other = BackfillFactory.create(dag=daily(dag_id="d2"))
    with django_assert_num_queries(1):
        counted = backfills.run_states([one.pk, other.pk])
    assert counted == {
        one.pk: {"queued": 2, "running": 1, "success": 0, "failed": 0},
        other.pk: {"queued": 0, "running": 0, "success": 0, "failed": 0},
    }
