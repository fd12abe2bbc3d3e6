"""A system on SQLite whose database somebody keeps for himself: RELIABILITY F16."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest
from django.db import connection

from tests.faults.evidence import MARKING, marks_of
from tests.faults.steps import Caller, assert_sound, complaints, run_of, until
from tests.live import LiveSystem

pytestmark = [
    pytest.mark.processes,
    pytest.mark.timeout(400),
    pytest.mark.skipif(connection.vendor != "sqlite", reason="SQLite's lock"),
]

DAGS = f"""{MARKING}
for name, seconds in ("red", 0.1), ("long", 2.0):
    with DAG(name, start_date=START, schedule=None, is_paused_upon_creation=False) as dag:
        first = PythonOperator(task_id="first", python_callable=mark, op_args=[seconds])
        first >> PythonOperator(task_id="second", python_callable=mark)
    globals()[name] = dag
"""

PASSWORD = "a-long-secret-1"
NEWCOMER = (
    *("users", "create", "--username", "newcomer", "--firstname", "New", "--lastname", "Comer"),
    *("--role", "Viewer", "--email", "newcomer@example.com", "--password", PASSWORD),
)


def test_f16_a_database_that_is_kept_makes_callers_try_again_and_loses_nothing(tmp_path: Path) -> None:
    (tmp_path / "flows.py").write_text(DAGS)
    options = {("database", "sqlite_busy_timeout"): 1, ("scheduler", "scheduler_heartbeat_sec"): 1}
    with LiveSystem(dags=tmp_path, options=options) as system:
        system.wait_for_dags("red", "long")
        caller = Caller(system)
        caller.trigger_until_done("long", "before")
        until(lambda: marks_of(system.home / "marks"), "the task started")
        system.manage(*NEWCOMER)
        with contextlib.closing(sqlite3.connect(system.home / "airflowsite.db", isolation_level=None)) as other:
            until(lambda: _keep(other), "the database is kept")
            # Nothing is half applied: the same key does it afterwards, once.
            assert caller.trigger("red", "kept") == 503
            with caller.client() as api:
                answer = api.patch("/dags/red", json={"is_paused": True})
                assert (answer.status_code, complaints(answer)) == (503, [])
                assert api.get("/dags/red").json()["is_paused"] is False  # readers go on
                # Those, too, whose login would be noted: nobody verified this password before.
                newcomer = api.get("/dags/red", auth=("newcomer", PASSWORD))
                assert (newcomer.status_code, newcomer.json().get("is_paused")) == (200, False)
            until(lambda: any(mark.word == "end" for mark in marks_of(system.home / "marks")), "the task ended")
            other.execute("ROLLBACK")
        caller.trigger_until_done("red", "kept")
        evidence = assert_sound(system, None, caller)
        assert run_of(evidence, "long", "before")["state"] == "success"
        assert run_of(evidence, "red", "kept")["state"] == "success"
        assert len({mark.attempt for mark in evidence.marks}) == 4


def _keep(other: sqlite3.Connection) -> bool:
    with contextlib.suppress(sqlite3.OperationalError):
        other.execute("BEGIN EXCLUSIVE")
        return True
    return False
