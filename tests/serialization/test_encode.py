"""The document of a DAG: what it holds, that it is the same at each parse, what is masked, cut and refused."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from dateutil.relativedelta import MO, relativedelta

from orchestration.authoring.baseoperator import BaseOperator
from orchestration.authoring.dag import DAG
from orchestration.authoring.datasets import Dataset, DatasetAlias
from orchestration.authoring.decorators import task, task_group
from orchestration.authoring.exceptions import RemovedInAirflow3Warning, SerializationError
from orchestration.authoring.lineage import File
from orchestration.authoring.operators.bash import BashOperator
from orchestration.authoring.operators.empty import EmptyOperator
from orchestration.authoring.operators.python import PythonOperator
from orchestration.authoring.operators.trigger_dagrun import TriggerDagRunOperator
from orchestration.authoring.params import Param
from orchestration.authoring.relations import chain
from orchestration.authoring.sensors.external_task import ExternalTaskMarker, ExternalTaskSensor
from orchestration.authoring.sensors.python import PythonSensor
from orchestration.authoring.task_group import TaskGroup
from orchestration.authoring.triggers.base import StartTriggerArgs
from orchestration.authoring.weight_rule import PriorityWeightStrategy
from orchestration.serialization.encode import encode_dag

MONTH_AND_DAYS = "relativedelta(months=+1, days=+2)"


@pytest.fixture
def dag():
    with DAG("d", schedule=None) as made:
        yield made


def encoded(dag, task_id):
    document = encode_dag(dag)
    json.dumps(document, allow_nan=False)
    return next(each for each in document["tasks"] if each["task_id"] == task_id)


def test_what_is_as_usual_is_left_out(dag):
    EmptyOperator(task_id="t")
    assert encoded(dag, "t") == {
        "task_id": "t",
        "task_type": "EmptyOperator",
        "module": "airflow.operators.empty",
        "operator_name": "EmptyOperator",
        "task_display_name": "t",
        "label": "t",
        "is_empty": True,
        "ui_color": "#e8f7e4",
    }


def test_everything_that_is_not_usual_is_kept(dag):
    def callback(context): ...

    EmptyOperator(
        task_id="t", owner="me", email="a@b.c; d@e.f", email_on_retry=False, retries=3, retry_delay=30,
        retry_exponential_backoff=True, max_retry_delay=timedelta(hours=1), depends_on_past=True,
        wait_for_downstream=True, priority_weight=7, weight_rule="absolute", queue="q", pool="p", pool_slots=2,
        sla=timedelta(hours=2), execution_timeout=timedelta(minutes=3), trigger_rule="one_success",
        max_active_tis_per_dag=3, max_active_tis_per_dagrun=2, executor="LocalExecutor", executor_config={"a": 1},
        doc_md="# doc", task_display_name="The T", inlets=[Dataset("s3://i")],
        outlets=[DatasetAlias("al"), File(url="/f")],
        start_date=datetime(2024, 1, 1, tzinfo=UTC), end_date=datetime(2025, 1, 1, tzinfo=UTC),
        on_failure_callback=[callback], on_retry_callback=callback, multiple_outputs=True,
        ignore_first_depends_on_past=False, params={"x": Param(1, "n", type="integer")}, map_index_template="{{ x }}",
    )  # fmt: skip
    found = encoded(dag, "t")
    expected = {
        "owner": "me", "email": ["a@b.c", "d@e.f"], "email_on_retry": False, "retries": 3, "retry_delay_seconds": 30.0,
        "retry_exponential_backoff": True, "max_retry_delay_seconds": 3600.0, "depends_on_past": True,
        "wait_for_downstream": True, "priority_weight": 7, "priority_weight_total": 7, "weight_rule": "absolute",
        "queue": "q", "pool": "p", "pool_slots": 2, "sla_seconds": 7200.0, "execution_timeout_seconds": 180.0,
        "trigger_rule": "one_success", "max_active_tis_per_dag": 3, "max_active_tis_per_dagrun": 2,
        "executor": "LocalExecutor", "executor_config": {"a": 1}, "doc_md": "# doc", "task_display_name": "The T",
        "label": "t", "inlets": [{"type": "dataset", "uri": "s3://i/", "extra": None}],
        "outlets": [
            {"type": "dataset_alias", "name": "al"},
            {"type": "entity", "class": "airflow.lineage.entities.File", "fields": {"url": "/f", "type_hint": None}},
        ],
        "start_date": "2024-01-01T00:00:00+00:00", "end_date": "2025-01-01T00:00:00+00:00",
        "has_on_failure_callback": True, "has_on_retry_callback": True, "multiple_outputs": True,
        "ignore_first_depends_on_past": False, "map_index_template": "{{ x }}",
        "params": {"x": {"value": 1, "description": "n", "schema": {"type": "integer"}}},
    }  # fmt: skip
    assert {name: found.get(name) for name in expected} == expected
    assert "is_empty" not in found, "it has inlets and outlets"


@pytest.mark.parametrize(
    ("schedule", "shown", "summary"),
    [
        (None, None, "None"),
        ("@daily", "@daily", "0 0 * * *"),
        ("5 4 * * *", "5 4 * * *", "5 4 * * *"),
        (timedelta(days=1, seconds=5), {"days": 1, "seconds": 5, "microseconds": 0}, "1 day, 0:00:05"),
        (relativedelta(days=2, months=1), {"relativedelta": {"days": 2, "months": 1}}, MONTH_AND_DAYS),
        (relativedelta(weekday=MO(2)), {"relativedelta": {"weekday": [0, 2]}}, "relativedelta(weekday=MO(+2))"),
        ([Dataset("s3://a/b")], "Dataset", "Dataset"),
    ],
)  # fmt: skip
def test_schedules(schedule, shown, summary):
    document = encode_dag(DAG("d", schedule=schedule, start_date=datetime(2024, 1, 1, tzinfo=UTC)))
    assert document["schedule_interval"] == shown
    assert document["timetable_summary"] == summary
    json.dumps(document)


def test_the_parts_of_a_dag():
    dag = DAG(
        "d", "what for", schedule="@daily", start_date=datetime(2024, 1, 1, tzinfo=UTC), tags=["b", "a", "b"],
        default_args={"owner": "x, y"}, dagrun_timeout=timedelta(hours=1), template_searchpath="/templates",
        access_control={"role": {"can_read"}, "other": {"DAG Runs": ["can_create"]}}, owner_links={"x": "mailto:a@b"},
        on_success_callback=print, sla_miss_callback=[print], is_paused_upon_creation=True, fail_stop=True,
        params={"p": Param([1], type="array")}, dag_display_name="Shown", doc_md="text",
    )  # fmt: skip
    EmptyOperator(task_id="t", dag=dag)
    EmptyOperator(task_id="u", dag=dag, owner="y")
    document = encode_dag(dag)
    expected = {
        "description": "what for", "tags": ["a", "b"], "owners": ["x", "y"], "dagrun_timeout_seconds": 3600.0,
        "template_searchpath": ["/templates"], "owner_links": {"x": "mailto:a@b"}, "fail_stop": True,
        "access_control": {"other": {"DAG Runs": ["can_create"]}, "role": {"DAGs": ["can_read"]}},
        "has_on_success_callback": True, "has_on_failure_callback": False, "has_sla_miss_callback": True,
        "is_paused_upon_creation": True, "dag_display_name": "Shown", "doc_md": "text", "timezone": "UTC",
        "params": {"p": {"value": [1], "description": None, "schema": {"type": "array"}}}, "fileloc": __file__,
    }  # fmt: skip
    assert {name: document[name] for name in expected} == expected


def test_groups_and_their_joints(dag):
    with TaskGroup("g", tooltip="tip", ui_color="red") as group:
        EmptyOperator(task_id="a")
        with TaskGroup("inner"):
            EmptyOperator(task_id="b")
    with TaskGroup("h") as other:
        EmptyOperator(task_id="c")
    group >> other >> EmptyOperator(task_id="z")
    groups = {each["group_id"]: each for each in encode_dag(dag)["groups"]}
    assert list(groups) == [None, "g", "g.inner", "h"]
    assert groups[None]["children"] == [["group", "g"], ["group", "h"], ["task", "z"]]
    assert groups["g"]["children"] == [["task", "g.a"], ["group", "g.inner"]]
    assert (groups["g"]["tooltip"], groups["g"]["ui_color"], groups["g"]["label"]) == ("tip", "red", "g")
    assert groups["g"]["downstream_group_ids"] == ["h"]
    assert groups["h"]["downstream_task_ids"] == ["z"]
    assert groups["g.inner"]["parent_group_id"] == "g"


@task
def source():
    return []


@task
def use(x, y=None): ...


LITERAL = {"type": "literal", "length": 2}
XCOM = {"type": "xcom", "task_id": "source", "key": "return_value"}


@pytest.mark.parametrize(
    ("expand", "expansion"),
    [
        (lambda: use.expand(x=[1, 2]), {"kind": "product", "lengths": {"x": LITERAL}}),
        (lambda: use.expand(y={"a": 1, "b": 2}, x=source()), {"kind": "product", "lengths": {"y": LITERAL, "x": XCOM}}),
        (lambda: use.expand_kwargs([{"x": 1}, {"x": 2}]), {"kind": "list", "lengths": {"": LITERAL}}),
        (lambda: use.expand_kwargs(source()), {"kind": "list", "lengths": {"": XCOM}}),
        (lambda: use.expand(x=source().map(str).map(len)), {"kind": "product", "lengths": {"x": XCOM}}),
        (
            lambda: use.expand(x=source().zip(source.override(task_id="o")())),
            {
                "kind": "product",
                "lengths": {"x": {"type": "zip", "parts": [XCOM, {**XCOM, "task_id": "o"}], "is_longest": False}},
            },
        ),
        (
            lambda: use.expand(x=(s := source()).zip(s, fillvalue=None)),
            {"kind": "product", "lengths": {"x": {"type": "zip", "parts": [XCOM, XCOM], "is_longest": True}}},
        ),
        (
            lambda: use.expand(x=(s := source()).concat(s.map(str))),
            {"kind": "product", "lengths": {"x": {"type": "concat", "parts": [XCOM, XCOM]}}},
        ),
    ],
)
def test_expansions(dag, expand, expansion):
    expand()
    found = encoded(dag, "use")
    assert found["expansion"] == expansion
    assert found["is_mapped"]


def test_a_mapped_group_has_the_expansion(dag):
    @task_group
    def group(a):
        use(a)

    group.expand(a=source())
    groups = {each["group_id"]: each for each in encode_dag(dag)["groups"]}
    assert groups["group"]["expansion"] == {"kind": "product", "lengths": {"a": XCOM}}
    assert "expansion" not in encoded(dag, "group.use")


def test_a_mapped_task_has_the_fields_of_its_partial(dag):
    dag.default_args = {"email_on_failure": False, "retries": 2}
    BashOperator.partial(task_id="b", env={"A": "{{ ds }}"}, pool="p", doc_md="d").expand(bash_command=["1"])
    found = encoded(dag, "b")
    assert (found["retries"], found["email_on_failure"], found["pool"], found["doc_md"]) == (2, False, "p", "d")
    assert found["template_values"] == {"env": {"A": "{{ ds }}"}}


class Waits(BaseOperator):
    start_trigger_args = StartTriggerArgs(
        trigger_cls="a.b.Trigger",
        trigger_kwargs={"moment": timedelta(seconds=3)},
        next_method="go",
        next_kwargs=None,
        timeout=timedelta(minutes=1),
    )
    start_from_trigger = True


def test_a_task_that_begins_deferred(dag):
    Waits(task_id="w")
    assert encoded(dag, "w")["start_trigger"] == {
        "trigger_cls": "a.b.Trigger",
        "trigger_kwargs": {"moment": {"__classname__": "datetime.timedelta", "__version__": 2, "__data__": 3.0}},
        "next_method": "go",
        "next_kwargs": None,
        "timeout_seconds": 60.0,
    }


def test_other_dags_that_tasks_name(dag):
    TriggerDagRunOperator(task_id="t", trigger_dag_id="other")
    ExternalTaskSensor(task_id="s", external_dag_id="o", external_task_id="x")
    ExternalTaskMarker(task_id="m", external_dag_id="o", external_task_id="x")
    TriggerDagRunOperator.partial(task_id="mapped", trigger_dag_id="{{ params.x }}").expand(conf=[{}])
    assert encoded(dag, "t")["external_dag"] == {"kind": "trigger", "dag_id": "other"}
    assert encoded(dag, "t")["extra_links"] == ["Triggered DAG"]
    assert encoded(dag, "t")["extra_link_specs"] == {"Triggered DAG": {"kind": "trigger_dag_run"}}
    assert encoded(dag, "s")["external_dag"] == {"kind": "sensor", "dag_id": "o", "task_id": "x"}
    assert encoded(dag, "m")["external_dag"]["kind"] == "marker"
    assert encoded(dag, "m")["external_dag"]["recursion_depth"] == 10
    assert encoded(dag, "mapped")["external_dag"]["dag_id"] == "{{ params.x }}"


def test_kinds_of_tasks(dag):
    PythonSensor(task_id="sensor", python_callable=print)
    EmptyOperator(task_id="busy", on_execute_callback=print)
    EmptyOperator(task_id="hooked", pre_execute=print)
    EmptyOperator.partial(task_id="mapped").expand_kwargs([{"doc": "x"}])
    use(1)
    assert encoded(dag, "sensor")["is_sensor"]
    assert "is_empty" not in encoded(dag, "busy")
    assert "is_empty" not in encoded(dag, "hooked")
    assert encoded(dag, "mapped")["is_empty"]
    found = encoded(dag, "use")
    assert (found["module"], found["task_type"], found["operator_name"]) == (
        "airflow.decorators.python", "_PythonDecoratedOperator", "@task",
    )  # fmt: skip


def test_a_class_of_the_user_s_keeps_its_module(dag):
    Waits(task_id="w")
    assert encoded(dag, "w")["module"] == __name__


class Doubled(PriorityWeightStrategy):
    def get_weight(self, ti):
        return ti.task.priority_weight * 2


def test_weights(dag):
    a, b, c = (EmptyOperator(task_id=name, priority_weight=2) for name in "abc")
    chain(a, b, c)
    EmptyOperator(task_id="own", priority_weight=4, weight_rule=Doubled())
    document = {each["task_id"]: each for each in encode_dag(dag)["tasks"]}
    assert [document[name]["priority_weight_total"] for name in "abc"] == [6, 4, 2]
    assert document["own"]["priority_weight_total"] == 8
    assert document["own"]["weight_rule"] == f"{__name__}.Doubled"


SECRET = "hunter-22-of-the-hill"


def test_secrets_do_not_get_into_the_document(dag):
    from orchestration.authoring.secrets import mask_secret

    mask_secret(SECRET)
    BashOperator(
        task_id="t",
        bash_command=f"curl -u me:{SECRET}",
        env={"API_TOKEN": "never-seen", "PLAIN": "seen"},
        params={"password": Param("never-seen", type="string", minLength=4), "text": f"x {SECRET}"},
        executor_config={"secret": "never-seen"},
    )
    PythonOperator(task_id="p", python_callable=print, op_kwargs={"deep": [{"password": "never-seen"}]})
    text = json.dumps(encode_dag(dag))
    assert SECRET not in text
    assert "never-seen" not in text
    assert '"PLAIN": "seen"' in text
    params = encoded(dag, "t")["params"]
    assert params["password"] == {
        "value": "***",
        "description": None,
        "schema": {"type": "string", "minLength": 4},
        "is_masked": True,
    }
    assert params["text"]["is_masked"]


def test_a_param_without_a_value_is_marked(dag):
    dag.params["needed"] = Param(type="integer")
    dag.params["none"] = Param(None, type=["null", "integer"])
    params = encode_dag(dag)["params"]
    assert params["needed"] == {"value": None, "description": None, "schema": {"type": "integer"}, "is_required": True}
    assert params["none"]["is_required"] is False


def test_what_cannot_be_written_names_its_place(dag):
    with pytest.warns(RemovedInAirflow3Warning):
        dag.params["d"] = datetime(2024, 1, 1)
    assert encode_dag(dag)["params"]["d"]["value"] == "2024-01-01T00:00:00"
    dag.params["loop"] = loop = []  # is JSON still
    loop.append(loop)
    with pytest.raises(SerializationError, match="Param 'loop' of DAG 'd'"):
        encode_dag(dag)
    del dag.params["loop"]
    broken = EmptyOperator(task_id="t")
    broken.retry_delay = "soon"
    with pytest.raises(SerializationError, match="Task 't' cannot be serialised"):
        encode_dag(dag)


FILE = """
import datetime
from orchestration.authoring.dag import DAG
from orchestration.authoring.datasets import Dataset
from orchestration.authoring.decorators import task, task_group
from orchestration.authoring.operators.python import PythonOperator
from orchestration.authoring.operators.empty import EmptyOperator
class Thing: pass
with DAG("d", schedule=[Dataset("b"), Dataset("a")], start_date=datetime.datetime(2024, 1, 1), tags=["x", "y"],
         access_control={"r": {"can_read", "can_edit", "can_delete"}}) as dag:
    ids = [EmptyOperator(task_id=f"t{n}") for n in range(20)]
    last = PythonOperator(task_id="p", python_callable=print, op_args=[Thing(), {3, 1, 2}, {"b", "a"}])
    ids >> last
    @task_group
    def g(x): EmptyOperator(task_id="z")
    g.expand(x=[1, 2])
"""


def test_the_document_is_the_same_at_each_parse(tmp_path):
    program = (
        "import json, runpy, sys; "
        "from orchestration.serialization.encode import encode_dag; "
        "print(json.dumps(encode_dag(runpy.run_path(sys.argv[1])['dag'])))"
    )
    path = tmp_path / "file.py"
    path.write_text(FILE)
    root = Path(__file__).parents[2]
    texts = {
        subprocess.run(
            [sys.executable, "-W", "ignore", "-c", program, str(path)],
            capture_output=True, text=True, check=True, cwd=root, env={"PYTHONHASHSEED": seed, "PATH": "/usr/bin"},
        ).stdout
        for seed in ("0", "1", "2")
    }  # fmt: skip
    assert len(texts) == 1


def test_ten_thousand_tasks_are_quick():
    import time

    with DAG("big", schedule=None) as dag:
        tasks = [EmptyOperator(task_id=f"t{number}") for number in range(10_000)]
        chain(*tasks)
    started = time.perf_counter()
    document = encode_dag(dag)
    assert time.perf_counter() - started < 5
    assert document["tasks"][0]["priority_weight_total"] == 10_000
