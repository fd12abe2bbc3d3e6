"""From the document to values: nothing is lost, and a damaged document is refused as a whole."""

from __future__ import annotations

import copy
import dataclasses
import json
import time
from datetime import UTC, datetime, timedelta

import pytest

from orchestration.authoring.dag import DAG
from orchestration.authoring.datasets import Dataset
from orchestration.authoring.decorators import task, task_group
from orchestration.authoring.operators.bash import BashOperator
from orchestration.authoring.operators.empty import EmptyOperator
from orchestration.authoring.task_group import TaskGroup
from orchestration.serialization.decode import DocumentError, dag_hash, decode_dag
from orchestration.serialization.encode import encode_dag
from orchestration.serialization.values import (
    ConcatLength,
    Expansion,
    LiteralLength,
    SerializedDag,
    SerializedTask,
    XComLength,
    ZipLength,
)


@pytest.fixture(scope="module")
def document():
    with DAG("d", schedule="@daily", start_date=datetime(2024, 1, 1, tzinfo=UTC), tags=["x"]) as dag:

        @task
        def source():
            return []

        @task
        def use(x, y=None): ...

        @task_group
        def group(a):
            use(a)

        s = source()
        (
            BashOperator(task_id="bash", bash_command="{{ ds }}", retries=2, execution_timeout=timedelta(seconds=5))
            >> s.operator
        )
        use.expand(x=s.zip(s.map(str), fillvalue=1), y=s.concat(s))
        group.expand(a=[1, 2])
        with TaskGroup("g"):
            EmptyOperator(task_id="e", outlets=[Dataset("s3://o")])
    return json.loads(json.dumps(encode_dag(dag)))


def test_it_gives_frozen_values(document):
    dag = decode_dag(document)
    assert isinstance(dag, SerializedDag)
    assert list(dag.tasks) == ["bash", "source", "use", "group.use", "g.e"]
    bash = dag.tasks["bash"]
    assert isinstance(bash, SerializedTask)
    assert (bash.retries, bash.execution_timeout_seconds, bash.downstream_task_ids) == (2, 5.0, frozenset({"source"}))
    assert bash.start_date == datetime(2024, 1, 1, tzinfo=UTC)
    assert dag.start_date == datetime(2024, 1, 1, tzinfo=UTC)
    assert dag.tags == ("x",)
    assert dag.roots == ("bash", "group.use", "g.e")
    assert dag.mapped_groups("group.use")[0].expansion == Expansion("product", {"a": LiteralLength(2)})
    assert [group.group_id for group in dag.enclosing_groups("g.e")] == ["g"]
    found = XComLength("source", "return_value")
    assert dag.tasks["use"].expansion == Expansion(
        "product", {"x": ZipLength((found, found), True), "y": ConcatLength((found, found))}
    )
    assert dag.tasks["g.e"].outlets == ({"type": "dataset", "uri": "s3://o/", "extra": None},)
    with pytest.raises(dataclasses.FrozenInstanceError):
        bash.retries = 3


def test_every_field_has_its_default_where_the_document_is_silent(document):
    found = decode_dag(document).tasks["bash"]
    built = SerializedTask(
        task_id="bash", task_type="BashOperator", module="m", operator_name="o", task_display_name="d", label="l"
    )
    assert set(vars(found)) == {field.name for field in dataclasses.fields(SerializedTask)}
    for name in (
        "pool",
        "queue",
        "trigger_rule",
        "priority_weight",
        "params",
        "inlets",
        "expansion",
        "upstream_task_ids",
    ):
        assert getattr(found, name) == getattr(built, name)


def test_defaults_are_not_shared_between_tasks(document):
    dag = decode_dag(document)
    assert dag.tasks["bash"].params is not dag.tasks["source"].params


def damaged(document, change):
    broken = copy.deepcopy(document)
    change(broken)
    return broken


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.pop("format"),
        lambda d: d.pop("dag_id"),
        lambda d: d.pop("timetable"),
        lambda d: d.pop("tasks"),
        lambda d: d.update(format=99),
        lambda d: d.update(tasks={}) or d.update(tasks=5),
        lambda d: d.update(tasks=[5]),
        lambda d: d.update(catchup="yes"),
        lambda d: d.update(max_active_tasks=True),
        lambda d: d.update(max_active_runs="5"),
        lambda d: d.update(start_date="soon"),
        lambda d: d.update(start_date="2024-01-01T00:00:00"),
        lambda d: d.update(tags="x"),
        lambda d: d.update(access_control={"r": ["can_read"]}),
        lambda d: d["tasks"][0].pop("task_id"),
        lambda d: d["tasks"][0].pop("module"),
        lambda d: d["tasks"][0].update(retries="many"),
        lambda d: d["tasks"][0].update(retries=None),
        lambda d: d["tasks"][0].update(upstream_task_ids=["nobody"]),
        lambda d: d["tasks"][0].update(upstream_task_ids=[5]),
        lambda d: d["tasks"][0].update(group_id="nowhere"),
        lambda d: d["tasks"][2].update(expansion={"kind": "other", "lengths": {}}),
        lambda d: d["tasks"][2].update(expansion={"kind": "list"}),
        lambda d: d["tasks"][2]["expansion"]["lengths"].update(x={"type": "odd"}),
        lambda d: d["tasks"][2]["expansion"]["lengths"].update(x={"type": "xcom"}),
        lambda d: d["tasks"][0].update(start_trigger={"trigger_cls": "x"}),
        lambda d: d["tasks"][0].update(params=[]),
        lambda d: d["groups"].pop(0),
        lambda d: d["groups"][1].update(parent_group_id="nowhere"),
        lambda d: d["groups"][1].update(children=[["task"]]),
        lambda d: d["groups"][1].update(children=[["thing", "x"]]),
        lambda d: d.update(groups=None),
    ],
)
def test_a_damaged_document_is_refused_with_one_kind_of_error(document, change):
    with pytest.raises(DocumentError, match=r"The document of DAG .* cannot be read: .+ Parse its file again\."):
        decode_dag(damaged(document, change))


@pytest.mark.parametrize("value", [None, [], "text", 5, {}])
def test_what_is_no_document_is_refused(value):
    with pytest.raises(DocumentError):
        decode_dag(value)


def test_a_document_with_unknown_fields_can_be_read(document):
    assert decode_dag({**document, "later": 1}).dag_id == "d"


def test_the_hash_says_whether_the_dag_changed(document):
    same = {**document, "fileloc": "/elsewhere.py", "template_searchpath": ["/x"]}
    assert dag_hash(same) == dag_hash(document)
    assert dag_hash(dict(reversed(document.items()))) == dag_hash(document)
    assert dag_hash({**document, "catchup": False}) != dag_hash(document)
    assert dag_hash(damaged(document, lambda d: d["tasks"][0].update(retries=9))) != dag_hash(document)
    assert len(dag_hash(document)) == 32


def test_ten_thousand_tasks_are_quick(document):
    tasks = [{**document["tasks"][0], "task_id": f"t{number}", "downstream_task_ids": []} for number in range(10_000)]
    big = {**document, "tasks": tasks}
    started = time.perf_counter()
    decode_dag(big)
    assert time.perf_counter() - started < 3
