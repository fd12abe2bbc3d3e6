"""Callers that are many, go away, or stand still, and processes without a file left: RELIABILITY F31, F37, F44."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import socket
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import psutil
import pytest

from tests.faults.evidence import MARKING
from tests.faults.steps import Caller, assert_sound, complaints, until
from tests.live import LiveSystem

pytestmark = [pytest.mark.processes, pytest.mark.timeout(400)]

WORKERS, THREADS = 2, 4
#: Seconds in which a client that is being answered may stand still.
STALL = 6
MANY = 600
#: Megabytes by which a worker may grow when many ask at once.
GROWTH = 80

DAGS = f"""{MARKING}
for name, seconds in ("short", 0.0), ("endless", 600.0):
    with DAG(name, start_date=START, schedule=None, max_active_runs=100, is_paused_upon_creation=False) as dag:
        PythonOperator(task_id="only", python_callable=mark, op_args=[seconds])
    globals()[name] = dag
"""
LOG = "/api/v1/dags/short/dagRuns/logged/taskInstances/only/logs/1?full_content=true"


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveSystem]:
    folder = tmp_path_factory.mktemp("dags")
    (folder / "flows.py").write_text(DAGS)
    options = {
        ("webserver", "workers"): WORKERS,
        ("webserver", "worker_threads"): THREADS,
        ("webserver", "web_server_worker_timeout"): STALL,
        ("scheduler", "scheduler_heartbeat_sec"): 1,
    }
    with LiveSystem(dags=folder, options=options) as live:
        live.wait_for_dags("short", "endless")
        caller = Caller(live)
        caller.trigger_until_done("short", "logged")
        caller.trigger_until_done("endless", "going-on")
        assert live.wait_for_run("short", "logged")["state"] == "success"
        (log,) = (live.home / "logs" / "dag_id=short" / "run_id=logged" / "task_id=only").glob("attempt=1.log")
        with log.open("ab") as file:
            file.write(b"a line of the log that nobody reads to its end\n" * 700_000)
        yield live
        with live.api as api:
            api.patch("/dags/endless/dagRuns/going-on", json={"state": "failed"}).raise_for_status()
        assert_sound(live, None, caller)


def workers(system: LiveSystem) -> list[psutil.Process]:
    family = psutil.Process(system.processes[0].pid).children(recursive=True)
    found = [each for each in family if "gunicorn: worker" in " ".join(each.cmdline())]
    assert len(found) == WORKERS
    return sorted(found, key=lambda each: each.pid)


def part(system: LiveSystem, title: str) -> psutil.Process:
    family = psutil.Process(system.processes[0].pid).children(recursive=True)
    return next(each for each in family if " ".join(each.cmdline()).startswith(title))


def files(system: LiveSystem) -> int:
    return sum(worker.num_fds() for worker in workers(system))


def request(system: LiveSystem, method: str, path: str, *, length: int = 0) -> bytes:
    """The head of a request; with a length, of one whose body does not come whole."""
    login = base64.b64encode(":".join(system.credentials).encode()).decode()
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{system.port}\r\nAuthorization: Basic {login}\r\n"
    body = f"Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{{" if length else "\r\n"
    return (head + body).encode()


def callers_of(system: LiveSystem) -> dict[str, tuple[bytes, int]]:
    """What is sent, and how many bytes of the answer are read before the client goes or stands still."""
    return {
        "head": (b"GET /api/v1/dags HTTP/1.1\r\nHost: 127.0.0.1", 0),
        "body": (request(system, "POST", "/api/v1/dags/short/dagRuns", length=1000), 0),
        "old": (request(system, "POST", "/api/experimental/dags/short/dag_runs", length=1000), 0),
        "wait": (request(system, "GET", "/api/v1/dags/endless/dagRuns/going-on/wait?timeout=60"), 20),
        "log": (request(system, "GET", LOG), 1000),
        "list": (request(system, "GET", "/api/v1/dags"), 0),
    }


def begin(system: LiveSystem, name: str) -> socket.socket:
    sent, wanted = callers_of(system)[name]
    client = socket.create_connection(("127.0.0.1", system.port), timeout=60)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.sendall(sent)
    while wanted > 0 and (data := client.recv(wanted)):
        wanted -= len(data)
    return client


def come_and_go(system: LiveSystem) -> int:
    """Several of each kind, some of which say good-bye and some of which are cut off; how many."""
    names = [name for name in callers_of(system) for _ in range(6)]

    def go(number: int) -> None:
        client = begin(system, names[number])
        if number % 2:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # cut off
        client.close()

    with ThreadPoolExecutor(3) as pool:  # fewer than there are threads to wait in
        list(pool.map(go, range(len(names))))
    return len(names)


def total_runs(system: LiveSystem) -> int:
    with system.api as api:
        return int(api.get("/dags/short/dagRuns").json()["total_entries"])


def test_f37_callers_that_go_away_leave_no_file_and_no_thread_behind(system: LiveSystem) -> None:
    before = total_runs(system)
    come_and_go(system)  # so that each thread has its database connection
    least = []
    until(lambda: (time.sleep(0.2), least.append(files(system)))[0] or len(least) > 15, "they are gone")
    threads = [worker.num_threads() for worker in workers(system)]
    gone = come_and_go(system) + come_and_go(system)
    assert gone > 40
    until(lambda: files(system) <= min(least) + 6, "every connection is closed", 60)
    assert all(worker.num_threads() <= THREADS + 8 for worker in workers(system)), threads
    with ThreadPoolExecutor(WORKERS * THREADS) as pool:
        answers = list(pool.map(lambda _: total_runs(system), range(WORKERS * THREADS)))
    assert set(answers) == {before}, "what was not sent whole had no effect"
    assert "Traceback" not in system.log.read_text()


@pytest.mark.parametrize("name", ["head", "body", "log"])
def test_f37_callers_that_stand_still_hold_no_thread_for_long(system: LiveSystem, name: str) -> None:
    with contextlib.ExitStack() as still:
        for _ in range(WORKERS * THREADS + 2):
            still.enter_context(stalled(system, name))
        time.sleep(0.5)
        began = time.monotonic()
        assert httpx.get(f"{system.url}/api/v1/health", timeout=STALL).status_code == 200
        with system.api as api:
            assert api.get("/dags").status_code == 200
        assert time.monotonic() - began < 5 * STALL
        files_then = files(system)
    until(lambda: files(system) < files_then or files_then < 60, "they are let go")
    assert "Traceback" not in system.log.read_text()


def stalled(system: LiveSystem, name: str) -> socket.socket:
    """A client that asks, and reads nothing of the answer."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(("127.0.0.1", system.port))
    client.sendall(callers_of(system)[name][0])
    return client


def test_f31_many_callers_at_once_are_all_answered_in_bounded_memory(system: LiveSystem) -> None:
    paths = ("/health", "/dags", "/dags/~/dagRuns", "/dags/short/dagRuns/logged/taskInstances")
    before = [worker.memory_info().rss for worker in workers(system)]
    pids = [worker.pid for worker in workers(system)]

    async def ask() -> list[httpx.Response]:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
        base = f"{system.url}/api/v1"
        async with httpx.AsyncClient(base_url=base, auth=system.credentials, timeout=200, limits=limits) as api:
            return await asyncio.gather(*(api.get(paths[each % len(paths)]) for each in range(MANY)))

    answers = asyncio.run(ask())
    assert Counter(answer.status_code for answer in answers)[200] >= MANY // 2
    for answer in answers:
        assert answer.status_code == 200 or answer.status_code == 429 or complaints(answer) == []
        if "health" in str(answer.url):
            assert answer.status_code == 200
    assert [worker.pid for worker in workers(system)] == pids
    grown = [worker.memory_info().rss - rss for worker, rss in zip(workers(system), before, strict=True)]
    assert max(grown) < GROWTH * 2**20, grown
    assert "Traceback" not in system.log.read_text()


def test_f44_a_web_server_without_a_file_left_says_so_and_recovers(system: LiveSystem) -> None:
    found = workers(system)
    limits = [each.rlimit(psutil.RLIMIT_NOFILE) for each in found]
    idle: list[socket.socket] = []
    try:
        for each in found:
            each.rlimit(psutil.RLIMIT_NOFILE, (each.num_fds() + 8, limits[0][1]))
        for _ in range(40):
            client = socket.create_connection(("127.0.0.1", system.port), timeout=60)
            client.sendall(request(system, "GET", "/api/v1/version"))
            idle.append(client)
        until(lambda: "ulimit -n" in system.log.read_text(), "it is told", 30)
        for client in idle:  # each is answered in its turn, or closed
            with contextlib.suppress(ConnectionResetError):
                assert client.recv(12) in {b"HTTP/1.1 200", b"HTTP/1.1 503", b""}
    finally:
        for each, limit in zip(found, limits, strict=True):
            each.rlimit(psutil.RLIMIT_NOFILE, limit)
        for client in idle:
            client.close()
    with system.api as api:
        assert api.get("/dags").status_code == 200
    assert workers(system) == found, "none had to be started again"
    assert "Traceback" not in system.log.read_text()


def test_f44_a_scheduler_and_its_supervisor_without_a_file_left_recover(system: LiveSystem) -> None:
    found = [part(system, "airflowsite scheduler"), part(system, "airflowsite supervisor")]
    limits = [each.rlimit(psutil.RLIMIT_NOFILE) for each in found]
    caller = Caller(system)
    try:
        for each, limit in zip(found, limits, strict=True):
            each.rlimit(psutil.RLIMIT_NOFILE, (3, limit[1]))
        for number in range(3):
            caller.trigger_until_done("short", f"f44-{number}")
        until(lambda: "Too many open files" in system.log.read_text(), "it is told", 30)
        assert all(each.is_running() for each in found)
    finally:
        for each, limit in zip(found, limits, strict=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                each.rlimit(psutil.RLIMIT_NOFILE, limit)
    for number in range(3):
        assert system.wait_for_run("short", f"f44-{number}", 120)["state"] == "success"
    assert all(each.is_running() for each in found)
    assert "Traceback" not in system.log.read_text()
