"""Why a task instance does not run, beside what ``tests/api_v1/test_task_instances`` asks through the API."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from orchestration.scheduling.unmet import unmet
from tests.factories import make_dag, make_run, serialized

pytestmark = pytest.mark.django_db


def names(run, task_id: str = "a") -> list[str]:
    return [each.name for each in unmet(run.task_instances.select_related("run").get(task_id=task_id))]


def test_a_backfill_minds_its_dag_s_switch_as_little_as_the_scheduler_does():
    dag = make_dag("a", is_paused=True)
    assert names(make_run(dag, {"a": "scheduled"}, state="running", run_type="backfill")) == []
    assert names(make_run(dag, {"a": "scheduled"}, state="running")) == ["Dag Not Paused"]


def test_dates_outside_those_of_task_and_dag_are_named_each():
    day = timezone.now() - timedelta(days=10)
    task = {"start_date": day + timedelta(days=1)}
    dag = make_dag(serialized("a", tasks={"a": task}, end_date=day - timedelta(days=1)))
    run = make_run(dag, {"a": "scheduled"}, state="running", run_type="backfill", logical_date=day)
    found = unmet(run.task_instances.select_related("run").get())
    assert [each.name for each in found] == ["Execution Date", "Execution Date"]
    assert found[0].reason.startswith("The DAG ends on")
    assert found[1].reason.startswith("The task starts on")


def test_a_run_ahead_of_time_is_kept_by_its_date():
    dag = make_dag("a")
    run = make_run(dag, {"a": "scheduled"}, state="running", logical_date=timezone.now() + timedelta(days=1))
    assert names(run) == ["Execution Date"]


def test_a_dag_that_was_put_aside_says_so():
    dag = make_dag("a", put_aside_reason="its graph has a cycle")
    run = make_run(dag, {"a": "scheduled"}, state="running")
    found = unmet(run.task_instances.select_related("run").get())
    assert [each.name for each in found] == ["Dag Schedulable"]
    assert "its graph has a cycle" in found[0].reason


def test_a_task_that_is_gone_from_the_dag_is_kept_by_nothing():
    run = make_run(make_dag("a"), {"a": "scheduled"}, state="queued")
    run.task_instances.update(task_id="gone")
    assert names(run, "gone") == []


def test_a_mapped_task_waits_until_its_number_is_known():
    tasks = {"b": {"is_mapped": True}}
    run = make_run(make_dag(serialized("a >> b", tasks=tasks)), {"a": "success", "b": "scheduled"}, state="running")
    assert "Task has been mapped" in names(run, "b")
    run.task_instances.filter(task_id="b").update(map_index=0)
    assert "Task has been mapped" not in names(run, "b")
