"""Tasks of DAGs, and the links of their instances."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.api_v1.conftest import Api, path_of
from tests.factories import XComFactory, make_dag, make_run, serialized

MEMBERS = {
    "task_id", "task_display_name", "owner", "start_date", "end_date", "trigger_rule", "extra_links", "depends_on_past",
    "wait_for_downstream", "retries", "queue", "executor", "pool", "pool_slots", "execution_timeout", "retry_delay",
    "retry_exponential_backoff", "priority_weight", "weight_rule", "ui_color", "ui_fgcolor", "template_fields",
    "downstream_task_ids", "params", "class_ref", "is_mapped", "operator_name", "doc_md",
}  # fmt: skip


def test_a_task_is_answered_with_every_member_of_the_reference(api: Api) -> None:
    make_dag("a >> b", dag_id="d1")
    row = api.get("/dags/d1/tasks/a").json
    assert set(row) >= MEMBERS
    assert (row["task_id"], row["downstream_task_ids"], row["is_mapped"]) == ("a", ["b"], False)
    assert api.get("/dags/d1/tasks/nope").title == "Task not found"
    assert api.get("/dags/nowhere/tasks/a").title == "DAG not found"


@pytest.mark.parametrize(
    ("order", "expected"),
    [(None, "a b c"), ("task_id", "a b c"), ("-task_id", "c b a"), ("retries", "c b a"), ("-retries", "a c b")],
)
def test_tasks_are_listed_in_order(api: Api, order, expected) -> None:
    make_dag(serialized("c >> b >> a", dag_id="d1", tasks={"a": {"retries": 2}}))
    answer = api.get("/dags/d1/tasks", **({"order_by": order} if order else {}))
    assert [row["task_id"] for row in answer.json["tasks"]] == expected.split()
    assert answer.json["total_entries"] == 3


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("owner", "c a b"),
        ("-owner", "c a b"),
        ("dag", "c a b"),
        ("-dag_id", "c a b"),
        ("do_xcom_push", "c a b"),
        ("-node_id", "c b a"),
        ("_task_type", "c a b"),
        ("template_fields", "a c b"),
        ("-template_fields", "b c a"),
    ],
)
def test_equal_tasks_keep_the_dag_s_order(api: Api, order: str, expected: str) -> None:
    fields = {"b": {"template_fields": ("env", "bash")}, "c": {"template_fields": ("bash", "env")}}
    make_dag(serialized("c, a, b", dag_id="d1", tasks=fields))
    assert [row["task_id"] for row in api.get("/dags/d1/tasks", order_by=order).json["tasks"]] == expected.split()


@pytest.mark.parametrize("order", ["nope", "__class__", "class_ref", "sub_dag", "", "is_mapped", "group_id", "module"])
def test_other_orders_are_refused(api: Api, order: str) -> None:
    make_dag("a", dag_id="d1")
    assert api.get("/dags/d1/tasks", order_by=order).status == 400


def test_a_link_leads_to_the_run_that_was_triggered(api: Api) -> None:
    task = {
        "extra_links": ("Triggered DAG",),
        "extra_link_specs": {"Triggered DAG": {"kind": "trigger_dag_run"}},
        "external_dag": {"kind": "trigger", "dag_id": "other dag"},
    }
    run = make_run(make_dag(serialized("a", dag_id="d1", tasks={"a": task})), run_id="r")
    path = f"{path_of(run)}/taskInstances/a/links"
    assert api.get(path).json == {"Triggered DAG": "/dags/other%20dag/grid"}
    XComFactory(task_instance=run.task_instances.get(), key="trigger_run_id", value="their run")
    assert api.get(path).json == {"Triggered DAG": "/dags/other%20dag/grid?dag_run_id=their+run"}


def test_a_link_leads_to_the_dag_that_is_waited_for(api: Api) -> None:
    task = {
        "extra_links": ("External DAG",),
        "extra_link_specs": {"External DAG": {"kind": "external_task"}},
        "external_dag": {"kind": "sensor", "dag_id": "other", "task_id": "x"},
    }
    dag = make_dag(serialized("a", dag_id="d1", tasks={"a": task}))
    run = make_run(dag, run_id="r", logical_date=datetime(2024, 1, 1, tzinfo=UTC))
    assert api.get(f"{path_of(run)}/taskInstances/a/links").json == {
        "External DAG": "/dags/other/grid?execution_date=2024-01-01T00%3A00%3A00%2B00%3A00"
    }


def test_what_has_no_links_answers_none(api: Api) -> None:
    run = make_run(make_dag("a", dag_id="d1"), run_id="r")
    assert api.get(f"{path_of(run)}/taskInstances/a/links").json == {}
    for path, title in (
        ("/dags/nowhere/dagRuns/r/taskInstances/a/links", "DAG not found"),
        ("/dags/d1/dagRuns/r/taskInstances/nope/links", "Task not found"),
        ("/dags/d1/dagRuns/nope/taskInstances/a/links", "DAG Run not found"),
    ):
        answer = api.get(path)
        assert (answer.status, answer.title) == (404, title)
