"""A machine that has no process or no memory left for one more: RELIABILITY F44.

The limits are those of single processes (``prlimit``), which need no privilege. Root is free of the limit of processes:
there the system runs as somebody else, who may only read what root may.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import socket
import subprocess
from collections.abc import Collection, Iterator

import psutil
import pytest
from django.db import connection

from orchestration.execution import supervisor
from orchestration.processes import programs
from tests.children import ended
from tests.faults.evidence import MARKING, read
from tests.faults.steps import Caller, assert_sound, until
from tests.live import LiveSystem
from tests.machine import need_program

pytestmark = [
    pytest.mark.processes,
    pytest.mark.timeout(400),
    pytest.mark.skipif(connection.vendor != "sqlite", reason="no matter of the database: runs with SQLite"),
]

#: Whom the system runs as where the tests run as root.
NOBODY = 65534
#: Bytes that each process may still take when memory is short, and those that a task or a file wants.
LEFT, WANTED = 64 << 20, 256 << 20

DAGS = f"""{MARKING}
def grow(**context):
    ballast = bytearray({WANTED})
    return mark(**context)

for name, retries, call in ("once", 0, mark), ("again", 200, mark), ("large", 0, grow), ("larger", 200, grow):
    with DAG(name, start_date=START, schedule=None, max_active_runs=100, is_paused_upon_creation=False,
             default_args=dict(retries=retries, retry_delay=timedelta(seconds=1))) as dag:
        PythonOperator(task_id="only", python_callable=call)
    globals()[name] = dag
"""
#: A file whose tasks no process was started for yet, and one whose import wants memory.
OTHER = f"""{MARKING}
with DAG("other", start_date=START, schedule=None, is_paused_upon_creation=False):
    PythonOperator(task_id="only", python_callable=mark)
"""
BALLAST = OTHER.replace('"other"', '"ballast"') + f"\nballast = bytearray({WANTED})\n"
#: The parts that begin tasks, and that read files.
ENGINE = ("manage.py standalone", "scheduler", "supervisor", "nursery", "zygote", "warm", "dag_processor")


class Bound(LiveSystem):
    """A system whose processes can be limited."""

    def begin(self) -> None:
        """As somebody whom limits bind."""
        if os.geteuid() == 0:
            keep = "-all,+dac_override"  # the interpreter may lie where only root may look
            self.program = (
                *(need_program("setpriv"), f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"),
                *(f"--inh-caps={keep}", f"--ambient-caps={keep}", f"--bounding-set={keep}", "--", *self.program),
            )
            subprocess.run(["chown", "--recursive", f"{NOBODY}:{NOBODY}", self.home], check=True)
            if self.run("version", check=False).returncode:
                pytest.skip("root may not become somebody else here, and no limit of processes binds root")
        super().begin()

    def family(self) -> list[psutil.Process]:
        parent = psutil.Process(self.processes[0].pid)
        return [parent, *parent.children(recursive=True)]

    def part(self, name: str) -> psutil.Process | None:
        """The process whose title has the name."""
        for each in self.family():
            with contextlib.suppress(psutil.Error):
                if name in " ".join(each.cmdline()) and each.status() != psutil.STATUS_ZOMBIE:
                    return each
        return None

    def engine(self) -> list[psutil.Process]:
        found = []
        for each in self.family():
            with contextlib.suppress(psutil.Error):
                title = " ".join(each.cmdline())
                if "gunicorn" not in title and any(name in title for name in ENGINE):
                    found.append(each)
        return found

    @contextlib.contextmanager
    def without_processes(self) -> Iterator[None]:
        """No process of the engine can start another one."""
        try:
            for each in self.engine():
                limit(each, f"--nproc=0:{resource.getrlimit(resource.RLIMIT_NPROC)[1]}")
            yield
        finally:
            for each in self.family():
                limit(each, f"--nproc={resource.getrlimit(resource.RLIMIT_NPROC)[0]}:")

    @contextlib.contextmanager
    def without_memory(self) -> Iterator[None]:
        """The engine's processes, and those they start, can hardly grow."""
        try:
            for each in self.engine():
                limit(each, f"--as={each.memory_info().vms + LEFT}:")
            yield
        finally:
            for _ in range(2):  # what was started meanwhile inherited it
                for each in self.family():
                    limit(each, "--as=unlimited:")


def limit(process: psutil.Process, wanted: str) -> None:
    """Set the soft limit; of a process that is gone nothing."""
    who = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
    done = subprocess.run(
        [need_program("prlimit"), "--pid", str(process.pid), wanted], capture_output=True, text=True, check=False, **who
    )
    assert done.returncode == 0 or not process.is_running(), done.stderr


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bound]:
    folder = tmp_path_factory.mktemp("dags")
    for name, text in ("flows", DAGS), ("other", OTHER), ("ballast", BALLAST):
        (folder / f"{name}.py").write_text(text)
    options = {
        ("scheduler", "scheduler_heartbeat_sec"): 1,
        ("scheduler", "job_heartbeat_sec"): 1,
        ("scheduler", "zombie_detection_interval"): 1,
        ("webserver", "workers"): 1,
    }
    with Bound(dags=folder, options=options) as live:
        live.wait_for_dags("once", "other", "ballast")
        caller = Caller(live)
        caller.trigger_until_done("once", "first")  # so that there is a process to fork its tasks from
        assert live.wait_for_run("once", "first")["state"] == "success"
        yield live
        assert_sound(live, None, caller)


@pytest.fixture
def caller(system: Bound) -> Caller:
    return Caller(system)


@pytest.fixture
def _nothing_ends(system: Bound) -> Iterator[None]:
    """No part of the system ends, whatever the test does."""
    names = ("manage.py standalone", "scheduler", "supervisor", "dag_processor", "triggerer")
    before = {name: system.part(name) for name in names}
    yield
    assert {name: system.part(name) for name in names} == before


def instance(system: Bound, dag_id: str, run_id: str) -> dict[str, object]:
    """The row of the run's only task instance."""
    rows = read(system.home).rows
    (run,) = [row["id"] for row in rows["dagrun"] if (row["dag_id"], row["run_id"]) == (dag_id, run_id)]
    (found,) = [row for row in rows["taskinstance"] if row["run_id"] == run]
    return dict(found)


def log_of(system: Bound, dag_id: str, run_id: str) -> str:
    with system.api as api:
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/only/logs/1"
        return api.get(path, headers={"Accept": "text/plain"}).text


def assert_failed(system: Bound, dag_id: str, run_id: str, reason: str) -> None:
    """The run's try failed, and the reason is told in its row and in its log."""
    assert system.wait_for_run(dag_id, run_id, 120)["state"] == "failed"
    found = instance(system, dag_id, run_id)
    assert (found["state"], found["try_number"]) == ("failed", 1)
    assert reason in str(found["reason"])
    assert reason in log_of(system, dag_id, run_id)


def assert_succeeds(system: Bound, caller: Caller, dag_ids: Collection[str], run_id: str) -> None:
    for dag_id in dag_ids:
        caller.trigger_until_done(dag_id, run_id)
    for dag_id in dag_ids:
        assert system.wait_for_run(dag_id, run_id, 120)["state"] == "success", instance(system, dag_id, run_id)


@pytest.mark.usefixtures("_nothing_ends")
def test_f44_a_try_that_no_process_can_be_started_for_fails_with_its_reason_and_the_next_one_runs(
    system: Bound, caller: Caller
) -> None:
    reason = "No process could be started"
    with system.without_processes():
        for dag_id in ("once", "again", "other"):
            caller.trigger_until_done(dag_id, "f44-processes")
        assert_failed(system, "once", "f44-processes", reason)
        assert_failed(system, "other", "f44-processes", reason)  # there was not even one that imports its file
        until(lambda: instance(system, "again", "f44-processes")["try_number"] != 1, "the first try failed")
        (system.dags / "other.py").write_text(OTHER + "\n# edited\n")
        with system.api as api:
            token = api.get("/dags/other").json()["file_token"]
            api.put(f"/parseDagFile/{token}").raise_for_status()
        until(lambda: "No parser could be started" in system.log.read_text(), "a parser was wanted")
    assert system.wait_for_run("again", "f44-processes", 120)["state"] == "success"
    assert reason in log_of(system, "again", "f44-processes")
    assert_succeeds(system, caller, ("once", "other"), "f44-processes-after")
    with system.api as api:
        assert api.get("/importErrors").json()["total_entries"] == 0


def test_f44_parts_that_end_while_no_process_can_be_started_come_back_when_one_can(
    system: Bound, caller: Caller
) -> None:
    kept = {name: system.part(name) for name in ("manage.py standalone", "scheduler", "triggerer")}
    with system.without_processes():
        for name in ("supervisor", "dag_processor"):
            found = system.part(name)
            assert found is not None
            found.send_signal(signal.SIGKILL)
        for words in ("No supervisor could be started", "dag_processor cannot start"):
            until(lambda words=words: words in system.log.read_text(), "it is told")
        caller.trigger_until_done("once", "f44-parts")
        assert instance(system, "once", "f44-parts")["state"] in {"", "scheduled", "queued"}, "it waits"
    assert system.wait_for_run("once", "f44-parts", 120)["state"] == "success"
    assert instance(system, "once", "f44-parts")["try_number"] == 1
    until(lambda: system.part("dag_processor"), "the DAG processor is back")
    assert {name: system.part(name) for name in kept} == kept


@pytest.mark.usefixtures("_nothing_ends")
def test_f44_tries_that_get_no_memory_fail_with_their_reason_and_the_next_ones_run(
    system: Bound, caller: Caller
) -> None:
    with system.without_memory():
        for dag_id in ("once", "large", "larger", "ballast"):
            caller.trigger_until_done(dag_id, "f44-memory")
        assert system.wait_for_run("once", "f44-memory", 120)["state"] == "success", "what needs none runs"
        for dag_id in ("large", "ballast"):  # a task, and the import of a file
            assert_failed(system, dag_id, "f44-memory", "MemoryError")
        until(lambda: instance(system, "larger", "f44-memory")["try_number"] != 1, "the first try failed")
    assert system.wait_for_run("larger", "f44-memory", 120)["state"] == "success"
    assert_succeeds(system, caller, ("large", "ballast"), "f44-memory-after")


def test_f44_a_supervisor_lives_also_where_its_zygote_cannot_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(programs, "start", refuse)
    ours, theirs = socket.socketpair()
    ours.close()  # there is nothing to do, so that it ends
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            supervisor.run(theirs, "1")
            status = 0
        finally:
            os._exit(status)
    theirs.close()
    assert ended(pid) == 0
