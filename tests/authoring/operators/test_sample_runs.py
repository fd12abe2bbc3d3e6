"""Every sample DAG through real processes, with a conf that would like to be code."""

from __future__ import annotations

import time

import pytest

from tests.live import LiveSystem

EVIL = "$(touch {0}/a); `touch {0}/b`; touch {0}/c; \"; touch {0}/d; '"
#: DAGs that others start, or their schedule: they are waited for, not triggered. With depends_on_past a run of an older
#: date would be waited for by the scheduled one, behind which it is queued.
STARTED_BY_OTHERS = {
    "sample_called", "sample_dataset_both", "sample_dataset_either", "sample_dataset_or_nightly",
    "sample_dataset_alias_reader", "sample_schedule",
}  # fmt: skip
#: Task → state that is not success, where a sample shows just that.
OTHERWISE = {
    ("sample_bash", "maybe"): "skipped",
    ("sample_branching", "right"): "skipped",
    ("sample_branching", "rest"): "skipped",
    ("sample_retries", "too_slow"): "failed",
    ("sample_retries", "hopeless"): "failed",
    ("sample_sensors", "impatient"): "skipped",
    ("sample_sql", "small"): "skipped",
}
OPTIONS = {
    ("core", "load_examples"): True,
    ("core", "dags_are_paused_at_creation"): False,
    ("scheduler", "use_job_schedule"): True,
}


@pytest.mark.processes
@pytest.mark.timeout(300)
def test_every_sample_runs_and_nothing_a_caller_sends_is_executed(tmp_path):
    evil = EVIL.format(tmp_path)
    with LiveSystem(options=OPTIONS) as system, system.api as api:
        system.wait_for_dags("sample_bash", "sample_taskflow", "sample_templates", "sample_called", seconds=90)
        known = {dag["dag_id"] for dag in api.get("/dags", params={"tags": "sample"}).json()["dags"]}
        assert len(known) >= 20
        conf = {"name": evil[:50], "way": evil, "message": evil, "from": evil}
        runs = {}
        for dag_id in sorted(known - STARTED_BY_OTHERS):
            body = {"conf": conf, "logical_date": "2024-03-05T10:00:00+00:00", "note": evil}
            answer = api.post(f"/dags/{dag_id}/dagRuns", json=body)
            assert answer.status_code == 200, (dag_id, answer.text)
            runs[dag_id] = answer.json()["dag_run_id"]
        wrong: list[object] = []
        for dag_id, run_id in runs.items():
            state = system.wait_for_run(dag_id, run_id, seconds=150)["state"]
            wrong += [(dag_id, state)] if state != "success" else []
            for instance in api.get(f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances").json()["task_instances"]:
                expected = OTHERWISE.get((dag_id, instance["task_id"]), "success")
                if instance["state"] != expected:
                    wrong.append((dag_id, instance["task_id"], instance["map_index"], instance["state"]))
        wrong += [dag_id for dag_id in sorted(STARTED_BY_OTHERS) if not _is_done(api, dag_id)]
        assert wrong == []
        greeting = f"/dags/sample_bash/dagRuns/{runs['sample_bash']}/taskInstances/greet/xcomEntries/return_value"
        assert api.get(greeting).json()["value"] == f"Hello, {evil[:50]}, on 2024-03-05"
    assert list(tmp_path.iterdir()) == []


def _is_done(api, dag_id: str, seconds: float = 60) -> bool:
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        runs = api.get(f"/dags/{dag_id}/dagRuns").json()["dag_runs"]
        if runs and all(run["state"] == "success" for run in runs):
            return True
        time.sleep(0.3)
    return False
