"""A DAG file that is edited, half written or removed while a run of it is going on: RELIABILITY F23."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.evidence import MARKING, marks_of
from tests.faults.steps import Caller, assert_sound, run_of, until
from tests.live import LiveSystem

pytestmark = [pytest.mark.processes, pytest.mark.timeout(400)]

FLOW = """
with DAG("{dag_id}", start_date=START, schedule=None, is_paused_upon_creation=False,
         default_args=dict(retries=100, retry_delay=timedelta(seconds=1))) as dag:
    first = PythonOperator(task_id="first", python_callable=mark, op_args=[{seconds}])
    last = PythonOperator(task_id="last", python_callable=mark)
    first >> {middle}last
"""


def text(dag_id: str, *, seconds: float = 2.0, middle: str = "") -> str:
    return MARKING + FLOW.format(dag_id=dag_id, seconds=seconds, middle=middle)


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveSystem]:
    folder = tmp_path_factory.mktemp("dags")
    for dag_id in ("edited", "halved", "removed"):
        (folder / f"{dag_id}.py").write_text(text(dag_id))
    options = {("scheduler", "scheduler_heartbeat_sec"): 1, ("scheduler", "dag_dir_list_interval"): 1}
    with LiveSystem(dags=folder, options=options) as live:
        live.wait_for_dags("edited", "halved", "removed")
        yield live


def begin(system: LiveSystem, dag_id: str) -> tuple[Caller, Path]:
    """A run whose first task runs; the file."""
    caller = Caller(system)
    caller.trigger_until_done(dag_id, "going-on")
    until(lambda: any(mark.dag_id == dag_id for mark in marks_of(system.home / "marks")), "the first task started")
    return caller, system.dags / f"{dag_id}.py"


def get(caller: Caller, path: str) -> Any:
    with caller.client() as api:
        return api.get(path).json()


def instances(caller: Caller, dag_id: str, run_id: str) -> dict[str, dict[str, Any]]:
    found = get(caller, f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances")["task_instances"]
    return {each["task_id"]: each for each in found}


def test_f23_a_run_keeps_the_shape_it_began_with_when_its_file_is_edited(system: LiveSystem) -> None:
    caller, path = begin(system, "edited")
    new = 'PythonOperator(task_id="new", python_callable=mark) >> '
    path.write_text(text("edited", seconds=0.0, middle=new))
    until(lambda: get(caller, "/dags/edited/tasks/new").get("task_id"), "the new shape is known")
    caller.trigger_until_done("edited", "later")
    assert_sound(system, None, caller)
    assert {name: each["state"] for name, each in instances(caller, "edited", "going-on").items()} == {
        "first": "success",
        "last": "success",
    }
    assert set(instances(caller, "edited", "later")) == {"first", "new", "last"}


def test_f23_a_half_written_file_fails_tries_with_its_error_until_it_is_whole(system: LiveSystem) -> None:
    caller, path = begin(system, "halved")
    whole = path.read_text()
    path.write_text(whole[: whole.rindex("python_callable")])
    until(lambda: get(caller, "/importErrors")["total_entries"] == 1, "the import error is told")
    error = get(caller, "/importErrors")["import_errors"][0]
    assert error["filename"] == str(path)
    assert "SyntaxError" in error["stack_trace"]
    assert get(caller, "/dags/halved")["is_active"], "the last good version goes on"
    until(lambda: instances(caller, "halved", "going-on")["last"]["try_number"] > 1, "a try failed")
    log = next((system.home / "logs" / "dag_id=halved" / "run_id=going-on" / "task_id=last").glob("attempt=1.log"))
    assert "SyntaxError" in log.read_text()
    path.write_text(whole)
    until(lambda: get(caller, "/importErrors")["total_entries"] == 0, "the import error is gone")
    evidence = assert_sound(system, None, caller)
    assert run_of(evidence, "halved", "going-on")["state"] == "success"


def test_f23_a_removed_file_ends_its_run_and_its_dag(system: LiveSystem) -> None:
    caller, path = begin(system, "removed")
    whole = path.read_text()
    path.unlink()
    until(lambda: not get(caller, "/dags/removed")["is_active"], "the DAG is inactive")
    until(lambda: instances(caller, "removed", "going-on")["last"]["try_number"] > 1, "a try failed")
    path.write_text(whole)
    until(lambda: get(caller, "/dags/removed")["is_active"], "the DAG is back")
    evidence = assert_sound(system, None, caller)
    assert run_of(evidence, "removed", "going-on")["state"] == "success", evidence.rows["taskinstancehistory"][-3:]
