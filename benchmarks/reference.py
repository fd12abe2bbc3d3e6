"""Airflow's own web server over the same rows, for comparison; where it is installed."""

from __future__ import annotations

import base64
import os
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import httpx
import psycopg

from tests.live import free_port

_LOGIN: Final = ("bench", "bench")
#: Our tables as the reference's: what its answers show of the rows.
_COPIES: Final = (
    ("dag (dag_id, is_paused, is_active, fileloc, max_active_tasks, has_task_concurrency_limits, "
     "max_consecutive_failed_dag_runs)",
     "SELECT dag_id, false, true, fileloc, 16, false, 0 FROM orchestration_dag"),
    ("dag_run (id, dag_id, run_id, state, execution_date, start_date, end_date, data_interval_start, "
     "data_interval_end, run_type, external_trigger, conf, log_template_id, updated_at, clear_number)",
     "SELECT id, dag_id, run_id, state, logical_date, start_date, end_date, data_interval_start, data_interval_end, "
     "run_type, true, '\\x80057d942e'::bytea, 1, updated_at, 0 FROM orchestration_dagrun"),
    ("task_instance (task_id, dag_id, run_id, map_index, start_date, end_date, duration, state, try_number, max_tries, "
     "hostname, unixname, pool, pool_slots, queue, priority_weight, operator, queued_dttm, pid, updated_at, "
     "executor_config, task_display_name)",
     "SELECT t.task_id, t.dag_id, r.run_id, t.map_index, t.start_date, t.end_date, t.duration, t.state, t.try_number, "
     "t.max_tries, t.hostname, t.unixname, t.pool, t.pool_slots, t.queue, t.priority_weight, t.operator, t.queued_at, "
     "t.pid, t.updated_at, '\\x80057d942e'::bytea, t.task_id "
     "FROM orchestration_taskinstance t JOIN orchestration_dagrun r ON r.id = t.run_id"),
)  # fmt: skip


class Reference:
    """A context manager. ``environment`` is where Airflow is installed, ``url`` an empty database for it."""

    def __init__(self, environment: Path, url: str, rows_url: str) -> None:
        self.program = environment / "bin" / "airflow"
        self.url = url
        self.rows_url = rows_url
        self.home = Path(tempfile.mkdtemp(prefix="airflow-reference-"))
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        options = {
            "DATABASE__SQL_ALCHEMY_CONN": url.replace("postgresql://", "postgresql+psycopg2://"),
            "CORE__LOAD_EXAMPLES": "False",
            "API__AUTH_BACKENDS": "airflow.api.auth.backend.basic_auth,airflow.api.auth.backend.session",
            "WEBSERVER__WEB_SERVER_PORT": str(self.port),
            "WEBSERVER__WORKERS": "2",
        }
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "DJANGO"))}
        self.variables = {
            **kept,
            "AIRFLOW_HOME": str(self.home),
            "PATH": f"{environment / 'bin'}:{os.environ['PATH']}",
            **{f"AIRFLOW__{name}": value for name, value in options.items()},
        }

    @property
    def api(self) -> str:
        return f"http://127.0.0.1:{self.port}/api/v1"

    @property
    def basic(self) -> dict[str, str]:
        return {"Authorization": "Basic " + base64.b64encode(":".join(_LOGIN).encode()).decode()}

    @property
    def cookie(self) -> dict[str, str]:
        """A session's, from the login form."""
        base = self.api.removesuffix("/api/v1")
        with httpx.Client(base_url=base, timeout=60, follow_redirects=True) as client:
            token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get("/login/").text)
            form = {"username": _LOGIN[0], "password": _LOGIN[1], "csrf_token": token[1] if token else ""}
            client.post("/login/", data=form, headers={"Referer": f"{base}/login/"})
            return {"Cookie": f"session={client.cookies['session']}"}

    def __enter__(self) -> Self:
        try:
            self._run("db", "migrate")
            self._fill()
            names = ["-u", _LOGIN[0], "-p", _LOGIN[1], "-e", "b@example.org", "-f", "B", "-l", "B", "-r", "Admin"]
            self._run("users", "create", *names)
            with (self.home / "log").open("wb") as log:
                self.process = subprocess.Popen(
                    [self.program, "webserver"], env=self.variables, stdout=log, stderr=subprocess.STDOUT
                )
            self._wait()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _run(self, *arguments: str) -> None:
        subprocess.run([self.program, *arguments], env=self.variables, check=True, capture_output=True)

    def _fill(self) -> None:
        with psycopg.connect(self.rows_url) as source, psycopg.connect(self.url, autocommit=True) as target:
            for table, query in _COPIES:
                reading = source.cursor().copy(f"COPY ({query}) TO STDOUT")
                writing = target.cursor().copy(f"COPY {table} FROM STDIN")
                with reading as given, writing as taken:
                    for block in given:
                        taken.write(block)
            target.execute("VACUUM ANALYZE")

    def _wait(self, seconds: float = 180) -> None:
        limit = time.monotonic() + seconds
        while time.monotonic() < limit:
            try:
                if httpx.get(f"{self.api}/health", timeout=10).status_code == 200:
                    return
            except httpx.HTTPError:
                time.sleep(0.5)
        raise RuntimeError(f"The reference did not answer. Its log:\n{(self.home / 'log').read_text()[-4000:]}")

    def stop(self) -> None:
        """End the server and remove its folder."""
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(timeout=40)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.home, ignore_errors=True)
