"""A broker that loses every message while tries wait in it and one runs: RELIABILITY F09."""

from __future__ import annotations

import contextlib
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kombu import Connection

from tests.faults.evidence import MARKING, marks_of
from tests.faults.steps import Caller, assert_sound, until
from tests.live import LiveSystem, free_port
from tests.machine import listens, need, need_program

pytestmark = [pytest.mark.processes, pytest.mark.timeout(400)]

#: Seconds that a try may wait for a worker before its message is sent again.
THRESHOLD = 6
WAITING = 4

DAGS = f"""{MARKING}
for name, seconds in ("long", {THRESHOLD}.0), ("short", 0.0):
    with DAG(name, start_date=START, schedule=None, max_active_runs=100, is_paused_upon_creation=False) as dag:
        PythonOperator(task_id="only", python_callable=mark, op_args=[seconds])
    globals()[name] = dag
"""


class Redis:
    """A server of the test's own, which keeps nothing: killed and started again, it is empty."""

    def __init__(self, queue: str) -> None:
        self.queue = queue
        self.program = need_program("redis-server")
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [self.program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
            stdout=subprocess.DEVNULL,
        )
        until(lambda: listens("127.0.0.1", self.port), "Redis listens")
        return process

    def waiting(self) -> int:
        return messages(self.url, self.queue)

    def lose_all(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process = self._start()

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


class RabbitMQ:
    """The machine's server, in which an operator deletes the queue with all that is in it."""

    url = "amqp://guest:guest@127.0.0.1:5672//"

    def __init__(self, queue: str) -> None:
        need("RabbitMQ", port=5672)
        self.queue = queue

    def waiting(self) -> int:
        return messages(self.url, self.queue)

    def lose_all(self) -> None:
        with Connection(self.url) as connection:
            connection.default_channel.queue_purge(self.queue)

    def close(self) -> None:
        with Connection(self.url) as connection:
            connection.default_channel.queue_delete(self.queue)


def messages(url: str, queue: str) -> int:
    """How many wait that no worker has; 0 where the queue is not there yet."""
    with Connection(url) as connection, contextlib.suppress(Exception):
        return int(connection.default_channel.queue_declare(queue, passive=True).message_count)
    return 0


@pytest.fixture(
    params=[pytest.param(Redis, marks=pytest.mark.redis), pytest.param(RabbitMQ, marks=pytest.mark.rabbitmq)]
)
def broker(request: pytest.FixtureRequest) -> Iterator[Any]:
    found = request.param(f"test-{uuid.uuid4().hex[:8]}")
    yield found
    found.close()


def test_f09_tries_whose_messages_are_lost_are_sent_again_and_run_once(broker: Any, tmp_path: Path) -> None:
    (tmp_path / "flows.py").write_text(DAGS)
    options = {
        ("core", "executor"): "CeleryExecutor",
        ("celery", "broker_url"): broker.url,
        ("celery", "worker_concurrency"): 1,
        ("operators", "default_queue"): broker.queue,
        ("scheduler", "task_queued_timeout"): THRESHOLD,
        ("scheduler", "zombie_detection_interval"): 1,
        ("scheduler", "scheduler_heartbeat_sec"): 1,
    }
    with LiveSystem(dags=tmp_path, options=options) as system:
        system.start("celery", "worker", "-q", broker.queue, "-s", "--without-mingle", "--without-gossip")
        system.wait_for_dags("long", "short")
        caller = Caller(system)
        until(lambda: "ready." in system.log.read_text(), "the worker is ready")
        caller.trigger_until_done("short", "first")
        until(lambda: len(marks_of(system.home / "marks")) == 2, "the worker works")
        caller.trigger_until_done("long", "one")
        until(lambda: len(marks_of(system.home / "marks")) == 3, "the worker is busy")
        for number in range(WAITING):
            caller.trigger_until_done("short", f"waits-{number}")
        until(lambda: broker.waiting() >= WAITING - 1, "the others wait in the broker")  # one is the worker's next
        assert len(marks_of(system.home / "marks")) == 3, "the machine is too slow for this test"
        broker.lose_all()
        lost_at = time.monotonic()
        evidence = assert_sound(system, None, caller)
        marks = marks_of(system.home / "marks")
    runs = {row["run_id"]: row["state"] for row in evidence.rows["dagrun"]}
    assert runs == dict.fromkeys(("first", "one", *(f"waits-{number}" for number in range(WAITING))), "success")
    assert sorted((mark.run_id, mark.try_number) for mark in marks if mark.word == "start") == [
        (name, 1) for name in sorted(runs)
    ]
    again = [row for row in evidence.rows["eventlog"] if row["event"] == "stuck in queued reschedule"]
    assert len(again) >= WAITING - 1, "they were found missing"
    assert max(mark.at for mark in marks) < lost_at + 3 * THRESHOLD + 10
