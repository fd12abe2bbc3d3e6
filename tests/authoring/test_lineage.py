"""Lineage: what tasks read and write, as XComs under the reference's keys and names."""

from __future__ import annotations

from typing import Any

import pytest

from orchestration.authoring import alias, serde
from orchestration.authoring.lineage import Column, File, Table, Tag, User

alias.install()


class _Instance:
    """The task instance of a context, its XComs in memory."""

    def __init__(self, left: dict[str, list[Any]] | None = None) -> None:
        self.left = left or {}
        self.pushed: dict[str, Any] = {}

    def xcom_push(self, key: str, value: Any) -> None:
        self.pushed[key] = value

    def xcom_pull(self, task_ids: Any, dag_id: str, key: str) -> list[Any]:
        assert (dag_id, key) == ("d", "pipeline_outlets")
        return [self.left[task_id] for task_id in task_ids if task_id in self.left]


def run(task: Any, instance: _Instance) -> dict[str, Any]:
    context = {"ti": instance, "ds": "2024-01-01"}
    task.pre_execute(context)
    task.post_execute(context, None)
    return instance.pushed


@pytest.fixture
def dag() -> Any:
    from datetime import UTC, datetime

    from airflow import DAG

    return DAG("d", schedule=None, start_date=datetime(2024, 1, 1, tzinfo=UTC))


def operator(dag: Any, task_id: str, **settings: Any) -> Any:
    from airflow.operators.empty import EmptyOperator

    return EmptyOperator(task_id=task_id, dag=dag, **settings)


def test_inlets_and_outlets_are_left_with_their_templates_rendered(dag: Any) -> None:
    task = operator(dag, "a", inlets=[File(url="/in")], outlets=[File(url="/out/{{ ds }}")])
    assert run(task, _Instance()) == {
        "pipeline_inlets": [File(url="/in")],
        "pipeline_outlets": [File(url="/out/2024-01-01")],
    }


def test_a_task_without_them_leaves_nothing(dag: Any) -> None:
    assert run(operator(dag, "a"), _Instance()) == {}


@pytest.mark.parametrize("inlets", ["auto", ["AUTO"], ["up"]])
def test_inlets_may_be_what_tasks_upstream_wrote(dag: Any, inlets: Any) -> None:
    task = operator(dag, "down", inlets=inlets)
    operator(dag, "up") >> task
    left = {"up": [File(url="/x")], "elsewhere": [File(url="/y")]}
    assert run(task, _Instance(left)) == {"pipeline_inlets": [File(url="/x")]}


def test_a_task_that_is_not_upstream_is_not_asked(dag: Any) -> None:
    task = operator(dag, "down", inlets=["elsewhere"])
    operator(dag, "elsewhere")
    assert run(task, _Instance({"elsewhere": [File(url="/y")]})) == {}


def test_entities_are_stored_under_the_names_that_dag_files_know() -> None:
    entities = [
        File(url="/x"),
        User(email="a@example.com"),
        Tag(tag_name="t"),
        Column(name="c", data_type="int"),
        Table(database="d", cluster="c", name="n"),
    ]
    text = serde.dumps(entities)
    assert "orchestration" not in text
    assert text.count("airflow.lineage.entities.") == len(entities)
    assert serde.loads(text) == entities
