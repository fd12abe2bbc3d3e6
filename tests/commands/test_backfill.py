"""Backfills: which runs are made, run, and reported."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orchestration.authoring.dag import DAG
from orchestration.authoring.operators.empty import EmptyOperator
from orchestration.authoring.timetables import registry
from orchestration.authoring.timetables.registry import create_timetable
from orchestration.models import Backfill, Dag, DagRun, DagVersion, TaskInstance, versions
from orchestration.serialization.decode import decode_dag
from orchestration.serialization.encode import encode_dag
from orchestration.services import backfills
from tests.factories import JobFactory, make_dag, make_run, serialized, states_of

pytestmark = pytest.mark.django_db
DATE = datetime(2024, 1, 1, tzinfo=UTC)
RANGE = ["-s", "2024-01-01", "-e", "2024-01-03"]


@pytest.fixture
def dag(db):
    timetable = registry.encode(create_timetable("0 0 * * *", "UTC"))
    return make_dag(serialized("a >> b >> c", dag_id="d1", timetable=timetable))


def dates() -> list[int]:
    return [date.day for date in DagRun.objects.order_by("pk").values_list("logical_date", flat=True)]


def test_a_run_is_made_for_each_date_of_the_range(dag):
    order = backfills.create(dag, actor=None, from_date=DATE, to_date=DATE + timedelta(days=2), conf={"k": 1})
    assert dates() == [1, 2, 3]
    run = DagRun.objects.earliest("pk")
    assert (run.run_id, run.run_type) == ("backfill__2024-01-01T00:00:00+00:00", "backfill")
    assert (run.data_interval_start, run.data_interval_end) == (DATE, DATE + timedelta(days=1))
    assert (run.conf, run.backfill, run.state) == ({"k": 1}, order, "queued")
    assert run.task_instances.count() == 3


@pytest.mark.parametrize(
    ("reprocess", "state", "left"),
    [
        ("none", "failed", {"a": "success", "b": "failed", "c": "upstream_failed"}),
        ("failed", "failed", {"a": "success", "b": "", "c": ""}),
        ("failed", "success", {"a": "success", "b": "failed", "c": "upstream_failed"}),
        ("completed", "failed", {"a": "", "b": "", "c": ""}),
        ("completed", "running", {"a": "success", "b": "failed", "c": "upstream_failed"}),
    ],
)
def test_what_becomes_of_runs_that_exist(dag, reprocess, state, left):
    states = {"a": "success", "b": "failed", "c": "upstream_failed"}
    run = make_run(dag, states, state=state, logical_date=DATE)
    backfills.create(dag, actor=None, from_date=DATE, to_date=DATE, reprocess=reprocess)
    assert states_of(run) == left


# the command


def test_a_dry_run_names_dates_and_tasks_and_makes_nothing(run, dag):
    done = run("dags", "backfill", "d1", *RANGE, "-n", "-t", "b")
    assert done.out.count("Would run d1 for") == 3
    assert done.out.count("  a\n") == 3
    assert "Task c" not in done.out
    assert "Task a" not in run("dags", "backfill", "d1", *RANGE, "-n", "-t", "b", "-i").out
    assert not DagRun.objects.exists()


def test_runs_may_be_marked_instead_of_run(run, dag):
    done = run("dags", "backfill", "d1", *RANGE, "-m")
    assert (done.status, done.out) == (0, "Backfill of d1 done: 3 runs succeeded, 0 failed.\n")
    assert set(TaskInstance.objects.values_list("state", flat=True)) == {"success"}
    assert Backfill.objects.get().completed_at is not None


@pytest.mark.parametrize(
    "words",
    [
        ["d1"],
        ["nope", *RANGE],
        ["d1", *RANGE],
        ["d1", *RANGE, "-m", "-t", "nope"],
        ["d1", *RANGE, "-m", "-t", "("],
        ["d1", *RANGE, "-m", "-c", "[]"],
        ["^x", *RANGE, "-m", "--treat-dag-id-as-regex"],
    ],
)
def test_what_cannot_be_backfilled_is_a_1(run, dag, words):
    assert run("dags", "backfill", *words).status == 1
    assert not DagRun.objects.exists()


def test_the_scheduler_is_waited_for(run, dag, monkeypatch):
    JobFactory()

    def pass_time(_: float) -> None:
        run = DagRun.objects.filter(state="queued").order_by("pk").first()
        DagRun.objects.filter(pk=run.pk).update(state="failed" if run.logical_date.day == 2 else "success")

    monkeypatch.setattr("time.sleep", pass_time)
    done = run("dags", "backfill", "d1", *RANGE, "--continue-on-failures")
    assert (done.status, done.out) == (0, "Backfill of d1 done: 2 runs succeeded, 1 failed.\n")


def test_a_failure_ends_the_backfill_unless_told(run, dag, monkeypatch):
    JobFactory()
    monkeypatch.setattr("time.sleep", lambda _: DagRun.objects.filter(logical_date=DATE).update(state="failed"))
    done = run("dags", "backfill", "d1", *RANGE)
    assert (done.status, done.out) == (1, "Backfill of d1 done: 0 runs succeeded, 3 failed.\n")
    assert Backfill.objects.get().cancelled_at is not None


def test_pool_and_retries_are_the_command_lines(run, dag):
    run("dags", "backfill", "d1", "-s", "2024-01-01", "-m", "--pool", "mine", "--disable-retry")
    assert set(TaskInstance.objects.values_list("pool", "max_tries")) == {("mine", 0)}


def test_running_existing_runs_again_is_asked(run, dag):
    make_run(dag, {"a": "success"}, state="success", logical_date=DATE)
    done = run("dags", "backfill", "d1", *RANGE, "-m", "--reset-dagruns", text="n\n")
    assert (done.status, DagRun.objects.count()) == (1, 1)
    assert run("dags", "backfill", "d1", *RANGE, "-m", "--reset-dagruns", "-y").status == 0


def test_a_dry_run_tells_what_becomes_of_runs_that_exist(run, dag):
    make_run(dag, {"a": "success", "b": "failed", "c": ""}, run_id="old", state="failed", logical_date=DATE)
    make_run(dag, {"a": ""}, run_id="waits", state="queued", logical_date=DATE + timedelta(days=1))
    before = list(DagRun.objects.values_list()), list(TaskInstance.objects.values_list())
    words = ["dags", "backfill", "d1", *RANGE, "-n"]
    left = run(*words).out
    assert "Would leave the run old of d1 for 2024-01-01T00:00:00+00:00 as it is\n" in left
    assert "Would run the waiting run waits of d1 for 2024-01-02T00:00:00+00:00\n" in left
    assert "Would run d1 for 2024-01-03T00:00:00+00:00:\n" in left
    assert "Would run what failed in the run old of d1" in run(*words, "--rerun-failed-tasks").out
    assert "Would run anew the run old of d1" in run(*words, "--reset-dagruns").out
    assert (list(DagRun.objects.values_list()), list(TaskInstance.objects.values_list())) == before


def test_what_failed_before_and_is_left_is_a_1(run, dag):
    make_run(dag, {"a": "failed"}, state="failed", logical_date=DATE)
    done = run("dags", "backfill", "d1", "-s", "2024-01-01", "-l")
    assert (done.status, done.out) == (1, "Backfill of d1 done: 0 runs succeeded, 1 failed.\n")
    assert "--rerun-failed-tasks" in done.err
    assert run("dags", "backfill", "d1", "-s", "2024-01-01", "-l", "--continue-on-failures").status == 0


def test_runs_that_are_run_again_get_the_new_conf_and_others_keep_theirs(run, dag):
    words = ["dags", "backfill", "d1", "-m"]
    run(*words, "-s", "2024-01-01", "-e", "2024-01-02", "-c", '{"k": 1}')
    run(*words, "-s", "2024-01-01", "--reset-dagruns", "-y", "-c", '{"k": 2}')
    run(*words, "-s", "2024-01-02", "--reset-dagruns", "-y")
    assert [value["k"] for value in DagRun.objects.order_by("logical_date").values_list("conf", flat=True)] == [2, 1]


def test_a_run_that_waits_is_taken_into_the_backfill(run, dag):
    waits = make_run(
        dag, {"a": "", "b": "", "c": ""}, run_id="mine", state="queued", logical_date=DATE, conf={"own": 1}
    )
    done = run("dags", "backfill", "d1", *RANGE, "-m")
    assert done.out == "Backfill of d1 done: 3 runs succeeded, 0 failed.\n"
    waits.refresh_from_db()
    assert (waits.run_type, waits.state, waits.conf) == ("backfill", "success", {"own": 1})
    assert Backfill.objects.get().completed_at is not None


def test_only_the_named_tasks_of_runs_that_exist_are_run_again(dag):
    states = {"a": "success", "b": "success", "c": "success"}
    old = make_run(dag, states, state="success", logical_date=DATE)
    backfills.create(dag, actor=None, from_date=DATE, to_date=DATE, reprocess="completed", task_ids={"b"})
    assert states_of(old) == {"a": "success", "b": "", "c": "success"}


def authored(dag_id: str, **defaults: Any) -> Dag:
    """A DAG ``a >> b`` as the parser stores it, with its document."""
    with DAG(dag_id, schedule="@daily", start_date=DATE, default_args=defaults) as written:
        EmptyOperator(task_id="a") >> EmptyOperator(task_id="b")
    document = json.loads(json.dumps(encode_dag(written)))
    dag = make_dag(decode_dag(document))
    DagVersion.objects.filter(dag=dag).update(document=document)
    return dag


def test_tasks_alone_do_not_wait_for_those_that_are_left_out(run, monkeypatch):
    authored("d2")
    JobFactory()
    monkeypatch.setattr("time.sleep", lambda _: DagRun.objects.update(state="success"))
    done = run("dags", "backfill", "d2", *RANGE, "-t", "^b$", "-i")
    assert done.status == 0, done.err
    present = versions.current("d2")
    for made in DagRun.objects.all():
        shape = versions.serialized(made.dag_version_id)
        assert list(shape.tasks) == ["b"]
        assert not shape.tasks["b"].upstream_task_ids
        assert states_of(made) == {"b": ""}
    assert list(present.tasks) == ["a", "b"]
    assert DagVersion.objects.count() == 2  # all three runs share one


def test_the_first_date_does_not_look_back_and_the_others_do(run, monkeypatch):
    past = authored("past", depends_on_past=True)
    JobFactory()
    monkeypatch.setattr("time.sleep", lambda _: DagRun.objects.update(state="success"))
    done = run("dags", "backfill", "past", *RANGE)
    assert done.status == 0, done.err
    looks_back = [
        versions.serialized(made.dag_version_id).tasks["a"].depends_on_past
        for made in past.runs.order_by("logical_date")
    ]
    assert looks_back == [False, True, True]


def test_a_backfill_in_which_nothing_can_move_is_given_up(run, dag, monkeypatch):
    JobFactory()
    monkeypatch.setattr("orchestration.management.actions.backfill._STUCK_SECONDS", -1.0)
    monkeypatch.setattr("time.sleep", lambda _: DagRun.objects.filter(state="queued").update(state="running"))
    done = run("dags", "backfill", "d1", *RANGE)
    assert done.status == 1
    assert "3 runs go on no more" in done.err


def test_an_interrupt_cancels_what_waits_and_is_a_130(run, dag, monkeypatch):
    JobFactory()

    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", interrupt)
    assert run("dags", "backfill", "d1", *RANGE).status == 130
    assert Backfill.objects.get().cancelled_at is not None


@pytest.mark.django_db(transaction=True)
@pytest.mark.processes
def test_runs_are_run_in_this_process(run, airflow_home):
    from orchestration.conf import conf

    file = conf.path("core", "dags_folder") / "filled.py"
    file.write_text(
        "from datetime import datetime, timezone\nfrom airflow import DAG\n"
        "from airflow.operators.python import PythonOperator\n"
        "def work(ds):\n    if ds == '2024-01-02':\n        raise ValueError('no')\n"
        "with DAG('filled', schedule='@daily', start_date=datetime(2024, 1, 1, tzinfo=timezone.utc), catchup=False):\n"
        "    PythonOperator(task_id='work', python_callable=work)\n"
    )
    try:
        run("dags", "reserialize")
        done = run("dags", "backfill", "filled", *RANGE, "-l", "--continue-on-failures")
    finally:
        file.unlink()
    assert done.status == 0, done.err  # as in the reference, which was told to go on
    assert done.out.endswith("Backfill of filled done: 2 runs succeeded, 1 failed.\n")
    assert list(DagRun.objects.order_by("logical_date").values_list("state", flat=True)) == [
        "success",
        "failed",
        "success",
    ]
