"""``import-airflow``, from a database that Airflow 2.10.5 wrote."""

from __future__ import annotations

import json
import os
import pickle
import sqlite3
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.models import Group
from django.db import connection

from orchestration.authoring import serde
from orchestration.management.actions import import_airflow
from orchestration.management.moving import behind, history, instances, values
from orchestration.models import (
    Connection,
    Dag,
    DagRun,
    Dataset,
    DatasetEvent,
    EventLog,
    Pool,
    RenderedFields,
    SlaMiss,
    TaskInstance,
    TaskInstanceHistory,
    TaskReschedule,
    User,
    Variable,
    XCom,
)
from orchestration.services import pools, roles
from tests.commands.conftest import Done

pytestmark = pytest.mark.django_db

KEY = "ZmRzaGtqaGRza2poZmtqZGhza2poZmRrc2poZmpkazE="
Run = Callable[..., Done]


@pytest.fixture
def airflow(tmp_path: Path) -> Path:
    """Airflow's database, as a file."""
    path = tmp_path / "airflow.db"
    with closing(sqlite3.connect(path)) as database:
        database.executescript(Path(__file__).with_name("airflow_2_10_5.sql").read_text())
    return path


@pytest.fixture
def change(airflow: Path) -> Callable[..., None]:
    """``change(sql, parameters)`` in Airflow's database."""

    def execute(sql: str, parameters: tuple[Any, ...] = ()) -> None:
        with closing(sqlite3.connect(airflow)) as database:
            database.execute(sql, parameters)
            database.commit()

    return execute


@pytest.fixture
def imported(run: Run, airflow: Path) -> Run:
    """``imported(*words)`` runs the command on Airflow's database with its fernet key."""

    def call(*words: str, key: str = KEY) -> Done:
        return run("import-airflow", "--from", f"sqlite:///{airflow}", "--fernet-key", key, *words)

    return call


def theirs(airflow: Path, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(f"file:{airflow}?mode=ro", uri=True)) as database:
        return database.execute(sql).fetchall()


def counts(output: str) -> dict[str, tuple[int, int, int]]:
    """Kind → copied, here already, left."""
    rows = (line.split("|") for line in output.splitlines() if line.count("|") == 3)
    return {kind.strip(): tuple(int(n) for n in rest) for kind, *rest in rows if kind.strip() != "kind"}  # type: ignore[misc]


def total() -> dict[str, int]:
    models = (
        Variable, Connection, Pool, Dag, User, Group, Dataset, DatasetEvent, DagRun, TaskInstance, TaskInstanceHistory,
        TaskReschedule, RenderedFields, XCom,
    )  # fmt: skip
    return {model.__name__: model._default_manager.count() for model in models}


def test_secrets_are_read_with_the_key_and_stored_under_ours(imported: Run) -> None:
    done = imported("--tables", "variables,connections")

    assert done.status == 0, done.err
    assert Variable.objects.get(key="region").val == "Zürich"
    assert Variable.objects.get(key="region").description == "where"
    found = Connection.objects.get(conn_id="wh")
    assert (found.conn_type, found.host, found.login, found.port) == ("generic", "db.example.org", "etl", 5432)
    assert (found.password, json.loads(found.extra or "")) == ("s3cret", {"sslmode": "require"})


def test_secrets_under_an_unknown_key_are_left_and_named(imported: Run) -> None:
    done = imported("--tables", "variables,connections", key="")

    assert done.status == 0
    assert "variables: 3 × encrypted with a key that was not given; use --fernet-key (region" in done.out
    assert not Variable.objects.exists()
    assert list(Connection.objects.values_list("conn_id", flat=True)) == ["plain"]


def test_what_is_here_stays_as_it_is(imported: Run) -> None:
    Variable.objects.create(key="region", val="here")

    done = imported("--tables", "variables")

    assert counts(done.out)["variables"] == (2, 1, 0)
    assert Variable.objects.get(key="region").val == "here"


def test_pools_come_with_the_size_of_the_default_pool(imported: Run) -> None:
    pools.ensure_default()

    imported("--tables", "pools")

    etl = Pool.objects.get(name="etl")
    assert (etl.slots, etl.description, etl.include_deferred) == (3, "loads", True)
    assert Pool.objects.get(name="default_pool").slots == 64


def test_a_default_pool_that_somebody_sized_stays(imported: Run) -> None:
    Pool.objects.update_or_create(name="default_pool", defaults={"slots": 7})

    imported("--tables", "pools")

    assert Pool.objects.get(name="default_pool").slots == 7


def test_users_sign_in_with_their_old_password_which_gets_a_new_hash(imported: Run, rf: Any) -> None:
    done = imported("--tables", "roles,users")

    assert done.status == 0, done.err
    bob = User.objects.get(username="bob")
    assert bob.password.startswith("werkzeug$pbkdf2:sha256:260000$")
    assert [group.name for group in bob.groups.all()] == ["Analyst"]
    assert [group.name for group in User.objects.get(username="ada").groups.all()] == ["Admin"]
    assert not bob.check_password("wrong horse")
    assert authenticate(rf.get("/"), username="bob", password="correct horse") == bob
    bob.refresh_from_db()
    assert not bob.password.startswith("werkzeug$")
    assert bob.check_password("correct horse")


def test_roles_come_with_their_permissions_once_their_dags_are_here(imported: Run, change: Callable[..., None]) -> None:
    change("INSERT INTO ab_view_menu (id, name) VALUES (902, 'Quasar')")
    change(
        "INSERT OR IGNORE INTO ab_permission_view (permission_id, view_menu_id)"
        " SELECT p.id, v.id FROM ab_permission p, ab_view_menu v"
        " WHERE p.name = 'can_read' AND v.name IN ('DAG:nightly', 'Quasar')"
    )
    change(
        "INSERT INTO ab_permission_view_role (permission_view_id, role_id)"
        " SELECT pv.id, r.id FROM ab_permission_view pv JOIN ab_permission p ON p.id = pv.permission_id"
        " JOIN ab_view_menu v ON v.id = pv.view_menu_id, ab_role r"
        " WHERE p.name = 'can_read' AND v.name IN ('DAG:nightly', 'Quasar') AND r.name = 'Analyst'"
    )

    done = imported("--tables", "dags,roles")

    group = Group.objects.get(name="Analyst")
    held = {tuple(pair) for pair in roles.rights([group])[group.pk].shown()}
    assert held == {("can_read", "Website"), ("can_read", "DAG:nightly")}
    assert "Analyst: can_read on Quasar" in done.out


def test_a_built_in_role_that_lost_a_right_there_is_reported(imported: Run, change: Callable[..., None]) -> None:
    change(
        "DELETE FROM ab_permission_view_role WHERE role_id = (SELECT id FROM ab_role WHERE name = 'Viewer')"
        " AND permission_view_id IN (SELECT pv.id FROM ab_permission_view pv JOIN ab_view_menu v"
        " ON v.id = pv.view_menu_id WHERE v.name = 'DAG Code')"
    )

    done = imported("--tables", "roles")

    assert "roles: 1 × pairs that a built-in role has here and lost there (Viewer: 1)" in done.out


def test_a_user_with_an_odd_address_or_hash_comes_without_it(imported: Run, change: Callable[..., None]) -> None:
    change("UPDATE ab_user SET email = 'ada', password = 'sha256$abc$def' WHERE username = 'ada'")

    done = imported("--tables", "users")

    ada = User.objects.get(username="ada")
    assert (ada.email, ada.has_usable_password()) == ("", False)
    assert "addresses that are taken or no addresses (ada: ada)" in done.out
    assert "passwords in an unknown form (ada)" in done.out


def test_dags_keep_their_pause_and_are_inactive_until_parsed(imported: Run, change: Callable[..., None]) -> None:
    change("UPDATE dag SET is_paused = 1 WHERE dag_id = 'consume'")

    imported("--tables", "dags")

    assert dict(Dag.objects.values_list("dag_id", "is_paused")) == {
        "consume": True, "fails": False, "nightly": False, "produce": False,
    }  # fmt: skip
    assert not Dag.objects.filter(is_active=True).exists()
    assert Dag.objects.get(pk="nightly").fileloc == "/dags/moved.py"


def test_all_dags_can_be_paused_while_airflow_runs_them(imported: Run) -> None:
    imported("--tables", "dags", "--paused")

    assert not Dag.objects.filter(is_paused=False).exists()


def test_a_dag_that_was_parsed_here_takes_over_the_pause_until_it_has_run(imported: Run) -> None:
    Dag.objects.create(dag_id="nightly", is_paused=True, fileloc="/here.py")
    ran = Dag.objects.create(dag_id="fails", is_paused=True, fileloc="/here.py")
    DagRun.objects.create(dag=ran, run_id="x", run_type="manual", state="success", logical_date=datetime.now(UTC))

    imported("--tables", "dags")

    assert Dag.objects.get(pk="nightly").is_paused is False
    assert Dag.objects.get(pk="nightly").fileloc == "/here.py"
    assert Dag.objects.get(pk="fails").is_paused is True


def test_the_history_is_the_same_on_both_sides(imported: Run, airflow: Path) -> None:
    done = imported()

    assert done.status == 0, done.err
    ended = "JOIN dag_run r ON r.dag_id = t.dag_id AND r.run_id = t.run_id WHERE r.state IN ('success', 'failed')"
    there = theirs(
        airflow,
        "SELECT t.dag_id, t.run_id, t.task_id, t.map_index, t.state, t.try_number, t.start_date, t.end_date, t.pool,"
        f" t.operator, t.hostname, t.duration, t.priority_weight FROM task_instance t {ended}",
    )
    here = TaskInstance.objects.values_list(
        "dag_id", "run__run_id", "task_id", "map_index", "state", "try_number", "start_date", "end_date", "pool",
        "operator", "hostname", "duration", "priority_weight",
    )  # fmt: skip
    assert checksum(here) == checksum(
        (*row[:6], values.moment(row[6]), values.moment(row[7]), row[8], row[9] or "", *row[10:]) for row in there
    )
    runs = theirs(
        airflow, "SELECT dag_id, run_id, state, run_type, execution_date FROM dag_run WHERE state != 'running'"
    )
    assert checksum(DagRun.objects.values_list("dag_id", "run_id", "state", "run_type", "logical_date")) == checksum(
        (*row[:4], values.moment(row[4])) for row in runs
    )
    assert TaskInstanceHistory.objects.count() == theirs(airflow, "SELECT count(*) FROM task_instance_history")[0][0]
    assert RenderedFields.objects.count() == theirs(
        airflow, f"SELECT count(*) FROM rendered_task_instance_fields t {ended}"
    )[0][0]  # fmt: skip
    assert TaskReschedule.objects.count() == theirs(airflow, "SELECT count(*) FROM task_reschedule")[0][0] == 1
    assert XCom.objects.count() == theirs(airflow, f"SELECT count(*) FROM xcom t {ended}")[0][0]


def checksum(rows: Any) -> int:
    return zlib.crc32("\n".join(sorted(map(repr, map(tuple, rows)))).encode())


def test_runs_carry_their_conf_notes_and_dataset_events(imported: Run) -> None:
    imported()

    assert DagRun.objects.get(run_id="first").conf == {"who": "ada", "n": 1}
    broken = DagRun.objects.select_related("note_author").get(run_id="broken")
    assert (broken.note, broken.note_author and broken.note_author.username) == ("looked at it", "ada")
    assert TaskInstance.objects.get(run=broken, task_id="no").note == "exit 1"
    event = DatasetEvent.objects.get()
    assert (event.dataset.uri, event.extra, event.source_run_id) == ("s3://warehouse/orders", {"rows": 5}, "first")
    assert [run.dag_id for run in event.created_dag_runs.all()] == ["consume"]


def test_xcoms_are_read_as_they_were_written(imported: Run) -> None:
    imported()

    pushed = XCom.objects.filter(task_instance__run__run_id="scheduled__2024-01-01T00:00:00+00:00")
    found = {
        (task, index): (serde.loads(value), length)
        for task, index, value, length in pushed.values_list(
            "task_instance__task_id", "task_instance__map_index", "value", "length"
        )
    }
    assert found["numbers", -1] == ([1, 2, 3], 3)
    assert found["flaky", -1] == ({"rows": 3, "at": datetime(2024, 1, 1, tzinfo=UTC)}, 2)
    assert found["double", 0] == (2, None)
    number, _ = found["double", 2]
    assert number != number, "NaN"


def test_an_unfinished_run_stays_airflows_until_it_has_ended(imported: Run, change: Callable[..., None]) -> None:
    first = imported("--tables", "dags,runs")
    assert "runs: 1 × unfinished; import again when they have ended (fails open)" in first.out
    assert not DagRun.objects.filter(run_id="open").exists()
    change("UPDATE dag_run SET state = 'failed' WHERE run_id = 'open'")

    second = imported("--tables", "dags,runs")

    assert counts(second.out)["runs"] == (1, 9, 0)
    assert DagRun.objects.get(run_id="open").state == "failed"


def test_an_unfinished_state_in_an_ended_run_is_not_carried_over(imported: Run, change: Callable[..., None]) -> None:
    change("UPDATE task_instance SET state = 'deferred' WHERE run_id = 'broken' AND task_id = 'no'")

    done = imported("--tables", "runs")

    assert TaskInstance.objects.get(run__run_id="broken", task_id="no").state == ""
    assert "task instances: 1 × states 'deferred' in a run that has ended (fails no)" in done.out


def test_a_run_of_a_dag_that_is_gone_keeps_its_history(imported: Run, change: Callable[..., None]) -> None:
    change("DELETE FROM dag WHERE dag_id = 'fails'")

    imported()

    gone = Dag.objects.get(pk="fails")
    assert (gone.is_active, gone.is_paused) == (False, True)
    assert gone.runs.count() == 1


def test_another_run_of_the_same_date_wins(imported: Run, airflow: Path) -> None:
    dag = Dag.objects.create(dag_id="nightly", fileloc="/here.py")
    DagRun.objects.create(
        dag=dag, run_id="mine", run_type="manual", state="success", logical_date=datetime(2024, 1, 1, tzinfo=UTC)
    )

    done = imported("--tables", "runs")

    assert "another run of the same date is here (nightly scheduled__2024-01-01T00:00:00+00:00)" in done.out
    assert dag.runs.count() == 4


def test_importing_twice_changes_nothing(imported: Run) -> None:
    imported()
    before, log = total(), EventLog.objects.exclude(event="cli_import_airflow").count()

    again = imported()

    assert total() == before
    assert EventLog.objects.exclude(event="cli_import_airflow").count() == log
    assert {kind: copied for kind, (copied, _, _) in counts(again.out).items() if copied} == {}


def content() -> dict[str, list[tuple[Any, ...]]]:
    """All that hangs on runs, in their order, without the keys that one copy gives and another does not."""
    models = (DagRun, TaskInstance, TaskInstanceHistory, TaskReschedule, RenderedFields, XCom)
    owner = "task_instance__run__run_id", "task_instance__task_id", "task_instance__map_index"
    found = {}
    for model in models:
        fields = [field for field in model._meta.concrete_fields if not field.primary_key]
        names = [field.name for field in fields if field.name not in {"run", "task_instance"}]
        extra = {DagRun: (), TaskInstance: ("run__run_id",)}.get(model, owner)
        found[model.__name__] = sorted(model._default_manager.order_by().values_list(*extra, *names), key=repr)
    return found


@pytest.mark.skipif(connection.vendor != "sqlite", reason="only a SQLite file can be attached to a SQLite file")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("batch", ["1", "7", "20000"])
def test_an_attached_file_is_copied_as_one_that_is_read_row_by_row(
    imported: Run, change: Callable[..., None], monkeypatch: pytest.MonkeyPatch, batch: str
) -> None:
    change("UPDATE task_instance SET state = 'deferred' WHERE run_id = 'broken' AND task_id = 'no'")
    change("UPDATE task_instance SET start_date = '2024-01-01T00:00:00+01:00' WHERE rowid % 3 = 0")
    change("UPDATE task_instance SET pool = '', queue = NULL WHERE rowid % 3 = 0")
    change("UPDATE task_instance SET executor_config = ? WHERE rowid % 5 = 0", (pickle.dumps({"a": 1}),))
    change("UPDATE task_instance SET executor_config = ? WHERE rowid % 7 = 0", (pickle.dumps(Bomb()),))
    change("UPDATE xcom SET value = ? WHERE run_id = 'first'", (pickle.dumps(Bomb()),))
    change("UPDATE task_instance SET hostname = NULL, updated_at = NULL, pid = NULL WHERE rowid % 4 = 0")

    imported("--tables", "roles,users")
    words = ("--tables", "dags,runs", "--batch-size", batch, "--processes", "1")
    attaching = imported(*words)
    by_statement = content()
    DagRun.objects.all().delete()
    Dag.objects.all().delete()
    monkeypatch.setattr(import_airflow, "attached", lambda source: nullcontext(False))
    reading = imported(*words)

    assert len(by_statement["TaskInstance"]) == 33
    assert len(by_statement["XCom"]) > 10
    assert content() == by_statement
    assert (attaching.status, attaching.out, attaching.err) == (0, reading.out, "")


@pytest.mark.parametrize("batch", ["1", "3", "7"])
def test_the_size_of_a_batch_changes_nothing(imported: Run, airflow: Path, batch: str) -> None:
    imported("--batch-size", batch)

    assert DagRun.objects.count() == 9
    assert XCom.objects.count() == 25
    assert (
        EventLog.objects.exclude(event="cli_import_airflow").count()
        == theirs(airflow, "SELECT count(*) FROM log")[0][0]
    )


def test_a_copy_that_was_broken_off_goes_on_to_the_same_end(imported: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = history._insert, iter(range(100))

    def breaks(*args: Any) -> Any:
        if next(calls) == 3:
            raise KeyboardInterrupt
        return real(*args)

    monkeypatch.setattr(history, "_insert", breaks)
    assert imported("--batch-size", "4").status == 130
    assert 0 < DagRun.objects.count() < 9
    monkeypatch.setattr(history, "_insert", real)

    assert imported("--batch-size", "4").status == 0

    assert DagRun.objects.count() == 9
    assert TaskInstance.objects.count() == 33
    assert XCom.objects.count() == 25


def test_equal_entries_of_the_log_are_all_copied(imported: Run, airflow: Path, change: Callable[..., None]) -> None:
    columns = "dttm, dag_id, task_id, map_index, event, execution_date, run_id, owner, owner_display_name, extra"
    change(f"INSERT INTO log ({columns}) SELECT {columns} FROM log WHERE id = (SELECT min(id) FROM log)")

    imported("--tables", "log", "--batch-size", "2")
    imported("--tables", "log", "--batch-size", "5")

    copied = EventLog.objects.exclude(event="cli_import_airflow").count()
    assert copied == theirs(airflow, "SELECT count(*) FROM log")[0][0]


def test_a_dry_run_reports_the_same_and_keeps_nothing(imported: Run) -> None:
    before, log = total(), EventLog.objects.count()

    dry = imported("--dry-run")

    assert total() == before
    assert EventLog.objects.count() == log
    assert "This was a dry run: nothing was kept." in dry.out
    assert counts(dry.out) == counts(imported().out)


class Bomb:
    """Would run code when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (exec, ("raise SystemExit('it ran')",))


def test_pickles_run_no_code(imported: Run, change: Callable[..., None]) -> None:
    change("UPDATE dag_run SET conf = ? WHERE run_id = 'first'", (pickle.dumps(Bomb()),))
    change("UPDATE task_instance SET executor_config = ?", (pickle.dumps({"pod": Bomb()}),))
    change("UPDATE xcom SET value = ? WHERE run_id = 'first'", (pickle.dumps(Bomb()),))

    done = imported()

    assert done.status == 0
    assert DagRun.objects.get(run_id="first").conf == {}
    assert "runs: 1 × confs, for it holds builtins.exec (produce first)" in done.out
    assert "executor_configs, for it holds builtins.exec" in done.out
    assert not TaskInstance.objects.exclude(executor_config=None).exists()


@pytest.mark.parametrize(
    "url, sentence",
    [
        ("sqlite:////nowhere/airflow.db", "There is no file /nowhere/airflow.db"),
        ("mysql://airflow@db/airflow", "--from takes sqlite:"),
        ("postgresql://nobody:secret@127.0.0.1:1/airflow", "Airflow's database cannot be reached"),
    ],
)
def test_an_unusable_database_is_told_in_a_sentence(run: Run, url: str, sentence: str) -> None:
    done = run("import-airflow", "--from", url)

    assert done.status == 1
    assert sentence in done.err
    assert "secret" not in done.err


def test_a_database_of_another_program_or_release_is_refused(
    run: Run, airflow: Path, change: Callable[..., None], tmp_path: Path
) -> None:
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as database:
        database.execute("CREATE TABLE t (x)")
    assert "This is no database of Apache Airflow" in run("import-airflow", "--from", f"sqlite:///{other}").err
    change("ALTER TABLE dag_run RENAME COLUMN execution_date TO logical_date")
    assert "Airflow 3" in run("import-airflow", "--from", f"sqlite:///{airflow}").err


def test_a_database_of_an_older_airflow_lacks_columns_and_tables(imported: Run, change: Callable[..., None]) -> None:
    for table in (
        "task_instance_history",
        "task_instance_note",
        "dag_run_note",
        "dagrun_dataset_event",
        "dataset_event",
    ):
        change(f"DROP TABLE {table}")
    for column in ("executor", "rendered_map_index", "custom_operator_name", "task_display_name"):
        change(f"ALTER TABLE task_instance DROP COLUMN {column}")
    change("ALTER TABLE slot_pool DROP COLUMN include_deferred")
    change("ALTER TABLE dag_run DROP COLUMN clear_number")

    done = imported()

    assert done.status == 0, done.err
    assert TaskInstance.objects.count() == 33


def test_an_unknown_kind_is_refused(imported: Run) -> None:
    assert "There is no kind 'cats'. There are: variables, connections" in imported("--tables", "cats").err


def test_an_empty_list_of_kinds_does_not_stand_for_all(imported: Run) -> None:
    done = imported("--tables", "")
    assert done.status == 2
    assert "holds no name" in done.err
    assert not Variable.objects.exists()


def test_the_url_and_the_key_can_come_on_standard_input(run: Run, airflow: Path) -> None:
    done = run(
        "import-airflow", "--from", "-", "--fernet-key", "-", "--tables", "variables",
        text=f"sqlite:///{airflow}\n{KEY}\n",
    )  # fmt: skip

    assert done.status == 0, done.err
    assert Variable.objects.get(key="region").val == "Zürich"


def test_one_row_of_the_log_says_who_imported_without_the_url_and_the_key(imported: Run, airflow: Path) -> None:
    imported("--tables", "variables,pools,roles,users")

    row = EventLog.objects.get()
    assert row.event == "cli_import_airflow"
    assert KEY not in (row.extra or "")
    assert str(airflow) not in (row.extra or "")


def test_airflows_file_is_not_touched(imported: Run, airflow: Path) -> None:
    before = airflow.read_bytes()
    airflow.chmod(0o400)

    imported()

    assert airflow.read_bytes() == before
    assert not list(airflow.parent.glob("airflow.db-*"))


def test_sla_misses_are_copied_once(imported: Run, change: Callable[..., None]) -> None:
    change(
        "CREATE TABLE sla_miss (task_id TEXT, dag_id TEXT, execution_date TEXT, email_sent INT, timestamp TEXT,"
        " description TEXT, notification_sent INT)"
    )
    change(
        "INSERT INTO sla_miss (task_id, dag_id, execution_date, email_sent, timestamp, description, notification_sent)"
        " VALUES ('load', 'nightly', '2024-01-01 00:00:00.000000', 1, '2024-01-02 03:04:05.000006', 'late', 0),"
        " ('gone', 'forgotten', '2024-01-01 00:00:00.000000', 0, NULL, NULL, 1)"
    )

    first, second = imported("--tables", "sla_misses"), imported("--tables", "sla_misses")

    assert (counts(first.out)["SLA misses"], counts(second.out)["SLA misses"]) == ((2, 0, 0), (0, 2, 0))
    late = SlaMiss.objects.get(task_id="load")
    assert (late.dag_id, late.email_sent, late.notification_sent, late.description) == ("nightly", True, False, "late")
    assert late.timestamp == datetime(2024, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
    assert Dag.objects.get(pk="forgotten").is_active is False


def test_tables_that_are_not_copied_are_told_with_the_reason(imported: Run, change: Callable[..., None]) -> None:
    change("CREATE TABLE job AS SELECT 1 AS id UNION SELECT 2")

    done = imported()

    assert "not copied: 2 × rows of job: about processes" in done.out
    assert set(behind.TABLES).isdisjoint({"dag_run", "task_instance", "xcom", "log", "variable", "sla_miss"})


def test_a_batch_holds_no_more_instances_than_it_may(imported: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    real = instances.bulk.insert

    def counted(model: Any, fields: Any, rows: Any) -> None:
        if model is TaskInstance:
            sizes.append(len(rows))
        real(model, fields, rows)

    monkeypatch.setattr(instances.bulk, "insert", counted)
    imported("--tables", "runs", "--batch-size", "10")

    assert sum(sizes) == 33
    largest_run = max(run.task_instances.count() for run in DagRun.objects.all())
    assert max(sizes) <= max(10, largest_run)


def test_a_copy_that_was_killed_goes_on_to_the_same_end(airflow: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(airflow)) as database:
        columns = [row[1] for row in database.execute("PRAGMA table_info(log)") if row[1] != "id"]
        listed = ", ".join(columns)
        for _ in range(9):
            database.execute(f"INSERT INTO log ({listed}) SELECT {listed} FROM log")
        database.commit()
    entries = theirs(airflow, "SELECT count(*) FROM log WHERE dttm IS NOT NULL")[0][0]
    named = ("AIRFLOW", "DJANGO", "TEST_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(named)}
    environment |= {"AIRFLOW_HOME": str(tmp_path / "home"), "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    program = [sys.executable, "-m", "airflowsite"]
    subprocess.run([*program, "db", "migrate"], env=environment, check=True, capture_output=True)
    copy = [*program, "import-airflow", "--from", f"sqlite:///{airflow}", "--fernet-key", KEY, "--batch-size", "20"]
    here = tmp_path / "home" / "airflowsite.db"

    def copied() -> int:
        with closing(sqlite3.connect(here, timeout=30)) as database:
            sql = "SELECT count(*) FROM orchestration_eventlog WHERE event != 'cli_import_airflow'"
            return int(database.execute(sql).fetchone()[0])

    with subprocess.Popen(copy, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while not copied() and process.poll() is None:
            time.sleep(0.02)
        process.kill()
    assert 0 < copied() < entries

    again = subprocess.run(copy, env=environment, capture_output=True, text=True, check=False)

    assert again.returncode == 0, again.stderr
    assert copied() == entries
    with closing(sqlite3.connect(here)) as database:
        assert database.execute("SELECT count(*) FROM orchestration_dagrun").fetchone() == (9,)
        assert database.execute("SELECT count(*) FROM orchestration_taskinstance").fetchone() == (33,)
        assert database.execute("SELECT count(*) FROM orchestration_xcom").fetchone() == (25,)
        assert not database.execute("PRAGMA foreign_key_check").fetchall()


@pytest.fixture(autouse=True)
def _constraints_hold() -> Iterator[None]:
    yield
    connection.check_constraints()
