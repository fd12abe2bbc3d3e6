"""The database's commands: make, check, reset, clean."""

from __future__ import annotations

import csv
import os
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db import connection

from orchestration.models import Dag, DagRun, EventLog, Job, TaskInstance, Trigger, XCom
from orchestration.services import retention
from tests.factories import DagFactory, EventLogFactory, JobFactory, XComFactory, make_dag, make_run, serialized

ROOT = Path(__file__).resolve().parents[2]
OLD = datetime(2020, 1, 1, tzinfo=UTC)
NEW = datetime(2030, 1, 1, tzinfo=UTC)
BEFORE = ["--clean-before-timestamp", "2025-01-01"]


@pytest.fixture
def home(tmp_path):
    """A folder of its own, without a database."""

    def call(*words: str, text: str = "", **options: str) -> subprocess.CompletedProcess[str]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
        environment.pop("DJANGO_SETTINGS_MODULE", None)
        return subprocess.run(
            [sys.executable, "-m", "airflowsite", *words],
            cwd=ROOT,
            env={**environment, "AIRFLOW_HOME": str(tmp_path), **options},
            input=text,
            capture_output=True,
            text=True,
            timeout=120,
        )

    return call


@pytest.mark.timeout(400)  # twenty processes, one after the other
def test_a_database_is_made_checked_and_reset(home):
    assert home("pools", "list").returncode == 1
    waiting = home("db", "check-migrations", "-t", "0")
    assert (waiting.returncode, "db migrate" in waiting.stderr) == (1, True)
    made = home("db", "migrate")
    assert (made.returncode, made.stdout.endswith("The tables are up to date.\n")) == (0, True)
    assert home("db", "check-migrations", "-t", "0").returncode == 0
    assert home("db", "check").stdout == "Connection successful.\n"
    assert "default_pool" in home("pools", "list").stdout
    home("pools", "set", "p", "1", "d")
    assert home("db", "reset", text="n\n").returncode == 1
    assert "p " in home("pools", "list", "-o", "plain").stdout
    assert home("db", "reset", "-y").returncode == 0
    assert "p   " not in home("pools", "list", "-o", "plain").stdout
    assert home("db", "reset", "-y", "-s").stdout.endswith("Make them anew with: airflowsite db migrate\n")
    assert home("pools", "list").returncode == 1
    assert "CREATE TABLE" in home("db", "migrate", "-s").stdout
    assert home("db", "migrate", "--from-revision", "0001").returncode == 1
    assert home("db", "migrate", "--to-version", "newest").returncode == 1
    other = home("db", "migrate", "--to-version", "2.9.0")
    assert (other.returncode, "not for 2.9.0. Leave out --to-version" in other.stderr) == (1, True)
    assert home("pools", "list").returncode == 1
    assert home("db", "migrate", "--to-version", "2.10.5").returncode == 0
    assert home("db", "init").returncode == 0
    assert home("db", "downgrade", "-n", "2.0.0", "-y").returncode == 1
    assert home("db", "downgrade", "-r", "zero", "-y").returncode == 0
    assert home("pools", "list").returncode == 1


def test_airflows_own_database_is_refused_and_stays_as_it_is(home, tmp_path):
    file = tmp_path / "airflow.db"
    with sqlite3.connect(file) as database:
        database.execute("CREATE TABLE alembic_version (version_num TEXT)")
        database.execute("INSERT INTO alembic_version VALUES ('22ed7efa9da2')")
    before = file.read_bytes()
    options = {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{file}"}
    for words in (["db", "migrate"], ["db", "init"], ["db", "reset", "-y"]):
        done = home(*words, **options)
        assert (done.returncode, "import-airflow" in done.stderr) == (1, True), done.stderr
    assert file.read_bytes() == before


def test_a_database_that_does_not_answer_is_a_1_after_the_retries(home):
    options = {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql://nobody:S3CRET@127.0.0.1:1/none"}
    done = home("db", "check", "--retry", "1", "--retry-delay", "1", **options)
    assert done.returncode == 1
    assert "S3CRET" not in done.stdout + done.stderr


# clean


@pytest.fixture
def history(db) -> Dag:
    """A DAG with five old finished runs, one of them scheduled, an old unfinished one, and a new one."""
    dag = make_dag(serialized("a", dag_id="d1"))
    for day in range(5):
        kind = "scheduled" if day == 1 else "manual"
        found = make_run(
            dag,
            {"a": "success"},
            state="success",
            run_type=kind,
            logical_date=OLD + timedelta(days=day),
            start_date=OLD,
        )
        found.task_instances.update(start_date=OLD)
        XComFactory(task_instance=found.task_instances.get(), timestamp=OLD)
    make_run(dag, {"a": "running"}, state="running", logical_date=OLD + timedelta(days=9), start_date=OLD)
    make_run(dag, {"a": "success"}, state="success", logical_date=NEW, start_date=NEW)
    return dag


def run_dates() -> list[str]:
    return [
        f"{date:%Y-%m-%d}" for date in DagRun.objects.order_by("logical_date").values_list("logical_date", flat=True)
    ]


@pytest.mark.parametrize(
    ("words", "left"),
    [
        ([], ["2020-01-02", "2020-01-10", "2030-01-01"]),
        (["--keep-last", "0"], ["2020-01-02", "2020-01-10", "2030-01-01"]),
        (["--keep-last", "3"], ["2020-01-02", "2020-01-05", "2020-01-10", "2030-01-01"]),
        (["-t", "xcom"], [*(f"2020-01-0{day}" for day in range(1, 6)), "2020-01-10", "2030-01-01"]),
    ],
)
@pytest.mark.parametrize("batch", ["1", "1000"])
def test_old_finished_runs_go_but_not_the_last_ones(run, history, words, left, batch):
    assert run("db", "clean", *BEFORE, *words, "--batch-size", batch, "-y", "--skip-archive").status == 0
    assert run_dates() == left
    assert TaskInstance.objects.count() == len(left)


def test_a_dry_run_counts_and_deletes_nothing(run, history):
    out = run("db", "clean", *BEFORE, "--dry-run").out
    assert "A dry run: this would be deleted." in out
    assert ["dag_run", "|", "4"] in [line.split() for line in out.splitlines()]
    assert DagRun.objects.count() == 7
    assert not EventLog.objects.exists()


def test_nothing_goes_without_the_phrase(run, history):
    for answer in ("", "y\n", "delete\n"):
        done = run("db", "clean", *BEFORE, text=answer)
        assert done.status == 1
        assert "not the phrase" in done.err
    assert DagRun.objects.count() == 7
    assert run("db", "clean", *BEFORE, text="delete rows\n").status == 0
    assert DagRun.objects.count() == 3


def test_other_old_things_go_and_what_works_stays(run, db):
    JobFactory(state="success", latest_heartbeat=OLD)
    JobFactory(state="running", latest_heartbeat=OLD)
    EventLogFactory(when=OLD)
    EventLogFactory(when=NEW)
    DagFactory(dag_id="gone", is_active=False, last_parsed_at=OLD)
    DagFactory(dag_id="here", is_active=True, last_parsed_at=OLD)
    waited_for = Trigger.objects.create(classpath="x", kwargs="{}", created_at=OLD)
    Trigger.objects.create(classpath="y", kwargs="{}", created_at=OLD)
    found = make_run(make_dag(serialized("a", dag_id="d")), state="running")
    found.task_instances.update(trigger=waited_for, state="deferred")
    run("db", "clean", *BEFORE, "-y", "--skip-archive")
    assert [job.state for job in Job.objects.all()] == ["running"]
    assert [entry.event for entry in EventLog.objects.filter(when=NEW)] == ["trigger"]
    assert not EventLog.objects.filter(when=OLD).exists()
    assert set(Dag.objects.values_list("pk", flat=True)) == {"here", "d"}
    assert [trigger.classpath for trigger in Trigger.objects.all()] == ["x"]


@pytest.mark.django_db(transaction=True)
def test_copies_are_kept_exported_and_dropped(run, history, tmp_path):
    run("db", "clean", *BEFORE, "-y", "--batch-size", "2")
    tables = retention.archives()
    names = {table.removeprefix(retention.ARCHIVE_PREFIX).rpartition("__")[0] for table in tables}
    assert names == {"dag_run", "task_instance", "xcom"}
    assert XCom.objects.count() == 1
    assert retention.archives(["xcom"]) == [table for table in tables if "xcom" in table]
    done = run("db", "export-archived", "--output-path", str(tmp_path), "-t", "dag_run")
    assert done.out.endswith("Tables written: 1, dropped: 0\n")
    (file,) = tmp_path.glob("*.csv")
    rows = list(csv.DictReader(file.open()))
    assert len(rows) == 4
    assert {row["dag_id"] for row in rows} == {"d1"}
    assert run("db", "drop-archived", "--dry-run").out.startswith("Would drop 3 tables:")
    assert run("db", "drop-archived", text="no\n").status == 1
    assert len(retention.archives()) == 3
    assert run("db", "drop-archived", text="drop archived tables\n").out.endswith("Tables dropped: 3\n")
    assert not retention.archives()
    assert connection.introspection.table_names()


def test_an_unknown_table_is_refused_and_one_of_airflows_is_left_out(run, db):
    assert run("db", "clean", *BEFORE, "-t", "nope", "-y").status == 1
    mixed = run("db", "clean", *BEFORE, "-t", "log,nope", "-y")
    assert (mixed.status, mixed.err) == (0, "Left out, for there are no such tables: nope.\n")
    assert run("db", "clean", *BEFORE, "-t", "task_fail,celery_taskmeta", "-y").status == 0
    assert run("db", "clean", "-y").status == 2
    assert run("db", "clean", "--clean-before-timestamp", "junk", "-y").status == 2
    assert run("db", "export-archived", "--output-path", "/nowhere").status == 2


@pytest.mark.django_db(transaction=True)
def test_the_shell_is_the_databases(run, monkeypatch):
    asked = []
    monkeypatch.setattr("orchestration.management.actions.db.call_command", lambda *words, **_: asked.append(words))
    assert run("db", "shell").status == 0
    assert asked == [("dbshell",)]


@pytest.mark.parametrize(
    "words",
    [
        ["clean", "--clean-before-timestamp", "2020-01-01", "-y"],
        ["drop-archived", "-y"],
        ["export-archived", "--output-path", ".", "-y"],
    ],
)
@pytest.mark.parametrize("tables", ["", " , "])
def test_a_list_of_no_tables_does_not_stand_for_all(run, words, tables):
    done = run("db", *words, "--tables", tables)
    assert done.status == 2
    assert "it holds no name. Leave the option out for all" in done.err
