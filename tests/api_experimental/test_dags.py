"""DAGs and their tasks: code, paused, delete, task and task instance, lineage."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from orchestration.models import Dag, EventLog, Trigger
from tests.factories import (
    DagFactory,
    DagSourceFactory,
    TaskInstanceFactory,
    XComFactory,
    add_version,
    make_dag,
    make_run,
    serialized,
)

DATE = datetime(2022, 1, 1, tzinfo=UTC)
TASK = {
    "retries": 2,
    "retry_delay_seconds": 90.0,
    "execution_timeout_seconds": 3600.0,
    "email": ("a@example.com",),
    "start_date": datetime(2021, 1, 1, tzinfo=UTC),
    "template_fields": ("bash_command", "env"),
    "template_values": {"bash_command": "echo hello", "env": None},
    "ui_color": "#f0ede4",
}


@pytest.fixture
def dag(db):
    return make_dag(serialized("a >> b, a >> c", dag_id="d1", tasks={"a": TASK}), is_paused=True)


def test_code_is_the_files_text_and_no_html(call, dag):
    dag.source = DagSourceFactory(text="# <script>alert(1)</script>\n")
    dag.save()
    answer = call("GET", "/dags/d1/code")
    assert answer.status_code == 200
    assert answer.content.decode() == "# <script>alert(1)</script>\n"
    assert answer["Content-Type"] == "text/plain; charset=utf-8"


def test_code_of_an_unknown_dag_and_of_one_without_code_is_a_404(call, dag):
    assert call("GET", "/dags/nope/code").json() == {"error": "Dag id nope not found in DagModel"}
    assert call("GET", "/dags/d1/code").status_code == 404


@pytest.mark.parametrize(("word", "is_paused"), [("true", True), ("false", False), ("TRUE", False), ("x", False)])
def test_only_the_word_true_pauses(call, dag, word, is_paused):
    Dag.objects.update(is_paused=not is_paused)
    answer = call("GET", f"/dags/d1/paused/{word}")
    assert (answer.status_code, answer.json()) == (200, {"response": "ok"})
    assert call("GET", "/dags/d1/paused").json() == {"is_paused": is_paused}
    entry = EventLog.objects.get(event="api.patch_dag")
    assert (entry.owner, entry.dag_id) == ("admin", "d1")


def test_paused_of_an_unknown_dag_is_a_404(call, people):
    for path in ("/dags/nope/paused", "/dags/nope/paused/true"):
        answer = call("GET", path)
        assert (answer.status_code, answer.json()) == (404, {"error": "Dag id nope not found in DagModel"})


@pytest.mark.parametrize("path", ["/dags/d1", "/dags/d1/delete_dag"])
def test_a_dag_is_deleted_with_its_runs(call, dag, path):
    make_run(dag, {"a": "success"}, state="success")
    answer = call("DELETE", path)
    assert answer.status_code == 200
    count = answer.json()["count"]
    assert count > 1
    assert answer.json()["message"] == f"Removed {count} record(s)"
    assert not Dag.objects.exists()
    assert EventLog.objects.get(event="api.delete_dag").dag_id == "d1"
    again = call("DELETE", path)
    assert (again.status_code, again.json()) == (404, {"error": "Dag id d1 not found"})


def test_a_dag_with_running_tasks_is_not_deleted(call, dag):
    make_run(dag, {"a": "running"})
    assert call("DELETE", "/dags/d1").status_code == 409
    assert Dag.objects.exists()


def test_a_task_is_shown_as_texts(call, dag):
    shown = call("GET", "/dags/d1/tasks/a").json()
    assert set(map(type, shown.values())) == {str}
    assert shown["task_id"] == "a"
    assert shown["bash_command"] == "echo hello"
    assert shown["downstream_task_ids"] == "{'b', 'c'}"
    assert shown["upstream_task_ids"] == "set()"
    assert shown["retries"] == "2"
    assert shown["retry_delay"] == "0:01:30"
    assert shown["execution_timeout"] == "1:00:00"
    assert shown["email"] == "['a@example.com']"
    assert shown["start_date"] == "2021-01-01 00:00:00+00:00"
    assert shown["end_date"] == "None"
    assert shown["depends_on_past"] == "False"
    assert shown["template_fields"] == "['bash_command', 'env']"


def test_unknown_tasks_and_dags_are_404s(call, dag):
    assert call("GET", "/dags/d1/tasks/nope").json() == {"error": "Task nope not found in dag d1"}
    assert call("GET", "/dags/nope/tasks/a").json() == {"error": "Dag id nope not found in DagModel"}
    assert call("GET", "/dags/nope/tasks/a").status_code == 404


def test_a_dag_that_was_never_parsed_well_has_no_tasks(call, people):
    DagFactory(dag_id="empty")
    assert call("GET", "/dags/empty/tasks/a").status_code == 404


def test_a_task_instance_is_shown_as_texts(call, dag):
    run = make_run(dag, {"a": "success"}, logical_date=DATE, run_id="r1", state="queued", queued_at=DATE)
    run.task_instances.filter(task_id="a").update(
        start_date=DATE, duration=1.5, hostname="h", pid=7, trigger=Trigger.objects.create(classpath="x", kwargs="{}")
    )
    shown = call("GET", "/dags/d1/dag_runs/2022-01-01T00:00:00/tasks/a").json()
    assert set(map(type, shown.values())) == {str}
    assert shown["dag_run"] == (
        "<DagRun d1 @ 2022-01-01 00:00:00+00:00: r1, state:queued, queued_at: 2022-01-01 00:00:00+00:00. "
        "externally triggered: True>"
    )
    expected = {
        "task_id": "a",
        "run_id": "r1",
        "state": "success",
        "map_index": "-1",
        "start_date": "2022-01-01 00:00:00+00:00",
        "end_date": "None",
        "duration": "1.5",
        "hostname": "h",
        "pid": "7",
        "pool": "default_pool",
        "test_mode": "False",
        "executor_config": "{}",
        "operator": "PythonOperator",
        "max_tries": "2",
        "custom_operator_name": "None",
    }
    assert {name: shown[name] for name in expected} == expected
    assert shown["trigger_id"].isdigit()


def test_an_instance_without_a_state_shows_none(call, dag):
    make_run(dag, logical_date=DATE)
    assert call("GET", "/dags/d1/dag_runs/2022-01-01/tasks/b").json()["state"] == "None"


def test_missing_instances_say_what_is_missing(call, dag):
    run = make_run(dag, logical_date=DATE)
    run.task_instances.filter(task_id="b").delete()
    TaskInstanceFactory(run=run, task_id="b", map_index=0)
    for path, text in {
        "/dags/d1/dag_runs/2022-01-01/tasks/nope": "Task nope not found in dag d1",
        "/dags/d1/dag_runs/2022-01-09/tasks/a": "Dag Run for date 2022-01-09 00:00:00+00:00 not found in dag d1",
        "/dags/d1/dag_runs/2022-01-01/tasks/b": "The run of 2022-01-01 00:00:00+00:00 has no instance of the task b.",
        "/dags/nope/dag_runs/2022-01-01/tasks/a": "Dag id nope not found in DagModel",
    }.items():
        answer = call("GET", path)
        assert (answer.status_code, answer.json()) == (404, {"error": text})
    assert call("GET", "/dags/nope/dag_runs/junk/tasks/a").status_code == 400


@pytest.mark.parametrize("slash", ["", "/"])
def test_lineage_is_what_the_tasks_left(call, dag, slash):
    run = make_run(dag, {"a": "success", "b": "success"}, logical_date=DATE)
    instance = run.task_instances.get(task_id="a")
    XComFactory(task_instance=instance, key="pipeline_inlets", value=["in"])
    XComFactory(task_instance=instance, key="pipeline_outlets", value=["out"])
    XComFactory(task_instance=instance, key="return_value", value="not lineage")
    XComFactory(task_instance=run.task_instances.get(task_id="b"), key="pipeline_outlets", value=[])
    shown = {"a": {"inlets": ["in"], "outlets": ["out"]}, "b": {"outlets": []}}
    answer = call("GET", f"/lineage/d1/2022-01-01T00:00:00{slash}")
    assert answer.json()["task_ids"] == shown
    assert answer.json()["message"] == {"task_ids": shown}


def test_lineage_of_a_run_that_did_nothing_is_empty(call, dag):
    make_run(dag, logical_date=DATE)
    assert call("GET", "/lineage/d1/2022-01-01").json()["task_ids"] == {}


def test_lineage_of_what_is_not_there(call, dag):
    make_run(dag, logical_date=DATE + timedelta(days=1))
    assert call("GET", "/lineage/d1/2022-01-01").status_code == 404
    assert call("GET", "/lineage/nope/2022-01-01").json() == {"error": "Dag id nope not found in DagModel"}
    assert call("GET", "/lineage/d1/junk").status_code == 400


def test_old_instances_show_the_present_graph(call, dag):
    make_run(dag, logical_date=DATE)
    dag.current_version = add_version(dag, serialized("a", dag_id="d1"))
    dag.save()
    assert call("GET", "/dags/d1/tasks/b").status_code == 404
