"""Ready instances are queued within all limits, claimed each by itself, and handed to the executor after the commit."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction

from orchestration.models import Job, TaskInstance
from orchestration.scheduling.queueing import queue_ready
from orchestration.states import TaskInstanceState
from tests.factories import START, JobFactory, PoolFactory, make_dag, make_run, serialized, states_of
from tests.scheduling.fakes import FakeExecutor

pytestmark = pytest.mark.django_db


@pytest.fixture
def job() -> Job:
    PoolFactory.create(name="default_pool", slots=128)
    return JobFactory.create()


def ready(graph="a", dag=None, **fields):
    """A run whose instances are all scheduled."""
    run = make_run(dag or make_dag(graph), **fields)
    run.task_instances.update(state="scheduled", try_number=1)
    return run


def waits(workload):
    """A task that never ends."""


@pytest.fixture
def committing(django_capture_on_commit_callbacks):
    """Run what waits for the commit, which a test's own transaction never reaches."""
    return lambda: django_capture_on_commit_callbacks(execute=True)


def test_a_ready_instance_is_queued_with_a_claim_of_its_own(job, now, committing):
    run = ready("a, b")
    executor = FakeExecutor(waits)
    with committing():
        found = queue_ready(executor, now=now, job_id=job.pk, limit=10)
    rows = {row.pk: row for row in run.task_instances.all()}
    assert {row.state for row in rows.values()} == {"queued"}
    assert {(row.queued_at, row.queued_by_job_id) for row in rows.values()} == {(now, job.pk)}
    assert len({row.claim for row in rows.values()}) == 2
    assert executor.submitted == found.workloads
    for workload in found.workloads:
        row = rows[workload.ti_id]
        assert (workload.claim, workload.try_number, workload.run_id) == (str(row.claim), 1, run.run_id)
        assert (workload.task_id, workload.map_index, workload.fileloc) == (row.task_id, -1, run.dag.fileloc)
        assert (workload.pool, workload.queue, workload.priority) == ("default_pool", "default", 1)


def test_nothing_is_handed_over_before_the_commit(job, now):
    ready()
    executor = FakeExecutor(waits)
    with transaction.atomic():
        queue_ready(executor, now=now, job_id=job.pk, limit=10)
        assert executor.submitted == []


@pytest.mark.parametrize(("free", "limit", "expected"), [(2, 10, 2), (10, 2, 2), (0, 10, 0)])
def test_no_more_are_queued_than_the_executor_takes(job, now, committing, free, limit, expected):
    ready("a, b, c")
    with committing():
        assert len(queue_ready(FakeExecutor(waits, free), now=now, job_id=job.pk, limit=limit).workloads) == expected


@pytest.mark.parametrize(
    ("dag", "run", "expected"),
    [
        ({}, {}, 1),
        ({"is_paused": True}, {}, 0),
        ({"is_paused": True}, {"run_type": "backfill"}, 1),
        ({}, {"state": "queued"}, 0),
        ({}, {"state": "failed"}, 0),
    ],
)
def test_only_instances_of_running_runs_of_unpaused_dags_are_queued(job, now, dag, run, expected):
    ready(dag=make_dag("a", **dag), **run)
    assert len(queue_ready(FakeExecutor(waits), now=now, job_id=job.pk, limit=9).workloads) == expected


def test_what_runs_holds_its_slots(job, now):
    PoolFactory.create(name="small", slots=3)
    graph = serialized("a, b, c", tasks={name: {"pool": "small", "pool_slots": 2} for name in "abc"})
    run = ready(graph)
    run.task_instances.filter(task_id="a").update(state="running")
    assert queue_ready(FakeExecutor(waits), now=now, job_id=job.pk, limit=9).workloads == []
    run.task_instances.filter(task_id="a").update(state="success")
    assert len(queue_ready(FakeExecutor(waits), now=now, job_id=job.pk, limit=9).workloads) == 1


@pytest.mark.parametrize(("holds", "expected"), [(True, 0), (False, 1)])
def test_a_deferred_task_holds_its_slot_if_its_pool_says_so(job, now, holds, expected):
    PoolFactory.create(name="one", slots=1, include_deferred=holds)
    run = ready(serialized("a, b", tasks={name: {"pool": "one"} for name in "ab"}))
    run.task_instances.filter(task_id="a").update(state="deferred")
    assert len(queue_ready(FakeExecutor(waits), now=now, job_id=job.pk, limit=9).workloads) == expected


def test_the_limits_of_dags_and_tasks_hold_over_all_their_runs(job, now):
    graph = serialized("a, b", tasks={"a": {"max_active_tis_per_dag": 2}}, max_active_tasks=3)
    dag = make_dag(graph)
    runs = [ready(dag=dag) for _ in range(4)]
    runs[0].task_instances.filter(task_id="a").update(state="running")
    queued = queue_ready(FakeExecutor(waits), now=now, job_id=job.pk, limit=9).workloads
    assert sorted(workload.task_id for workload in queued) == ["a", "b"]


def test_instances_behind_many_blocked_ones_get_their_turn(job, now):
    PoolFactory.create(name="full", slots=0)
    ready(serialized(", ".join(f"t{n}" for n in range(30)), dag_id="blocked", tasks={
        f"t{n}": {"pool": "full", "priority_weight_total": 100} for n in range(30)
    }))  # fmt: skip
    ready(serialized(", ".join(f"t{n}" for n in range(30)), dag_id="limited", max_active_tasks=1, tasks={
        f"t{n}": {"priority_weight_total": 50} for n in range(30)
    }))  # fmt: skip
    ready(serialized("a, b", dag_id="free"))
    queued = queue_ready(FakeExecutor(waits, 4), now=now, job_id=job.pk, limit=4).workloads
    assert sorted(workload.dag_id for workload in queued) == ["free", "free", "limited"]


def test_heavier_instances_go_first_then_those_of_older_runs(job, now):
    graph = serialized("light, heavy", tasks={"heavy": {"priority_weight_total": 5}})
    dag = make_dag(graph)
    late = ready(dag=dag, logical_date=START + timedelta(days=2))
    early = ready(dag=dag, logical_date=START + timedelta(days=1))
    queued = queue_ready(FakeExecutor(waits), now=now, job_id=job.pk, limit=3).workloads
    assert [(workload.task_id, workload.run_id) for workload in queued] == [
        ("heavy", early.run_id), ("heavy", late.run_id), ("light", early.run_id),
    ]  # fmt: skip


def test_a_pool_that_does_not_exist_is_told_and_holds_nobody_else_up(job, now, caplog):
    ready(serialized("a, b", tasks={"a": {"pool": "nowhere"}}))
    queued = queue_ready(FakeExecutor(waits), now=now, job_id=job.pk, limit=9).workloads
    assert [workload.task_id for workload in queued] == ["b"]
    assert "There is no pool nowhere" in caplog.text


def test_an_instance_that_somebody_took_meanwhile_is_not_queued(job, now, monkeypatch):
    from orchestration.scheduling import queueing

    run = ready("a, b")
    write = queueing._write

    def taken_meanwhile(workloads, **kwargs):
        run.task_instances.filter(task_id="a").update(state="failed")
        return write(workloads, **kwargs)

    monkeypatch.setattr(queueing, "_write", taken_meanwhile)
    queued = queue_ready(FakeExecutor(waits), now=now, job_id=job.pk, limit=9).workloads
    assert ([workload.task_id for workload in queued], states_of(run)) == (["b"], {"a": "failed", "b": "queued"})


@pytest.mark.parametrize("number", [1, 20])
def test_queueing_costs_the_same_for_one_instance_and_for_many(job, now, number, django_assert_max_num_queries):
    for _ in range(number):
        ready()
    with django_assert_max_num_queries(7):  # savepoint, section, ready, pools, uses, write
        assert len(queue_ready(FakeExecutor(waits), now=now, job_id=job.pk, limit=99).workloads) == number


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has one writer at a time")
def test_two_schedulers_never_exceed_a_pool_together(now):
    job = JobFactory.create()
    PoolFactory.create(name="three", slots=3)
    names = [f"t{n}" for n in range(40)]
    ready(serialized(", ".join(names), max_active_tasks=99, tasks={name: {"pool": "three"} for name in names}))
    taken: list[int] = []
    most: list[int] = []

    def schedule() -> None:
        executor = FakeExecutor(waits)
        try:
            for _ in range(30):
                found = queue_ready(executor, now=now, job_id=job.pk, limit=9)
                taken.extend(workload.ti_id for workload in found.workloads)
                most.append(TaskInstance.objects.filter(state="queued").count())
                if len(taken) % 2:
                    ids = [workload.ti_id for workload in executor.submitted]
                    TaskInstance.objects.filter(pk__in=ids, state="queued").update(state=TaskInstanceState.SUCCESS)
        finally:
            connection.close()

    threads = [threading.Thread(target=schedule) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) == 3
    assert len(taken) == len(set(taken))
