"""Airflow's own web server over the same rows, for comparison; where it is installed."""

from __future__ import annotations

import base64
import os
import re
from pathlib import Path
from typing import Final

import httpx
import psycopg

from tests.live import Processes

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


class Reference(Processes):
    """A context manager. ``environment`` is where Airflow is installed, ``url`` an empty database for it."""

    def __init__(self, environment: Path, url: str, rows_url: str) -> None:
        options = {
            ("database", "sql_alchemy_conn"): url.replace("postgresql://", "postgresql+psycopg2://"),
            ("api", "auth_backends"): "airflow.api.auth.backend.basic_auth,airflow.api.auth.backend.session",
            ("webserver", "workers"): 2,
        }
        super().__init__(environment / "bin" / "airflow", name="airflow-reference", options=options)
        self.environment["PATH"] = f"{environment / 'bin'}:{os.environ['PATH']}"
        self.database_url = url
        self.rows_url = rows_url

    def begin(self) -> None:
        self.run("db", "migrate")
        self._fill()
        names = ["-u", _LOGIN[0], "-p", _LOGIN[1], "-e", "b@example.org", "-f", "B", "-l", "B", "-r", "Admin"]
        self.run("users", "create", *names)
        self.start("webserver")
        self.wait_until_served(seconds=180)

    @property
    def api(self) -> str:
        return f"{self.url}/api/v1"

    @property
    def basic(self) -> dict[str, str]:
        return {"Authorization": "Basic " + base64.b64encode(":".join(_LOGIN).encode()).decode()}

    @property
    def cookie(self) -> dict[str, str]:
        """A session's, from the login form."""
        with httpx.Client(base_url=self.url, timeout=60, follow_redirects=True) as client:
            token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get("/login/").text)
            form = {"username": _LOGIN[0], "password": _LOGIN[1], "csrf_token": token[1] if token else ""}
            client.post("/login/", data=form, headers={"Referer": f"{self.url}/login/"})
            return {"Cookie": f"session={client.cookies['session']}"}

    def _fill(self) -> None:
        with psycopg.connect(self.rows_url) as source, psycopg.connect(self.database_url, autocommit=True) as target:
            for table, query in _COPIES:
                reading = source.cursor().copy(f"COPY ({query}) TO STDOUT")
                writing = target.cursor().copy(f"COPY {table} FROM STDIN")
                with reading as given, writing as taken:
                    for block in given:
                        taken.write(block)
            target.execute("VACUUM ANALYZE")
