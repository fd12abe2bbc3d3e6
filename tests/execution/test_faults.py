"""What happens when processes die, hang, or leave others behind: RELIABILITY F03 to F06, F24 to F26, F29."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

import psutil
import pytest
from django.db import connection
from django.utils import timezone

from orchestration.execution import processes, ties
from orchestration.execution.executors.local import LocalExecutor
from orchestration.models import TaskInstance, TaskInstanceHistory, XCom, outcomes
from orchestration.states import TaskInstanceState as S
from tests.execution.conftest import Bench

pytestmark = pytest.mark.processes

#: Says that it runs, and where; then sleeps.
SLEEPER = """
    @task(retries={retries})
    def t(ti=None):
        with open({marks!r}, "a") as file:
            file.write(f"start {{ti.try_number}} {{os.getpid()}}\\n")
        print("before", flush=True)
        time.sleep({seconds})
        with open({marks!r}, "a") as file:
            file.write(f"end {{ti.try_number}} {{os.getpid()}}\\n")
        return "done"
    t()
"""


class Marks:
    """What tasks wrote of themselves."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def lines(self) -> list[list[str]]:
        return [line.split() for line in self.path.read_text().splitlines()] if self.path.exists() else []

    def pids(self, word: str = "start") -> list[int]:
        return [int(line[-1]) for line in self.lines() if line[0] == word]


@pytest.fixture
def marks(tmp_path):
    return Marks(tmp_path / "marks")


def is_alive(pid: int) -> bool:
    with contextlib.suppress(psutil.Error):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


def start(bench: Bench, marks: Marks, *, retries: int = 0, seconds: float = 600):
    """A sleeping task; its run, its instance and the pid of its process."""
    run = bench.run_of(SLEEPER.format(retries=retries, marks=str(marks.path), seconds=seconds))
    workload = bench.queue(run, "t")
    bench.submit(workload)
    pid = bench.until(lambda: marks.pids())[-1]
    return run, TaskInstance.objects.get(pk=workload.ti_id), pid


def fresh(ti: TaskInstance) -> TaskInstance:
    return TaskInstance.objects.select_related("run").get(pk=ti.pk)


def terminate_other_sessions() -> None:
    """End all sessions of this PostgreSQL database but ours."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@pytest.mark.parametrize(("retries", "state"), [(0, S.FAILED), (2, S.UP_FOR_RETRY)])
def test_f04_a_killed_task_fails_or_is_retried_at_once_with_its_reason_and_log(own_bench, marks, retries, state):
    _, ti, pid = start(own_bench, marks, retries=retries)
    os.kill(pid, signal.SIGKILL)
    own_bench.until(lambda: fresh(ti).state != S.RUNNING, seconds=5)
    ti = fresh(ti)
    assert ti.state == state
    assert ti.reason.startswith("The task's process was killed by SIGKILL.")
    assert "INFO - before" in own_bench.log_of(ti)
    own_bench.until(lambda: not own_bench.executor.running(), seconds=5)


def test_a_terminated_task_fails_by_itself(own_bench, marks):
    _, ti, pid = start(own_bench, marks)
    os.kill(pid, signal.SIGTERM)
    own_bench.until(lambda: fresh(ti).state == S.FAILED, seconds=5)
    assert fresh(ti).reason == "AirflowTaskTerminated: The task's process was told to end (SIGTERM)."


def test_f05_a_task_dies_with_its_supervisor_before_its_next_try_starts(own_bench, marks):
    run, ti, pid = start(own_bench, marks, retries=1)
    os.kill(own_bench.executor._supervisor.pid, signal.SIGKILL)
    own_bench.until(lambda: fresh(ti).state == S.UP_FOR_RETRY, seconds=10)
    assert not is_alive(pid)
    assert fresh(ti).reason == "The supervisor of the task's process died."
    own_bench.submit(own_bench.queue(run, "t"))
    own_bench.until(lambda: len(marks.pids()) == 2)
    assert [line[1] for line in marks.lines()] == ["1", "2"]


def test_tries_that_a_dead_supervisor_had_not_begun_are_begun_by_the_next(own_bench):
    run = own_bench.run_of("BashOperator(task_id='t', bash_command='true')")
    own_bench.executor.poll()
    os.kill(own_bench.executor._supervisor.pid, signal.SIGSTOP)
    workload = own_bench.queue(run, "t")
    own_bench.submit(workload)
    os.kill(own_bench.executor._supervisor.pid, signal.SIGKILL)
    own_bench.until(lambda: TaskInstance.objects.get(pk=workload.ti_id).state == S.SUCCESS, seconds=20)


def test_f06_the_death_of_a_warm_parent_fails_its_tasks_only_and_it_is_replaced(own_bench, marks):
    run, ti, pid = start(own_bench, marks, retries=1)
    os.kill(psutil.Process(pid).ppid(), signal.SIGKILL)
    own_bench.until(lambda: fresh(ti).state == S.UP_FOR_RETRY, seconds=5)
    assert "was killed, and they with it" in fresh(ti).reason
    assert not is_alive(pid)
    own_bench.submit(own_bench.queue(run, "t"))
    own_bench.until(lambda: len(marks.pids()) == 2)


def test_the_death_of_the_zygote_is_survived_too(own_bench, marks):
    run, ti, pid = start(own_bench, marks, retries=1)
    os.kill(psutil.Process(psutil.Process(pid).ppid()).ppid(), signal.SIGKILL)
    own_bench.until(lambda: fresh(ti).state == S.UP_FOR_RETRY, seconds=5)
    assert not is_alive(pid)
    own_bench.submit(own_bench.queue(run, "t"))
    own_bench.until(lambda: len(marks.pids()) == 2)


def test_f03_tries_are_brought_to_their_ends_when_the_scheduler_is_gone(transactional_db, marks):
    bench = Bench(Path(os.environ["AIRFLOW_HOME"]) / "dags", LocalExecutor(4))
    bench.executor.start(0)
    supervisor = bench.executor._supervisor
    _, ti, pid = start(bench, marks, seconds=2)
    started = fresh(ti).last_heartbeat_at
    supervisor.close()  # as when the scheduler's process is killed
    deadline = time.monotonic() + 10
    while fresh(ti).state == S.RUNNING and time.monotonic() < deadline:
        time.sleep(0.1)
    assert fresh(ti).state == S.SUCCESS
    assert started is not None
    while not supervisor.has_exited() and time.monotonic() < deadline + 10:
        time.sleep(0.1)
    assert supervisor.has_exited()
    assert not is_alive(pid)


def test_f29_a_supervisor_that_slept_too_long_finds_its_try_taken_and_ends_it(own_bench, marks):
    _, ti, pid = start(own_bench, marks, seconds=2)
    supervisor = own_bench.executor._supervisor.pid
    os.kill(supervisor, signal.SIGSTOP)
    try:
        assert outcomes.fail_or_retry(fresh(ti), None, reason="zombie", now=timezone.now()) == S.FAILED
        time.sleep(2.5)  # the task ends and says so, unheard
    finally:
        os.kill(supervisor, signal.SIGCONT)
    own_bench.until(lambda: not own_bench.executor.running(), seconds=15)
    ti = fresh(ti)
    assert (ti.state, ti.reason) == (S.FAILED, "zombie")
    assert not XCom.objects.exists()
    assert not is_alive(pid)


TREE = """
    @task
    def t():
        {ignore}
        def note():
            with open({marks!r}, "a") as file:
                file.write(f"start {{os.getpid()}}\\n")
        note()
        subprocess.Popen(["sh", "-c", "{trap} echo start $$ >> {marks}; sleep 600 & wait; sleep 600"])
        loop = "{trap} echo start $$ >> {marks}; while true; do sleep 1; done"
        subprocess.Popen(["sh", "-c", loop], start_new_session=True)
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                {ignore}
                note()
                time.sleep(600)
            os._exit(0)
        os.wait()
        subprocess.run(["sh", "-c", "setsid sh -c '{trap} echo start $$ >> {marks}; sleep 600' > /dev/null 2>&1 &"])
        {after}
    t()
"""


def tree_of(marks: Marks, *, after: str, is_deaf: bool) -> str:
    return TREE.format(
        marks=str(marks.path),
        after=after,
        trap="trap '' TERM;".replace("'", "").replace("trap  TERM;", "trap : TERM;") if is_deaf else "",
        ignore="signal.signal(signal.SIGTERM, signal.SIG_IGN)" if is_deaf else "pass",
    )


@pytest.mark.parametrize("is_deaf", [False, True])
@pytest.mark.parametrize("verb", ["cleared", "marked", "deleted", "killed"])
def test_f24_nothing_of_a_try_survives_its_end(own_bench, marks, verb, is_deaf):
    run = own_bench.run_of(tree_of(marks, after="time.sleep(600)", is_deaf=is_deaf))
    workload = own_bench.queue(run, "t")
    own_bench.submit(workload)
    own_bench.until(lambda: len(marks.pids()) == 5)
    pids = marks.pids()
    assert all(is_alive(pid) for pid in pids)
    row = TaskInstance.objects.filter(pk=workload.ti_id)
    if verb == "cleared":
        row.override(S.RESTARTING, now=timezone.now())
    elif verb == "marked":
        row.override(S.SUCCESS, now=timezone.now())
    elif verb == "deleted":
        run.delete()
    own_bench.executor.kill([workload.ti_id], "The operator said so.")
    own_bench.until(lambda: not own_bench.executor.running(), seconds=15)
    assert not [pid for pid in pids if is_alive(pid)]
    if verb == "killed":
        assert (row.get().state, row.get().reason) == (S.FAILED, "The operator said so.")
    elif verb == "cleared":
        own_bench.until(lambda: row.get().state == S.NONE, seconds=2)
    elif verb == "marked":
        assert row.get().state == S.SUCCESS
    assert not processes.tree(None, ties.try_tag(workload.ti_id, 1, workload.claim))


def test_what_a_task_leaves_behind_ends_with_it(own_bench, marks):
    run = own_bench.run_of(tree_of(marks, after="time.sleep(0.5)", is_deaf=False))
    ti = own_bench.run_task(run, "t")
    assert ti.state == S.SUCCESS
    pids = marks.pids()
    assert len(pids) == 5
    own_bench.until(lambda: not [pid for pid in pids if is_alive(pid)], seconds=15)


def test_a_cleared_task_is_not_tried_again_before_its_old_process_is_gone(own_bench, marks):
    _, ti, pid = start(own_bench, marks)
    TaskInstance.objects.filter(pk=ti.pk).override(S.RESTARTING, now=timezone.now())
    own_bench.executor.kill([ti.pk], "Cleared.")
    own_bench.until(lambda: fresh(ti).state == S.NONE, seconds=10)
    assert not is_alive(pid)


def test_a_second_try_waits_for_the_process_of_the_first(own_bench, marks):
    """A stale mark: somebody queued the next try although the old process still runs."""
    run, ti, pid = start(own_bench, marks)
    TaskInstance.objects.filter(pk=ti.pk).override(S.NONE, now=timezone.now())
    own_bench.submit(own_bench.queue(run, "t"))
    own_bench.until(lambda: len(marks.pids()) == 2, seconds=15)
    assert not is_alive(pid)


def test_a_lost_claim_is_found_by_the_heartbeat(monkeypatch, marks, transactional_db, quick_kills):
    monkeypatch.setenv("AIRFLOW__SCHEDULER__JOB_HEARTBEAT_SEC", "1")
    bench = Bench(Path(os.environ["AIRFLOW_HOME"]) / "dags", LocalExecutor(4))
    bench.executor.start(0)
    try:
        _, ti, pid = start(bench, marks)
        before = fresh(ti).last_heartbeat_at
        bench.until(lambda: fresh(ti).last_heartbeat_at != before, seconds=5)
        assert fresh(ti).pid == pid
        TaskInstance.objects.filter(pk=ti.pk).override(S.FAILED, now=timezone.now())
        bench.until(lambda: not is_alive(pid), seconds=10)
        assert fresh(ti).reason == ""
    finally:
        bench.executor.stop(0)


@pytest.fixture
def silent_supervisors(monkeypatch):
    """No heartbeat finds out what was lost. To be asked for before the executor."""
    monkeypatch.setenv("AIRFLOW__SCHEDULER__JOB_HEARTBEAT_SEC", "600")


def test_a_task_that_lost_its_claim_can_write_nothing(silent_supervisors, own_bench, marks):
    run = own_bench.run_of(f"""
        @task
        def t(ti=None):
            with open({str(marks.path)!r}, "a") as file:
                file.write(f"start {{os.getpid()}}\\n")
            time.sleep(1)
            try:
                ti.xcom_push("late", 1)
            except Exception as error:
                print("refused:", error, flush=True)
                raise
        t()
    """)
    workload = own_bench.queue(run, "t")
    own_bench.submit(workload)
    own_bench.until(lambda: marks.pids())
    TaskInstance.objects.filter(pk=workload.ti_id).override(S.SUCCESS, now=timezone.now())
    own_bench.until(lambda: not own_bench.executor.running(), seconds=15)
    assert not XCom.objects.exists()
    ti = TaskInstance.objects.select_related("run").get(pk=workload.ti_id)
    assert (ti.state, ti.reason) == (S.SUCCESS, "")
    # Nobody but the refusal tells it: it is read in the log, or the end that follows came before it was printed.
    log = own_bench.log_of(ti)
    assert "refused: This try is over" in log or "SIGTERM" in log
    assert ti.end_date is not None and "return code 0" not in log


def test_a_stopped_executor_queues_what_runs_again_without_costing_a_retry(transactional_db, quick_kills, marks):
    bench = Bench(Path(os.environ["AIRFLOW_HOME"]) / "dags", LocalExecutor(4))
    bench.executor.start(0)
    _, ti, pid = start(bench, marks)
    bench.executor.stop(0)
    assert not is_alive(pid)
    ti = fresh(ti)
    assert (ti.state, ti.max_tries) == (S.UP_FOR_RETRY, 1)
    assert ti.reason == "The executor was stopped; the task is queued again."
    assert TaskInstanceHistory.objects.get(task_instance=ti).try_number == 1


def test_a_stopped_executor_lets_tasks_end_within_the_grace(transactional_db, quick_kills, marks):
    bench = Bench(Path(os.environ["AIRFLOW_HOME"]) / "dags", LocalExecutor(4))
    bench.executor.start(0)
    _, ti, _ = start(bench, marks, seconds=1)
    bench.executor.stop(10)
    assert fresh(ti).state == S.SUCCESS


def test_f26_much_output_streams_in_constant_memory(own_bench, marks):
    run = own_bench.run_of(f"""
        @task
        def t():
            block = b"x" * 99 + b"\\n"
            subprocess.run(["sh", "-c", "head -c 60000000 /dev/zero | tr '\\\\0' y; echo; seq 1 300000"], check=True)
            for _ in range(50_000):
                print("a line of python")
            import resource
            with open({str(marks.path)!r}, "w") as file:
                file.write(f"start {{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}}\\n")
        t()
    """)
    ti = own_bench.run_task(run, "t", seconds=90)
    assert ti.state == S.SUCCESS
    assert marks.pids()[0] < 120_000  # kilobytes
    log = own_bench.log_of(ti)
    assert log.count("y") >= 60_000_000
    assert log.count("a line of python") == 50_000
    assert "INFO - 300000\n" in log
    assert max(map(len, log.splitlines())) < 70_000
    assert "Task exited with return code 0" in log


def test_f26_closed_descriptors_and_binary_output_harm_only_the_log(bench):
    run = bench.run_of("""
        @task
        def t():
            os.write(1, b"\\x00\\xfe\\xff no newline")
            for number in (0, 1, 2):
                os.close(number)
            print("after closing")
            return 1
        t()
    """)
    ti = bench.run_task(run, "t")
    assert ti.state == S.SUCCESS
    assert "after closing" in bench.log_of(ti)


def test_f18_a_log_that_cannot_be_written_changes_no_outcome(bench):
    run = bench.run_of("""
        @task
        def t():
            import resource
            resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            for i in range(1000):
                print("line", i)
            return "fine"
        t()
    """)
    ti = bench.run_task(run, "t")
    assert ti.state == S.SUCCESS
    assert len(bench.log_of(ti)) <= 2000


def test_a_dag_file_that_kills_its_process_fails_its_tasks_only(own_bench):
    good = own_bench.run_of("BashOperator(task_id='t', bash_command='true')")
    run = own_bench.run_of("BashOperator(task_id='t', bash_command='true')")
    path = own_bench.folder / f"{run.dag_id}.py"
    path.write_text(path.read_text() + "\nif 'pytest' not in sys.modules: os._exit(0)\n")
    ti = own_bench.run_task(run, "t")
    assert ti.state == S.FAILED
    assert "ended before it was done" in ti.reason
    assert own_bench.run_task(good, "t").state == S.SUCCESS


def test_a_dag_file_that_never_ends_fails_its_tasks_only(monkeypatch, transactional_db, quick_kills):
    monkeypatch.setenv("AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT", "1")
    bench = Bench(Path(os.environ["AIRFLOW_HOME"]) / "dags", LocalExecutor(4))
    bench.executor.start(0)
    try:
        run = bench.run_of("BashOperator(task_id='t', bash_command='true')")
        path = bench.folder / f"{run.dag_id}.py"
        path.write_text(path.read_text() + "\nif 'pytest' not in sys.modules: time.sleep(600)\n")
        ti = bench.run_task(run, "t")
        assert ti.state == S.FAILED
        assert "took more than" in ti.reason
    finally:
        bench.executor.stop(0)


def test_a_locked_database_keeps_an_end_until_it_can_be_stored(own_bench, marks):
    if connection.vendor != "sqlite":
        pytest.skip("SQLite's lock")
    import sqlite3

    _, ti, _ = start(own_bench, marks, seconds=1)
    path = connection.settings_dict["NAME"]
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        time.sleep(3)
        other.execute("ROLLBACK")
    own_bench.until(lambda: fresh(ti).state == S.SUCCESS, seconds=40)


@pytest.mark.postgres
def test_f13_terminated_sessions_lose_nothing(own_bench, marks):
    if connection.vendor != "postgresql":
        pytest.skip("PostgreSQL's sessions")
    _, ti, _ = start(own_bench, marks, seconds=3)
    for _ in range(8):
        terminate_other_sessions()
        time.sleep(0.5)
    own_bench.until(lambda: fresh(ti).state == S.SUCCESS, seconds=20)
    assert XCom.objects.get(task_instance=ti).value == '"done"'


@pytest.mark.postgres
def test_f14_a_result_that_a_crash_of_the_database_took_is_stored_again(own_bench, marks):
    """Results do not wait for the disk: PostgreSQL may lose the last of them when it crashes."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite writes within the process")
    _, ti, _ = start(own_bench, marks, seconds=1)
    claim = fresh(ti).claim
    assert claim is not None
    own_bench.until(lambda: fresh(ti).state == S.SUCCESS, seconds=20)
    TaskInstance.objects.filter(pk=ti.pk).update(state=S.RUNNING, claim=claim, end_date=None)
    XCom.objects.all().delete()
    terminate_other_sessions()
    own_bench.until(lambda: fresh(ti).state == S.SUCCESS, seconds=20)
    assert XCom.objects.get(task_instance=ti).value == '"done"'
    assert len(marks.pids()) == 1


@pytest.mark.postgres
def test_f15_a_lock_on_one_try_holds_up_no_other_and_no_limit(own_bench, marks):
    """Somebody keeps a running instance's row: the supervisor goes on, and ends that try in its time as well."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one lock for all")
    run = own_bench.run_of(f"""
        @task(execution_timeout=datetime.timedelta(seconds=1))
        def deaf():
            with open({str(marks.path)!r}, "a") as file:
                file.write(f"start {{os.getpid()}}\\n")
            while True:
                try:
                    time.sleep(600)
                except BaseException:
                    pass
        @task
        def other(ti=None):
            ti.xcom_push("said", 1)
            return "done"
        deaf(), other()
    """)
    locked = own_bench.queue(run, "deaf")
    own_bench.submit(locked)
    pid = own_bench.until(lambda: marks.pids())[0]
    holder = connection.copy()
    holder.set_autocommit(False)
    try:
        with holder.cursor() as cursor:
            cursor.execute("SELECT 1 FROM orchestration_taskinstance WHERE id = %s FOR UPDATE", [locked.ti_id])
        time.sleep(1)  # the supervisor wants to note what runs
        before = time.monotonic()
        other = own_bench.run_task(run, "other", seconds=10)
        assert other.state == S.SUCCESS
        assert time.monotonic() - before < 8
        own_bench.until(lambda: not is_alive(pid), seconds=15)
        assert TaskInstance.objects.get(pk=locked.ti_id).state == S.RUNNING, "its end waits for the lock"
    finally:
        holder.rollback()
        holder.close()
    own_bench.until(lambda: not own_bench.executor.running(), seconds=15)
    ti = TaskInstance.objects.get(pk=locked.ti_id)
    assert (ti.state, "execution_timeout" in ti.reason) == (S.FAILED, True)


def test_no_process_is_left_when_the_executor_stops(transactional_db, quick_kills, marks):
    bench = Bench(Path(os.environ["AIRFLOW_HOME"]) / "dags", LocalExecutor(4))
    bench.executor.start(0)
    supervisor = bench.executor._supervisor
    start(bench, marks, seconds=0.1)
    family = psutil.Process(supervisor.pid).children(recursive=True)
    assert len(family) >= 2  # the zygote and a warm parent
    bench.executor.stop(5)
    assert not [each for each in (*family, psutil.Process()) if each.pid != os.getpid() and is_alive(each.pid)]
    assert not is_alive(supervisor.pid)


def test_processes_that_outlived_their_supervisor_are_found_and_ended_by_the_next(own_bench, marks):
    run = own_bench.run_of(tree_of(marks, after="time.sleep(600)", is_deaf=True))
    own_bench.submit(own_bench.queue(run, "t"))
    own_bench.until(lambda: len(marks.pids()) == 5)
    os.kill(own_bench.executor._supervisor.pid, signal.SIGKILL)
    own_bench.until(lambda: run.task_instances.get().state == S.FAILED, seconds=10)
    own_bench.until(lambda: not [pid for pid in marks.pids() if is_alive(pid)], seconds=10)
