"""Clearing and marking, case by case as Airflow 2.10.5 did it (``reference/record_verbs.py``)."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from orchestration.authoring.timetables import create_timetable, encode
from orchestration.models import Dag, DagRun, TaskInstance, TaskInstanceHistory
from orchestration.serialization.values import SerializedDag
from orchestration.services.clearing_scope import subset
from tests.api_v1.conftest import Answer, Api, api, people  # noqa: F401 the verbs are asked for through the API
from tests.factories import DagRunFactory, make_dag, serialized

RECORDED = json.loads((Path(__file__).parent / "reference" / "verbs.json").read_text())
OLD = datetime(2024, 1, 1, tzinfo=UTC)
STATES = ["success", "failed", "upstream_failed", "skipped", "", "running", "queued", "up_for_retry", "deferred"]
ENDED = ("success", "failed", "skipped", "upstream_failed", "up_for_retry")


def build(name: str) -> SerializedDag:
    schedule, edges, setups, teardowns, retries = RECORDED["dags"][name]
    tasks: dict[str, dict[str, Any]] = {task: {"retries": number} for task, number in retries.items()}
    for task in setups.split():
        tasks.setdefault(task, {})["is_setup"] = True
    for task in teardowns.split():
        tasks.setdefault(task, {})["is_teardown"] = True
    return serialized(edges, dag_id=name, tasks=tasks, timetable=encode(create_timetable(schedule, UTC)))


def fill(dag: Dag, shape: SerializedDag, shift: int) -> None:
    """Three runs on three days, as the recorder made them."""
    rows = []
    for number in range(3):
        date = OLD + timedelta(days=number, hours=5 if number == 1 and shift % 2 else 0)
        state = ("success", "failed", "running")[(number + shift) % 3]
        run = DagRunFactory(
            dag=dag, run_id=f"r{number}", state=state, logical_date=date, start_date=OLD, queued_at=OLD,
            end_date=None if state == "running" else OLD, last_scheduling_decision=OLD,
        )  # fmt: skip
        for place, task_id in enumerate(sorted(shape.tasks)):
            ti = TaskInstance.of(run, shape.tasks[task_id])
            ti.state = STATES[(place * 2 + number * 3 + shift) % len(STATES)]
            ti.try_number = 0 if ti.state == "" else 1 + place % 2
            ti.start_date = None if ti.state in ("", "queued") else OLD
            ti.end_date = OLD if ti.state in ENDED else None
            ti.duration = 5.0 if ti.end_date else None
            rows.append(ti)
    TaskInstance.objects.bulk_create(rows)


def when(moment: datetime | None) -> str:
    return "none" if moment is None else "old" if moment < OLD + timedelta(days=300) else "now"


def shown() -> dict[str, Any]:
    runs = {
        run.run_id: [
            run.state, when(run.start_date), when(run.end_date), when(run.queued_at), run.clear_number,
            when(run.last_scheduling_decision), run.logical_date.isoformat(),
        ]
        for run in DagRun.objects.all()
    }  # fmt: skip
    instances = {
        f"{ti.run.run_id}.{ti.task_id}": [
            ti.state or None, ti.try_number, ti.max_tries, when(ti.start_date), when(ti.end_date),
        ]
        for ti in TaskInstance.objects.select_related("run")
    }  # fmt: skip
    history = sorted(
        [h.task_instance.run.run_id, h.task_instance.task_id, h.try_number, h.state]
        for h in TaskInstanceHistory.objects.select_related("task_instance__run")
    )
    return {"runs": runs, "instances": instances, "history": history}


def _groups() -> dict[tuple[str, str], list[tuple[int, dict[str, Any]]]]:
    """The cases of each DAG and verb, with their numbers within the DAG."""
    found: dict[tuple[str, str], list[tuple[int, dict[str, Any]]]] = {}
    number: dict[str, int] = {}
    for case in RECORDED["cases"]:
        name = case["dag"]
        number[name] = number.get(name, -1) + 1
        verb = case["path"].rpartition("/")[2]
        verb = f"mark {'run' if verb == 'r1' else 'task'}" if case["method"] == "PATCH" else verb
        found.setdefault((name, verb), []).append((number[name], case))
    return found


GROUPS = _groups()


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: " ".join(group))
def test_a_verb_leaves_what_the_reference_leaves(api: Api, group: tuple[str, str]) -> None:  # noqa: F811
    shape = build(group[0])
    dag = make_dag(shape, is_paused=True)
    wrong = []
    for shift, case in GROUPS[group]:
        with transaction.atomic():
            fill(dag, shape, shift)
            before = shown()
            answer = api.send(case["method"], case["path"], case["body"])
            after = shown()
            transaction.set_rollback(True)
        problem = _difference(case, before, answer, after)
        if problem:
            wrong.append((case["path"], case["body"], problem))
    assert not wrong, f"{len(wrong)} of {len(GROUPS[group])}, first: {wrong[0]}"


def _difference(case: dict[str, Any], before: dict[str, Any], answer: Answer, after: dict[str, Any]) -> str:
    if answer.status != case["status"]:
        return f"answered {answer}"
    named = answer.json.get("task_instances")
    named = None if named is None else sorted(f"{each['dag_run_id']}.{each['task_id']}" for each in named)
    if named != case["named"]:
        return f"named {named}, not {case['named']}"
    expected = dict(case["after"]["instances"])
    for name, values in before["instances"].items():
        # the reference forgets to stop what runs when it is cleared; here it is restarted
        if values[0] == "running" and name in (named or ()) and "clear" in case["path"]:
            expected[name] = ["restarting", *values[1:]]
    for name, values in expected.items():
        if values[0] == "restarting":
            expected[name] = [*values[:4], "none"]  # and has not ended while it does
    for kind, wanted in (("runs", case["after"]["runs"]), ("instances", expected)):
        changed = {key: value for key, value in after[kind].items() if value != before[kind].get(key)}
        if changed != wanted:
            odd = {key for key in {*changed, *wanted} if changed.get(key) != wanted.get(key)}
            return "; ".join(
                f"{key} {before[kind].get(key)} → {changed.get(key)}, not {wanted.get(key)}" for key in odd
            )
    history = case["after"]["history"]
    return "" if after["history"] == history else f"history {after['history']}, not {history}"


@pytest.mark.parametrize("name", RECORDED["dags"])
def test_a_task_takes_along_what_the_reference_takes_along(name: str) -> None:
    dag = build(name)
    for key, expected in RECORDED["subsets"][name].items():
        task, flags = key.split(" ")
        found = subset(dag, [task], include_upstream="u" in flags, include_downstream="d" in flags)
        assert sorted(found) == expected, key
