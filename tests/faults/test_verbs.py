"""What operators do to a try in each of its states: RELIABILITY F35."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import httpx
import psutil
import pytest

from tests.faults.evidence import MARKING, marks_of
from tests.faults.invariants import CHECKS, is_quiet, violations
from tests.faults.steps import Caller, settled, until
from tests.live import LiveSystem

pytestmark = [pytest.mark.processes, pytest.mark.timeout(400)]

#: A DAG for each state in which its one task stays until somebody does something.
STATES = ("scheduled", "queued", "running", "deferred", "up_for_retry", "up_for_reschedule")
VERBS = ("clear", "success", "failed", "delete")

DAGS = f"""{MARKING}
from airflow.sensors.python import PythonSensor

def dag_of(state):
    return DAG("in_" + state, start_date=START, schedule=None, max_active_runs=100, is_paused_upon_creation=False)

with dag_of("scheduled"):
    PythonOperator(task_id="only", python_callable=mark, pool="closed")
with dag_of("queued"):
    PythonOperator(task_id="only", python_callable=mark, op_args=[600.0])
with dag_of("running"):
    PythonOperator(task_id="only", python_callable=mark, op_args=[600.0])
with dag_of("deferred"):
    TimeDeltaSensorAsync(task_id="only", delta=timedelta(days=100_000))
with dag_of("up_for_retry"):
    PythonOperator(task_id="only", python_callable=mark, op_args=[0.0, 1], retries=1, retry_delay=timedelta(hours=1))
with dag_of("up_for_reschedule"):
    PythonSensor(task_id="only", python_callable=lambda: False, mode="reschedule", poke_interval=3600)
"""
#: What holds for tries that come to their own ends: tries as retries, success as an end mark, whole logs and values.
OF_OWN_ENDS = frozenset({"I02", "I03", "I12", "I13"})
#: Where a cleared try comes to.
AGAIN = {state: state for state in STATES} | {"queued": "running", "up_for_retry": "success"}


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveSystem]:
    folder = tmp_path_factory.mktemp("dags")
    (folder / "flows.py").write_text(DAGS)
    options = {
        ("scheduler", "scheduler_heartbeat_sec"): 1,
        ("scheduler", "job_heartbeat_sec"): 1,
        ("core", "killed_task_cleanup_time"): 2,
    }
    with LiveSystem(dags=folder, options=options) as live:
        with live.api as api:
            api.post("/pools", json={"name": "closed", "slots": 0}).raise_for_status()
        live.wait_for_dags(*(f"in_{state}" for state in STATES))
        yield live


def pids(system: LiveSystem, dag_id: str, run_id: str) -> list[int]:
    return [m.pid for m in marks_of(system.home / "marks") if (m.dag_id, m.run_id, m.word) == (dag_id, run_id, "start")]


@pytest.mark.parametrize("state", STATES)
def test_f35_whatever_is_done_to_a_try_in_this_state_takes_effect_and_leaves_nothing(
    system: LiveSystem, state: str
) -> None:
    dag_id, caller = f"in_{state}", Caller(system)
    with system.api as api:

        def now(run_id: str) -> str:
            return str(api.get(f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/only").json().get("state"))

        (supervisor,) = [
            each
            for each in psutil.Process(system.processes[0].pid).children(recursive=True)
            if "airflowsite supervisor" in " ".join(each.cmdline())
        ]
        if state == "queued":
            os.kill(supervisor.pid, signal.SIGSTOP)
        try:
            for verb in VERBS:
                caller.trigger_until_done(dag_id, verb)
            for verb in VERBS:
                until(lambda: now(verb) == state, f"the try to {verb} is {state}")
            if state == "running":
                until(lambda: all(pids(system, dag_id, verb) for verb in VERBS), "the processes run")
            processes = {verb: pids(system, dag_id, verb) for verb in VERBS}

            api.patch(f"/dags/{dag_id}", json={"is_paused": True}).raise_for_status()
            time.sleep(1.5)
            assert {now(verb) for verb in VERBS} == {state}, "a pause ends nothing"
            api.patch(f"/dags/{dag_id}", json={"is_paused": False}).raise_for_status()

            for verb in VERBS:
                do(api, dag_id, verb)
        finally:
            os.kill(supervisor.pid, signal.SIGCONT)

        for verb in ("success", "failed"):
            assert system.wait_for_run(dag_id, verb)["state"] == verb
            assert now(verb) == verb
        until(lambda: now("clear") == AGAIN[state], f"the cleared try is {AGAIN[state]} again")
        if state == "running":
            old = [pid for found in processes.values() for pid in found]
            assert len(old) == len(VERBS)
            until(lambda: not any(psutil.pid_exists(pid) for pid in old), "the processes that were taken are ended")
        if state == "queued":
            started = {mark.run_id for mark in marks_of(system.home / "marks") if mark.dag_id == dag_id}
            assert started <= {"clear"}, "nothing that was taken back was started"
        if api.get(f"/dags/{dag_id}/dagRuns/delete").status_code == 200:  # it was refused
            api.patch(f"/dags/{dag_id}/dagRuns/delete", json={"state": "failed"}).raise_for_status()
        if AGAIN[state] != "success":
            api.patch(f"/dags/{dag_id}/dagRuns/clear", json={"state": "failed"}).raise_for_status()
        gone = [call for call in caller.calls if call.run_id == "delete"]
        if api.get(f"/dags/{dag_id}/dagRuns/delete").status_code == 404:
            caller.calls[:] = [call for call in caller.calls if call not in gone]
    evidence = settled(system, None, caller.calls)
    assert is_quiet(evidence)
    assert violations(evidence, only=[name for name in CHECKS if name not in OF_OWN_ENDS]) == []
    assert caller.wrong == []
    assert "Traceback" not in system.log.read_text()


def do(api: httpx.Client, dag_id: str, verb: str) -> None:
    run = f"/dags/{dag_id}/dagRuns/{verb}"
    if verb == "clear":
        body = {"dry_run": False, "dag_run_id": verb, "only_failed": False, "only_running": False}
        answer = api.post(f"/dags/{dag_id}/clearTaskInstances", json=body)
        assert len(answer.json()["task_instances"]) == 1
    elif verb == "delete":
        answer = api.delete(run)
        assert answer.status_code in {204, 409}, answer.text
        return
    else:
        answer = api.patch(f"{run}/taskInstances/only", json={"dry_run": False, "new_state": verb})
    assert answer.status_code == 200, answer.text
