"""Params: values, schemas, what overrides what. The outcomes of single params are recorded from Airflow 2.10.5."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest

from orchestration.authoring.dag import DAG
from orchestration.authoring.exceptions import AirflowException, ParamValidationError, RemovedInAirflow3Warning
from orchestration.authoring.operators.bash import BashOperator
from orchestration.authoring.params import Param, ParamsDict
from orchestration.authoring.types import NOTSET
from tests.authoring.memory import run_value, start

RECORDED = json.loads((Path(__file__).parent / "recorded" / "params.json").read_text())


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("args", "schema", "outcome"), RECORDED)
def test_a_value_fits_or_breaks_its_schema_as_in_airflow(args, schema, outcome):
    try:
        found = ["ok", Param(*args, **schema).resolve()]
    except Exception as error:
        found = [type(error).__name__]
    assert found == outcome


def test_a_param_shows_its_parts():
    param = Param(5, "how many", type="integer", title="T")
    assert param.dump() == {
        "__class": "airflow.models.param.Param",
        "value": 5,
        "description": "how many",
        "schema": {"type": "integer", "title": "T"},
    }
    assert Param().dump()["value"] is None
    assert Param.deserialize(param.serialize(), 1).schema == param.schema
    assert copy.copy(param).serialize() == param.serialize()
    assert Param(5).has_value
    assert not Param().has_value
    assert not Param(None).has_value


def test_a_value_that_is_no_json_warns():
    with pytest.warns(RemovedInAirflow3Warning, match="no JSON"):
        Param(object())


def test_a_mapping_checks_what_is_written_into_it():
    params = ParamsDict({"a": Param(1, type="integer"), "b": 2})
    params["a"] = 5
    assert params["a"] == 5
    with pytest.raises(ParamValidationError, match="Param 'a': 'x' is not of type"):
        params["a"] = "x"
    params["new"] = "text"
    params["a"] = Param("now a text")
    assert params.dump() == {"a": "now a text", "b": 2, "new": "text"}
    assert params == {"a": "now a text", "b": 2, "new": "text"}
    del params["new"]
    assert "new" not in params
    assert len(params) == 2
    with pytest.raises(KeyError):
        params["absent"]


def test_a_mapping_may_keep_quiet():
    params = ParamsDict({"a": Param(type="integer")}, suppress_exception=True)
    assert params["a"] is None
    assert params.validate() == {"a": None}
    with pytest.raises(ParamValidationError, match="Param 'a'"):
        ParamsDict({"a": Param(type="integer")}).validate()


def test_copies_do_not_share_values():
    one = ParamsDict({"a": Param(1)})
    other = copy.deepcopy(one)
    other["a"] = 2
    assert one["a"] == 1


def test_params_in_default_args_go_over_the_dag_s():
    dag = DAG("d", schedule=None, params={"a": 1, "b": 2}, default_args={"params": {"b": 3, "c": 4}})
    assert dag.params.dump() == {"a": 1, "b": 3, "c": 4}
    assert "params" not in dag.default_args


@pytest.mark.parametrize(
    ("default", "conf", "found"), [(NOTSET, {"n": "run"}, "run"), ("own", {}, "own"), ("own", {"n": None}, None)]
)
def test_a_reference_to_a_param_takes_the_run_s_value_first(port, default, conf, found):
    from orchestration.authoring.context import build

    with DAG("d", schedule=None) as dag:
        BashOperator(task_id="t", bash_command="x", env={"A": dag.param("n", default)})
    context = build(start("t", run=run_value(conf=conf)), dag, dag.get_task("t"))
    context["ti"].render_templates(context)
    assert context["task"].env == {"A": found}


def test_a_reference_without_any_value_is_an_error(port):
    from orchestration.authoring.context import build

    with DAG("d", schedule=None) as dag:
        BashOperator(task_id="t", bash_command="x", env={"A": dag.param("n")})
    context = build(start("t"), dag, dag.get_task("t"))
    with pytest.raises(AirflowException, match="Param 'n' has no default"):
        context["ti"].render_templates(context)
