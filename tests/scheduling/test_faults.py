"""Schedulers that die, sleep, lose their database or their clock.

RELIABILITY F01, F13, F16, F17, F20, F21, F27, F28.

Each scheduler is a process of its own, forked from the test's, with an executor in memory that notes what it started.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from django.db import connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from orchestration.execution.executors.base import Workload
from orchestration.models import DagRun, EventLog, Job, TaskInstance
from orchestration.scheduling import clock as clocks
from orchestration.scheduling.loop import SchedulerLoop
from orchestration.states import TaskInstanceState
from tests.children import ended
from tests.factories import PoolFactory, make_dag, make_run, serialized
from tests.scheduling.fakes import FakeExecutor

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes, pytest.mark.timeout(240)]

#: Commits of one scheduler on the way of the run that the sweeps make; every third place is tried by default.
STRIDE = int(os.environ.get("FAULT_STRIDE", "3"))
MOST_COMMITS = 120


@pytest.fixture(autouse=True)
def _ground(monkeypatch):
    PoolFactory.create(name="default_pool", slots=128)
    monkeypatch.setenv("AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC", "0.3")
    monkeypatch.setenv("AIRFLOW__SCHEDULER__JOB_HEARTBEAT_SEC", "0.3")
    monkeypatch.setenv("AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL", "0.3")
    monkeypatch.setenv("AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD", "2")


class Noting(FakeExecutor):
    """Notes each try that it began, after its end is stored."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path

    def end(self, workload: Workload, state: TaskInstanceState) -> None:
        super().end(workload, state)
        if self.events and self.events[-1].ti_id == workload.ti_id:
            with self.path.open("a") as file:
                file.write(f"{workload.ti_id} {workload.try_number}\n")


def scheduler(marks: Path, *, before: Callable[[], object] = lambda: None) -> int:
    """A scheduler that ends when no run is unfinished; its process id. ``before`` is called in it first."""
    connections.close_all()
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        executor = Noting(marks)
        loop = SchedulerLoop(executor)
        poll = executor.poll

        def and_look():  # type: ignore[no-untyped-def]
            found = poll()
            if not found and not executor.in_hand and not DagRun.objects.filter(state__in=["queued", "running"]):
                loop.stop()
            return found

        executor.poll = and_look  # type: ignore[method-assign]
        before()
        loop.run()
        status = 0
    finally:
        os._exit(status)


def at_commit(number: int, do: Callable[[], object], *, is_after: bool) -> Callable[[], None]:
    """Has the process do something before or after one of its commits, counted from 1."""

    def install() -> None:
        commit = BaseDatabaseWrapper.commit
        count = 0

        def counted(self: BaseDatabaseWrapper) -> None:
            nonlocal count
            count += 1
            if count == number and not is_after:
                do()
            commit(self)
            if count == number and is_after:
                do()

        BaseDatabaseWrapper.commit = counted  # type: ignore[method-assign]

    return install


def check(marks: Path, run: DagRun) -> None:
    """The run is what it would be without the fault, and nothing was started twice."""
    assert DagRun.objects.get(pk=run.pk).state == "success"
    instances = list(run.task_instances.values_list("task_id", "state", "try_number", "claim"))
    assert instances == [(task_id, "success", 1, None) for task_id, *_ in instances]
    assert len(instances) == 4
    started = Counter(marks.read_text().splitlines())
    assert max(started.values()) == 1, "a try was started twice"
    told = EventLog.objects.filter(run_id=run.run_id, dag_id=run.dag_id, event="running").values_list("task_id")
    assert max(Counter(told).values()) == 1
    if connection.vendor == "sqlite":
        with contextlib.closing(sqlite3.connect(connection.settings_dict["NAME"])) as db:
            assert_whole(db)


def assert_whole(db: sqlite3.Connection) -> None:
    assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert db.execute("PRAGMA foreign_key_check").fetchall() == []


def diamond() -> DagRun:
    return make_run(make_dag("a >> [b, c] >> d"), state="queued")


def places(first: int) -> Iterator[int]:
    """The commits at which a sweep breaks off."""
    return iter(range(first, MOST_COMMITS, STRIDE))


@pytest.mark.parametrize("is_after", [False, True], ids=["before", "after"])
def test_f01_f17_a_scheduler_killed_at_any_commit_loses_nothing(tmp_path, is_after):
    die = lambda: os.kill(os.getpid(), signal.SIGKILL)  # noqa: E731
    killed = 0
    for number in places(1 + is_after):
        run, marks = diamond(), tmp_path / f"marks{number}"
        marks.touch()
        status = ended(scheduler(marks, before=at_commit(number, die, is_after=is_after)))
        if status == 0:  # it came to its end before
            check(marks, run)
            break
        assert status == -signal.SIGKILL
        killed += 1
        assert ended(scheduler(marks)) == 0
        check(marks, run)
        assert Job.objects.filter(state="running").count() == 0, "the dead one is buried"
    else:
        raise AssertionError("the sweep did not reach the end")
    assert killed >= 3


def test_f28_a_scheduler_that_slept_through_its_burial_harms_nothing(tmp_path):
    sleep = lambda: os.kill(os.getpid(), signal.SIGSTOP)  # noqa: E731
    for number in (4, 7, 10, 13):
        run, marks = diamond(), tmp_path / f"marks{number}"
        marks.touch()
        sleeper = scheduler(marks, before=at_commit(number, sleep, is_after=True))
        os.waitpid(sleeper, os.WUNTRACED)
        Job.objects.filter(state="running").update(latest_heartbeat=datetime.now(UTC) - timedelta(minutes=5))
        try:
            assert ended(scheduler(marks)) == 0
        finally:
            os.kill(sleeper, signal.SIGCONT)
        assert ended(sleeper) == 0
        check(marks, run)


def test_f27_schedulers_that_come_and_go_share_the_work(tmp_path):
    runs, marks = [diamond() for _ in range(12)], tmp_path / "marks"
    marks.touch()
    chance = random.Random(27)
    pids = [scheduler(marks) for _ in range(2)]
    for _ in range(3):
        time.sleep(chance.uniform(0.1, 0.6))
        victim = pids.pop(0)
        os.kill(victim, signal.SIGKILL)
        os.waitpid(victim, 0)
        pids.append(scheduler(marks))
    assert [ended(pid) for pid in pids] == [0, 0]
    for run in runs:
        check(marks, run)


@pytest.mark.postgres
@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="PostgreSQL's sessions")
def test_f13_a_scheduler_whose_sessions_are_ended_again_and_again_goes_on(tmp_path):
    run, marks = diamond(), tmp_path / "marks"
    marks.touch()
    pid = scheduler(marks)
    for _ in range(6):
        time.sleep(0.3)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
    assert ended(pid) == 0
    check(marks, run)


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="SQLite's lock")
def test_f16_a_database_that_somebody_keeps_for_himself_is_waited_for(tmp_path, monkeypatch):
    run, marks = diamond(), tmp_path / "marks"
    marks.touch()
    impatient = connection.settings_dict["OPTIONS"] | {"timeout": 0.3}
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", impatient)
    pid = scheduler(marks)  # before the lock: a fork would take it for its own
    with contextlib.closing(sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        time.sleep(2)
        assert DagRun.objects.get(pk=run.pk).state != "success"
        assert os.waitpid(pid, os.WNOHANG) == (0, 0), "it gave up"
        other.execute("ROLLBACK")
    assert ended(pid) == 0
    check(marks, run)


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="SQLite's files")
def test_f17_a_copy_of_the_files_that_is_taken_at_work_is_whole(tmp_path):
    """As a crash leaves them: copied at any moment, first the database and then its log of writes."""
    runs, marks = [diamond() for _ in range(6)], tmp_path / "marks"
    marks.touch()
    pid = scheduler(marks)
    name = connection.settings_dict["NAME"]
    copies = 0
    while os.waitpid(pid, os.WNOHANG)[0] == 0:
        os.kill(pid, signal.SIGSTOP)
        for suffix in ("", "-wal"):
            with contextlib.suppress(FileNotFoundError):
                shutil.copy(f"{name}{suffix}", tmp_path / f"copy{suffix}")
        os.kill(pid, signal.SIGCONT)
        with contextlib.closing(sqlite3.connect(tmp_path / "copy")) as db:
            assert_whole(db)
        copies += 1
        time.sleep(0.05)
    assert copies >= 3
    for run in runs:
        check(marks, run)


@pytest.mark.parametrize("jump", [timedelta(hours=1), timedelta(hours=-1), timedelta(days=1)], ids=str)
def test_f20_a_clock_that_is_set_kills_no_running_task_and_starts_nothing_twice(tmp_path, monkeypatch, jump):
    monkeypatch.setenv("AIRFLOW__SCHEDULER__ZOMBIE_DETECTION_INTERVAL", "0.3")
    run, marks = diamond(), tmp_path / "marks"
    marks.touch()
    other = make_run(make_dag("long", is_paused=True), {"long": "running"}, state="running")
    other.task_instances.update(last_heartbeat_at=datetime.now(UTC), start_date=datetime.now(UTC))
    number = other.task_instances.get().pk

    began = time.monotonic()  # both processes have this clock, so both are set at the same moment

    def set_clock() -> None:
        read = clocks._read
        clocks.SYNC_SECONDS = 0.0
        clocks._read = lambda: read() + (jump if time.monotonic() > began + 0.5 else timedelta(0))

    pid = scheduler(marks, before=set_clock)
    try:
        while (passed := time.monotonic() - began) < 3:
            there = datetime.now(UTC) + (jump if passed > 0.5 else timedelta(0))  # its supervisor has the same clock
            TaskInstance.objects.filter(pk=number, state="running").update(last_heartbeat_at=there)
            time.sleep(0.2)
        assert TaskInstance.objects.get(pk=number).state == "running"
    finally:
        DagRun.objects.filter(pk=other.pk).update(state="failed")
    assert ended(pid) == 0
    check(marks, run)
    assert not TaskInstance.objects.filter(duration__lt=0).exists()


@pytest.mark.postgres
@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="on SQLite there is one machine, with one clock")
def test_f21_of_two_machines_the_one_whose_clock_is_ahead_makes_no_run_early(tmp_path):
    run, marks = diamond(), tmp_path / "marks"
    marks.touch()
    daily = {"type": "cron_data_interval", "expression": "0 0 * * *", "timezone": "UTC"}
    begin = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=3)

    def due_in(seconds: float) -> str:
        moments = {"next_dagrun": begin, "next_dagrun_create_after": datetime.now(UTC) + timedelta(seconds=seconds)}
        span = {"next_dagrun_data_interval_start": begin, "next_dagrun_data_interval_end": begin + timedelta(days=1)}
        graph = serialized("a", dag_id=f"due_{seconds:.0f}", timetable=daily, start_date=begin, max_active_runs=1)
        return make_dag(graph, **moments, **span).dag_id

    early, due = due_in(3600), due_in(-1)
    ahead = time_machine.travel(datetime.now(UTC) + timedelta(hours=2), tick=True)
    pids = [scheduler(marks, before=ahead.start), scheduler(marks)]
    assert [ended(pid) for pid in pids] == [0, 0]
    check(marks, run)
    assert not DagRun.objects.filter(dag=early).exists()
    assert DagRun.objects.filter(dag=due, logical_date=begin).exists()
