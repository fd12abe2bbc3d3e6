"""Every process replaced by a new one, one after the other, while callers ask and tasks run: RELIABILITY F43.

Two web servers stand for those behind a balancer: callers go to the other one when one does not answer. On SQLite tasks
are the local executor's; on PostgreSQL half of them run in Celery workers, which are replaced, too.
"""

from __future__ import annotations

import contextlib
import itertools
import signal
import subprocess
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from django.db import connection

from tests.faults.cluster import Cluster
from tests.faults.evidence import MARKING, Call, marks_of
from tests.faults.steps import PATIENCE, Caller, assert_sound, complaints, until
from tests.faults.test_broker import Redis
from tests.live import LiveSystem, free_port

pytestmark = [pytest.mark.processes, pytest.mark.timeout(600)]
if connection.vendor == "postgresql":
    pytestmark += [pytest.mark.postgres, pytest.mark.redis]

#: Seconds that a task takes which the scheduler's end does not wait for.
LONG = 8
#: Seconds between two requests of a caller.
PAUSE = 0.5

DAGS = f"""{MARKING}
for name, seconds, executor in FLOWS:
    with DAG(name, start_date=START, schedule=None, max_active_runs=500, is_paused_upon_creation=False,
             default_args=dict(executor=executor)) as dag:
        first = PythonOperator(task_id="first", python_callable=mark, op_args=[seconds])
        first >> PythonOperator(task_id="second", python_callable=mark)
    globals()[name] = dag
"""


class Fleet(LiveSystem):
    """Two web servers and a scheduler, and workers where there is a broker; each can be replaced by a new one."""

    credentials = ("keeper", "a-long-secret-1")
    broker: Redis | None = None

    def begin(self) -> None:
        self.manage("db", "migrate")
        name, password = self.credentials
        self.manage(
            *("users", "create", "--username", name, "--password", password, "--role", "Admin"),
            *("--firstname", "K", "--lastname", "P", "--email", "keeper@example.com"),
        )
        #: Web servers by their addresses, and what else is replaced.
        self.addresses: dict[str, subprocess.Popen[bytes]] = {}
        self.schedulers: list[subprocess.Popen[bytes]] = []
        self.workers: list[subprocess.Popen[bytes]] = []
        files = self.start("dag_processor", "--num-runs", "1")
        self.processes.remove(files)  # it ends by itself, which is no reason to give the others up
        self.add(self.port, free_port())
        assert files.wait(PATIENCE) == 0

    def add(self, *ports: int) -> None:
        """Start web servers, a scheduler, and a worker where there is a broker; returns when they work."""
        servers = {}
        for port in ports:
            servers[f"http://127.0.0.1:{port}"] = self.start("webserver", "--port", str(port), "--workers", "1")
        number = len(self.schedulers) + 1
        self.schedulers.append(self.start("scheduler"))
        if self.broker is not None:
            own = ("--celery-hostname", f"w{number}@%h", "--pid", str(self.home / f"w{number}.pid"))
            apart = ("--without-mingle", "--without-gossip")
            self.workers.append(self.start("celery", "worker", "-q", self.broker.queue, "-s", *own, *apart))
            until(lambda: self.told("ready.") >= number, "the worker is ready")
        for address in servers:
            self.wait_until_served(address)
        until(lambda: self.told("scheduling.loop: Scheduler ") >= number, "the scheduler has started")
        self.addresses |= servers

    def told(self, words: str) -> int:
        """How often the log has them."""
        return self.log.read_text().count(words)

    def end(self, process: subprocess.Popen[bytes]) -> None:
        """Ask a process to end, and see that it does so in peace."""
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0, self.log.read_text()[-3000:]
        self.processes.remove(process)

    def marked(self, word: str, dag_id: str) -> int:
        return sum((mark.word, mark.dag_id) == (word, dag_id) for mark in marks_of(self.home / "marks"))


@dataclass
class Callers:
    """Ask on and on, each request until it is answered: at another address, with the same key, after a moment."""

    system: Fleet
    dag_ids: tuple[str, ...]
    caller: Caller
    is_over: threading.Event = field(default_factory=threading.Event)
    #: How often a request had to be asked again, by why.
    again: Counter[str] = field(default_factory=Counter)
    answered: Counter[str] = field(default_factory=Counter)
    never: list[str] = field(default_factory=list)

    def __enter__(self) -> Callers:
        kinds = (*(("POST", dag_id) for dag_id in self.dag_ids), ("GET", ""), ("GET", ""))
        self._threads = [threading.Thread(target=self._ask, args=kind) for kind in kinds]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.is_over.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, method: str, dag_id: str) -> None:
        with contextlib.ExitStack() as stack:
            clients: dict[str, httpx.Client] = {}

            def client(address: str) -> httpx.Client:  # which keeps its connection from request to request
                if address not in clients:
                    made = httpx.Client(base_url=f"{address}/api/v1", auth=self.system.credentials, timeout=PATIENCE)
                    clients[address] = stack.enter_context(made)
                return clients[address]

            paths = itertools.cycle(("/dags", f"/dags/{self.dag_ids[0]}/dagRuns", "/pools", "/health"))
            for number in itertools.count():
                if self.is_over.wait(PAUSE):
                    return
                run_id = f"{dag_id}-{number}"
                path = f"/dags/{dag_id}/dagRuns" if method == "POST" else next(paths)
                if not self._until_answered(client, method, path, dag_id, run_id):
                    self.never.append(f"{method} {path} {run_id}")

    def _until_answered(self, client, method: str, path: str, dag_id: str, run_id: str) -> bool:
        limit = time.monotonic() + PATIENCE
        more = {} if method == "GET" else {"json": {"dag_run_id": run_id}, "headers": {"Idempotency-Key": run_id}}
        while time.monotonic() < limit:
            for address in list(self.system.addresses):
                try:
                    answer = client(address).request(method, path, **more)
                except httpx.TransportError as error:
                    self.again[type(error).__name__] += 1
                    if method == "POST":
                        self.caller.calls.append(Call(dag_id, run_id, None))
                    continue
                if method == "POST" and answer.headers.get("Idempotency-Replayed") != "true":
                    self.caller.calls.append(Call(dag_id, run_id, answer.status_code))
                self.caller.wrong += complaints(answer)
                if answer.status_code != 503:
                    self.answered[method] += 1
                    return True
                self.again["503"] += 1
            time.sleep(0.05)
        return False


@contextlib.contextmanager
def running(tmp_path: Path) -> Iterator[tuple[Fleet, str | None]]:
    """The system, and the address of its database where that is not SQLite."""
    with contextlib.ExitStack() as stack:
        options: dict[tuple[str, str], object] = {
            ("scheduler", "scheduler_heartbeat_sec"): 1,
            ("scheduler", "job_heartbeat_sec"): 1,
            ("scheduler", "zombie_detection_interval"): 1,
        }
        flows = [("short", 0.3, None), ("long", LONG, None)]
        url = broker = None
        if connection.vendor == "postgresql":
            url = stack.enter_context(Cluster()).url
            broker = stack.enter_context(contextlib.closing(Redis(f"test-{uuid.uuid4().hex[:8]}")))
            options |= {
                ("core", "executor"): "LocalExecutor,CeleryExecutor",
                ("celery", "broker_url"): broker.url,
                ("celery", "worker_concurrency"): 4,
                ("operators", "default_queue"): broker.queue,
            }
            flows += [("sent", 0.3, "CeleryExecutor"), ("sent_long", LONG, "CeleryExecutor")]
        (tmp_path / "flows.py").write_text(DAGS.replace("FLOWS", repr(flows)))
        fleet = Fleet(dags=tmp_path, options=options, database_url=url)
        fleet.broker = broker
        yield stack.enter_context(fleet), url


def test_f43_every_process_is_replaced_and_no_request_and_no_task_is_lost(tmp_path: Path) -> None:
    with running(tmp_path) as (system, url):
        replace_all(system, url)


def replace_all(system: Fleet, url: str | None) -> None:
    has_workers = system.broker is not None
    long, short = ("long", "sent_long")[: 1 + has_workers], ("short", "sent")[: 1 + has_workers]
    caller = Caller(system, may_break=True)
    with Callers(system, short, caller) as callers:
        until(lambda: all(system.marked("end", dag_id) > 3 for dag_id in short), "tasks run")
        first, second = list(system.addresses)
        system.end(system.addresses[first])  # nobody listens there, until the new one does
        system.add(system.port, free_port())  # the others stand beside those whose places they take
        system.end(system.addresses.pop(second))
        for dag_id in long:
            caller.trigger_until_done(dag_id, "over-the-end")
        until(lambda: all(system.marked("start", dag_id) for dag_id in long), "long tasks run")
        for process in (system.schedulers[0], *system.workers[:1]):
            system.end(process)
        ends = {dag_id: system.marked("end", dag_id) for dag_id in short}
        until(lambda: all(system.marked("end", each) > ends[each] + 3 for each in short), "tasks run afterwards")
    assert callers.never == []
    assert callers.again["ConnectError"], "the end of a web server was noticed"
    evidence = assert_sound(system, url, caller)
    runs = Counter(row["dag_id"] for row in evidence.rows["dagrun"])
    assert {row["state"] for row in evidence.rows["dagrun"]} == {"success"}
    assert sum(runs[dag_id] for dag_id in short) == callers.answered["POST"] > 10
    assert callers.answered["GET"] > 10
    ended = Counter(mark.instance for mark in evidence.marks if mark.word == "end")
    assert len(ended) == 2 * sum(runs.values())
    assert set(ended.values()) == {1}, [instance for instance, count in ended.items() if count > 1]
    began = Counter(mark.instance for mark in evidence.marks if mark.word == "start")
    cut = [row["reason"] for row in evidence.rows["taskinstancehistory"]]
    assert all("stopped" in reason for reason in cut), cut
    assert sum(began.values()) == len(ended) + len(cut), "only what the end of an executor cut off began again"
