"""``manage.py dag_processor`` as its users start and stop it."""

import signal
import sqlite3
import time
from contextlib import closing

import psutil
import pytest

from orchestration.dagfiles.processes import TAG_VARIABLE
from tests.live import LiveSystem

pytestmark = pytest.mark.processes

SOURCE = """
from datetime import datetime
from airflow import DAG
from airflow.operators.empty import EmptyOperator
with DAG("live", schedule=None, start_date=datetime(2025, 1, 1)):
    EmptyOperator(task_id="one")
"""
ENDLESS = "import subprocess, time  # airflow dag\nsubprocess.Popen(['sleep', '1000'])\ntime.sleep(1000)\n"


@pytest.fixture(autouse=True)
def _settings_of_a_user(monkeypatch):
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE", raising=False)


def rows(system, statement):
    with closing(sqlite3.connect(system.home / "airflowsite.db")) as database:
        return database.execute(statement).fetchall()


def below(pid):
    return [p for p in psutil.process_iter() if _tagged(p) and any(parent.pid == pid for parent in p.parents())]


def _tagged(process):
    try:
        return TAG_VARIABLE in process.environ()
    except psutil.Error:
        return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_reads_files_until_it_is_told_to_stop_and_leaves_nothing(tmp_path, number):
    (tmp_path / "live.py").write_text(SOURCE)
    (tmp_path / "endless.py").write_text(ENDLESS)
    with LiveSystem(dags=tmp_path, parts=("dag_processor",)) as system:
        limit = time.monotonic() + 30
        while rows(system, "select dag_id from orchestration_dag") != [("live",)]:
            assert time.monotonic() < limit, system.log.read_text()
            time.sleep(0.1)
        (process,) = system.processes
        children = below(process.pid)
        assert len(children) >= 2  # the warm parent and the endless file's parser
        started = time.monotonic()
        process.send_signal(number)
        assert process.wait(timeout=20) == 0
        assert time.monotonic() - started < 5
        assert psutil.wait_procs(children, timeout=5)[1] == [], "what has ended is reaped in a moment"
        assert rows(system, "select state from orchestration_job") == [("success",)]


def test_it_ends_after_as_many_rounds_as_asked_and_writes_its_pid_meanwhile(tmp_path):
    (tmp_path / "live.py").write_text(SOURCE)
    with LiveSystem(dags=tmp_path, parts=()) as system:
        system.manage("dag_processor", "--num-runs", "2", "--pid", str(tmp_path / "pid"), "-S", str(system.dags))
        assert rows(system, "select dag_id, processor_subdir from orchestration_dag") == [("live", str(system.dags))]
        assert not (tmp_path / "pid").exists()
