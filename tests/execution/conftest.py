"""A DAG file, its rows, and an executor that really runs its tasks."""

from __future__ import annotations

import select
import sys
import textwrap
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from orchestration.authoring import alias, store
from orchestration.authoring.loading import load_dag_file
from orchestration.conf import conf
from orchestration.execution import logs
from orchestration.execution.executors.base import TaskEvent, Workload
from orchestration.execution.executors.local import LocalExecutor
from orchestration.execution.in_process import DatabaseStore
from orchestration.models import DagRun, TaskInstance
from orchestration.serialization.decode import decode_dag
from orchestration.serialization.encode import encode_dag
from tests.factories import make_dag, make_run

HEADER = """
import datetime, os, signal, subprocess, sys, time
from airflow import DAG, Dataset
from airflow.datasets import DatasetAlias
from airflow.datasets.metadata import Metadata
from airflow.decorators import task
from airflow.exceptions import AirflowException, AirflowFailException, AirflowSensorTimeout, AirflowSkipException
from airflow.models import Connection, Variable
from airflow.models.baseoperator import BaseOperator
from airflow.operators.bash import BashOperator
from airflow.operators.empty import EmptyOperator
from airflow.operators.python import BranchPythonOperator, PythonOperator, ShortCircuitOperator
from airflow.sensors.python import PythonSensor
START = datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc)
"""


class Bench:
    """Makes runs of a DAG file's DAGs and has an executor run their tasks."""

    def __init__(self, folder: Path, executor: Any = None) -> None:
        self.folder = folder
        self.executor: Any = executor
        self.events: list[TaskEvent] = []

    def run_of(self, body: str, *, dag_id: str | None = None, arguments: str = "", **fields: Any) -> DagRun:
        """A run of the DAG ``with DAG(…): body``, its file written and stored."""
        name = dag_id or f"dag_{uuid.uuid4().hex[:8]}"
        head = f"with DAG({name!r}, schedule=None, start_date=START{', ' if arguments else ''}{arguments}) as dag:\n"
        path = self.write(f"{name}.py", HEADER + head + textwrap.indent(textwrap.dedent(body), "    "))
        return self.run_of_file(path, name, **fields)

    def run_of_file(self, path: Path, dag_id: str, **fields: Any) -> DagRun:
        """A run of one DAG of a file."""
        alias.install()
        before = store.install(DatabaseStore())
        sys.path.append(str(self.folder))
        try:
            loaded = load_dag_file(str(path))
        finally:
            sys.path.remove(str(self.folder))
            store.install(before)
        assert not loaded.errors, loaded.errors
        dag = make_dag(decode_dag(encode_dag(loaded.dags[dag_id])))
        version = dag.current_version
        assert version is not None
        version.document = encode_dag(loaded.dags[dag_id])
        version.save(update_fields=["document"])
        return make_run(dag, **fields)

    def write(self, name: str, text: str) -> Path:
        """A file in the folder of DAGs."""
        path = self.folder / name
        path.write_text(text)
        return path

    def queue(self, run: DagRun, task_id: str, map_index: int = -1, **columns: Any) -> Workload:
        """Queue the next try of a task instance, as the scheduler does."""
        ti = run.task_instances.get(task_id=task_id, map_index=map_index)
        if ti.state != "scheduled":  # a reschedule or a resume keeps its try
            ti.try_number += 1
        ti.state, ti.claim, ti.queued_at = "queued", uuid.uuid4(), timezone.now()
        for name, value in columns.items():
            setattr(ti, name, value)
        ti.save()
        return Workload.of(ti, ti.claim)

    def submit(self, *workloads: Workload) -> None:
        """Hand tries to the executor."""
        assert self.executor is not None
        self.executor.submit(workloads)

    def until(self, condition: Callable[[], Any], seconds: float = 30) -> Any:
        """Serve the executor until the condition holds; what it gave."""
        limit = time.monotonic() + seconds
        while time.monotonic() < limit:
            self.serve(0.05)
            if found := condition():
                return found
        raise AssertionError(f"It did not happen within {seconds} s. Events: {self.events}")

    def serve(self, seconds: float) -> None:
        """Hear the executor for a while."""
        assert self.executor is not None
        fd = self.executor.fileno()
        if fd is not None:
            select.select([fd], [], [], seconds)
        else:
            time.sleep(seconds)
        self.executor.heartbeat()
        self.events += self.executor.poll()

    def finish(self, *workloads: Workload, seconds: float = 30) -> list[TaskInstance]:
        """Submit tries and wait until the executor has none of them; the task instances then."""
        assert self.executor is not None
        self.submit(*workloads)
        ids = {workload.ti_id for workload in workloads}
        executor = self.executor
        self.until(lambda: not (executor.running() & ids), seconds)
        found = TaskInstance.objects.in_bulk(ids)
        return [found[workload.ti_id] for workload in workloads]

    def run_task(self, run: DagRun, task_id: str, *, seconds: float = 30, **columns: Any) -> TaskInstance:
        """Run the next try of one task to its end."""
        return self.finish(self.queue(run, task_id, **columns), seconds=seconds)[0]

    def log_of(self, ti: TaskInstance) -> str:
        """The present try's log."""
        path = logs.log_path(
            dag_id=ti.dag_id,
            run_id=ti.run.run_id,
            task_id=ti.task_id,
            map_index=ti.map_index,
            try_number=ti.try_number,
        )
        return path.read_text() if path.exists() else ""


@pytest.fixture(scope="module")
def local_executor(django_db_setup: None, django_db_blocker: Any) -> Iterator[LocalExecutor]:
    """One executor for a module's tests."""
    with django_db_blocker.unblock(), pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW__CORE__KILLED_TASK_CLEANUP_TIME", "2")
        executor = LocalExecutor(16)
        executor.start(0)
    yield executor
    executor.stop(0)


@pytest.fixture
def bench(local_executor: LocalExecutor, transactional_db: None) -> Bench:
    """A bench with the module's executor."""
    return Bench(conf.path("core", "dags_folder"), local_executor)


@pytest.fixture
def own_bench(transactional_db: None, quick_kills: None) -> Iterator[Bench]:
    """A bench whose executor may be broken."""
    executor = LocalExecutor(16)
    executor.start(0)
    yield Bench(conf.path("core", "dags_folder"), executor)
    executor.stop(0)


@pytest.fixture
def quick_kills(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second between SIGTERM and SIGKILL. To be asked for before the executor."""
    monkeypatch.setenv("AIRFLOW__CORE__KILLED_TASK_CLEANUP_TIME", "1")


def ago(seconds: float) -> datetime:
    """A moment that has passed."""
    return timezone.now() - timedelta(seconds=seconds)
