"""DAG runs: guarded moves, the constraints of the table, and the task instances of a new run."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from orchestration.models import DagRun, TaskInstance
from orchestration.serialization.values import Expansion, LiteralLength, XComLength
from orchestration.states import RUN_REACHED_FROM, DagRunState, DagRunType
from tests.factories import DagRunFactory, make_dag, serialized

pytestmark = pytest.mark.django_db

NOW = datetime(2024, 6, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("to", DagRunState)
@pytest.mark.parametrize("start", DagRunState)
def test_a_run_moves_only_along_the_table(start, to):
    run = DagRunFactory(state=start)
    went = DagRun.objects.filter(pk=run.pk).move(to, now=NOW)
    run.refresh_from_db()
    assert went == (start in RUN_REACHED_FROM[to])
    assert run.state == (to if went else start)


def test_of_two_movers_one_goes():
    run = DagRunFactory(state=DagRunState.RUNNING)
    same = DagRun.objects.filter(pk=run.pk)
    assert [same.move(DagRunState.SUCCESS, now=NOW), same.move(DagRunState.FAILED, now=NOW)] == [1, 0]


@pytest.mark.parametrize("double", ["run_id", "logical_date"])
def test_the_database_refuses_a_second_run_of_the_same_name_or_date(double):
    run = DagRunFactory()
    other = {"run_id": "other", "logical_date": run.logical_date + timedelta(days=1), double: getattr(run, double)}
    with pytest.raises(IntegrityError), transaction.atomic():
        DagRunFactory(dag=run.dag, **other)


def test_the_database_refuses_an_unknown_state():
    with pytest.raises(IntegrityError), transaction.atomic():
        DagRunFactory(state="half-done")


def _instances(run: DagRun) -> set[tuple[str, int]]:
    return set(TaskInstance.objects.filter(run=run).values_list("task_id", "map_index"))


def _run_of(graph, **columns) -> DagRun:
    run = DagRunFactory(dag=make_dag(graph), logical_date=NOW, **columns)
    run.create_task_instances(graph)
    return run


def test_a_new_run_gets_an_instance_of_each_task_in_no_state():
    run = _run_of(serialized("a >> b", tasks={"a": {"retries": 2, "pool": "small"}}))
    assert _instances(run) == {("a", -1), ("b", -1)}
    first = TaskInstance.objects.get(run=run, task_id="a")
    assert (first.state, first.try_number, first.max_tries, first.pool, first.dag_id) == ("", 0, 2, "small", run.dag_id)


def test_making_them_twice_makes_nothing_more():
    graph = serialized("a >> b")
    run = _run_of(graph)
    assert run.create_task_instances(graph) == 0


def test_a_task_outside_its_dates_gets_no_instance_but_in_a_backfill():
    graph = serialized(
        "early, late, open",
        tasks={"early": {"end_date": NOW - timedelta(days=1)}, "late": {"start_date": NOW + timedelta(days=1)}},
    )
    assert _instances(_run_of(graph)) == {("open", -1)}
    backfill = _run_of(serialized("early", dag_id="other"), run_type=DagRunType.BACKFILL)
    assert _instances(backfill) == {("early", -1)}


def test_a_mapped_task_with_known_lengths_is_expanded_at_once_and_others_wait():
    graph = serialized(
        "known, waiting, nothing",
        tasks={
            "known": {"expansion": Expansion("product", {"x": LiteralLength(2), "y": LiteralLength(2)})},
            "waiting": {"expansion": Expansion("product", {"x": XComLength("known", "return_value")})},
            "nothing": {"expansion": Expansion("product", {"x": LiteralLength(0)})},
        },
    )
    assert _instances(_run_of(graph)) == {*(("known", i) for i in range(4)), ("waiting", -1), ("nothing", -1)}


def test_a_large_dag_costs_few_statements(django_assert_max_num_queries):
    graph = serialized(", ".join(f"t{n}" for n in range(1200)))
    run = DagRunFactory(dag=make_dag(graph), logical_date=NOW)
    with django_assert_max_num_queries(60):  # SQLite takes few rows to a statement, PostgreSQL 500
        assert run.create_task_instances(graph) == 1200
