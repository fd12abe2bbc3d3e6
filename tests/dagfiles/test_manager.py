"""The DAG processor as a whole: real files, real parsers, real rows."""

import os
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from django.db import OperationalError

from orchestration import models
from orchestration.dagfiles.manager import Processor
from orchestration.dagfiles.options import Options
from orchestration.dagfiles.protocol import Limits
from orchestration.execution import store_server
from orchestration.states import JobState, JobType
from tests.factories import DagRunFactory, PoolFactory, TaskInstanceFactory, VariableFactory

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]

GOOD = """
from datetime import datetime
from airflow import DAG
from airflow.operators.empty import EmptyOperator
with DAG("{0}", schedule="@daily", start_date=datetime(2025, 1, 1), tags=["{1}"]):
    EmptyOperator(task_id="one")
"""


@pytest.fixture
def folder(tmp_path):
    PoolFactory(name="default_pool")
    folder = tmp_path / "dags"
    folder.mkdir()
    return folder


def options(*roots, **changes) -> Options:
    defaults = {
        "rules_all": True,
        "parsers": 2,
        "interval": 30.0,
        "listing_interval": 300.0,
        "heartbeat": 5.0,
        "statistics_interval": 30.0,
        "safe_mode": True,
        "limits": Limits(import_seconds=3, seconds=6, memory_bytes=0),
    }
    return Options(roots=tuple(map(str, roots)), **{**defaults, **changes})


def processor(*roots, rounds=-1, **changes) -> Processor:
    return Processor(options(*roots, **changes), answer=partial(store_server.call, None), rounds=rounds)


class Until:
    """Runs a processor, stopping it when a condition holds; does something after chosen parses."""

    def __init__(self, processor, condition, seconds=20):
        self.processor, self.condition = processor, condition
        self.deadline = time.monotonic() + seconds
        self.results = []
        self.then = {}
        processor.on_parsed = self.parsed

    def parsed(self, result):
        self.results.append(result)
        if (action := self.then.pop(len(self.results), None)) is not None:
            action()
        self.check()

    def check(self):
        if self.condition() or time.monotonic() > self.deadline:
            self.processor.stop()

    def run(self):
        original = self.processor._periodic_duties

        def duties(selector, now):
            original(selector, now)
            self.check()

        self.processor._periodic_duties = duties
        self.processor.run()
        assert self.condition(), f"not reached; parsed {[result.path for result in self.results]}"
        return self.results


def active():
    return set(models.Dag.objects.filter(is_active=True).values_list("pk", flat=True))


def test_all_files_are_parsed_and_the_job_is_told(folder):
    (folder / "a.py").write_text(GOOD.format("a", "x"))
    (folder / "b.py").write_text(GOOD.format("b", "x"))
    (folder / "broken.py").write_text("1 / 0  # airflow dag")
    processor(folder, rounds=1).run()
    assert active() == {"a", "b"}
    assert models.DagImportError.objects.get().filename == str(folder / "broken.py")
    job = models.Job.objects.get()
    assert (job.job_type, job.state, job.pid) == (JobType.DAG_PROCESSOR, JobState.SUCCESS, os.getpid())
    assert job.end_date is not None


def test_a_changed_new_or_removed_file_is_noticed_at_once(folder):
    (folder / "a.py").write_text(GOOD.format("a", "x"))
    (folder / "b.py").write_text(GOOD.format("b", "x"))
    running = processor(folder)
    started = time.monotonic()

    def change():
        (folder / "a.py").write_text(GOOD.format("a", "changed"))
        (folder / "new").mkdir()
        (folder / "new" / "c.py").write_text(GOOD.format("c", "x"))
        (folder / "b.py").unlink()

    def is_done():
        tags = set(models.DagTag.objects.values_list("dag", "name"))
        return ("a", "changed") in tags and active() == {"a", "c"}

    until = Until(running, is_done)
    until.then[2] = change
    until.run()
    assert time.monotonic() - started < 15  # far below the intervals of 30 and 300 seconds


def test_a_changed_module_makes_its_users_be_parsed(folder):
    (folder / "shared_words.py").write_text("TAG = 'before'")
    (folder / "a.py").write_text("from shared_words import TAG\n" + GOOD.format("a", "x").replace('"x"', "TAG"))
    (folder / "b.py").write_text(GOOD.format("b", "x"))
    os.utime(folder / "shared_words.py", (1, 1))
    until = Until(processor(folder), lambda: models.DagTag.objects.filter(dag="a", name="after").exists())
    until.then[2] = lambda: (folder / "shared_words.py").write_text("TAG = 'after'")
    results = until.run()
    assert [Path(result.path).name for result in results].count("b.py") == 1


def test_a_request_to_parse_is_served_before_the_interval_is_over(folder):
    (folder / "a.py").write_text(GOOD.format("a", "x"))

    def ask():
        models.ParseRequest.objects.create(fileloc=str(folder / "a.py"))

    until = Until(processor(folder, heartbeat=0.2), lambda: len(until.results) == 2)
    until.then[1] = ask
    until.run()
    assert not models.ParseRequest.objects.exists()


def test_a_request_for_a_module_of_an_archive_parses_the_archive(folder):
    import zipfile

    with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        archive.writestr("m.py", GOOD.format("packed", "x"))
    until = Until(processor(folder, heartbeat=0.2), lambda: len(until.results) == 2)
    until.then[1] = lambda: models.ParseRequest.objects.create(fileloc=str(folder / "a.zip" / "m.py"))
    until.run()
    assert active() == {"packed"}


def test_an_unchanged_file_is_parsed_again_after_the_interval(folder):
    (folder / "a.py").write_text(GOOD.format("a", "x"))
    until = Until(processor(folder, interval=0.3), lambda: len(until.results) == 3)
    until.run()


def test_a_deleted_dag_returns_paused_with_the_next_poll(folder):
    (folder / "a.py").write_text(GOOD.format("a", "x"))
    running = processor(folder, interval=0.5)

    def delete():
        models.Dag.objects.update(is_paused=False)
        models.Dag.objects.all().delete()
        running.queue.files[str(folder / "a.py")].due_at += 1000

    until = Until(running, lambda: len(until.results) == 2)
    until.then[1] = delete
    until.run()
    assert models.Dag.objects.get().is_paused


def test_a_folder_that_appears_later_is_read_then(tmp_path):
    PoolFactory(name="default_pool")
    folder = tmp_path / "later"
    running = processor(folder, listing_interval=0.3)

    def is_done():
        if not folder.exists():
            folder.mkdir()
            (folder / "a.py").write_text(GOOD.format("a", "x"))
        return active() == {"a"}

    Until(running, is_done).run()


def test_a_file_that_ends_the_parsers_parent_is_found_out_and_the_others_are_parsed(folder):
    (folder / "killer.py").write_text("import os, time  # airflow dag\nos.kill(os.getppid(), 9)\ntime.sleep(3)")
    for n in range(3):
        (folder / f"f{n}.py").write_text("import time; time.sleep(0.3)\n" + GOOD.format(f"f{n}", "x"))
    processor(folder, rounds=1).run()
    assert active() == {"f0", "f1", "f2"}
    error = models.DagImportError.objects.get()
    assert error.filename == str(folder / "killer.py")
    assert "something in the file kills others" in error.stack_trace


def test_variables_of_the_tables_are_read_while_parsing(folder):
    VariableFactory(key="name", val="from_a_variable")
    source = "from airflow.models import Variable\n" + GOOD.format("x", "x").replace('"x"', 'Variable.get("name")', 1)
    (folder / "a.py").write_text(source)
    processor(folder, rounds=1).run()
    assert active() == {"from_a_variable"}


def test_the_heart_beats_while_a_file_takes_its_time(folder):
    (folder / "slow.py").write_text("import time  # airflow dag\ntime.sleep(2)")
    beats = set()
    running = processor(folder, rounds=1, heartbeat=0.2)
    original = running._beat
    running._beat = lambda: (original(), beats.add(models.Job.objects.get().latest_heartbeat))
    running.run()
    assert len(beats) >= 5


def test_a_database_that_does_not_answer_is_waited_for(folder, monkeypatch):
    monkeypatch.setattr("orchestration.dagfiles.manager._DATABASE_PAUSE_SECONDS", 0.2)
    (folder / "a.py").write_text(GOOD.format("a", "x"))
    running = processor(folder, rounds=1)
    original, failures = running._syncer.apply, iter(range(3))

    def apply(*args, **kwargs):
        if next(failures, None) is not None:
            raise OperationalError("the database is away")
        return original(*args, **kwargs)

    monkeypatch.setattr(type(running._syncer), "apply", lambda self, *args, **kwargs: apply(*args, **kwargs))
    running.run()
    assert active() == {"a"}


def test_one_result_that_cannot_be_written_does_not_stop_the_others(folder, monkeypatch, caplog):
    for name in ("a", "b"):
        (folder / f"{name}.py").write_text(GOOD.format(name, "x"))
    running = processor(folder, rounds=1)
    original = running._syncer.apply

    def apply(result, **kwargs):
        if result.path.endswith("a.py"):
            raise ValueError("out of luck")
        return original(result, **kwargs)

    monkeypatch.setattr(type(running._syncer), "apply", lambda self, *args, **kwargs: apply(*args, **kwargs))
    running.run()
    assert active() == {"b"}
    assert "could not be written to the tables" in caplog.text


CALLBACKS = """
from datetime import datetime
from pathlib import Path
from airflow import DAG
from airflow.operators.empty import EmptyOperator

def note(context):
    ti = context["ti"]
    said = context.get("reason") or context.get("exception")
    line = f"{ti.task_id} {context['dag_run'].run_id} {said}\\n"
    with Path(__file__).with_name("notes.txt").open("a") as file:
        file.write(line)

def bad(context):
    raise RuntimeError("bad callback")

def sla(dag, task_list, blocking_task_list, slas, blocking_tis):
    with Path(__file__).with_name("notes.txt").open("a") as file:
        file.write(f"sla {task_list} / {blocking_task_list} / {[s.task_id for s in slas]}\\n")

told = {"on_failure_callback": [bad, note], "sla_miss_callback": sla}
with DAG("told", schedule=None, start_date=datetime(2025, 1, 1), **told):
    EmptyOperator(task_id="one", on_failure_callback=note, on_retry_callback=note)
"""


def test_callbacks_of_runs_tries_and_slas_run_in_a_parser(folder):
    path = folder / "told.py"
    path.write_text(CALLBACKS)
    processor(folder, rounds=1).run()
    date = datetime(2025, 1, 1, tzinfo=UTC)
    run = DagRunFactory(dag_id="told", run_id="r1", logical_date=date, state="failed")
    TaskInstanceFactory(run=run, dag_id="told", task_id="one", state="failed")
    models.SlaMiss.objects.create(dag_id="told", task_id="one", logical_date=date, timestamp=date)
    common = {"dag_id": "told", "run_id": "r1"}
    task = {**common, "task_id": "one", "map_index": -1, "try_number": 1}
    for kind, data in (
        ("dag", {**common, "state": "failed", "reason": "task_failure"}),
        ("task", {**task, "state": "failed", "reason": "its process was lost"}),
        ("task", {**task, "state": "up_for_retry", "reason": "once more"}),
        ("sla", {"dag_id": "told"}),
        ("dag", {"dag_id": "unknown", "run_id": "r1", "state": "failed"}),
    ):
        models.CallbackRequest.objects.create(kind=kind, fileloc=str(path), data=data)
    Until(processor(folder), lambda: not models.CallbackRequest.objects.exists()).run()
    assert set((folder / "notes.txt").read_text().splitlines()) == {
        "one r1 task_failure",
        "one r1 its process was lost",
        "one r1 once more",
        "sla one on 2025-01-01T00:00:00+00:00 / one on 2025-01-01T00:00:00+00:00 / ['one']",
    }


def test_misses_that_were_told_are_not_told_again(folder):
    path = folder / "told.py"
    path.write_text(CALLBACKS)
    processor(folder, rounds=1).run()
    date = datetime(2025, 1, 1, tzinfo=UTC)
    models.SlaMiss.objects.create(dag_id="told", task_id="one", logical_date=date, timestamp=date)
    for _ in range(2):
        models.CallbackRequest.objects.create(kind="sla", fileloc=str(path), data={"dag_id": "told"})
        Until(processor(folder), lambda: not models.CallbackRequest.objects.exists()).run()
    miss = models.SlaMiss.objects.get()
    assert (miss.notification_sent, miss.email_sent) == (True, False)
    notes = (folder / "notes.txt").read_text().splitlines()
    assert notes[0].startswith("sla one on")
    assert notes[1:] == []


@pytest.mark.parametrize("arrives", [True, False])
def test_a_mail_about_missed_slas_is_sent_and_noted_also_where_a_callback_fails(folder, arrives):
    path = folder / "mailed.py"
    path.write_text(
        CALLBACKS.replace('"sla_miss_callback": sla', '"sla_miss_callback": [bad_sla, sla]')
        .replace('task_id="one",', 'task_id="one", email="x@example.com",')
        .replace("told = {", SENDING.format(send="note_mail" if arrives else "fail_mail"), 1)
    )
    processor(folder, rounds=1).run()
    date = datetime(2025, 1, 1, tzinfo=UTC)
    models.SlaMiss.objects.create(dag_id="told", task_id="one", logical_date=date, timestamp=date)
    models.CallbackRequest.objects.create(kind="sla", fileloc=str(path), data={"dag_id": "told"})
    Until(processor(folder), lambda: not models.CallbackRequest.objects.exists()).run()
    notes = (folder / "notes.txt").read_text().splitlines()
    assert [line.split()[0] for line in notes] == ["sla", "mail"][: 1 + arrives]
    miss = models.SlaMiss.objects.get()
    assert (miss.notification_sent, miss.email_sent) == (True, arrives)


SENDING = """
from orchestration.authoring import email

def bad_sla(*args):
    raise RuntimeError("bad callback")

def note_mail(to, subject, text, **more):
    with Path(__file__).with_name("notes.txt").open("a") as file:
        file.write(f"mail {{to}}\\n")

def fail_mail(*args, **more):
    raise OSError("no mail server")

email.send_email = {send}
told = {{"""


def test_a_callback_that_never_ends_is_ended(folder):
    path = folder / "hangs.py"
    path.write_text(CALLBACKS.replace('raise RuntimeError("bad callback")', "import time; time.sleep(1000)"))
    processor(folder, rounds=1).run()
    run = DagRunFactory(dag_id="told", run_id="r1", logical_date=datetime(2025, 1, 1, tzinfo=UTC), state="failed")
    TaskInstanceFactory(run=run, dag_id="told", task_id="one", state="failed")
    models.CallbackRequest.objects.create(
        kind="dag", fileloc=str(path), data={"dag_id": "told", "run_id": "r1", "state": "failed"}
    )
    Until(processor(folder), lambda: not models.CallbackRequest.objects.exists()).run()


def test_a_request_claimed_by_a_processor_that_died_is_claimed_again(folder):
    from orchestration.dagfiles.requests import Callbacks

    long_ago = datetime.now(UTC) - timedelta(hours=1)
    old = models.CallbackRequest.objects.create(kind="dag", fileloc="/f.py", data={}, claimed_at=long_ago)
    models.CallbackRequest.objects.create(kind="dag", fileloc="/f.py", data={}, claimed_at=datetime.now(UTC))
    callbacks = Callbacks()
    callbacks.fetch()
    assert [row.pk for row in callbacks._waiting] == [old.pk]


def test_the_options_are_those_of_the_configuration(monkeypatch, tmp_path):
    monkeypatch.setenv("AIRFLOW__CORE__DAGS_FOLDER", str(tmp_path))
    monkeypatch.setenv("AIRFLOW__CORE__LOAD_EXAMPLES", "True")
    monkeypatch.setenv("AIRFLOW__SCHEDULER__PARSING_PROCESSES", "5")
    found = Options.from_conf()
    assert found.roots[0] == str(tmp_path)
    assert found.roots[1].endswith("orchestration/sample_dags")
    assert (found.parsers, found.rules_all) == (5, True)
    assert Options.from_conf("/some/where").roots[0] == "/some/where"
    assert not Options.from_conf("/some/where").rules_all
