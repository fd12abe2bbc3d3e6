"""The context of a running task: its names, what is found late, what is deprecated."""

from __future__ import annotations

import copy
import pickle
import warnings
from datetime import UTC, datetime, timedelta

import pendulum
import pytest

from orchestration.authoring.baseoperator import BaseOperator
from orchestration.authoring.context import (
    DEPRECATED_KEYS,
    KNOWN_CONTEXT_KEYS,
    AirflowContextDeprecationWarning,
    Context,
    build,
    context_copy_partial,
    executing_task,
    get_current_context,
    set_current_context,
)
from orchestration.authoring.dag import DAG
from orchestration.authoring.exceptions import AirflowException, ParamValidationError
from orchestration.authoring.operators.bash import BashOperator
from orchestration.authoring.operators.empty import EmptyOperator
from orchestration.authoring.params import Param
from orchestration.conf import conf
from tests.authoring.memory import instance_value, run_value, start

DAY = "2024-03-05T10:00:00+00:00"
#: Given by the runner or by operators, not by the task instance.
ADDED_LATER = {"exception", "reason", "templates_dict", "try_number"}


def context_of(dag, task_id="t", **run):
    return build(start(task_id, run=run_value(**run)), dag, dag.get_task(task_id))


@pytest.fixture
def daily():
    with DAG("d", schedule="@daily", start_date=datetime(2024, 1, 1, tzinfo=UTC), params={"p": 1}) as dag:
        EmptyOperator(task_id="t")
    return dag


SCHEDULED = {
    "run_type": "scheduled",
    "external_trigger": False,
    "logical_date": "2024-03-05T00:00:00+00:00",
    "data_interval_start": "2024-03-05T00:00:00+00:00",
    "data_interval_end": "2024-03-06T00:00:00+00:00",
}


def test_it_has_every_name_that_airflow_knows(daily, port):
    assert set(context_of(daily)) == KNOWN_CONTEXT_KEYS - ADDED_LATER


@pytest.mark.filterwarnings("ignore")
def test_the_values_of_a_scheduled_run(daily, port):
    context = context_of(daily, **SCHEDULED)
    moment = pendulum.datetime(2024, 3, 5)
    expected = {
        "ds": "2024-03-05", "ds_nodash": "20240305", "ts": "2024-03-05T00:00:00+00:00",
        "ts_nodash": "20240305T000000", "ts_nodash_with_tz": "20240305T000000+0000", "logical_date": moment,
        "execution_date": moment, "data_interval_start": moment, "data_interval_end": moment.add(days=1),
        "next_execution_date": moment.add(days=1), "next_ds": "2024-03-06", "next_ds_nodash": "20240306",
        "prev_execution_date": moment.subtract(days=1), "prev_ds": "2024-03-04", "prev_ds_nodash": "20240304",
        "tomorrow_ds": "2024-03-06", "tomorrow_ds_nodash": "20240306", "yesterday_ds": "2024-03-04",
        "yesterday_ds_nodash": "20240304", "run_id": "r", "params": {"p": 1}, "expanded_ti_count": None,
        "task_instance_key_str": "d__t__20240305", "test_mode": False, "map_index_template": None, "inlets": [],
        "outlets": [],
    }  # fmt: skip
    assert {name: context[name] for name in expected} == expected
    assert context["conf"] is conf
    assert context["macros"].ds_add("2024-03-05", 1) == "2024-03-06"
    assert context["ti"] is context["task_instance"]
    assert isinstance(context["logical_date"], pendulum.DateTime)


@pytest.mark.filterwarnings("ignore")
def test_a_triggered_run_has_its_own_date_before_and_after(daily, port):
    context = context_of(daily, logical_date=DAY)
    assert context["next_ds"] == context["prev_ds"] == "2024-03-05"


def test_nothing_is_asked_until_it_is_needed(daily, port):
    port.runs = [run_value("before", "2024-03-01T00:00:00+00:00", state="success", start_date=DAY)]
    context = context_of(daily)
    assert not port.asked
    assert context["prev_start_date_success"] == pendulum.parse(DAY)
    assert context["prev_data_interval_start_success"] == pendulum.datetime(2024, 3, 1)
    assert context["prev_end_date_success"] is None
    assert port.asked == {"get_dag_runs": 1}


@pytest.mark.filterwarnings("ignore")
def test_the_date_of_the_last_success_needs_the_task_in_that_run(daily, port):
    port.runs = [run_value("before", "2024-03-01T00:00:00+00:00", state="success")]
    assert context_of(daily)["prev_execution_date_success"] is None
    port.instances = [instance_value("t", run_id="before")]
    assert context_of(daily)["prev_execution_date_success"] == pendulum.datetime(2024, 3, 1)


@pytest.mark.parametrize("name", sorted(DEPRECATED_KEYS))
def test_a_deprecated_name_warns_each_time_it_is_read(daily, port, name):
    context = context_of(daily)
    with pytest.warns(AirflowContextDeprecationWarning, match=name):
        context[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert name in context
        context.items()
        context[name] = 1
        assert context[name] == 1


def test_unpacking_finds_what_may_be_none_and_delays_what_is_deprecated(daily, port):
    context = context_of(daily)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        unpacked = context.for_unpacking()
    assert unpacked["prev_start_date_success"] is None
    with pytest.warns(AirflowContextDeprecationWarning):
        assert unpacked["prev_ds"] == "2024-03-05"
    with pytest.warns(AirflowContextDeprecationWarning):
        assert unpacked["next_execution_date"] + timedelta(days=1) == pendulum.parse("2024-03-06T10:00:00")


def test_a_task_sees_what_a_run_says_over_what_the_task_and_the_dag_say(port):
    with DAG("d", schedule=None, params={"a": 1, "b": Param(2, type="integer"), "c": 3}) as dag:
        EmptyOperator(task_id="t", params={"c": 4, "d": 5})
    assert context_of(dag, conf={"b": 7, "x": 8})["params"] == {"a": 1, "b": 7, "c": 4, "d": 5, "x": 8}
    assert dag.params["b"] == 2


def test_invalid_params_are_refused_when_asked(port):
    with DAG("d", schedule=None, params={"b": Param(type="integer")}) as dag:
        EmptyOperator(task_id="t")
    context = context_of(dag)
    assert context["params"] == {"b": None}
    with pytest.raises(ParamValidationError):
        context["ti"].get_template_context(ignore_param_exceptions=False)


def test_templates_reach_variables_connections_and_macros(port):
    port.variables = {"v": "text", "j": '{"k": [1]}'}
    port.connections = {
        "c": {
            "conn_id": "c", "conn_type": "http", "description": None, "host": "h", "schema": None, "login": "l",
            "password": "p", "port": 80, "extra": None,
        }
    }  # fmt: skip
    template = (
        "{{ var.value.v }} {{ var.json.j.k[0] }} {{ var.value.get('no', 'default') }} {{ conn.c.host }} "
        "{{ conn.get('no', 'none') }} {{ macros.ds_format(ds, '%Y-%m-%d', '%d') }} {{ logical_date | ds_nodash }} "
        "{{ ti.task_id }} {{ dag.dag_id }} {{ dag_run.conf.get('q') }} {{ params.x }}"
    )
    with DAG("d", schedule=None, params={"x": "px"}) as dag:
        BashOperator(task_id="t", bash_command=template)
    context = context_of(dag, conf={"q": "cq"})
    context["ti"].render_templates(context)
    assert context["task"].bash_command == "text 1 default h none 05 20240305 t d cq px"


def test_the_current_context_is_the_innermost_and_only_there(daily, port):
    with pytest.raises(AirflowException, match="only while a task runs"):
        get_current_context()
    assert executing_task() is None
    context = context_of(daily)
    with set_current_context(context):
        assert get_current_context() is context
        assert executing_task() is context["task"]
    with pytest.raises(AirflowException):
        get_current_context()


class Inner(BaseOperator):
    def execute(self, context):
        return "done"


@pytest.mark.parametrize("is_allowed", [True, False])
def test_a_task_that_executes_another_is_warned_or_refused(port, caplog, is_allowed):
    with DAG("d", schedule=None) as dag:
        EmptyOperator(task_id="t")
        inner = Inner(task_id="inner", allow_nested_operators=is_allowed)
    with set_current_context(context_of(dag)):
        if is_allowed:
            assert inner.execute({}) == "done"
            assert "Inner.execute() was called from the code of another task" in caplog.text
        else:
            with pytest.raises(AirflowException, match="from the code of another task"):
                inner.execute({})
    with set_current_context(context_of(dag, "inner")):
        caplog.clear()
        assert inner.execute({}) == "done"
        assert not caplog.text


def test_contexts_copy_pickle_and_compare_as_mappings():
    context = Context({"a": 1}, b=2)
    assert copy.copy(context) == context
    assert pickle.loads(pickle.dumps(context)) == {"a": 1, "b": 2}
    assert context_copy_partial(context, ["a"]) == Context(a=1)
    context.update(c=3)
    del context["a"]
    assert list(context) == ["b", "c"]
    assert context.get("zz") is None


def test_events_of_datasets_are_asked_for_late(port):
    from orchestration.authoring.datasets import Dataset, DatasetAlias

    event = {
        "id": 1, "uri": "s3://b/k", "extra": {"n": 1}, "source_dag_id": "d", "source_task_id": "t",
        "source_run_id": "r", "source_map_index": -1, "timestamp": DAY,
    }  # fmt: skip
    port.events = [event]
    port.runs = [run_value()]
    port.instances = [instance_value("t")]
    with DAG("d", schedule=None) as dag:
        EmptyOperator(task_id="t", inlets=[Dataset("s3://b/k"), DatasetAlias("al")])
    context = context_of(dag)
    inlets = context["inlet_events"]
    assert not port.asked
    assert inlets[Dataset("s3://b/k")][-1].extra == {"n": 1}
    assert inlets[0][0].timestamp == pendulum.parse(DAY)
    assert len(inlets[DatasetAlias("al")]) == 1
    for unknown, error in ((Dataset("s3://other"), KeyError), (DatasetAlias("no"), KeyError), (5, IndexError)):
        with pytest.raises(error):
            inlets[unknown]
    [[found]] = context["triggering_dataset_events"].values()
    assert found.source_dag_run.run_id == "r"
    assert found.source_task_instance.task_id == "t"
    context["outlet_events"][Dataset("s3://b/k")].extra["a"] = 1
    context["outlet_events"][DatasetAlias("al")].add(Dataset("s3://new"), extra={"z": 1})
    notes = context["outlet_events"]
    assert notes[Dataset("s3://b/k")].extra == {"a": 1}
    assert notes["al"].dataset_alias_events == [
        {"source_alias_name": "al", "dest_dataset_uri": "s3://new/", "extra": {"z": 1}}
    ]
