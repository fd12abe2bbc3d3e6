"""Task instances and runs as tasks see them, and XComs between them."""

from __future__ import annotations

from datetime import UTC, datetime

import pendulum
import pytest

from orchestration.authoring import xcom
from orchestration.authoring.context import build
from orchestration.authoring.dag import DAG
from orchestration.authoring.dagrun import DagRun
from orchestration.authoring.exceptions import DagRunNotFound
from orchestration.authoring.operators.empty import EmptyOperator
from orchestration.authoring.taskinstance import TaskInstance, TaskInstanceKey
from orchestration.authoring.types import DagRunType
from orchestration.authoring.xcom import XCom
from tests.authoring.memory import instance_value, run_value, start

DAY = "2024-03-0{}T00:00:00+00:00"


@pytest.fixture
def dag():
    with DAG("d", schedule="@daily", start_date=datetime(2024, 1, 1, tzinfo=UTC), catchup=False) as made:
        EmptyOperator(task_id="t", retries=2)
    return made


def running(dag, run=None, **ti):
    return build(start("t", run=run, **ti), dag, dag.get_task("t"))["ti"]


def test_it_says_what_the_supervisor_said(dag, port):
    ti = running(
        dag, try_number=2, max_tries=3, hostname="h", pool="p", start_date="2024-03-05T10:00:01+00:00", map_index=4,
        first_start_date="2024-03-05T09:00:00+00:00", reschedule_count=3, note="n", next_method="go",
        queued_at=DAY.format(5),
    )  # fmt: skip
    assert ti.key == TaskInstanceKey("d", "t", "r", 2, 4)
    assert (ti.max_tries, ti.hostname, ti.pool, ti.note, ti.next_method) == (3, "h", "p", "n", "go")
    assert ti.start_date == pendulum.parse("2024-03-05T10:00:01")
    assert ti.first_start_date == pendulum.parse("2024-03-05T09:00:00")
    assert (ti.reschedule_count, ti.prev_attempted_tries, ti.next_try_number) == (3, 2, 3)
    page = "http://localhost:8080/dags/d/grid?dag_run_id=r&task_id=t"
    assert ti.log_url == f"{page}&map_index=4&base_date=2024-03-05T10%3A00%3A00%2B0000&tab=logs"
    ti.map_index = -1
    assert ti.log_url == f"{page}&base_date=2024-03-05T10%3A00%3A00%2B0000&tab=logs"
    ti.map_index = 4
    assert repr(ti) == "<TaskInstance: d.t r map_index=4 [None]>"
    assert not port.asked


@pytest.mark.parametrize(("try_number", "is_eligible"), [(1, True), (2, True), (3, False)])
def test_whether_another_try_follows(dag, port, try_number, is_eligible):
    assert running(dag, try_number=try_number, max_tries=2).is_eligible_to_retry() is is_eligible


def test_values_go_from_task_to_task_as_json(dag, port):
    running(dag, map_index=2).xcom_push("k", {"when": datetime(2024, 3, 5, tzinfo=UTC), "n": [1, 2]})
    [kept] = port.xcoms
    assert (kept["task_id"], kept["map_index"], kept["key"], kept["length"]) == ("t", 2, "k", 2)
    assert running(dag).xcom_pull("t", key="k", map_indexes=2) == {"when": pendulum.datetime(2024, 3, 5), "n": [1, 2]}


@pytest.mark.parametrize(("value", "length"), [([1, 2, 3], 3), ({"a": 1}, 1), ((1, 2), 2), ("text", None), (5, None)])
def test_the_length_goes_with_what_others_may_expand_over(dag, port, value, length):
    running(dag).xcom_push("k", value)
    assert port.xcoms[0]["length"] == length


def test_one_task_gives_its_value_or_the_default(dag, port):
    port.push("a", 5)
    assert running(dag).xcom_pull("a") == 5
    assert running(dag).xcom_pull("b") is None
    assert running(dag).xcom_pull("b", default="none") == "none"
    assert running(dag).xcom_pull(task_ids="a", key="other") is None


def test_a_mapped_task_gives_a_sequence_in_order_of_index(dag, port):
    for index in (1, 0, 2):
        port.push("m", index, map_index=index)
    found = running(dag).xcom_pull("m")
    assert list(found) == [0, 1, 2]
    assert found[1:] == [1, 2]
    assert str(found) == "LazySelectSequence([3 items])"
    assert running(dag).xcom_pull("m", map_indexes=1) == 1


def test_several_tasks_or_indexes_give_a_sequence_in_the_order_asked_for(dag, port):
    port.push("a", "A")
    port.push("b", "B")
    for index in range(3):
        port.push("m", index, map_index=index)
    ti = running(dag)
    assert list(ti.xcom_pull(["b", "a", "absent"])) == ["B", "A"]
    assert list(ti.xcom_pull("m", map_indexes=[2, 0])) == [2, 0]
    assert list(ti.xcom_pull("m", map_indexes=range(1, 3))) == [1, 2]
    assert list(ti.xcom_pull([])) == []


def test_without_a_task_the_newest_value_of_the_key_is_meant(dag, port):
    port.push("b", "older", key="k", at=1)
    port.push("a", "newest", key="k", at=9)
    port.push("c", "old", key="k", at=5)
    assert running(dag).xcom_pull(key="k") == "newest"


def test_earlier_runs_are_looked_into_when_asked(dag, port):
    port.runs = [run_value("r1", DAY.format(1)), run_value("r2", DAY.format(2)), run_value("r3", DAY.format(3))]
    port.push("a", 1, run_id="r1")
    port.push("a", 2, run_id="r2")
    port.push("a", 3, run_id="r3")
    ti = running(dag, run=port.runs[1])
    assert ti.xcom_pull("a", include_prior_dates=True) == 2
    port.xcoms = [each for each in port.xcoms if each["run_id"] != "r2"]
    assert ti.xcom_pull("a", include_prior_dates=True) == 1
    assert ti.xcom_pull("a") is None


def test_pulling_from_another_dag_means_its_run_of_the_same_id(dag, port):
    port.push("a", 1)
    port.xcoms[0]["dag_id"] = "other"
    assert running(dag).xcom_pull("a", dag_id="other") == 1


def test_a_key_is_a_text_and_a_value_has_a_json_form(dag, port):
    with pytest.raises(ValueError, match="key"):
        running(dag).xcom_push(5, 1)
    with pytest.raises(TypeError, match="cannot be pushed"):
        running(dag).xcom_push("k", object())


def test_scripts_read_and_write_by_the_class(port):
    port.runs = [run_value("r1", DAY.format(1))]
    XCom.set("k", {"a": 1}, dag_id="d", task_id="t", run_id="r1")
    assert XCom.get_one(dag_id="d", task_id="t", key="k", run_id="r1") == {"a": 1}
    assert XCom.get_one(dag_id="d", task_id="t", key="k", execution_date=datetime(2024, 3, 1, tzinfo=UTC)) == {"a": 1}
    assert XCom.get_value(ti_key=TaskInstanceKey("d", "t", "r1"), key="k") == {"a": 1}
    [entry] = XCom.get_many(dag_ids=["d"], run_id="r1")
    assert (entry.task_id, entry.key, entry.value) == ("t", "k", {"a": 1})
    XCom.clear(dag_id="d", task_id="t", run_id="r1")
    assert XCom.get_many(dag_ids="d", run_id="r1") == []
    with pytest.raises(ValueError, match="no run of"):
        XCom.get_one(dag_id="d", task_id="t", key="k", execution_date=datetime(2024, 5, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("value", "length"), [([1, 2], 2), ({"a": 1}, 1), ((1, 2, 3), 3), ("text", None), (None, None), (7, None)]
)
def test_how_often_a_task_over_a_result_runs(dag, port, value, length):
    xcom.push("d", "r", "t", -1, "return_value", value)
    assert xcom.map_length(dag.get_task("t"), "r") == length


def test_the_run_before_is_by_schedule_where_the_dag_catches_up(dag, port):
    port.runs = [
        run_value("s1", DAY.format(1), run_type="scheduled", state="success"),
        run_value("s2", DAY.format(2), run_type="scheduled", state="failed"),
        run_value("m3", DAY.format(3), run_type="manual", state="failed"),
        run_value("now", DAY.format(4), run_type="scheduled"),
    ]
    port.instances = [
        instance_value("t", run_id="s1", start_date=DAY.format(9)),
        instance_value("t", run_id="s2", state="failed"),
    ]
    ti = running(dag, run=port.runs[3])
    assert ti.get_previous_dagrun().run_id == "m3"
    assert ti.get_previous_dagrun(state="success").run_id == "s1"
    dag.catchup = True
    assert ti.get_previous_dagrun().run_id == "s2"
    assert ti.previous_ti.run_id == "s2"
    assert ti.previous_ti_success.run_id == "s1"
    assert ti.previous_ti_success.state == "success"
    assert ti.previous_start_date_success == pendulum.parse(DAY.format(9))
    assert ti.get_previous_execution_date() == pendulum.parse(DAY.format(2))


def test_runs_are_found_by_what_is_known_of_them(port):
    port.runs = [
        run_value("b", DAY.format(2), state="success", external_trigger=False, run_type="scheduled"),
        run_value("a", DAY.format(1), state="failed"),
    ]
    assert [run.run_id for run in DagRun.find(dag_id="d")] == ["a", "b"]
    assert [run.run_id for run in DagRun.find(dag_id="d", state="success")] == ["b"]
    assert [run.run_id for run in DagRun.find(dag_id=["d", "e"], external_trigger=True)] == ["a"]
    assert [run.run_id for run in DagRun.find(dag_id="d", execution_date=pendulum.parse(DAY.format(2)))] == ["b"]
    assert DagRun.find_duplicate("d", "zz", pendulum.parse(DAY.format(1))).run_id == "a"
    assert DagRun.find_duplicate("d", "zz", pendulum.parse(DAY.format(8))) is None
    with pytest.raises(ValueError, match="dag_id"):
        DagRun.find(run_id="a")


def test_a_run_knows_its_task_instances(dag, port):
    port.instances = [instance_value("t"), instance_value("gone", state="failed"), instance_value("t", run_id="other")]
    run = DagRun.of(run_value(), dag)
    assert [ti.task_id for ti in run.get_task_instances()] == ["t", "gone"]
    assert [ti.task_id for ti in run.get_task_instances(state="failed")] == ["gone"]
    assert run.get_task_instance("t").task is dag.get_task("t")
    assert run.get_task_instance("t", map_index=3) is None
    assert run == DagRun.of(run_value())
    assert run.execution_date is run.logical_date


def test_a_task_instance_can_be_made_from_its_task_and_date(dag, port):
    port.runs = [run_value("r1", DAY.format(1))]
    port.instances = [instance_value("t", run_id="r1", state="running")]
    ti = TaskInstance(dag.get_task("t"), execution_date=pendulum.parse(DAY.format(1)))
    assert ti.run_id == "r1"
    assert ti.current_state() == "running"
    port.instances[0]["state"] = "failed"
    ti.refresh_from_db()
    assert ti.state == "failed"
    with pytest.raises(DagRunNotFound):
        TaskInstance(dag.get_task("t"), execution_date=pendulum.parse(DAY.format(7)))


def test_a_note_is_kept_at_once(dag, port):
    ti = running(dag)
    ti.note = "look here"
    assert port.notes == ["look here"]
    assert ti.note == "look here"


@pytest.mark.parametrize(
    ("run_id", "kind"),
    [
        ("manual__2024-01-01T00:00:00+00:00", "manual"),
        ("scheduled__x", "scheduled"),
        ("backfill__x", "backfill"),
        ("dataset_triggered__x", "dataset_triggered"),
        ("anything", "manual"),
        ("scheduled_x", "manual"),
        ("", "manual"),
    ],
)
def test_a_run_id_tells_what_made_the_run(run_id, kind):
    assert DagRunType.from_run_id(run_id) == kind


def test_a_run_id_holds_the_logical_date():
    moment = datetime(2024, 1, 1, tzinfo=UTC)
    assert DagRun.generate_run_id(DagRunType.MANUAL, moment) == "manual__2024-01-01T00:00:00+00:00"
