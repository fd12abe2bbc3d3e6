"""What shows only in a server that runs: memory and health under load, and which process runs a DAG file's code.

SECURITY 6 (API4), 5 (size limits), 2 (CVE-2023-39508, 2025-62402 and their kin).
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from tests.live import LiveSystem

pytestmark = [pytest.mark.processes, pytest.mark.timeout(300)]

PASSWORD = "a long enough passphrase"
AUTH = ("boss", PASSWORD)
CALLERS = 100
MEGABYTE = 2**20
#: The longest that health may take meanwhile: a second is promised, on a machine four times as fast as the slowest.
SECONDS_OF_HEALTH = 4.0
#: Leaves its process's id wherever it is imported, and holds what must not be evaluated.
DAG_FILE = """
import os
from airflow import DAG
from airflow.operators.empty import EmptyOperator
with open(os.path.join(os.environ["AIRFLOW_HOME"], "importers"), "a") as file:
    print(os.getpid(), file=file)
TEMPLATE = "{{ ''.__class__.__mro__ }} {{ 6 * 7 }}"
with DAG("wide", schedule=None, doc_md=TEMPLATE, description=TEMPLATE, tags=["x" * 90]) as dag:
    for number in range(60):
        EmptyOperator(task_id=f"task_{number}", doc_md=TEMPLATE)
"""
LOCAL_SETTINGS = """
import os
with open(os.path.join(os.environ["AIRFLOW_HOME"], "local_settings_importers"), "a") as file:
    print(os.getpid(), file=file)
"""
#: The dearest lists.
WORST = (
    "/dags/~/dagRuns/~/taskInstances?limit=100&pool=default_pool&state=none",
    "/dags/~/dagRuns/~/taskInstances?limit=100&offset=500",
    "/dags/~/dagRuns?limit=100&order_by=-end_date",
    "/eventLogs?limit=100&order_by=-when",
    "/dags/wide/tasks",
)


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveSystem]:
    folder: Path = tmp_path_factory.mktemp("dags")
    mask = os.umask(0)
    try:
        yield from _started(folder)
    finally:
        os.umask(mask)


def _started(folder: Path) -> Iterator[LiveSystem]:
    (folder / "wide.py").write_text(DAG_FILE)
    (folder / "airflow_local_settings.py").write_text(LOCAL_SETTINGS)
    with LiveSystem(dags=folder, parts=()) as live:
        live.manage("users", "create", "--username", AUTH[0], "--password", PASSWORD, "--role", "Admin",
                    "--email", "boss@example.org", "--firstname", "B", "--lastname", "B")  # fmt: skip
        live.start("dag-processor")
        live.web = live.start("webserver")
        live.wait_until_served()
        with client(live) as api:
            limit = time.monotonic() + 90
            while api.get("/dags/wide").status_code != 200:
                assert time.monotonic() < limit, live.log.read_text()[-2000:]
                time.sleep(0.1)
            for number in range(15):
                answer = api.post("/dags/wide/dagRuns", json={"dag_run_id": f"r{number}", "conf": {"x": "y" * 2000}})
                assert answer.status_code == 200, answer.text
        yield live


def client(live: LiveSystem) -> httpx.Client:
    return httpx.Client(base_url=f"{live.url}/api/v1", auth=AUTH, timeout=120)


def web_processes(live: LiveSystem) -> list[psutil.Process]:
    first = psutil.Process(live.web.pid)
    return [first, *first.children(recursive=True)]


def most_memory(process: psutil.Process) -> int:
    """The most that the process ever held, in bytes."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))


def test_a_hundred_callers_of_the_dearest_lists_leave_memory_and_health(system: LiveSystem) -> None:
    async def calls() -> tuple[list[int], list[float]]:
        limits = httpx.Limits(max_connections=CALLERS + 1)
        async with (
            httpx.AsyncClient(base_url=f"{system.url}/api/v1", auth=AUTH, timeout=240, limits=limits) as api,
            httpx.AsyncClient(base_url=f"{system.url}/api/v1", timeout=240) as probe,
        ):
            statuses = asyncio.gather(*(api.get(WORST[number % len(WORST)]) for number in range(CALLERS)))
            waits = []
            while not statuses.done():
                begun = time.monotonic()
                assert (await probe.get("/health")).status_code == 200
                waits.append(time.monotonic() - begun)
            return [answer.status_code for answer in await statuses], waits

    with client(system) as api:
        assert {api.get(path).status_code for path in WORST} == {200}
    statuses, waits = asyncio.run(calls())
    assert set(statuses) == {200}
    processes = web_processes(system)
    most = max(most_memory(process) for process in processes)
    shared = sum(process.memory_full_info().pss for process in processes)
    told = (
        f"{most / MEGABYTE:.0f} MB at most in a process, {shared / MEGABYTE:.0f} MB in all, health {max(waits):.2f} s"
    )
    print(told)
    assert most < 300 * MEGABYTE, told
    assert shared < 300 * MEGABYTE, told
    assert max(waits) < SECONDS_OF_HEALTH, told


@pytest.mark.parametrize(
    "request_text",
    [
        b"GET /api/v1/version?x=" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /api/v1/version HTTP/1.1\r\nHost: localhost\r\nX-Long: " + b"a" * 200_000 + b"\r\n\r\n",
        b"GET /api/v1/version HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
        b"GET http://evil.example/api/v1/version HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        b"POST /api/v1/pools HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST /api/v1/variables HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"NONSENSE\r\n\r\n",
    ],
    ids=["long address", "long header", "two hosts", "another host", "two lengths", "negative length", "nonsense"],
)
def test_a_request_that_is_none_is_refused(system: LiveSystem, request_text: bytes) -> None:
    with socket.create_connection(("127.0.0.1", system.port), timeout=60) as connection:
        connection.sendall(request_text)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while (piece := connection.recv(65_536)) and len(answer) < MEGABYTE:
            answer += piece
    assert not answer or 400 <= int(answer.split()[1]) < 500, answer[:300]
    assert b"Traceback" not in answer
    with client(system) as api:
        assert api.get("/health").status_code == 200


def test_nobody_else_may_read_or_change_what_the_system_writes(system: LiveSystem) -> None:
    """The system was started with a mask of 0."""
    written = [path for path in system.home.rglob("*") if system.dags not in (path, *path.parents)]
    written.remove(system.log)  # which this test opened
    assert len(written) > 4
    open_to_others = [path for path in written if path.stat().st_mode & 0o027]
    importers = {"importers", "local_settings_importers"}  # a DAG file's own
    assert [path for path in open_to_others if path.name not in importers and not path.is_symlink()] == []


def test_the_web_server_never_runs_a_dag_file_and_evaluates_nothing_of_it(system: LiveSystem) -> None:
    with client(system) as api:
        dag = api.get("/dags/wide/details").json()
        assert dag["doc_md"] == "{{ ''.__class__.__mro__ }} {{ 6 * 7 }}"
        for path in (
            "/dags/wide", "/dags/wide/tasks", "/dags/wide/tasks/task_1", f"/dagSources/{dag['file_token']}",
            "/dags/wide/dagRuns/r1", "/dags/wide/dagRuns/r1/taskInstances/task_1",
            "/dags/wide/dagRuns/r1/taskInstances/task_1/dependencies",
            "/dags/wide/dagRuns/r1/taskInstances/task_1/links", "/dags/wide/dagRuns/r1/taskInstances/task_1/logs/1",
            "/plugins", "/providers", "/config",
        ):  # fmt: skip
            assert b"__mro__" not in api.get(path).content.replace(b"{{ ''.__class__.__mro__ }}", b"")
        assert api.post("/dags/wide/clearTaskInstances", json={"dry_run": True, "only_failed": False}).is_success
        assert api.post("/dags/wide/dagRuns/r2/taskInstances/task_1/run").status_code < 500
        assert api.put(f"/parseDagFile/{dag['file_token']}").status_code == 201
    importers = {int(line) for line in (system.home / "importers").read_text().split()}
    local = system.home / "local_settings_importers"
    importers |= {int(line) for line in local.read_text().split()} if local.exists() else set()
    assert importers, "nobody imported the file, so this would show nothing"
    assert not importers & {process.pid for process in web_processes(system)}
