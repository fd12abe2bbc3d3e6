"""Backfills: which runs are made, run, and reported."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from orchestration.authoring.timetables import registry
from orchestration.authoring.timetables.registry import create_timetable
from orchestration.models import Backfill, DagRun, TaskInstance
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
    assert (done.status, done.out) == (1, "Backfill of d1 done: 2 runs succeeded, 1 failed.\n")


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
    assert done.status == 1, done.err
    assert done.out.endswith("Backfill of filled done: 2 runs succeeded, 1 failed.\n")
    assert list(DagRun.objects.order_by("logical_date").values_list("state", flat=True)) == [
        "success",
        "failed",
        "success",
    ]
