"""DAGs, runs and tasks: what the commands do, print and refuse."""

from __future__ import annotations

import json
import traceback
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from orchestration.models import Dag, DagImportError, DagRun, EventLog, Job, TaskInstance
from tests.factories import (
    DagFactory,
    DagImportErrorFactory,
    DagTagFactory,
    JobFactory,
    add_version,
    make_dag,
    make_run,
    serialized,
    states_of,
)

pytestmark = pytest.mark.django_db

DATE = datetime(2024, 1, 1, tzinfo=UTC)


@pytest.fixture
def dag(db) -> Dag:
    return make_dag(serialized("a >> b >> c", dag_id="d1"), is_paused=False)


# lists and details


def test_dags_are_listed_by_id_with_four_columns(run, dag):
    make_dag(dag_id="d0", is_paused=True, owners="ann, bob")
    DagFactory(dag_id="gone", is_active=False)
    assert json.loads(run("dags", "list", "-o", "json").out) == [
        {"dag_id": "d0", "fileloc": "/dags/d0.py", "owners": ["ann", "bob"], "is_paused": "True"},
        {"dag_id": "d1", "fileloc": "/dags/d1.py", "owners": ["airflow"], "is_paused": "False"},
    ]
    assert "ann,bob" in run("dags", "list").out


def test_other_columns_can_be_asked_for_and_unknown_ones_are_told(run, dag):
    DagTagFactory(dag=dag, name="x")
    done = run("dags", "list", "--columns", "dag_id,tags,nope", "-o", "json")
    assert json.loads(done.out) == [{"dag_id": "d1", "tags": [{"name": "x"}]}]
    assert "nope" in done.err


def test_files_that_fail_are_told_beside_the_list_and_listed_with_a_1(run, dag):
    assert run("dags", "list-import-errors").status == 0
    DagImportErrorFactory(filename="/dags/bad.py", stack_trace="SyntaxError: x")
    assert "list-import-errors" in run("dags", "list").err
    done = run("dags", "list-import-errors", "-o", "json")
    assert (done.status, json.loads(done.out)) == (1, [{"filepath": "/dags/bad.py", "error": "SyntaxError: x"}])


def test_a_subfolder_limits_the_lists(run, dag):
    DagImportErrorFactory(filename="/elsewhere/bad.py")
    assert json.loads(run("dags", "list", "-S", "/elsewhere", "-o", "json").out) == []
    assert len(json.loads(run("dags", "list", "-S", "/dags", "-o", "json").out)) == 1
    assert run("dags", "list-import-errors", "-S", "/dags").status == 0


def test_a_dags_details_are_lines_in_tables_and_one_object_in_json(run, dag):
    assert json.loads(run("dags", "details", "d1", "-o", "json").out)[0]["dag_id"] == "d1"
    lines = run("dags", "details", "d1", "-o", "plain").out.splitlines()
    assert lines[0].split() == ["property_name", "property_value"]
    assert ["dag_id", "d1"] in [line.split() for line in lines]


@pytest.mark.parametrize(
    "words",
    [
        ["dags", "details", "nope"],
        ["dags", "list-runs", "-d", "nope"],
        ["dags", "state", "nope", "2024-01-01"],
        ["dags", "next-execution", "nope"],
        ["dags", "show", "nope"],
        ["dags", "list-jobs", "-d", "nope"],
        ["dags", "trigger", "nope"],
        ["dags", "delete", "nope", "-y"],
        ["tasks", "list", "nope"],
        ["tasks", "clear", "nope", "-y"],
    ],
)
def test_an_unknown_dag_is_a_1(run, words):
    done = run(*words)
    assert (done.status, done.err) == (1, "There is no DAG 'nope'. `airflowsite dags list` shows all.\n")


def test_jobs_are_listed_latest_first(run, dag):
    JobFactory(start_date=DATE, state="success", end_date=DATE, job_type="TriggererJob")
    JobFactory(start_date=DATE + timedelta(days=1))
    rows = json.loads(run("dags", "list-jobs", "-o", "json").out)
    assert [row["job_type"] for row in rows] == ["SchedulerJob", "TriggererJob"]
    assert rows[1]["start_date"] == "2024-01-01 00:00:00+00:00"
    assert len(json.loads(run("dags", "list-jobs", "--limit", "1", "-o", "json").out)) == 1
    assert run("dags", "list-jobs", "--limit", "-1").status == 2
    assert len(json.loads(run("dags", "list-jobs", "--state", "success", "-o", "json").out)) == 1


# pause, delete, trigger


def test_a_dag_is_paused_and_resumed(run, dag):
    assert json.loads(run("dags", "pause", "d1", "-o", "json").out) == [{"dag_id": "d1", "is_paused": "True"}]
    assert Dag.objects.get().is_paused
    assert run("dags", "pause", "d1").out == "No unpaused DAGs were found\n"
    assert run("dags", "unpause", "d1").status == 0
    assert run("dags", "unpause", "nope").out == "No paused DAGs were found\n"


def test_many_are_paused_by_a_pattern_after_asking(run, dag):
    make_dag(dag_id="d2", is_paused=False)
    make_dag(dag_id="other", is_paused=False)
    assert run("dags", "pause", "^d", "--treat-dag-id-as-regex", text="n\n").out.endswith("Nothing was changed.\n")
    assert not Dag.objects.filter(is_paused=True).exists()
    run("dags", "pause", "^d", "--treat-dag-id-as-regex", "-y")
    assert set(Dag.objects.filter(is_paused=True).values_list("pk", flat=True)) == {"d1", "d2"}
    assert run("dags", "pause", "(", "--treat-dag-id-as-regex").status == 1


def test_ids_may_come_from_standard_input(run, dag):
    make_dag(dag_id="d2", is_paused=False)
    run("dags", "pause", "-", text="d1\n\nd2\n")
    assert Dag.objects.filter(is_paused=True).count() == 2
    run("dags", "trigger", "-", text="d1\nd2\n")
    assert DagRun.objects.count() == 2


@pytest.mark.parametrize(
    ("ids", "made", "status"),
    [("d1\nnope\nd1\n", ["d1"], 1), ("nope\nd1\n", None, 1), ("", [], 0)],
)
def test_the_runs_that_were_made_are_shown_also_when_a_later_one_fails(run, dag, ids, made, status):
    done = run("dags", "trigger", "-", "-o", "json", text=ids)
    assert done.status == status
    assert ([row["dag_id"] for row in json.loads(done.out)] if done.out else None) == made
    assert ("nope" in done.err) == bool(status)
    assert DagRun.objects.count() == len(made or [])


def test_deleting_asks_and_tells_how_much(run, dag):
    make_run(dag, state="success")
    assert run("dags", "delete", "d1", text="n\n").out.endswith("Nothing was deleted.\n")
    assert run("dags", "delete", "d1", "--dry-run").out == "Would delete the DAG d1 with its 1 runs\n"
    assert Dag.objects.exists()
    assert run("dags", "delete", "d1", "-y").out == "Removed 2 record(s)\n"
    assert not Dag.objects.exists()


def test_a_run_is_made_as_asked(run, dag):
    words = ["-c", '{"k": 1}', "-e", "2024-01-05T10:00:00.5", "-r", "mine", "-o", "json"]
    (row,) = json.loads(run("dags", "trigger", "d1", *words).out)
    assert row == {
        "conf": {"k": "1"},
        "dag_id": "d1",
        "dag_run_id": "mine",
        "data_interval_start": "2024-01-05 10:00:00+00:00",
        "data_interval_end": "2024-01-05 10:00:00+00:00",
        "end_date": None,
        "external_trigger": "True",
        "last_scheduling_decision": None,
        "logical_date": "2024-01-05 10:00:00+00:00",
        "run_type": "manual",
        "start_date": None,
        "state": "queued",
    }
    found = DagRun.objects.get()
    assert (found.conf, found.triggered_by) == ({"k": 1}, None)
    entry = EventLog.objects.get()
    assert (entry.event, entry.dag_id, entry.run_id) == ("cli_dag_trigger", "d1", "mine")


def test_microseconds_are_kept_when_told(run, dag):
    run("dags", "trigger", "d1", "-e", "2024-01-05T10:00:00.5", "--no-replace-microseconds")
    assert DagRun.objects.get().logical_date.microsecond == 500_000


@pytest.mark.parametrize("words", [["-c", "{bad"], ["-c", "[1]"], ["-r", "a/b"]])
def test_a_run_that_cannot_be_is_refused(run, dag, words):
    assert run("dags", "trigger", "d1", *words).status == 1
    assert not DagRun.objects.exists()


def test_a_second_run_of_a_date_is_a_1(run, dag):
    assert run("dags", "trigger", "d1", "-e", "2024-01-05").status == 0
    assert run("dags", "trigger", "d1", "-e", "2024-01-05").status == 1


# runs


def test_runs_are_listed_latest_first_and_filtered(run, dag):
    make_run(dag, logical_date=DATE, run_id="first", state="success", start_date=DATE, end_date=DATE)
    make_run(dag, logical_date=DATE + timedelta(days=1), run_id="second", run_type="backfill", start_date=None)
    rows = json.loads(run("dags", "list-runs", "-d", "d1", "-o", "json").out)
    assert [row["run_id"] for row in rows] == ["second", "first"]
    assert rows[1] == {
        "dag_id": "d1",
        "run_id": "first",
        "state": "success",
        "execution_date": "2024-01-01T00:00:00+00:00",
        "start_date": "2024-01-01T00:00:00+00:00",
        "end_date": "2024-01-01T00:00:00+00:00",
    }
    for words, found in {
        ("--state", "success"): ["first"],
        ("--no-backfill",): ["first"],
        ("-s", "2024-01-02"): ["second"],
        ("-e", "2024-01-01"): ["first"],
    }.items():
        rows = json.loads(run("dags", "list-runs", "-d", "d1", *words, "-o", "json").out)
        assert [row["run_id"] for row in rows] == found


def test_the_state_of_a_date_is_printed_with_the_conf(run, dag):
    make_run(dag, logical_date=DATE, state="failed", conf={"name": "bob"})
    assert run("dags", "state", "d1", "2024-01-01").out == 'failed, {"name": "bob"}\n'
    assert run("dags", "state", "d1", "2024-01-02").out == "None\n"


def test_the_next_dates_follow_the_timetable(run):
    from orchestration.authoring.timetables import registry
    from orchestration.authoring.timetables.registry import create_timetable

    cron = registry.encode(create_timetable("0 0 * * *", "UTC"))
    make_dag(
        serialized("a", dag_id="daily", timetable=cron),
        is_paused=True,
        next_dagrun=DATE,
        next_dagrun_data_interval_start=DATE,
        next_dagrun_data_interval_end=DATE + timedelta(days=1),
    )
    done = run("dags", "next-execution", "daily", "-n", "3")
    assert done.out.split() == [f"2024-01-0{day}T00:00:00+00:00" for day in (1, 2, 3)]
    assert "is paused" in done.err


def test_a_dag_without_a_schedule_has_no_next_date(run, dag):
    done = run("dags", "next-execution", "d1")
    assert done.out == "None\n"
    assert "No further run of d1" in done.err
    assert run("dags", "next-execution", "d1", "-n", "0").status == 2


# graphs


def test_a_dag_is_drawn_in_dot(run, dag, tmp_path):
    out = run("dags", "show", "d1").out
    assert out.startswith('digraph "d1" {')
    assert '"a" -> "b"' in out
    file = tmp_path / "d1.dot"
    assert run("dags", "show", "d1", "-s", str(file)).out == f"File {file} saved\n"
    assert file.read_text() == out
    assert run("dags", "show", "d1", "-s", "x.png", "--imgcat").status == 1
    assert run("dags", "show", "d1", "-s", "nosuffix").status == 1


def test_a_picture_needs_graphviz(run, dag, monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: None)
    done = run("dags", "show", "d1", "-s", "x.png")
    assert (done.status, "graphviz" in done.err) == (1, True)


def test_dependencies_between_dags_are_drawn(run, dag):
    task = {"external_dag": {"kind": "trigger", "dag_id": "d1"}}
    make_dag(serialized("fire", dag_id="d2", tasks={"fire": task}))
    out = run("dags", "show-dependencies").out
    assert '"dag:d2" -> "trigger:d2:fire"' in out
    assert '"trigger:d2:fire" -> "dag:d1"' in out


# tasks


def test_tasks_are_listed_sorted_or_as_a_tree(run, dag):
    assert run("tasks", "list", "d1").out == "a\nb\nc\n"
    assert run("tasks", "list", "d1", "-t").out.splitlines() == [
        "<Task(PythonOperator): a>",
        "    <Task(PythonOperator): b>",
        "        <Task(PythonOperator): c>",
    ]


@pytest.mark.parametrize("word", ["r1", "2024-01-01", "2024-01-01T00:00:00+00:00"])
def test_an_instances_state_is_found_by_run_id_and_by_date(run, dag, word):
    make_run(dag, {"a": "success"}, run_id="r1", logical_date=DATE)
    assert run("tasks", "state", "d1", "a", word).out == "success\n"
    assert run("tasks", "state", "d1", "b", word).out == "None\n"


def test_an_unknown_run_or_task_is_a_1(run, dag):
    make_run(dag, run_id="r1")
    assert run("tasks", "state", "d1", "a", "nope").status == 1
    assert run("tasks", "state", "d1", "nope", "r1").status == 1
    assert run("tasks", "state", "d1", "a", "r1", "--map-index", "3").status == 1


def test_the_states_of_a_run_are_listed_with_map_indexes_where_there_are_any(run, dag):
    found = make_run(dag, {"a": "success"}, run_id="r1", logical_date=DATE)
    rows = json.loads(run("tasks", "states-for-dag-run", "d1", "r1", "-o", "json").out)
    assert [(row["task_id"], row["state"]) for row in rows] == [("a", "success"), ("b", None), ("c", None)]
    assert "map_index" not in rows[0]
    found.task_instances.filter(task_id="b").update(map_index=0)
    rows = json.loads(run("tasks", "states-for-dag-run", "d1", "2024-01-01", "-o", "json").out)
    assert [row["map_index"] for row in rows] == ["", "0", ""]


def test_clearing_asks_shows_and_clears(run, dag):
    found = make_run(dag, {"a": "success", "b": "failed", "c": "upstream_failed"}, run_id="r1", state="failed")
    done = run("tasks", "clear", "d1", "-t", "^b$", text="n\n")
    assert "<TaskInstance: d1.b r1>" in done.out
    assert states_of(found)["b"] == "failed"
    assert "Would clear:" in run("tasks", "clear", "d1", "--dry-run").out
    assert run("tasks", "clear", "d1", "-t", "^b$", "-d", "-y").out.endswith("Cleared 2 task instances.\n")
    assert states_of(found) == {"a": "success", "b": "", "c": ""}
    found.refresh_from_db()
    assert found.state == "queued"
    assert EventLog.objects.filter(event="cli_task_clear").exists()


@pytest.mark.parametrize(
    ("words", "cleared"),
    [
        ([], {"a", "b", "c"}),
        (["-f"], {"b", "c"}),
        (["-t", "b", "-u"], {"a", "b"}),
        (["-t", "nope"], set()),
        (["-s", "2030-01-01"], set()),
        (["-e", "2020-01-01"], set()),
    ],
)
def test_what_a_clear_reaches(run, dag, words, cleared):
    found = make_run(dag, {"a": "success", "b": "failed", "c": "upstream_failed"}, logical_date=DATE, state="failed")
    run("tasks", "clear", "d1", *words, "-y")
    assert {name for name, state in states_of(found).items() if state == ""} == cleared


def test_clearing_by_a_pattern_of_dags(run, dag):
    make_run(dag, {"a": "failed"}, state="failed")
    assert run("tasks", "clear", "^d", "-R", "-y").out.endswith("Cleared 3 task instances.\n")
    assert run("tasks", "clear", "^x", "-R", "-y").status == 1
    assert run("tasks", "clear", "(", "-R", "-y").status == 1


def test_what_keeps_a_task_is_said(run, dag):
    make_run(dag, {"a": "running"}, run_id="r1", logical_date=DATE, state="running")
    out = run("tasks", "failed-deps", "d1", "b", "r1").out
    assert out.startswith("Not met:\n")
    assert "Trigger Rule:" in out


def test_what_keeps_a_task_that_ended_is_said(run, dag):
    make_run(dag, {"a": "success"}, run_id="r1", logical_date=DATE, state="success")
    dag.is_paused = True
    dag.save(update_fields=["is_paused"])
    out = run("tasks", "failed-deps", "d1", "a", "r1").out
    names = [line.partition(":")[0] for line in out.splitlines()]
    assert names == ["Not met", "Dag Not Paused", "Dagrun Running", "Task Instance State"]


def test_the_pause_of_its_dag_keeps_no_ended_task_of_a_backfill(run, dag):
    make_run(dag, {"a": "success"}, run_id="r1", logical_date=DATE, state="running", run_type="backfill")
    dag.is_paused = True
    dag.put_aside_reason = "its graph has a cycle"
    dag.save(update_fields=["is_paused", "put_aside_reason"])
    out = run("tasks", "failed-deps", "d1", "a", "r1").out
    names = [line.partition(":")[0] for line in out.splitlines()]
    assert names == ["Not met", "Dag Schedulable", "Task Instance State"]


def test_a_mapped_task_is_told_in_the_tree(run, db):
    make_dag(serialized("a", dag_id="mapped", tasks={"a": {"is_mapped": True}}))
    assert run("tasks", "list", "mapped", "--tree").out == "<Mapped(PythonOperator): a>\n"


# jobs


@pytest.mark.parametrize(
    ("alive", "words", "status", "said"),
    [
        (0, [], 1, "No job is alive."),
        (1, [], 0, "One job is alive."),
        (2, ["--limit", "0"], 1, "2 jobs are alive, not one."),
        (2, ["--limit", "0", "--allow-multiple"], 0, "2 jobs are alive."),
        (2, [], 0, "One job is alive."),
        (1, ["--allow-multiple"], 1, "--allow-multiple looks at several jobs"),
        (1, ["--job-type", "TriggererJob"], 1, "No job is alive. Start one, such as: airflowsite triggerer"),
        (1, ["--hostname", "localhost"], 0, "One job is alive."),
        (1, ["--hostname", "other"], 1, "No job is alive."),
        (1, ["--hostname", "x", "--local"], 1, "Give --hostname or --local, not both."),
    ],
)
def test_whether_processes_are_alive(run, alive, words, status, said):
    JobFactory.create_batch(alive)
    JobFactory(latest_heartbeat=DATE)
    JobFactory(state="success")
    done = run("jobs", "check", *words)
    assert done.status == status
    assert said in done.out + done.err


def test_a_dead_process_is_not_alive(run):
    JobFactory(latest_heartbeat=DATE)
    assert run("jobs", "check").status == 1
    assert Job.objects.count() == 1


# files


DAG_FILE = """
from datetime import datetime, timezone
from airflow import DAG
from airflow.operators.bash import BashOperator
from airflow.operators.python import PythonOperator
from airflow.exceptions import AirflowSkipException

def fail():
    raise ValueError("S3CRET reason")

def skip():
    raise AirflowSkipException("not today")

def push(ti, params, dag_run):
    ti.xcom_push(key="k", value=[1, params.get("p")])
    print("read back", ti.xcom_pull(task_ids="push", key="k"), dag_run.conf)
    return 5

with DAG("filed", schedule=None, start_date=datetime(2024, 1, 1, tzinfo=timezone.utc), params={"p": 1}) as dag:
    shell = BashOperator(task_id="shell", bash_command="echo hello {{ ds }}")
    shell >> PythonOperator(task_id="push", python_callable=push)

with DAG("broken", schedule=None, start_date=datetime(2024, 1, 1, tzinfo=timezone.utc)):
    PythonOperator(task_id="fail", python_callable=fail)

with DAG("skipping", schedule=None, start_date=datetime(2024, 1, 1, tzinfo=timezone.utc)):
    PythonOperator(task_id="skip", python_callable=skip)
"""


@pytest.fixture
def folder(airflow_home):
    from orchestration.conf import conf

    place = conf.path("core", "dags_folder")
    file = place / "filed.py"
    file.write_text(DAG_FILE)
    yield place
    file.unlink()


def test_a_dag_file_is_run_in_this_process(run, folder):
    done = run("dags", "test", "filed", "2024-02-01", "-c", '{"x": 1}', "--show-dagrun")
    assert done.status == 0, done.err
    assert "hello 2024-02-01" in done.out
    assert 'fillcolor="green"' in done.out
    found = DagRun.objects.get()
    assert (found.state, found.conf) == ("success", {"x": 1})
    assert states_of(found) == {"shell": "success", "push": "success"}


def test_a_failed_run_is_a_1_and_tasks_can_be_marked_instead(run, folder):
    done = run("dags", "test", "broken")
    assert (done.status, done.err.endswith("DagRun failed\n")) == (1, True)
    assert run("dags", "test", "broken", "2024-02-01", "--mark-success-pattern", "f.*").status == 0
    assert run("dags", "test", "broken", "--mark-success-pattern", "(").status == 1
    assert run("dags", "test", "broken", "-c", "{bad").status == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--save-dagrun", "picture"], "The suffix of picture must say the form: .dot, .png, .svg, .pdf …"),
        (["--save-dagrun", "no/such/folder/x.dot"], "no/such/folder/x.dot cannot be written: there is no such folder"),
        (["--save-dagrun", "x.png"], "Pictures need Graphviz"),
        (["--imgcat-dagrun"], "There is no program imgcat on the PATH. Use --save-dagrun."),
        (["--save-dagrun", "x.dot", "--imgcat-dagrun"], "Give --save-dagrun or --imgcat-dagrun, not both."),
        (["--use-executor", "--mark-success-pattern", "p.*"], "does not go with --use-executor"),
        (["-S", "/no/such/place"], "There is no file or folder /no/such/place."),
        (["-S", "/dev"], "No DAG file in /dev defines 'filed'. `airflowsite dags list` shows what there is."),
        (["-c", "[1]"], "--conf takes a JSON object"),
    ],
)
def test_what_cannot_be_is_told_before_the_dag_runs(run, folder, monkeypatch, words, said):
    monkeypatch.setenv("PATH", "")
    done = run("dags", "test", "filed", "2024-02-01", *words)
    assert (done.status, done.out) == (1, "")
    assert said in done.err
    assert not DagRun.objects.exists()


@pytest.mark.parametrize("conf", ["", "null"])
def test_an_empty_conf_is_none_as_in_the_reference(run, folder, conf):
    assert run("dags", "test", "filed", "2024-02-01", "-c", conf).status == 0
    assert DagRun.objects.get().conf == {}


@pytest.mark.parametrize("conf", ['{"a": NaN}', '{"a": -Infinity}', "0", '""', "[]", "nope"])
def test_a_conf_that_cannot_be_stored_is_refused(run, dag, conf):
    done = run("dags", "trigger", "d1", "-c", conf)
    assert (done.status, done.out) == (1, "")
    assert done.err.startswith("--conf takes ")
    assert not DagRun.objects.exists()


def test_an_unknown_dag_names_the_files_that_fail(run, folder):
    (folder / "bad.py").write_text("from airflow import DAG\nimport no_such_module_at_all\n")
    try:
        done = run("dags", "test", "nope")
        assert done.status == 1
        assert "bad.py: ModuleNotFoundError" in done.err
    finally:
        (folder / "bad.py").unlink()


def test_one_task_is_run_and_leaves_nothing(run, folder):
    done = run("tasks", "test", "filed", "push", "2024-02-01", "-t", '{"p": 7}')
    assert done.status == 0, done.out
    assert "read back [1, 7]" in done.out
    assert not DagRun.objects.exists()
    assert not TaskInstance.objects.exists()


def test_one_task_of_a_stored_run_sees_its_conf(run, folder):
    dag = make_dag(serialized("push", dag_id="filed", fileloc=str(folder / "filed.py")))
    make_run(dag, run_id="r1", conf={"seen": True})
    done = run("tasks", "test", "filed", "push", "r1")
    assert "{'seen': True}" in done.out
    assert states_of(DagRun.objects.get()) == {"push": ""}


@pytest.mark.parametrize(("dag_id", "task_id", "status"), [("broken", "fail", 1), ("skipping", "skip", 0)])
def test_how_a_task_ended_is_the_exit_status(run, folder, dag_id, task_id, status):
    assert run("tasks", "test", dag_id, task_id).status == status


def test_a_debugger_opens_where_the_task_failed_when_it_is_asked_for(run, folder, monkeypatch):
    opened = []
    monkeypatch.setattr("pdb.post_mortem", opened.append)
    assert run("tasks", "test", "broken", "fail").status == 1
    assert opened == []
    assert run("tasks", "test", "broken", "fail", "--post-mortem").status == 0  # as in the reference
    (trace,) = opened
    assert str(folder / "filed.py") in [frame.filename for frame in traceback.extract_tb(trace)]


def test_a_dry_run_and_render_only_show_the_templates(run, folder):
    done = run("tasks", "test", "filed", "shell", "2024-02-01", "-n")
    assert "echo hello 2024-02-01" in done.out
    assert "Executing" not in done.out
    assert "# property: bash_command" in run("tasks", "render", "filed", "shell", "2024-02-01").out


@pytest.mark.parametrize(
    "words",
    [
        ["tasks", "test", "filed", "nope"],
        ["tasks", "test", "filed", "shell", "neither id nor date"],
        ["tasks", "render", "filed", "nope", "2024-01-01"],
        ["tasks", "test", "filed", "shell", "-t", "[1]"],
    ],
)
def test_what_cannot_be_tested_is_a_1(run, folder, words):
    assert run(*words).status == 1


def test_the_report_lists_files_with_their_dags(run, folder):
    (row,) = json.loads(run("dags", "report", "-o", "json").out)
    assert row["file"] == "/filed.py"
    assert row["dags"] == ["broken", "filed", "skipping"]
    assert (row["dag_num"], row["task_num"]) == ("3", "4")


@pytest.mark.django_db(transaction=True)
@pytest.mark.processes
def test_files_are_parsed_and_stored_on_demand(run, folder):
    done = run("dags", "reserialize")
    assert done.status == 0
    assert set(Dag.objects.active().values_list("pk", flat=True)) == {"broken", "filed", "skipping"}
    assert not DagImportError.objects.exists()
    run("dags", "reserialize", "--clear-only")
    assert not Dag.objects.exclude(current_version=None).exists()
    run("dags", "reserialize", "-S", str(folder / "filed.py"))
    assert not Dag.objects.filter(current_version=None).exists()
    assert run("dags", "reserialize", "-S", "/nowhere").status == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.processes
def test_one_instance_is_run_by_an_executor(run, folder):
    run("dags", "reserialize")
    dag = Dag.objects.get(pk="filed")
    found = make_run(dag, run_id="r1", state="running")
    assert run("tasks", "run", "filed", "push", "r1").status == 1  # its upstream has not run
    done = run("tasks", "run", "filed", "shell", "r1", "-N", "-i")
    assert done.status == 0, done.err
    assert "hello" in done.out
    assert states_of(found)["shell"] == "success"
    assert run("tasks", "run", "filed", "shell", "r1").status == 1  # it has run
    assert run("tasks", "run", "filed", "shell", "r1", "--force").status == 0
    assert found.task_instances.get(task_id="shell").try_number == 2
    assert run("tasks", "run", "filed", "push", "r1", "-m").status == 0
    assert states_of(found)["push"] == "success"
    assert run("tasks", "run", "filed", "push", "r1", "--local", "--raw").status == 1
    assert run("tasks", "run", "filed", "push", "r1", "-p", "x").status == 1


def test_old_versions_are_not_lost_by_listing(run, dag):
    add_version(dag, serialized("z", dag_id="d1"))
    assert run("tasks", "list", "d1").out == "a\nb\nc\n"
    assert Path(__file__).exists()
