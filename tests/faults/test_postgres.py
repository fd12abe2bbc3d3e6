"""A system whose PostgreSQL ends its sessions, crashes, or is held up by locks: RELIABILITY F13, F14, F15.

The server is the test's own, so that it can be stopped; the system is one of real processes on it.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from tests.faults.cluster import Cluster
from tests.faults.evidence import MARKING, marks_of
from tests.faults.steps import PATIENCE, Caller, assert_sound, complaints, run_of, until
from tests.live import LiveSystem

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.processes,
    pytest.mark.timeout(600),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="PostgreSQL's faults"),
]

DAGS = f"""{MARKING}
for name, seconds in ("red", 0.1), ("blue", 0.1), ("long", 3.0):
    with DAG(name, start_date=START, schedule=None, max_active_runs=100, is_paused_upon_creation=False) as dag:
        first = PythonOperator(task_id="first", python_callable=mark, op_args=[seconds])
        first >> PythonOperator(task_id="second", python_callable=mark)
    globals()[name] = dag
"""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with Cluster() as found:
        yield found


@pytest.fixture(scope="module")
def system(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveSystem]:
    folder = tmp_path_factory.mktemp("dags")
    (folder / "flows.py").write_text(DAGS)
    options = {("scheduler", "scheduler_heartbeat_sec"): 1, ("scheduler", "job_heartbeat_sec"): 1}
    with LiveSystem(dags=folder, options=options, database_url=cluster.url) as live:
        live.wait_for_dags("red", "blue", "long")
        yield live


@pytest.fixture
def caller(system: LiveSystem) -> Caller:
    return Caller(system)


def has_started(system: LiveSystem, dag_id: str, run_id: str) -> bool:
    return any((mark.dag_id, mark.run_id) == (dag_id, run_id) for mark in marks_of(system.home / "marks"))


def state(cluster: Cluster, dag_id: str, run_id: str) -> str:
    with cluster.session() as session:
        row = session.execute(
            "SELECT state FROM orchestration_dagrun WHERE dag_id = %s AND run_id = %s", [dag_id, run_id]
        ).fetchone()
    return str(row[0]) if row else ""


def test_f13_sessions_that_are_ended_again_and_again_lose_nothing_and_callers_are_told(
    cluster: Cluster, system: LiveSystem, caller: Caller
) -> None:
    is_over = threading.Event()
    ended: list[int] = []

    def end_sessions() -> None:
        while len(ended) < 12 and not is_over.wait(1):
            ended.append(cluster.end_sessions())

    def ask(number: int) -> None:
        for each in range(8):
            caller.trigger_until_done("red", f"f13-{number}-{each}")
            time.sleep(0.5)  # so that the asking goes on while sessions end

    nemesis = threading.Thread(target=end_sessions)
    nemesis.start()
    try:
        caller.trigger_until_done("long", "f13")
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(ask, range(3)))
    finally:
        is_over.set()
        nemesis.join()
    assert sum(ended) > len(ended) >= 3
    evidence = assert_sound(system, cluster.url, caller)
    assert {row["state"] for row in evidence.rows["dagrun"]} == {"success"}
    assert len(evidence.rows["dagrun"]) == 25


def test_f14_a_crash_of_the_database_is_waited_out(cluster: Cluster, system: LiveSystem, caller: Caller) -> None:
    """A task ends while the server is down; callers are told to try again; all goes on with the next start."""
    caller.trigger_until_done("long", "f14")
    until(lambda: has_started(system, "long", "f14"), "the task started")
    cluster.crash()
    try:
        for method, path in ("GET", "/dags"), ("GET", "/dags/red"), ("PATCH", "/dags/red"), ("GET", "/pools"):
            with caller.client() as api:
                answer = api.request(method, path, json={"is_paused": True} if method == "PATCH" else None)
                assert answer.status_code == 503, answer.text
                assert complaints(answer) == []
        with caller.client() as api:
            health = api.get("/health")
            assert health.json()["metadatabase"]["status"] == "unhealthy"
        assert caller.trigger("red", "f14-down") == 503
        until(
            lambda: any(m.word == "end" and m.run_id == "f14" for m in marks_of(system.home / "marks")),
            "the task ended while the database was down",
        )
        assert all(process.poll() is None for process in system.processes)
    finally:
        cluster.start()
    caller.trigger_until_done("red", "f14-after")
    evidence = assert_sound(system, cluster.url, caller)
    assert {run_of(evidence, "long", "f14")["state"], run_of(evidence, "red", "f14-after")["state"]} == {"success"}
    assert {(mark.task_id, mark.try_number) for mark in evidence.marks if mark.run_id == "f14"} == {
        ("first", 1),
        ("second", 1),
    }


LOCKS = {
    "a run": "SELECT 1 FROM orchestration_dagrun WHERE dag_id = 'long' AND run_id = %s FOR UPDATE",
    "a pool": "SELECT 1 FROM orchestration_pool FOR UPDATE",
    "a DAG": "SELECT 1 FROM orchestration_dag WHERE dag_id = 'long' FOR UPDATE",
    "a task instance": (
        "SELECT 1 FROM orchestration_taskinstance ti JOIN orchestration_dagrun r ON r.id = ti.run_id"
        " WHERE r.run_id = %s AND ti.task_id = 'second' FOR UPDATE OF ti"
    ),
}


@pytest.mark.parametrize("name", LOCKS)
def test_f15_a_lock_holds_up_nobody_else(cluster: Cluster, system: LiveSystem, caller: Caller, name: str) -> None:
    run_id = f"f15-{name.replace(' ', '-')}"
    caller.trigger_until_done("long", run_id)
    until(lambda: has_started(system, "long", run_id), "the task started")
    with cluster.session(is_autocommit=False) as holder:
        holder.execute(LOCKS[name], [run_id] if "%s" in LOCKS[name] else None)
        ended = lambda: any(  # noqa: E731
            mark.word == "end" and mark.run_id == run_id for mark in marks_of(system.home / "marks")
        )
        until(ended, "the first task ended, so that the scheduler has something to decide about the locked row")
        caller.trigger_until_done("blue", run_id)
        until(lambda: state(cluster, "blue", run_id) == "success", "another DAG's run came to its end", PATIENCE)
        if name in {"a run", "a task instance"}:
            assert state(cluster, "long", run_id) == "running"
        holder.rollback()
    evidence = assert_sound(system, cluster.url, caller)
    assert run_of(evidence, "long", run_id)["state"] == "success"


def test_f15_a_locked_table_is_waited_for_and_callers_are_told(
    cluster: Cluster, system: LiveSystem, caller: Caller
) -> None:
    caller.trigger_until_done("long", "table")
    until(lambda: has_started(system, "long", "table"), "the task started")
    with cluster.session(is_autocommit=False) as holder:
        holder.execute("LOCK TABLE orchestration_dagrun, orchestration_taskinstance IN ACCESS EXCLUSIVE MODE")
        assert caller.trigger("red", "table") == 503  # and not: no answer as long as the lock is held
        with caller.client() as api:
            assert api.get("/variables").status_code == 200
        holder.rollback()
    caller.trigger_until_done("red", "table")
    evidence = assert_sound(system, cluster.url, caller)
    assert run_of(evidence, "long", "table")["state"] == "success"


def test_f15_a_deadlock_is_decided_again(cluster: Cluster, system: LiveSystem, caller: Caller) -> None:
    """Somebody locks an instance and then its run; the scheduler goes the other way round, and is the one refused."""
    has_happened = lambda: "deadlock detected" in cluster.log()  # noqa: E731 the scheduler itself says nothing of it
    for number in range(10):  # it takes both within half a second, which a busy machine may miss
        _lock_crosswise(cluster, system, caller, f"deadlock-{number}")
        if has_happened():
            break
    assert has_happened()
    evidence = assert_sound(system, cluster.url, caller)
    assert run_of(evidence, "long", "deadlock-0")["state"] == "success"


def _lock_crosswise(cluster: Cluster, system: LiveSystem, caller: Caller, run_id: str) -> None:
    caller.trigger_until_done("long", run_id)
    until(lambda: has_started(system, "long", run_id), "the task started")
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with cluster.session(is_autocommit=False) as holder, cluster.session() as watcher:
        holder.execute("SET LOCAL deadlock_timeout = '1min'")  # so that the other one finds it
        holder.execute(LOCKS["a task instance"], [run_id])
        until(lambda: watcher.execute(waiting).fetchone() != (0,), "the scheduler waits for the instance")
        holder.execute(LOCKS["a run"], [run_id])
        holder.rollback()


def test_f15_serialization_failures_are_decided_again(cluster: Cluster, system: LiveSystem, caller: Caller) -> None:
    """The database refuses whatever another transaction has changed meanwhile."""

    def isolate(level: str) -> None:
        with cluster.session("postgres") as session:
            session.execute(f"ALTER DATABASE system SET default_transaction_isolation = '{level}'")  # a level, no input
        cluster.end_sessions()

    isolate("serializable")
    try:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda number: caller.trigger_until_done("red", f"serial-{number}"), range(12)))
        until(lambda: state(cluster, "red", "serial-11") == "success", "the last run came to its end")
    finally:
        isolate("read committed")
    evidence = assert_sound(system, cluster.url, caller)
    assert {run_of(evidence, "red", f"serial-{number}")["state"] for number in range(12)} == {"success"}


def test_f19_a_database_that_may_only_be_read_is_waited_for(
    cluster: Cluster, system: LiveSystem, caller: Caller
) -> None:
    """As after a failover to a standby."""

    def allow(is_read_only: str) -> None:
        with cluster.session("postgres") as session:
            session.execute("SET default_transaction_read_only = off")
            session.execute(f"ALTER DATABASE system SET default_transaction_read_only = {is_read_only}")  # on or off
        cluster.end_sessions()

    caller.trigger_until_done("long", "f19")
    until(lambda: has_started(system, "long", "f19"), "the task started")
    allow("on")
    try:
        assert caller.trigger("red", "f19") == 503
        with caller.client() as api:
            answer = api.patch("/dags/red", json={"is_paused": True})
            assert (answer.status_code, complaints(answer)) == (503, [])
            assert api.get("/dags/red").json()["is_paused"] is False
        until(lambda: "end" in {m.word for m in marks_of(system.home / "marks") if m.run_id == "f19"}, "the task ended")
    finally:
        allow("off")
    caller.trigger_until_done("red", "f19")
    evidence = assert_sound(system, cluster.url, caller)
    assert {run_of(evidence, dag_id, "f19")["state"] for dag_id in ("long", "red")} == {"success"}


def test_f27_two_schedulers_share_the_work_and_one_may_die(
    cluster: Cluster, system: LiveSystem, caller: Caller
) -> None:
    second = system.start("scheduler", "--skip-serve-logs")
    jobs = "SELECT count(*) FROM orchestration_job WHERE job_type = 'SchedulerJob' AND state = 'running'"
    senders = """SELECT count(DISTINCT t.queued_by_job_id) FROM orchestration_taskinstance t
        JOIN orchestration_dagrun r ON r.id = t.run_id WHERE r.run_id LIKE 'f27-%'"""

    def living() -> bool:
        with cluster.session() as session:
            return session.execute(jobs).fetchone() == (2,)

    until(living, "two schedulers run")
    numbers = itertools.count()

    def have_worked() -> bool:
        for number in itertools.islice(numbers, 12):
            caller.trigger_until_done("red", f"f27-{number}")
            caller.trigger_until_done("blue", f"f27-{number}")
        with cluster.session() as session:
            return session.execute(senders).fetchone() == (2,)

    until(have_worked, "each scheduler did work")
    second.kill()
    second.wait()
    system.processes.remove(second)
    for _ in range(4):
        caller.trigger_until_done("red", f"f27-{next(numbers)}")
    evidence = assert_sound(system, cluster.url, caller)
    runs = {row["id"] for row in evidence.rows["dagrun"] if row["run_id"].startswith("f27")}
    assert len(runs) == len({(call.dag_id, call.run_id) for call in caller.calls}) >= 28
