"""Rows' classes in queries that a DAG file writes down while it is imported."""

from __future__ import annotations

import pytest

from orchestration.authoring.connection import Connection
from orchestration.authoring.dagrun import DagRun
from orchestration.authoring.taskinstance import TaskInstance
from orchestration.authoring.variable import Variable
from orchestration.authoring.xcom import XCom


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (lambda: DagRun.external_trigger.is_(False), "DagRun.external_trigger.is_(False)"),
        (lambda: DagRun.execution_date.desc(), "DagRun.execution_date.desc()"),
        (lambda: DagRun.last_scheduling_decision, "DagRun.last_scheduling_decision"),
        (lambda: TaskInstance.state == "failed", "TaskInstance.state = 'failed'"),
        (lambda: TaskInstance.duration > 5, "TaskInstance.duration > 5"),
        (lambda: XCom.timestamp, "BaseXCom.timestamp"),
        (lambda: Variable.key.in_(["a"]), "Variable.key.in_(['a'])"),
        (lambda: Connection.conn_id, "Connection.conn_id"),
    ],
)
def test_a_class_has_columns(expression, text):
    assert repr(expression()) == text


def test_an_object_has_its_values():
    run = DagRun(dag_id="d", logical_date=5)
    assert (run.dag_id, run.external_trigger, run.execution_date, run.end_date) == ("d", False, 5, None)
    ti = TaskInstance(None, run_id="r", task_id="t")
    assert (ti.task_id, ti.state, ti.end_date, ti.duration) == ("t", None, None, None)
    assert (Variable("k", "v").val, Connection("c").id) == ("v", None)
    assert Connection("c", extra={"a": 1}).extra == '{"a": 1}'


def test_a_column_that_objects_do_not_have_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'DagRun' object has no attribute 'dag_hash'"):
        _ = DagRun().dag_hash
    assert not hasattr(TaskInstance(None), "trigger_id")


def test_a_class_is_named_as_airflow_names_it():
    """Maintenance DAGs name their tasks after the tables that they clean."""
    assert [cls.__name__ for cls in (DagRun, TaskInstance, XCom)] == ["DagRun", "TaskInstance", "BaseXCom"]
