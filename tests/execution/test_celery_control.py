"""Celery workers seen and changed from the desk, over real brokers, and what is told when there is none."""

from __future__ import annotations

import contextlib
import re
import socket
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from kombu.connection import Connection

from orchestration.conf import conf
from orchestration.errors import NotFound, Unavailable
from orchestration.execution import celery_changes
from orchestration.execution import celery_control as control
from orchestration.execution.celery_control import Worker
from orchestration.models import EventLog, TaskInstance
from orchestration.states import TaskInstanceState as S
from tests.admin.conftest import client_of
from tests.execution.test_celery import CeleryBench, celery_bench, fresh, marked, sleeper
from tests.people import person

__all__ = ["celery_bench"]  # a fixture

pytestmark = pytest.mark.processes


@pytest.fixture(autouse=True)
def own_workers(request, monkeypatch) -> Iterator[None]:
    """Workers of other tests on the same broker hear nothing, and no test sees another's last look."""
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "CeleryExecutor")
    monkeypatch.setenv("AIRFLOW__CELERY__CELERY_APP_NAME", f"test-{uuid.uuid4().hex[:8]}")
    monkeypatch.setattr(control, "_looks", looks := control._Looks())
    monkeypatch.setattr(control, "forget", looks.forget)
    yield
    if "celery_bench" in request.fixturenames:
        with Connection(conf.get("celery", "broker_url")) as connection:
            for kind in ("", "reply."):
                connection.default_channel.exchange_delete(f"{kind}{control.exchange_name()}.pidbox")


def started(bench: CeleryBench, **options: Any) -> Worker:
    """A worker that ran nothing, as soon as it answers."""
    bench.start_worker(**options)
    return until(bench, lambda: (control.workers() or [None])[0])


def until(bench: CeleryBench, condition: Callable[[], Any], seconds: float = 40) -> Any:
    def asked() -> Any:
        try:
            return condition()
        except Unavailable:
            return None

    return bench.until(asked, seconds=seconds)


def do(name: str, verb: str, value: Any = None) -> None:
    celery_changes.change(name, verb, value, seen=celery_changes.change(name, verb, value, dry_run=True).seen)


def test_an_idle_worker_is_listed_with_its_pool_and_queues_and_grows_by_one_from_the_page(celery_bench, tmp_path):
    desk = client_of(person("Op", username="op"))
    known = started(celery_bench)
    assert not TaskInstance.objects.exists()
    row = text_of(desk)
    assert known.name.startswith(f"{celery_bench.queue_name}w0@")
    assert (known.size, known.running, known.queues) == (4, 0, (celery_bench.queue_name,))
    assert f"{known.name} " in row
    assert f"0 4 {celery_bench.queue_name} as they come never" in row
    body = {"worker": known.name, "verb": "resize", "value": known.size + 1}
    preview = post(desk, {**body, "dry_run": True})
    assert preview.json() == {"told": f"{known.name} runs 4 tries at once; it will run 5.", "seen": 4}
    assert control.worker(known.name).size == 4
    assert post(desk, {**body, "seen": 4}).status_code == 200
    assert f"0 5 {celery_bench.queue_name}" in text_of(desk)
    log = EventLog.objects.get(event="change_celery_worker")
    assert log.owner == "op"
    assert known.name in log.extra
    # Five tries run at once, a sixth does not.
    run = celery_bench.run_of(f"""
        def work(number):
            with open({str(tmp_path / "marks")!r}, "a") as file:
                file.write(f"{{number}}\\n")
            while not os.path.exists({str(tmp_path / "go")!r} + str(number)):
                time.sleep(0.05)
        for i in range(6):
            PythonOperator(task_id=f"t{{i}}", python_callable=work, op_args=[i])
    """)
    celery_bench.submit(*(celery_bench.queue(run, f"t{i}") for i in range(6)))
    celery_bench.until(lambda: marked(tmp_path) == 5, seconds=40)
    for _ in range(20):
        celery_bench.serve(0.1)
    assert marked(tmp_path) == 5
    assert control.worker(known.name).running == 5
    # A smaller pool begins no other before fewer run than it may.
    do(known.name, "resize", 2)
    assert control.worker(known.name).size == 2
    begun = (tmp_path / "marks").read_text().split()
    for number in begun[:3]:
        (tmp_path / f"go{number}").touch()
    celery_bench.until(lambda: control.worker(known.name).running == 2)
    for _ in range(20):
        celery_bench.serve(0.1)
    assert marked(tmp_path) == 5
    for number in range(6):
        (tmp_path / f"go{number}").touch()
    celery_bench.until(lambda: not celery_bench.executor.running(), seconds=40)
    assert set(run.task_instances.values_list("state", flat=True)) == {S.SUCCESS}
    # What others changed meanwhile is not changed by who looked before.
    assert post(desk, {**body, "seen": 4}).status_code == 409


def text_of(desk: Client) -> str:
    time.sleep(control.KEPT)  # what was told is kept that long
    page = desk.get(reverse("admin:desk_celery_workers")).content.decode()
    return " ".join(re.sub("<[^>]*>", " ", page).split())


def post(desk: Client, body: dict[str, Any]) -> Any:
    return desk.post(reverse("admin:desk_celery_change"), body, content_type="application/json")


def test_a_worker_takes_tries_from_another_queue_and_leaves_one(celery_bench):
    known = started(celery_bench)
    own, other = celery_bench.queue_name, f"{celery_bench.queue_name}-other"
    do(known.name, "consume", other)
    until(celery_bench, lambda: control.worker(known.name).queues == (own, other))
    run = celery_bench.run_of("for i in range(2):\n    PythonOperator(task_id=f't{i}', python_callable=lambda: None)")
    do(known.name, "leave", own)
    until(celery_bench, lambda: control.worker(known.name).queues == (other,))
    left = celery_bench.queue(run, "t0")
    celery_bench.submit(left)
    for _ in range(20):
        celery_bench.serve(0.1)
    assert fresh(left).state == S.QUEUED
    celery_bench.queue_name = other
    assert celery_bench.finish(celery_bench.queue(run, "t1"), seconds=40)[0].state == S.SUCCESS
    celery_bench.queue_name = own
    do(known.name, "consume", own)
    celery_bench.until(lambda: fresh(left).state == S.SUCCESS, seconds=40)
    assert control.worker(known.name).queues == (own, other)
    do(known.name, "leave", other)
    until(celery_bench, lambda: control.worker(known.name).queues == (own,))
    with celery_bench.app.connection_for_write() as connection:
        connection.default_channel.queue_delete(other)
        connection.default_channel.exchange_delete(other)


def test_a_worker_ends_tries_that_take_longer_than_its_limit(celery_bench, tmp_path):
    known = started(celery_bench)
    run = sleeper(celery_bench, tmp_path, 600, retries=1)
    workload = celery_bench.queue(run, "t")
    celery_bench.submit(workload)
    celery_bench.until(lambda: marked(tmp_path), seconds=40)
    do(known.name, "limit", 2)
    assert control.worker(known.name).limit == 2
    celery_bench.until(lambda: fresh(workload).state == S.UP_FOR_RETRY, seconds=30)
    assert fresh(workload).reason == "The try took longer than its worker's limit of 2 s."
    do(known.name, "limit", 0)
    assert control.worker(known.name).limit == 0
    # Celery's own tools, Flower among them, speak to the same workers.
    celery_bench.app.control.time_limit(control.RUN_TRY, soft=70, hard=90)
    until(celery_bench, lambda: control.worker(known.name).limit == 70)


def test_a_worker_begins_only_so_many_tries_a_minute(celery_bench):
    known = started(celery_bench)
    do(known.name, "rate", 20)
    assert control.worker(known.name).per_minute == 20
    run = celery_bench.run_of("for i in range(3):\n    PythonOperator(task_id=f't{i}', python_callable=lambda: None)")
    celery_bench.finish(*(celery_bench.queue(run, f"t{i}") for i in range(3)), seconds=60)
    begun = sorted(run.task_instances.values_list("start_date", flat=True))
    assert (begun[-1] - begun[0]).total_seconds() > 4  # one in three seconds; the first is slow to begin
    do(known.name, "rate", 0)
    assert control.worker(known.name).rate == ""


def test_a_worker_that_is_told_to_stop_lets_its_tries_end(celery_bench, tmp_path):
    known = started(celery_bench)
    run = sleeper(celery_bench, tmp_path, 4)
    workload = celery_bench.queue(run, "t")
    celery_bench.submit(workload)
    celery_bench.until(lambda: marked(tmp_path), seconds=40)
    asked = celery_changes.change(known.name, "stop", None, dry_run=True)
    assert "1 try on it will go on to the end first" in asked.told
    do(known.name, "stop")
    assert celery_bench.workers[0].wait(30) == 0
    assert fresh(workload).state == S.SUCCESS
    with pytest.raises(NotFound, match="does not answer"):
        control.worker(known.name)
    time.sleep(control.KEPT)
    assert control.workers() == []


# Without a broker


@pytest.fixture(params=["redis", "amqp"])
def closed_port(request, monkeypatch) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    monkeypatch.setenv("AIRFLOW__CELERY__BROKER_URL", f"{request.param}://user:s3cret@127.0.0.1:{port}/0")


def test_a_broker_that_is_away_gives_a_sentence_at_once(closed_port, caplog):
    caplog.set_level("INFO")
    with contextlib.suppress(Unavailable):
        control.workers()  # the first question loads Celery, which may take longer than the wait for an answer
    before = time.monotonic()
    with pytest.raises(Unavailable, match="cannot be reached") as told:
        control.workers()
    assert time.monotonic() - before < control.DEADLINE + 0.5
    assert "s3cret" not in str(told.value) + caplog.text


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_a_broker_that_says_nothing_keeps_nobody_waiting(monkeypatch, scheme):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(8)
        monkeypatch.setenv("AIRFLOW__CELERY__BROKER_URL", f"{scheme}://127.0.0.1:{silent.getsockname()[1]}/0")
        for _ in range(3):  # one question waits, however many ask
            before = time.monotonic()
            with pytest.raises(Unavailable):
                control.workers()
            assert time.monotonic() - before < control.DEADLINE + 0.5


def test_without_celery_there_is_a_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "kombu.connection", None)  # importing it raises ImportError
    with pytest.raises(Unavailable, match="pip install celery"):
        control.workers()


@pytest.mark.parametrize(
    "said",
    [
        None,
        {},
        {"error": "x"},
        {"host": "h", "pid": 1, "size": 0, "running": 0, "queues": [], "rate": None, "limit": 0, "up": 1},
        {"host": "h", "pid": "x", "size": 1, "running": 0, "queues": [], "rate": None, "limit": 0, "up": 1},
        {"host": "h", "pid": 1, "size": 1, "running": 0, "queues": 5, "rate": None, "limit": 0, "up": 1},
        {"host": "h", "pid": 1, "size": 1, "running": 0, "queues": [], "rate": None, "limit": float("nan"), "up": 1},
        {"host": "h", "pid": 1, "size": float("inf"), "running": 0, "queues": [], "rate": None, "limit": 0, "up": 1},
    ],
)
def test_an_answer_that_no_worker_gives_is_left_out(said):
    assert Worker.of("w@h", said) is None


@pytest.mark.parametrize(
    ("rate", "a_minute"), [("", 0), ("10/m", 10), ("2/s", 120), ("2", 120), ("120/h", 2), ("x/y", 0)]
)
def test_a_rate_is_told_in_tries_a_minute(rate, a_minute):
    worker = Worker("w@h", "h", 1, 4, 0, (), rate, 0, 1)
    assert worker.per_minute == a_minute
