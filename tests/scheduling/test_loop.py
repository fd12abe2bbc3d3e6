"""The loop: what wakes it, what it does then, and how it outlasts trouble."""

from __future__ import annotations

import itertools
import os
import signal
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from django.db import OperationalError, connection, transaction

from orchestration.models import Backfill, Dag, DagRun, IdempotencyRecord, Job, TaskInstance, wakeups
from orchestration.scheduling import creation, progress
from orchestration.scheduling.clock import DatabaseClock
from orchestration.scheduling.loop import SchedulerLoop
from orchestration.serialization.values import Expansion, XComLength
from orchestration.states import TaskInstanceState
from tests.factories import (
    START,
    BackfillFactory,
    DagRunFactory,
    JobFactory,
    PoolFactory,
    UserFactory,
    XComFactory,
    make_dag,
    make_run,
    serialized,
    states_of,
)
from tests.scheduling.fakes import FakeExecutor

pytestmark = pytest.mark.django_db(transaction=True)

SUCCESS = TaskInstanceState.SUCCESS


@pytest.fixture(autouse=True)
def _pool():
    PoolFactory.create(name="default_pool", slots=128)


@contextmanager
def running(executor=None, heartbeat=3600):
    """A loop in a thread whose passes are rare, so that only events move it; stopped in the end."""
    os.environ["AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC"] = str(heartbeat)
    loop = SchedulerLoop(executor or FakeExecutor())
    errors: list[BaseException] = []

    def run() -> None:
        try:
            loop.run()
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        until(lambda: loop.passes > 0)
        yield loop
    finally:
        loop.stop()
        thread.join(timeout=20)
        os.environ.pop("AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC", None)
    assert not thread.is_alive()
    assert errors == []


def until(holds, seconds=10.0):
    """Wait until it holds."""
    limit = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < limit, "it did not come true in time"
        time.sleep(0.01)


def state(run: DagRun) -> str:
    return DagRun.objects.values_list("state", flat=True).get(pk=run.pk)


def trigger(dag, **fields) -> DagRun:
    """As a service does it: rows and a wake-up in one transaction."""
    with transaction.atomic():
        run = make_run(dag, state="queued", **fields)
        wakeups.notify("scheduler")
    return run


def test_a_trigger_wakes_the_loop_and_the_run_goes_to_its_end_without_another_pass():
    dag = make_dag(" >> ".join(f"t{n}" for n in range(10)))
    with running() as loop:
        began = time.monotonic()
        run = trigger(dag)
        until(lambda: state(run) == "success")
        assert time.monotonic() - began < 3
        assert loop.passes == 1


def test_a_pass_finds_what_no_wake_up_told():
    with running(heartbeat=0.1):
        run = make_run(make_dag("a >> b"), state="queued")
        until(lambda: state(run) == "success")


def test_clearing_a_task_of_a_running_run_is_noticed_by_the_wake_up():
    executor = FakeExecutor(lambda workload: None if workload.task_id == "b" else SUCCESS)
    with running(executor):
        run = trigger(make_dag("a, b"))
        until(lambda: states_of(run) == {"a": "success", "b": "queued"})
        with transaction.atomic():
            run.task_instances.filter(task_id="a").override(TaskInstanceState.NONE, now=datetime.now(UTC))
            wakeups.notify("scheduler")
        until(lambda: run.task_instances.get(task_id="a").try_number == 2)


def test_a_try_that_an_operator_takes_away_is_ended():
    executor = FakeExecutor(lambda workload: None)
    with running(executor):
        run = trigger(make_dag("a"))
        until(lambda: states_of(run) == {"a": "queued"})
        with transaction.atomic():
            run.task_instances.override(SUCCESS, now=datetime.now(UTC))
            wakeups.notify("scheduler")
        until(lambda: executor.killed == [run.task_instances.get().pk])
        until(lambda: state(run) == "success")


def test_a_retry_starts_when_its_time_has_come_and_not_at_the_next_pass():
    with running():
        run = trigger(make_dag("a"))
        until(lambda: state(run) == "success")
        soon = datetime.now(UTC) + timedelta(seconds=0.5)
        with transaction.atomic():
            DagRun.objects.filter(pk=run.pk).update(state="running", updated_at=datetime.now(UTC))
            run.task_instances.update(state="up_for_retry", not_before=soon, updated_at=datetime.now(UTC))
            wakeups.notify("scheduler")
        until(lambda: run.task_instances.get().try_number == 2)
        assert datetime.now(UTC) >= soon
        until(lambda: state(run) == "success")


def test_a_scheduled_run_is_made_when_it_is_due_and_not_at_the_next_pass():
    due = datetime.now(UTC) + timedelta(seconds=1)
    graph = serialized("a", dag_id="timed", timetable={"type": "once"}, start_date=due)
    dag = make_dag(graph)
    with running():
        with transaction.atomic():
            Dag.objects.filter(pk=dag.pk).update(next_dagrun=due, next_dagrun_create_after=due)
            wakeups.notify("scheduler")
        until(lambda: DagRun.objects.filter(dag=dag, state="success").exists())
        assert DagRun.objects.filter(queued_at__gte=due).count() == 1


def test_the_end_of_a_run_lets_the_next_ones_go():
    dag = make_dag("a", max_active_runs=1)
    with running() as loop:
        runs = [trigger(dag) for _ in range(4)]
        until(lambda: all(state(run) == "success" for run in runs))
        assert loop.passes == 1
    spans = [(run.start_date, run.end_date) for run in DagRun.objects.order_by("start_date")]
    assert all(end and start and end <= start for (_, end), (start, _) in itertools.pairwise(spans))


def test_a_run_that_waits_for_the_run_before_goes_on_when_that_moves():
    dag = make_dag(serialized("a", dag_id="past", tasks={"a": {"depends_on_past": True}}))
    held = threading.Event()
    executor = FakeExecutor(lambda workload: SUCCESS if held.is_set() else None)
    with running(executor) as loop:
        first = trigger(dag, run_type="scheduled", logical_date=START)
        second = trigger(dag, run_type="scheduled", logical_date=START + timedelta(days=1))
        until(lambda: (states_of(first), states_of(second)) == ({"a": "queued"}, {"a": ""}))
        held.set()
        with transaction.atomic():
            wakeups.notify("scheduler")
        until(lambda: state(second) == "success")
        assert loop.passes == 1


def test_two_hundred_mapped_instances_go_through_a_pool_of_seven():
    PoolFactory.create(name="seven", slots=7)
    over = Expansion("product", {"x": XComLength("a", "return_value")})
    graph = serialized("a >> m >> z", max_active_tasks=99, tasks={"m": {"expansion": over, "pool": "seven"}})
    executor = FakeExecutor()
    with running(executor):
        run = make_run(make_dag(graph), {"a": "success"}, state="queued")
        XComFactory.create(task_instance=run.task_instances.get(task_id="a"), value=list(range(200)))
        with transaction.atomic():
            wakeups.notify("scheduler")
        until(lambda: state(run) == "success", seconds=60)
    assert executor.most_at_once <= 7
    assert run.task_instances.filter(task_id="m", state="success").count() == 200


def test_a_new_scheduler_goes_on_where_a_dead_one_left_off():
    dead = JobFactory.create(latest_heartbeat=datetime.now(UTC) - timedelta(minutes=5), hostname="elsewhere")
    run = make_run(make_dag("a >> b"))
    run.task_instances.filter(task_id="a").update(state="queued", try_number=1, queued_by_job=dead)
    with running():
        until(lambda: state(run) == "success")
    assert run.task_instances.get(task_id="a").try_number == 1


def test_the_job_says_how_the_loop_fares():
    with running() as loop:
        job = Job.objects.get(pk=loop.job_id)
        assert (job.job_type, job.state, job.pid, job.executor_class) == (
            "SchedulerJob", "running", os.getpid(), "FakeExecutor",
        )  # fmt: skip
    job.refresh_from_db()
    assert job.state == "success"
    assert job.end_date is not None


def test_the_loop_ends_after_so_many_passes(monkeypatch):
    monkeypatch.setenv("AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC", "0.01")
    executor = FakeExecutor()
    loop = SchedulerLoop(executor, num_runs=3)
    loop.run()
    assert (loop.passes, executor.is_stopped) == (3, True)


def test_sigterm_ends_the_loop_and_what_was_queued_is_left_to_the_next():
    executor = FakeExecutor(lambda workload: None)
    loop = SchedulerLoop(executor)
    run = make_run(make_dag("a"))

    def terminate() -> None:
        until(lambda: loop.passes > 0)
        os.kill(os.getpid(), signal.SIGTERM)
        connection.close()

    thread = threading.Thread(target=terminate)
    thread.start()
    before = signal.getsignal(signal.SIGTERM)
    loop.run()
    thread.join()
    assert signal.getsignal(signal.SIGTERM) == before
    assert (executor.is_stopped, states_of(run)) == (True, {"a": "scheduled"})


def test_an_outage_of_the_database_is_waited_out_and_nothing_is_forgotten(monkeypatch, caplog):
    failures = iter([OperationalError("the server closed the connection unexpectedly")] * 3)
    advance = progress.advance

    def sometimes(*args, **kwargs):
        if kwargs.get("ended"):
            for error in failures:
                raise error
        return advance(*args, **kwargs)

    monkeypatch.setattr(progress, "advance", sometimes)
    with running() as loop:
        run = trigger(make_dag("a >> b"))
        until(lambda: state(run) == "success")
        assert loop.passes == 1  # the event was kept: no pass had to find it
    assert caplog.text.count("The database cannot be used") == 3


def test_an_error_that_is_no_outage_ends_the_loop_with_its_job_failed(monkeypatch):
    def broken(*args, **kwargs):
        raise ZeroDivisionError

    monkeypatch.setattr(creation, "create_scheduled", broken)
    executor = FakeExecutor()
    with pytest.raises(ZeroDivisionError):
        SchedulerLoop(executor).run()
    assert (Job.objects.get().state, executor.is_stopped) == ("failed", True)


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="rows are locked on PostgreSQL only")
def test_a_run_that_somebody_has_locked_holds_nobody_up_and_is_decided_afterwards():
    locked, free = make_run(make_dag("a"), state="running"), make_dag("a")
    with transaction.atomic():
        DagRun.objects.select_for_update().get(pk=locked.pk)
        with running():
            done = threading.Event()

            def other() -> None:
                run = trigger(free)
                until(lambda: state(run) == "success")
                done.set()
                connection.close()

            thread = threading.Thread(target=other)
            thread.start()
            assert done.wait(10)
            thread.join()
    with running():
        until(lambda: state(locked) == "success")


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite always waits for the disk")
def test_the_scheduler_does_not_wait_for_the_disk_and_what_is_forked_from_it_does(monkeypatch):
    found = []

    def level() -> str:
        connection.close()
        with connection.cursor() as cursor:
            cursor.execute("SHOW synchronous_commit")
            (answer,) = cursor.fetchone()
        connection.close()
        return str(answer)

    class Asking(FakeExecutor):
        def start(self, job_id: int) -> None:
            super().start(job_id)
            found.append(level())
            fork = os.getpid() + 1
            with monkeypatch.context() as patched:
                patched.setattr(os, "getpid", lambda: fork)
                found.append(level())

    with running(Asking()):
        until(lambda: len(found) == 2)
    assert found == ["off", "on"]


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has one writer at a time")
def test_several_schedulers_share_the_work_and_start_no_try_twice():
    dags = [make_dag(" >> ".join(f"t{n}" for n in range(5)), max_active_tasks=99) for _ in range(10)]
    executors = [FakeExecutor() for _ in range(3)]
    with running(executors[0], 0.2), running(executors[1], 0.2), running(executors[2], 0.2):
        runs = [trigger(dag) for dag in dags for _ in range(3)]
        until(lambda: not DagRun.objects.exclude(state="success").exists(), seconds=60)
    tries = [(workload.ti_id, workload.try_number) for executor in executors for workload in executor.submitted]
    assert len(tries) == len(set(tries)) == 5 * len(runs)
    assert sum(bool(executor.submitted) for executor in executors) > 1


def test_a_jump_of_the_clock_is_noticed(monkeypatch):
    clock = DatabaseClock()
    clock.now()
    assert not clock.has_jumped(60)
    monkeypatch.setattr("orchestration.scheduling.clock._read", lambda: datetime.now(UTC) + timedelta(hours=1))
    monkeypatch.setattr("orchestration.scheduling.clock.SYNC_SECONDS", 0)
    clock.now()
    assert clock.has_jumped(60)


def test_a_sleeping_loop_uses_no_database():
    with running() as loop:
        time.sleep(0.3)
        seen: list[str] = []
        act = loop._act

        def spy(woken: bool) -> None:
            seen.append("turn")
            act(woken)

        loop._act = spy
        time.sleep(1.0)
        assert len(seen) <= 1


def test_time_spent_on_a_finished_history_is_none(django_assert_max_num_queries):
    dag = make_dag("a")
    for _ in range(50):
        DagRunFactory.create(dag=dag, state="success")
    loop = SchedulerLoop(FakeExecutor(), num_runs=1)
    with django_assert_max_num_queries(40):
        loop.run()
    assert TaskInstance.objects.count() == 0


def test_kept_answers_are_deleted_after_a_day_and_backfills_without_an_open_run_end(now):
    dag = make_dag("a", is_paused=True)
    for hours in (23, 25):
        key = {"user": UserFactory(), "method": "POST", "path": "/", "key": str(hours), "fingerprint": ""}
        IdempotencyRecord.objects.create(**key, created_at=now - timedelta(hours=hours))
    over = BackfillFactory.create(dag=dag)
    DagRunFactory.create(dag=dag, backfill=over, run_type="backfill", state="failed")
    at_work = BackfillFactory.create(dag=dag, is_paused=True)
    DagRunFactory.create(dag=dag, backfill=at_work, run_type="backfill", state="queued")
    with running():
        until(lambda: IdempotencyRecord.objects.count() == 1)
    assert IdempotencyRecord.objects.get().key == "23"
    assert list(Backfill.objects.exclude(completed_at=None)) == [over]
