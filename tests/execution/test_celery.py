"""Tries on Celery workers, over real brokers: RELIABILITY F07 to F12."""

from __future__ import annotations

import os
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from orchestration.conf import conf
from orchestration.execution import celery_app
from orchestration.execution.executors.base import Workload
from orchestration.execution.executors.celery import CeleryExecutor
from orchestration.models import TaskInstance
from orchestration.states import TaskInstanceState as S
from tests.execution.conftest import Bench
from tests.live import MANAGE

pytestmark = pytest.mark.processes

BROKERS = {
    "redis": ("redis://127.0.0.1:6379/9", 6379),
    "rabbitmq": ("amqp://guest:guest@127.0.0.1:5672//", 5672),
}


def need(name: str, port: int) -> None:
    """Skip the test, or fail it where services are required, when the broker does not listen."""
    with socket.socket() as probe:
        probe.settimeout(2)
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            return
    if os.environ.get("REQUIRE_SERVICES"):
        pytest.fail(f"{name} is required here and does not listen on port {port}")
    pytest.skip(f"{name} does not listen on port {port}")


class CeleryBench(Bench):
    """A bench whose executor sends to workers."""

    def __init__(self, folder: Path, home: Path, broker: str, environment: dict[str, str]) -> None:
        self.home = home
        self.queue_name = f"test-{uuid.uuid4().hex[:8]}"
        self.environment = environment
        self.workers: list[subprocess.Popen[bytes]] = []
        self.app = celery_app.make_app()
        executor = CeleryExecutor(16, send=self.send)
        super().__init__(folder, executor)
        executor.start(0)
        self.sent: list[Workload] = []

    def send(self, workload: Workload) -> None:
        self.app.send_task(
            celery_app.RUN_TRY,
            args=[workload.ti_id, workload.try_number, workload.claim],
            queue=self.queue_name,
            ignore_result=True,
            retry=False,
        )
        self.sent.append(workload)

    def start_worker(self, **options: Any) -> subprocess.Popen[bytes]:
        extra = {f"AIRFLOW__{name.upper()}": str(value) for name, value in options.items()}
        name = f"w{len(self.workers)}"
        log = (self.home / f"{name}.log").open("ab")
        worker = subprocess.Popen(
            [
                *MANAGE, "celery", "worker", "-q", self.queue_name, "-c", "4", "-s",
                "-H", f"{self.queue_name}{name}@%h",
                "--pid", str(self.home / f"{name}.pid"), "--without-mingle", "--without-gossip",
            ],
            env={**os.environ, **self.environment, **extra},
            stdout=log,
            stderr=log,
        )  # fmt: skip
        self.workers.append(worker)
        return worker

    def stop(self) -> None:
        self.executor.stop(1)
        for worker in self.workers:
            worker.terminate()
        for worker in self.workers:
            try:
                worker.wait(20)
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()
        if "redis" in self.app.conf.broker_url:
            with self.app.connection_for_write() as connection:
                connection.default_channel.queue_delete(self.queue_name)


@pytest.fixture(params=[pytest.param(name, marks=getattr(pytest.mark, name)) for name in BROKERS])
def celery_bench(request, transactional_db, quick_kills, monkeypatch, tmp_path) -> Iterator[CeleryBench]:
    url, port = BROKERS[request.param]
    need(request.param, port)
    monkeypatch.setenv("AIRFLOW__CELERY__BROKER_URL", url)
    monkeypatch.setenv("AIRFLOW__CELERY__VISIBILITY_TIMEOUT", "5")
    bench = CeleryBench(
        conf.path("core", "dags_folder"), tmp_path, url, {"DJANGO_SETTINGS_MODULE": "airflowsite.settings"}
    )
    yield bench
    bench.stop()


def marked(tmp_path: Path) -> int:
    path = tmp_path / "marks"
    return len(path.read_text().splitlines()) if path.exists() else 0


def sleeper(bench: Bench, tmp_path: Path, seconds: float, retries: int = 0):
    return bench.run_of(f"""
        @task(retries={retries})
        def t():
            with open({str(tmp_path / "marks")!r}, "a") as file:
                file.write(f"{{os.getpid()}}\\n")
            time.sleep({seconds})
            return "done"
        t()
    """)


def fresh(workload: Workload) -> TaskInstance:
    return TaskInstance.objects.get(pk=workload.ti_id)


def test_tasks_run_on_a_worker_and_their_ends_come_back(celery_bench, tmp_path):
    celery_bench.start_worker()
    run = celery_bench.run_of("for i in range(8):\n    PythonOperator(task_id=f't{i}', python_callable=lambda i=i: i)")
    tis = celery_bench.finish(*(celery_bench.queue(run, f"t{i}") for i in range(8)), seconds=60)
    assert {ti.state for ti in tis} == {S.SUCCESS}
    assert {event.state for event in celery_bench.events} == {"success"}
    assert len(celery_bench.sent) == 8


@pytest.fixture
def no_result_backend(monkeypatch):
    """One is configured, as an installation of the reference has it, and is away. To be asked for before the bench."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # taken, and nobody listens
        url = f"redis://127.0.0.1:{nobody.getsockname()[1]}/0"
        monkeypatch.setenv("AIRFLOW__CELERY__RESULT_BACKEND", url)
        monkeypatch.setenv("CELERY_RESULT_BACKEND", url)  # Celery's own name for it
        yield


def test_f12_a_result_backend_that_is_away_changes_no_outcome(no_result_backend, celery_bench):
    celery_bench.start_worker()
    run = celery_bench.run_of("""
        @task
        def good():
            return "done"
        @task
        def bad():
            raise AirflowFailException("as asked")
        good(), bad()
    """)
    tis = celery_bench.finish(celery_bench.queue(run, "good"), celery_bench.queue(run, "bad"), seconds=60)
    assert [ti.state for ti in tis] == [S.SUCCESS, S.FAILED]
    assert len(celery_bench.sent) == 2


def test_f11_copies_and_late_messages_start_nothing(celery_bench, tmp_path):
    celery_bench.start_worker()
    run = sleeper(celery_bench, tmp_path, 8)  # longer than the visibility timeout
    workload = celery_bench.queue(run, "t")
    celery_bench.submit(workload)
    celery_bench.until(lambda: celery_bench.sent)
    celery_bench.send(workload)
    celery_bench.until(lambda: not celery_bench.executor.running(), seconds=60)
    celery_bench.send(workload)
    time.sleep(3)
    assert fresh(workload).state == S.SUCCESS
    assert marked(tmp_path) == 1


def test_f07_a_worker_that_is_killed_starts_no_try_twice(celery_bench, tmp_path):
    worker = celery_bench.start_worker()
    run = sleeper(celery_bench, tmp_path, 4)
    workload = celery_bench.queue(run, "t")
    celery_bench.submit(workload)
    celery_bench.until(lambda: marked(tmp_path), seconds=40)
    worker.kill()
    celery_bench.start_worker()
    celery_bench.until(lambda: fresh(workload).state not in {S.QUEUED, S.RUNNING}, seconds=40)
    assert fresh(workload).state == S.SUCCESS  # its supervisor brought it to its end
    time.sleep(6)  # the message is delivered again
    assert marked(tmp_path) == 1


def test_f08_a_worker_that_is_told_to_stop_lets_its_tasks_end(celery_bench, tmp_path):
    worker = celery_bench.start_worker()
    run = sleeper(celery_bench, tmp_path, 3)
    workload = celery_bench.queue(run, "t")
    celery_bench.submit(workload)
    celery_bench.until(lambda: marked(tmp_path), seconds=40)
    worker.terminate()
    assert worker.wait(30) == 0
    assert fresh(workload).state == S.SUCCESS


def test_a_cleared_task_is_ended_on_its_worker(celery_bench, tmp_path):
    celery_bench.start_worker(scheduler__job_heartbeat_sec=1)
    run = sleeper(celery_bench, tmp_path, 600)
    workload = celery_bench.queue(run, "t")
    celery_bench.submit(workload)
    celery_bench.until(lambda: marked(tmp_path), seconds=40)
    pid = int((tmp_path / "marks").read_text())
    TaskInstance.objects.filter(pk=workload.ti_id).override(S.RESTARTING, now=timezone.now())
    celery_bench.executor.kill([workload.ti_id], "Cleared.")
    celery_bench.until(lambda: fresh(workload).state == S.NONE, seconds=15)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_messages_hold_nothing_but_which_try_is_meant(celery_bench):
    run = celery_bench.run_of("BashOperator(task_id='t', bash_command='echo secret-command')")
    workload = celery_bench.queue(run, "t")
    celery_bench.submit(workload)
    celery_bench.until(lambda: celery_bench.sent)
    with celery_bench.app.connection_for_read() as connection:
        queue = connection.SimpleQueue(celery_bench.queue_name)
        message = queue.get(timeout=10)
        assert message.content_type == "application/json"
        arguments, named, _ = message.payload
        assert (arguments, named) == ([workload.ti_id, 1, workload.claim], {})
        assert "secret-command" not in str(message.headers)
        message.ack()
        queue.close()


def test_f10_a_broker_that_is_away_keeps_nobody_waiting_and_gets_what_waits_when_it_is_back(transactional_db):
    is_away, sent = [True], []

    def send(workload: Workload) -> None:
        if is_away[0]:
            raise ConnectionError("the broker is away")
        sent.append(workload)

    executor = CeleryExecutor(4, send=send)
    executor.start(0)
    bench = Bench(conf.path("core", "dags_folder"), executor)
    run = bench.run_of("for i in range(3):\n    BashOperator(task_id=f't{i}', bash_command='true')")
    workloads = [bench.queue(run, f"t{i}") for i in range(3)]
    before = time.monotonic()
    executor.submit(workloads)
    executor.heartbeat()
    executor.poll()
    assert time.monotonic() - before < 0.5
    assert executor.capacity() == 1
    executor.kill([workloads[1].ti_id], "taken back")
    is_away[0] = False
    bench.until(lambda: len(sent) == 2, seconds=10)
    assert {workload.ti_id for workload in sent} == {workloads[0].ti_id, workloads[2].ti_id}
    executor.stop(1)


def test_a_try_that_somebody_took_back_leaves_the_executors_hands(transactional_db):
    executor = CeleryExecutor(4, send=lambda workload: None)
    bench = Bench(conf.path("core", "dags_folder"), executor)
    run = bench.run_of("BashOperator(task_id='t', bash_command='true')")
    workload = bench.queue(run, "t")
    executor.submit([workload])
    assert executor.poll() == []
    TaskInstance.objects.filter(pk=workload.ti_id).override(S.FAILED, now=timezone.now())
    executor._next_look = 0.0
    assert [event.state for event in executor.poll()] == ["failed"]
    assert executor.running() == frozenset()


def test_the_commands_refuse_what_cannot_be(transactional_db, tmp_path):
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*MANAGE, "celery", *arguments], capture_output=True, text=True, timeout=60)

    assert "No worker runs" in run("stop", "--pid", str(tmp_path / "none.pid")).stderr
    assert "--concurrency must be at least 1" in run("worker", "-c", "0").stderr
    own = tmp_path / "own.pid"
    own.write_text(str(os.getpid()))
    assert f"Process {os.getpid()} runs already, says {own}." in run("worker", "--pid", str(own)).stderr
