"""The scheduler through real processes: its command, its executor, and what is left when it is killed."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from pathlib import Path

import pytest

from tests.live import LiveSystem

pytestmark = [pytest.mark.processes, pytest.mark.timeout(240)]

DAGS = """
from datetime import datetime, timezone
from pathlib import Path
from airflow import DAG
from airflow.operators.empty import EmptyOperator
from airflow.operators.python import PythonOperator

MARKS = Path(__file__).parent.parent / "marks"
START = datetime(2024, 1, 1, tzinfo=timezone.utc)

def mark(seconds=0.0, **context):
    import time
    ti = context["ti"]
    with MARKS.open("a") as file:
        file.write(f"{ti.task_id} {ti.map_index} {ti.try_number}\\n")
    time.sleep(seconds)
    return [1, 2, 3]

with DAG("flow", start_date=START, schedule=None):
    first = PythonOperator(task_id="first", python_callable=mark)
    nought = first.output.map(lambda x: [0.0])
    many = PythonOperator.partial(task_id="many", python_callable=mark).expand(op_args=nought)
    first >> EmptyOperator(task_id="nothing") >> many >> PythonOperator(task_id="last", python_callable=mark)

with DAG("slow", start_date=START, schedule=None):
    a = PythonOperator(task_id="a", python_callable=mark, op_args=[1.5])
    a >> PythonOperator(task_id="b", python_callable=mark)
"""


@pytest.fixture
def system(tmp_path: Path):
    (tmp_path / "flows.py").write_text(DAGS)
    options = {("scheduler", "scheduler_zombie_task_threshold"): 5, ("scheduler", "zombie_detection_interval"): 1}
    with LiveSystem(dags=tmp_path, options=options, parts=()) as live:
        live.manage("dag_processor", "--num-runs", "1")
        live.manage("dags", "unpause", "flow")
        live.manage("dags", "unpause", "slow")
        yield live


def states(live: LiveSystem, dag_id: str) -> tuple[str, dict[str, str]]:
    """The states of the DAG's only run and of its task instances."""
    with sqlite3.connect(live.home / "airflowsite.db") as db:
        run = db.execute("SELECT id, state FROM orchestration_dagrun WHERE dag_id = ?", [dag_id]).fetchone()
        rows = db.execute(
            "SELECT task_id, map_index, state FROM orchestration_taskinstance WHERE run_id = ?", [run[0]]
        ).fetchall()
    return run[1], {f"{task_id}[{index}]": state for task_id, index, state in rows}


def wait_for(live: LiveSystem, dag_id: str, wanted: str, seconds: float = 90) -> dict[str, str]:
    limit = time.monotonic() + seconds
    while True:
        state, instances = states(live, dag_id)
        if state == wanted:
            return instances
        assert time.monotonic() < limit, (state, instances, live.log.read_text()[-3000:])
        time.sleep(0.05)


def marks(live: LiveSystem) -> list[str]:
    path = live.home / "marks"
    return sorted(path.read_text().splitlines()) if path.exists() else []


def test_a_run_goes_through_real_processes_and_the_scheduler_stops_when_told(system):
    scheduler = system.start("scheduler", "--skip-serve-logs")
    system.manage("dags", "trigger", "flow")
    instances = wait_for(system, "flow", "success")
    assert instances == {
        f"{name}": "success" for name in ("first[-1]", "nothing[-1]", "many[0]", "many[1]", "many[2]", "last[-1]")
    }
    assert marks(system) == ["first -1 1", "last -1 1", "many 0 1", "many 1 1", "many 2 1"]
    scheduler.send_signal(signal.SIGTERM)
    assert scheduler.wait(timeout=30) == 0


def test_a_scheduler_that_is_killed_leaves_a_run_that_the_next_one_brings_to_its_end(system):
    scheduler = system.start("scheduler")
    system.manage("dags", "trigger", "slow")
    limit = time.monotonic() + 60
    while not marks(system):
        assert time.monotonic() < limit, system.log.read_text()[-3000:]
        time.sleep(0.05)
    os.kill(scheduler.pid, signal.SIGKILL)
    scheduler.wait()
    system.start("scheduler")
    assert set(wait_for(system, "slow", "success").values()) == {"success"}
    started = marks(system)
    assert len(started) == len(set(started)), "a try was started twice"
    assert "b -1 1" in started


def test_the_scheduler_ends_after_the_passes_it_was_given(system):
    assert system.manage("scheduler", "--num-runs", "2").returncode == 0
