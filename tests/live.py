"""A whole system of real processes in a folder of its own: for tests through processes, conformance and benchmarks."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

ROOT = Path(__file__).resolve().parent.parent
MANAGE = [sys.executable, str(ROOT / "manage.py")]


def free_port() -> int:
    """A port nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Processes:
    """Processes of one system in a folder of their own, one of which serves the stable API; a context manager.

    ``program`` is what each of its commands begins with, ``options`` are ``{("section", "key"): value}``. The folder
    is removed in the end, and kept where something failed.
    """

    def __init__(self, *program: str | Path, name: str, options: Mapping[tuple[str, str], object]) -> None:
        self.program = program
        self.home = Path(tempfile.mkdtemp(prefix=f"{name}-"))
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("AIRFLOW_", "DJANGO_SETTINGS_MODULE"))},
            "AIRFLOW_HOME": str(self.home),
            "PYTHONUNBUFFERED": "1",
            **_as_environment(
                {
                    ("webserver", "web_server_port"): self.port,
                    ("webserver", "base_url"): self.url,
                    ("core", "load_examples"): False,
                    **options,
                }
            ),
        }
        self.processes: list[subprocess.Popen[bytes]] = []
        self.log = self.home / "system.log"

    def begin(self) -> None:
        """Prepare the database, and start what is to run from the beginning."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        try:
            self.begin()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        if kind is None:
            shutil.rmtree(self.home, ignore_errors=True)
        else:
            print(f"The system's folder is kept: {self.home}", file=sys.stderr)

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        done = subprocess.run(
            [*self.program, *arguments], env=self.environment, cwd=ROOT, capture_output=True, text=True, timeout=300
        )
        if check and done.returncode != 0:
            name = Path(self.program[-1]).name
            raise RuntimeError(
                f"{name} {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
            )
        return done

    def start(
        self, *arguments: str, options: Mapping[tuple[str, str], object] | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a command that goes on; its output is appended to ``log``."""
        environment = {**self.environment, **_as_environment(options or {})}
        with self.log.open("ab") as out:
            process = subprocess.Popen(
                [*self.program, *arguments], env=environment, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT
            )
        self.processes.append(process)
        return process

    def wait_until_served(self, url: str | None = None, seconds: float = 90) -> None:
        """Return when ``/api/v1/health`` answers."""
        limit = time.monotonic() + seconds
        while time.monotonic() < limit:
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(f"{url or self.url}/api/v1/health", timeout=5).status_code == 200:
                    return
            if any(process.poll() is not None for process in self.processes):
                break
            time.sleep(0.1)
        raise RuntimeError(f"The web server did not answer. Its log:\n{self.log.read_text()[-4000:]}")

    def stop(self) -> None:
        """End all processes: SIGTERM, then SIGKILL after 40 s."""
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(timeout=40)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.processes.clear()


class LiveSystem(Processes):
    """``manage.py standalone`` (or single parts) in a fresh ``AIRFLOW_HOME``; a context manager.

    ``options`` are ``{("section", "key"): value}``. The database is SQLite in the folder unless ``database_url`` is
    given. ``api`` is an HTTP client at ``/api/v1`` with the first administrator's credentials.
    """

    def __init__(
        self,
        *,
        dags: Path | None = None,
        options: Mapping[tuple[str, str], object] | None = None,
        database_url: str | None = None,
        parts: Sequence[str] = ("standalone",),
    ) -> None:
        chosen = dict(options or {})
        if database_url is not None:
            chosen["database", "sql_alchemy_conn"] = database_url
        super().__init__(*MANAGE, name="airflowsite-live", options=chosen)
        self.dags = self.home / "dags"
        if dags is not None:
            shutil.copytree(dags, self.dags)
        self.dags.mkdir(exist_ok=True)
        self.parts = parts

    def begin(self) -> None:
        self.manage("db", "migrate")
        for part in self.parts:
            self.start(part)
        if "standalone" in self.parts or "webserver" in self.parts:
            self.wait_until_served()

    def manage(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a management command to its end."""
        return self.run(*arguments, check=check)

    @property
    def credentials(self) -> tuple[str, str]:
        """The first administrator's."""
        return "admin", (self.home / "standalone_admin_password.txt").read_text().strip()

    @property
    def api(self) -> httpx.Client:
        """A client of the stable API; the caller closes it or lets it go."""
        return httpx.Client(base_url=f"{self.url}/api/v1", auth=self.credentials, timeout=60)

    def wait_for_dags(self, *dag_ids: str, seconds: float = 60) -> None:
        """Return when all of these DAGs are known."""
        with self.api as api:
            for dag_id in dag_ids:
                for _ in _until(seconds, f"DAG {dag_id} did not appear"):
                    if api.get(f"/dags/{dag_id}").status_code == 200:
                        break

    def trigger(self, dag_id: str, **body: Any) -> dict[str, Any]:
        """Unpause the DAG and make a run; the answer."""
        with self.api as api:
            api.patch(f"/dags/{dag_id}", json={"is_paused": False}).raise_for_status()
            answer = api.post(f"/dags/{dag_id}/dagRuns", json=body)
            answer.raise_for_status()
            return dict(answer.json())

    def wait_for_run(self, dag_id: str, run_id: str, seconds: float = 60) -> dict[str, Any]:
        """The run when it is over."""
        with self.api as api:
            for _ in _until(seconds, f"run {run_id} of {dag_id} did not end"):
                run = api.get(f"/dags/{dag_id}/dagRuns/{run_id}").json()
                if run["state"] in {"success", "failed"}:
                    return dict(run)
        raise AssertionError


def _as_environment(options: Mapping[tuple[str, str], object]) -> dict[str, str]:
    return {f"AIRFLOW__{section.upper()}__{key.upper()}": str(value) for (section, key), value in options.items()}


def _until(seconds: float, complaint: str) -> Iterator[None]:
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        yield
        time.sleep(0.05)
    raise TimeoutError(f"{complaint} in {seconds:.0f} s")
