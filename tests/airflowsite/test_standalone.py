"""The whole system under one parent: what runs user code is forked by the nursery, and replaced when that is lost."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from airflowsite import standalone, webserver
from orchestration.models import Job
from tests.live import ROOT, LiveSystem

DAG = """
import os, time
from datetime import datetime
from pathlib import Path
from airflow.decorators import dag, task

folder = Path({folder!r})

@task
def wait():
    Path(folder / "running").write_text(str(os.getpid()))
    while not Path(folder / "go").exists():
        time.sleep(0.05)

@dag(schedule=None, start_date=datetime(2024, 1, 1))
def waits():
    wait()

waits()
"""
STRAYS = (
    "import json; from orchestration.execution.processes import strays; print(json.dumps([p.pid for p in strays()]))"
)


def titled(parent: int, title: str) -> list[psutil.Process]:
    """The processes below this one with a title that begins so."""
    found = psutil.Process(parent).children(recursive=True)
    return [each for each in found if " ".join(each.cmdline()).startswith(title)]


def wait_for_file(path: Path, seconds: float = 120) -> str:
    limit = time.monotonic() + seconds
    while not (path.exists() and path.read_text()):
        assert time.monotonic() < limit, f"{path} was not written"
        time.sleep(0.05)
    return path.read_text()


@pytest.mark.processes
@pytest.mark.timeout(300)
def test_tasks_are_forked_by_the_nursery_and_go_on_without_it(tmp_path):
    dags = tmp_path / "dags"
    dags.mkdir()
    (dags / "waits.py").write_text(DAG.format(folder=str(tmp_path)))
    with LiveSystem(dags=dags) as system:
        system.wait_for_dags("waits")
        top = system.processes[0].pid
        (nursery,) = [each for each in titled(top, "airflowsite nursery") if each.ppid() == top]

        first = system.trigger("waits")["dag_run_id"]
        task = psutil.Process(int(wait_for_file(tmp_path / "running")))
        assert nursery in task.parents()
        command = [sys.executable, "-c", STRAYS]
        found = subprocess.run(command, env=system.environment, cwd=ROOT, capture_output=True, check=True)
        assert json.loads(found.stdout) == [], "a task whose supervisor lives is no stray, whoever forked its zygote"
        (tmp_path / "go").touch()
        assert system.wait_for_run("waits", first, seconds=120)["state"] == "success"

        (tmp_path / "running").unlink()
        nursery.kill()
        second = system.trigger("waits")["dag_run_id"]
        assert system.wait_for_run("waits", second, seconds=120)["state"] == "success"
        (zygote,) = titled(top, "airflowsite zygote")
        assert zygote.parents()[0].cmdline()[0].startswith("airflowsite supervisor")

        everyone = psutil.Process(top).children(recursive=True)
        system.stop()
        assert psutil.wait_procs(everyone, timeout=30)[1] == []


@pytest.mark.django_db
def test_the_rehearsal_leaves_no_row(monkeypatch):
    monkeypatch.setattr(standalone, "connections", SimpleNamespace(close_all=lambda: None))
    standalone._rehearse()
    assert not Job.objects.exists()


@pytest.mark.django_db
def test_the_application_is_loaded_without_asking_the_database(django_assert_num_queries, caplog):
    webserver.load_application.cache_clear()
    with django_assert_num_queries(0):
        assert webserver.load_application() is webserver.load_application()
    assert "/admin/login/" not in caplog.text, "it was answered"
