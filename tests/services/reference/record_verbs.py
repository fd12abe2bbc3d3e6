"""Record what Airflow 2.10.5 does when runs and task instances are cleared and marked through its stable API.

    AIRFLOW_HOME=… python record_verbs.py verbs.json     (an interpreter with apache-airflow 2.10.5, a migrated database
                                                           with a user admin/admin)

A case is a DAG, one request, its answer, and the rows after that differ from those before (which ``fill`` makes).
Moments are kept as ``none``, ``old`` (as before) or ``now``. ``subsets``: the tasks that a clear of each task reaches.
"""

from __future__ import annotations

import itertools
import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

OLD = datetime(2024, 1, 1, tzinfo=UTC)
#: name → schedule, edges, setups, teardowns, retries
DAGS = {
    "plain": (None, "a >> b >> c, a >> d", "", "", {"b": 2}),
    "daily": ("@daily", "a >> b >> c, a >> d", "", "", {"b": 2}),
    "torn": (None, "s >> w1 >> w2 >> t, s >> t, w2 >> z, t >> z", "s", "t", {}),
    "nested": (None, "s1 >> s2 >> w >> t2 >> t1, s1 >> t1, s2 >> t2, x >> w, w >> y", "s1 s2", "t1 t2", {}),
    "loose": (None, "s >> w >> y, x >> w", "s", "", {}),
    "once": ("@once", "a >> b", "", "", {}),
}
STATES = ["success", "failed", "upstream_failed", "skipped", None, "running", "queued", "up_for_retry", "deferred"]


def build(name):
    from airflow import DAG
    from airflow.operators.empty import EmptyOperator

    schedule, edges, setups, teardowns, retries = DAGS[name]
    with DAG(name, schedule=schedule, start_date=OLD, catchup=False) as dag:
        tasks = {}
        pairs = []
        for chain in edges.split(","):
            names = [each.strip() for each in chain.split(">>")]
            for each in names:
                if each not in tasks:
                    tasks[each] = EmptyOperator(task_id=each, retries=retries.get(each, 0))
            pairs += list(itertools.pairwise(names))
        for before, after in pairs:
            tasks[before] >> tasks[after]
        for each in setups.split():
            tasks[each].is_setup = True
        for each in teardowns.split():
            tasks[each].is_teardown = True
    return dag


def requests_for(name, tasks):
    """(label, method, path, body) of every case of a DAG; R1 is the run in the middle."""
    run = f"/dags/{name}/dagRuns/r1"
    for state in ("success", "failed", "queued"):
        yield "PATCH", run, {"state": state}
    yield "POST", f"{run}/clear", {"dry_run": False}
    yield "POST", f"{run}/clear", {}
    clear = f"/dags/{name}/clearTaskInstances"
    for only_failed, reset in itertools.product((True, False), repeat=2):
        yield "POST", clear, {"dry_run": False, "only_failed": only_failed, "reset_dag_runs": reset}
    yield "POST", clear, {"dry_run": False, "only_failed": False, "only_running": True}
    for start, end in (("2024-01-02", None), (None, "2024-01-02"), ("2024-01-02", "2024-01-02")):
        body = {"dry_run": False, "only_failed": False}
        body |= {"start_date": f"{start}T00:00:00Z"} if start else {}
        body |= {"end_date": f"{end}T00:00:00Z"} if end else {}
        yield "POST", clear, body
    for task in tasks:
        for up, down in itertools.product((False, True), repeat=2):
            yield (
                "POST",
                clear,
                {
                    "dry_run": False,
                    "only_failed": False,
                    "dag_run_id": "r1",
                    "task_ids": [task],
                    "include_upstream": up,
                    "include_downstream": down,
                    "reset_dag_runs": True,
                },
            )
        for past, future in ((True, False), (False, True), (True, True)):
            yield (
                "POST",
                clear,
                {
                    "dry_run": False,
                    "only_failed": False,
                    "dag_run_id": "r1",
                    "task_ids": [task],
                    "include_past": past,
                    "include_future": future,
                },
            )
        for state in ("success", "failed", "skipped"):
            yield "PATCH", f"{run}/taskInstances/{task}", {"new_state": state, "dry_run": False}
            for flags in ("", "u", "d", "p", "f", "udpf"):
                yield (
                    "POST",
                    f"/dags/{name}/updateTaskInstancesState",
                    {
                        "dry_run": False,
                        "task_id": task,
                        "dag_run_id": "r1",
                        "new_state": state,
                        "include_upstream": "u" in flags,
                        "include_downstream": "d" in flags,
                        "include_past": "p" in flags,
                        "include_future": "f" in flags,
                    },
                )


def main():
    import base64

    from airflow.models import DagBag, DagModel, DagRun, TaskInstance
    from airflow.models.serialized_dag import SerializedDagModel
    from airflow.models.taskinstancehistory import TaskInstanceHistory
    from airflow.utils.session import create_session
    from airflow.utils.types import DagRunType
    from airflow.www.app import create_app

    app = create_app(testing=True)
    app.testing, app.config["PROPAGATE_EXCEPTIONS"] = False, False
    client = app.test_client()
    headers = {"Authorization": "Basic " + base64.b64encode(b"admin:admin").decode()}
    dags = {name: build(name) for name in DAGS}
    with create_session() as session:
        for dag in dags.values():
            dag.sync_to_db(session=session)
            SerializedDagModel.write_dag(dag, session=session)
        session.query(DagModel).update({"is_paused": True})
    app.dag_bag = DagBag(read_dags_from_db=True)

    def when(moment):
        return "none" if moment is None else "old" if moment < OLD + timedelta(days=300) else "now"

    def fill(dag, shift):
        """Three runs on three days, the middle one also off schedule in turn; every state comes by."""
        with create_session() as session:
            for model in (TaskInstanceHistory, TaskInstance, DagRun):
                session.query(model).delete()
            for number in range(3):
                date = OLD + timedelta(days=number, hours=5 if number == 1 and shift % 2 else 0)
                run = dag.create_dagrun(
                    run_id=f"r{number}",
                    run_type=DagRunType.MANUAL,
                    execution_date=date,
                    state="queued",
                    data_interval=(date, date),
                    session=session,
                )
                run._state = ("success", "failed", "running")[(number + shift) % 3]
                run.start_date, run.queued_at, run.last_scheduling_decision = OLD, OLD, OLD
                run.end_date = None if run._state == "running" else OLD
                rows = sorted(run.get_task_instances(session=session), key=lambda ti: ti.task_id)
                for place, ti in enumerate(rows):
                    ti.state = STATES[(place * 2 + number * 3 + shift) % len(STATES)]
                    ti.try_number = 0 if ti.state is None else 1 + place % 2
                    ti.start_date = None if ti.state in (None, "queued") else OLD
                    ti.end_date = (
                        OLD if ti.state in ("success", "failed", "skipped", "upstream_failed", "up_for_retry") else None
                    )
                    ti.duration = 5.0 if ti.end_date else None
                    ti.job_id = 1 if ti.state == "running" else None
            session.flush()
            return shown(session)

    def shown(session):
        session.expire_all()
        runs = {
            run.run_id: [
                run.state,
                when(run.start_date),
                when(run.end_date),
                when(run.queued_at),
                run.clear_number,
                when(run.last_scheduling_decision),
                run.execution_date.isoformat(),
            ]
            for run in session.query(DagRun)
        }
        tis = {
            f"{ti.run_id}.{ti.task_id}": [ti.state, ti.try_number, ti.max_tries, when(ti.start_date), when(ti.end_date)]
            for ti in session.query(TaskInstance)
        }
        history = sorted([h.run_id, h.task_id, h.try_number, h.state] for h in session.query(TaskInstanceHistory))
        return {"runs": runs, "instances": tis, "history": history}

    cases = []
    for name, dag in dags.items():
        for shift, (method, path, body) in enumerate(requests_for(name, list(dag.task_dict))):
            before = fill(dag, shift)
            answer = client.open(f"/api/v1{path}", method=method, json=body, headers=headers)
            with create_session() as session:
                after = shown(session)
            named = (answer.json or {}).get("task_instances")
            cases.append(
                {
                    "dag": name,
                    "method": method,
                    "path": path,
                    "body": body,
                    "status": answer.status_code,
                    "named": None
                    if named is None
                    else sorted(f"{each['dag_run_id']}.{each['task_id']}" for each in named),
                    "after": {
                        "runs": {key: value for key, value in after["runs"].items() if value != before["runs"][key]},
                        "instances": {
                            key: value
                            for key, value in after["instances"].items()
                            if value != before["instances"].get(key)
                        },
                        "history": after["history"],
                    },
                }
            )
    subsets = {
        name: {
            f"{task} {'u' * up}{'d' * down}": sorted(
                dag.partial_subset([task], include_upstream=up, include_downstream=down).task_dict
            )
            for task in dag.task_dict
            for up, down in itertools.product((False, True), repeat=2)
        }
        for name, dag in dags.items()
    }
    with Path(sys.argv[1]).open("w") as file:
        file.write('{"dags":' + json.dumps(DAGS) + ',\n"subsets":' + json.dumps(subsets, separators=(",", ":")))
        file.write(',\n"cases":[\n' + ",\n".join(json.dumps(each, separators=(",", ":")) for each in cases) + "\n]}\n")


if __name__ == "__main__":
    main()
