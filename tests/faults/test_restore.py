"""An older database that is restored under running processes: RELIABILITY F42."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
import pytest
from django.db import connection

from tests.faults.cluster import Cluster
from tests.faults.evidence import MARKING, marks_of
from tests.faults.invariants import is_quiet, violations
from tests.faults.steps import Caller, run_of, settled, until
from tests.live import LiveSystem

pytestmark = [pytest.mark.processes, pytest.mark.timeout(400)]

DAGS = f"""{MARKING}
for name, seconds in ("short", 0.0), ("kept", 3.0), ("endless", 600.0):
    with DAG(name, start_date=START, schedule=None, is_paused_upon_creation=False,
             default_args=dict(retries=1, retry_delay=timedelta(seconds=0))) as dag:
        PythonOperator(task_id="only", python_callable=mark, op_args=[seconds])
    globals()[name] = dag
"""


@dataclass
class Stored:
    """A database that can be put back to what it was; ``url`` is None for SQLite in the system's home."""

    url: str | None
    back_up: Callable[[Path], None]
    restore: Callable[[Path], None]


@pytest.fixture
def stored(tmp_path: Path) -> Iterator[Stored]:
    copy = tmp_path / "copy.db"
    if connection.vendor == "postgresql":
        with Cluster() as cluster:
            yield Stored(cluster.url, lambda home: cluster.back_up(), lambda home: cluster.restore())
        return

    def move(source: Path, target: Path) -> None:
        with contextlib.closing(sqlite3.connect(source)) as one, contextlib.closing(sqlite3.connect(target)) as other:
            one.backup(other)

    file = "airflowsite.db"
    yield Stored(None, lambda home: move(home / file, copy), lambda home: move(copy, home / file))


def restart_scheduler(system: LiveSystem) -> None:
    """So that its job is newer than a copy that was made before."""
    family = psutil.Process(system.processes[0].pid).children()
    scheduler = next(each for each in family if "airflowsite scheduler" in " ".join(each.cmdline()))
    os.kill(scheduler.pid, signal.SIGKILL)
    until(lambda: system.log.read_text().count("scheduling.loop: Scheduler") == 2, "another scheduler runs")


def has_said(system: LiveSystem, word: str, run_id: str) -> bool:
    return any((mark.word, mark.run_id) == (word, run_id) for mark in marks_of(system.home / "marks"))


def test_f42_processes_go_on_with_an_older_database_and_end_what_it_does_not_know(
    stored: Stored, tmp_path: Path
) -> None:
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "flows.py").write_text(DAGS)
    options = {
        ("scheduler", "scheduler_heartbeat_sec"): 1,
        ("scheduler", "job_heartbeat_sec"): 1,
        ("scheduler", "scheduler_zombie_task_threshold"): 5,
        ("scheduler", "zombie_detection_interval"): 1,
    }
    with LiveSystem(dags=tmp_path / "dags", options=options, database_url=stored.url) as system:
        system.wait_for_dags("short", "kept", "endless")
        caller, forgotten = Caller(system), Caller(system)
        caller.trigger_until_done("short", "before")
        assert system.wait_for_run("short", "before")["state"] == "success"
        caller.trigger_until_done("kept", "kept")
        until(lambda: has_said(system, "start", "kept"), "the task started")
        stored.back_up(system.home)
        known = set(marks_of(system.home / "marks"))
        restart_scheduler(system)
        assert system.wait_for_run("kept", "kept")["state"] == "success"
        forgotten.trigger_until_done("endless", "newer")
        until(lambda: has_said(system, "start", "newer"), "the newer task started")
        (newer,) = [mark.pid for mark in marks_of(system.home / "marks") if mark.run_id == "newer"]
        parts = {each.pid for each in psutil.Process(system.processes[0].pid).children()}

        stored.restore(system.home)
        since = {mark for mark in marks_of(system.home / "marks") if mark not in known}
        caller.trigger_until_done("short", "after")  # its row gets the number of the newer one's
        until(lambda: not psutil.pid_exists(newer), "the task that the database does not know is ended", 60)
        assert system.wait_for_run("short", "after")["state"] == "success"
        assert system.wait_for_run("kept", "kept")["state"] == "success"
        with caller.client() as api:
            assert api.get("/dags/endless/dagRuns/newer").status_code == 404
            health = api.get("/health").json()
            assert {health[part]["status"] for part in ("metadatabase", "scheduler", "dag_processor")} == {"healthy"}
        assert {each.pid for each in psutil.Process(system.processes[0].pid).children()} == parts, "none had to restart"
        evidence = settled(system, stored.url, caller.calls)
        log = system.log.read_text()
    evidence = replace(evidence, marks=[mark for mark in evidence.marks if mark not in since])
    assert is_quiet(evidence)
    assert violations(evidence) == []
    assert run_of(evidence, "kept", "kept")["state"] == "success"
    tries = {(mark.run_id, mark.try_number) for mark in evidence.marks if mark.word == "start"}
    assert tries == {("before", 1), ("kept", 1), ("kept", 2), ("after", 1)}, "what the copy knew to run is tried again"
    assert "Traceback" not in log, log[log.index("Traceback") - 1000 :][:4000]
    assert "an older one was restored" in log
    # whichever comes first: the database's word that the row is another one, or the beat without a claim
    words = ("The task instance was cleared, marked or deleted.", "The try lost its claim.")
    assert any(f"Ending only try 1: {reason}" in log for reason in words), log[-4000:]
