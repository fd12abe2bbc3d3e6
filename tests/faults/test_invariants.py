"""The checks themselves: sound evidence passes, and each kind of violation that is put into it is found."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from orchestration.states import TaskInstanceState
from tests.factories import PoolFactory, XComFactory, make_dag, make_run
from tests.faults.evidence import Call, Evidence, Mark, Process, read
from tests.faults.invariants import CHECKS, is_quiet, violations

T0 = datetime(2024, 1, 1, tzinfo=UTC)
TAG = "0123abcd-{pk}-{number}-aaaa"


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def sound() -> Evidence:
    """A DAG a >> b with catchup and two scheduled runs; a of the first run failed once."""
    document = {"catchup": True, "tasks": [{"task_id": "a"}, {"task_id": "b", "upstream_task_ids": ["a"]}]}
    rows: dict[str, list[dict[str, Any]]] = {
        "dag": [{
            "dag_id": "d", "max_active_tasks": 1, "max_active_runs": 1, "next_dagrun": T0 + timedelta(days=2),
            "next_dagrun_create_after": T0 + timedelta(days=3),
        }],
        "dagversion": [{"id": 1, "document": json.dumps(document)}],
        "pool": [{"name": "p", "slots": 1}],
        "dagrun": [], "taskinstance": [], "taskinstancehistory": [], "xcom": [], "eventlog": [], "job": [],
        "trigger": [],
    }  # fmt: skip
    marks, logs = [], {}
    clock = 0.0
    for day in (0, 1):
        run_id = f"r{day}"
        rows["dagrun"].append({
            "id": day, "dag_id": "d", "run_id": run_id, "run_type": "scheduled", "state": "success",
            "logical_date": T0 + timedelta(days=day), "data_interval_start": T0 + timedelta(days=day),
            "data_interval_end": T0 + timedelta(days=day + 1), "start_date": at(clock), "end_date": at(clock + 10),
            "dag_version_id": 1, "backfill_id": None,
        })  # fmt: skip
        for task_id in ("a", "b"):
            pk = len(rows["taskinstance"]) + 1
            tries = 2 if (task_id, day) == ("a", 0) else 1
            for number in range(1, tries + 1):
                is_last = number == tries
                clock += 1
                common = {
                    "try_number": number, "max_tries": 1, "queued_at": at(clock), "start_date": at(clock),
                    "end_date": at(clock + 0.5), "duration": 0.5, "state": "success" if is_last else "failed",
                    "reason": "" if is_last else "RuntimeError: as asked", "pool": "p", "pool_slots": 1,
                    "operator": "PythonOperator",
                }  # fmt: skip
                if is_last:
                    rows["taskinstance"].append({
                        "id": pk, "dag_id": "d", "run_id": day, "task_id": task_id, "map_index": -1, "claim": None,
                        **common,
                    })  # fmt: skip
                    rows["xcom"].append(
                        {"id": pk, "task_instance_id": pk, "key": "return_value", "value": f"[{number}, {100 + pk}]"}
                    )
                else:
                    rows["taskinstancehistory"].append({"id": pk, "task_instance_id": pk, **common})
                tag = TAG.format(pk=pk, number=number)
                marks.append(Mark("start", "d", run_id, task_id, -1, number, 100 + pk, clock, tag))
                if is_last:
                    marks.append(Mark("end", "d", run_id, task_id, -1, number, 100 + pk, clock + 0.5, tag))
                logs["d", run_id, task_id, -1, number] = (
                    "::group::Before the task\nIt runs in process 1\n"
                    f"Task exited with return code {0 if is_last else 1}\n"
                )
                for event in ("running", common["state"]):
                    rows["eventlog"].append({
                        "event": event, "when": at(clock), "owner": "airflow", "dag_id": "d", "run_id": run_id,
                        "task_id": task_id, "map_index": -1, "try_number": number,
                    })  # fmt: skip
    return Evidence(rows=rows, marks=marks, logs=logs, calls=[Call("d", "r0", 200)])


def change(table: str, index: int, **columns: Any) -> Callable[[Evidence], Evidence]:
    """The evidence with a row changed."""

    def seed(evidence: Evidence) -> Evidence:
        rows = {name: [dict(row) for row in found] for name, found in evidence.rows.items()}
        rows[table][index].update(columns)
        return dataclasses.replace(evidence, rows=rows)

    return seed


def double(table: str, **columns: Any) -> Callable[[Evidence], Evidence]:
    """The evidence with the last row of a table twice; the second has these columns."""

    def seed(evidence: Evidence) -> Evidence:
        rows = {**evidence.rows, table: [*evidence.rows[table], {**evidence.rows[table][-1], **columns}]}
        return dataclasses.replace(evidence, rows=rows)

    return seed


def mark(word: str, task_id: str, number: int, clock: float) -> Callable[[Evidence], Evidence]:
    """The evidence with a further mark of the second run."""

    def seed(evidence: Evidence) -> Evidence:
        marks = sorted(
            [*evidence.marks, Mark(word, "d", "r1", task_id, -1, number, 1, clock, "-")], key=lambda each: each.at
        )
        return dataclasses.replace(evidence, marks=marks)

    return seed


def replace(**fields: Any) -> Callable[[Evidence], Evidence]:
    """The evidence with other fields."""
    return lambda evidence: dataclasses.replace(evidence, **fields)


def without_last_mark(evidence: Evidence) -> Evidence:
    """The evidence without the last end."""
    return dataclasses.replace(evidence, marks=list(evidence.marks)[:-1])


def without_history(evidence: Evidence) -> Evidence:
    """The evidence without earlier tries."""
    return dataclasses.replace(evidence, rows={**evidence.rows, "taskinstancehistory": []})


def with_mixed_logs(evidence: Evidence) -> Evidence:
    """The evidence with logs that two processes wrote."""
    return dataclasses.replace(evidence, logs={key: text * 2 for key, text in evidence.logs.items()})


def without_log(evidence: Evidence) -> Evidence:
    """The evidence without the first log."""
    return dataclasses.replace(evidence, logs=dict(list(evidence.logs.items())[1:]))


def several(*seeds: Callable[[Evidence], Evidence]) -> Callable[[Evidence], Evidence]:
    """One seed after the other."""
    return lambda evidence: functools.reduce(lambda found, seed: seed(found), seeds, evidence)


#: What is seeded, the invariants that it breaks, and how.
SEEDS: list[tuple[str, str, Callable[[Evidence], Evidence]]] = [
    ("a try starts twice", "I01", mark("start", "b", 1, 5.2)),
    ("an old try goes on", "I01 I02", several(mark("start", "b", 2, 8), mark("end", "b", 1, 9))),
    ("another try started than succeeded", "I02", mark("start", "b", 2, 9)),
    ("more tries than are allowed", "I02", change("taskinstance", 0, max_tries=0)),
    ("a success without an end", "I03 I13", without_last_mark),
    ("a failure after an end", "I03 I13", change("taskinstance", -1, state="failed", reason="ValueError")),
    ("a waiting instance in an ended run", "I04", change("taskinstance", -1, state="scheduled")),
    ("a running run that is over", "I04", change("dagrun", 1, state="running", end_date=None)),
    ("an instance of no run", "I04", change("taskinstance", -1, run_id=77)),
    (
        "two tasks in one slot", "I05",
        several(double("taskinstance", id=9, task_id="c"), mark("start", "c", 1, 5.2), mark("end", "c", 1, 5.4)),
    ),
    ("too many slots taken", "I05", double("taskinstance", id=9, task_id="c", state="queued", pool_slots=2)),
    ("too many runs", "I05", several(change("dagrun", 0, state="running"), change("dagrun", 1, state="running"))),
    ("a run twice", "I06", double("dagrun", id=7)),
    ("an instance twice", "I06", double("taskinstance", id=9)),
    ("a gap between runs", "I07", change("dagrun", 1, data_interval_start=T0 + timedelta(days=1, hours=1))),
    ("a next run that is past", "I07", change("dag", 0, next_dagrun=T0)),
    ("a try missing in the history", "I08", without_history),
    ("a history that waits", "I08", change("taskinstancehistory", 0, state="up_for_retry")),
    ("an end told twice", "I08", double("eventlog")),
    ("an event without an owner", "I08", change("eventlog", 0, owner=None)),
    ("a start before the end it waits for", "I09", change("taskinstance", 0, end_date=at(7))),
    ("a success after a failure", "I09", change("taskinstance", 2, state="upstream_failed")),
    ("an end before its start", "I10", change("taskinstance", 1, end_date=at(0))),
    ("a start before its queueing", "I10", change("taskinstance", 1, queued_at=at(99))),
    ("a negative duration", "I10", change("taskinstance", 1, duration=-0.1)),
    ("an end that is missing", "I10", change("taskinstance", 1, end_date=None)),
    ("an ended run without an end", "I10", change("dagrun", 0, end_date=None)),
    ("a process of an ended try", "I11", replace(processes=[Process(5, TAG.format(pk=1, number=1))])),
    ("a dead process", "I11", replace(processes=[Process(5, "")])),
    ("a missing log", "I12", without_log),
    ("logs mixed", "I12", with_mixed_logs),
    ("a value of another try", "I13", change("xcom", 0, value="[1, 101]")),
    ("a value of nobody", "I13", double("xcom", id=9, task_instance_id=99)),
    ("an answer without its run", "I14", replace(calls=[Call("d", "lost", 200)])),
    ("a refusal with a run", "I14", replace(calls=[Call("d", "r1", 409)])),
    ("a run made twice", "I14", replace(calls=[Call("d", "r1", 200), Call("d", "r1", 200)])),
    ("a transaction left open", "I15", replace(stuck=["idle in transaction for 99 s"])),
    ("a broken key", "I16", replace(damage=["dangling: 1 rows"])),
]  # fmt: skip


def test_sound_evidence_passes() -> None:
    assert violations(sound()) == []
    assert is_quiet(sound())


@pytest.mark.parametrize(("broken", "seed"), [pytest.param(*seed, id=name) for name, *seed in SEEDS])
def test_each_violation_is_found(broken: str, seed: Callable[[Evidence], Evidence]) -> None:
    told = violations(seed(sound()))
    assert set(broken.split()) <= {each[:3] for each in told}, told


def test_every_invariant_has_a_seed() -> None:
    assert set(CHECKS) - {"I17"} == {number for _, broken, _ in SEEDS for number in broken.split()}


def test_a_check_that_contradicts_itself_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([["odd"], []])
    monkeypatch.setitem(CHECKS, "I16", lambda evidence: next(answers))
    assert violations(sound(), only={"I17"}) == ["I17 the checks contradict themselves"]


@pytest.fixture
def url(settings: Any) -> str | None:
    """The tests' database as ``read`` wants it."""
    its = settings.DATABASES["default"]
    return (
        None
        if connection.vendor == "sqlite"
        else f"postgresql://{its['USER']}@{its['HOST']}:{its['PORT']}/{its['NAME']}"
    )


def home_of(tmp_path: Path) -> Path:
    """A home whose database is that of the tests."""
    if connection.vendor == "sqlite":
        (tmp_path / "airflowsite.db").symlink_to(connection.settings_dict["NAME"])
    return tmp_path


@pytest.mark.django_db(transaction=True)
def test_the_tables_are_read(tmp_path: Path, url: str | None) -> None:
    PoolFactory.create(name="default_pool")
    run = make_run(make_dag("a >> b"), {"a": TaskInstanceState.SUCCESS}, state="running")
    evidence = read(home_of(tmp_path), url)
    assert [row["state"] for row in evidence.rows["taskinstance"]] == ["success", ""]
    assert evidence.rows["dagrun"][0]["logical_date"] == run.logical_date
    assert not is_quiet(evidence)
    assert violations(evidence) == []


@pytest.mark.django_db(transaction=True)
def test_a_row_that_names_one_that_is_gone_is_found(tmp_path: Path, url: str | None) -> None:
    value = XComFactory.create(key="x")
    with connection.cursor() as cursor:
        off, on = {
            "sqlite": ("PRAGMA foreign_keys = OFF", "PRAGMA foreign_keys = ON"),
            "postgresql": ("SET session_replication_role = replica", "SET session_replication_role = DEFAULT"),
        }[connection.vendor]
        cursor.execute(off)
        cursor.execute("UPDATE orchestration_xcom SET task_instance_id = 987654 WHERE id = %s", [value.pk])
        cursor.execute(on)
    told = violations(read(home_of(tmp_path), url))
    assert {each[:3] for each in told} == {"I13", "I16"}, told
    value.delete()
