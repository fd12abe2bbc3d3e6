"""The DAG object: what recorded files do not show. See ``test_recorded_dags`` for the rest."""

from __future__ import annotations

import copy
import inspect
from datetime import UTC, datetime, timedelta

import pendulum
import pytest

from orchestration.authoring import runner_port
from orchestration.authoring.dag import DAG
from orchestration.authoring.dag_checks import check_cycle
from orchestration.authoring.dag_context import DagContext
from orchestration.authoring.dag_decorator import dag as dag_decorator
from orchestration.authoring.decorators import task, task_group
from orchestration.authoring.exceptions import AirflowDagCycleException, AirflowException, TaskNotFound
from orchestration.authoring.operators.empty import EmptyOperator
from orchestration.authoring.relations import chain
from orchestration.authoring.task_group import TaskGroup
from tests.authoring.memory import run_value

#: The arguments of Airflow 2.10.5, in order.
ARGUMENTS = (
    "dag_id", "description", "schedule", "schedule_interval", "timetable", "start_date", "end_date", "full_filepath",
    "template_searchpath", "template_undefined", "user_defined_macros", "user_defined_filters", "default_args",
    "concurrency", "max_active_tasks", "max_active_runs", "max_consecutive_failed_dag_runs", "dagrun_timeout",
    "sla_miss_callback", "default_view", "orientation", "catchup", "on_success_callback", "on_failure_callback",
    "doc_md", "params", "access_control", "is_paused_upon_creation", "jinja_environment_kwargs",
    "render_template_as_native_obj", "tags", "owner_links", "auto_register", "fail_stop", "dag_display_name",
)  # fmt: skip


def test_it_takes_the_arguments_of_airflow_in_their_order():
    assert tuple(inspect.signature(DAG.__init__).parameters)[1:] == ARGUMENTS


@pytest.mark.parametrize("dag_id", ["DAGs", "DAG Runs", "DAG:d", "~", ".", "..", "d\n", "a/b", ""])
def test_ids_that_mean_something_else_are_refused(dag_id):
    with pytest.raises(AirflowException):
        DAG(dag_id, schedule=None)


@pytest.mark.parametrize("dag_id", ["dags", "DAG", "d.a-g_1", "ünïcode", "...", "x" * 250])
def test_other_ids_are_taken(dag_id):
    assert DAG(dag_id, schedule=None).dag_id == dag_id


def test_a_long_circle_is_found_and_names_a_task_on_it():
    with DAG("d", schedule=None) as dag:
        tasks = [EmptyOperator(task_id=f"t{number}") for number in range(3000)]
        chain(*tasks)
    check_cycle(dag)
    tasks[2000].set_downstream(tasks[1000])
    with pytest.raises(AirflowDagCycleException, match=r"In DAG 'd' the edges from task '(t1\d\d\d|t2000)' lead back"):
        check_cycle(dag)


def test_its_file_is_the_one_that_makes_it():
    assert DAG("d", schedule=None).fileloc == __file__

    @dag_decorator(schedule=None)
    def made():
        EmptyOperator(task_id="t")

    assert made().fileloc == __file__


def test_a_decorated_function_makes_a_dag_each_time_it_is_called():
    @dag_decorator("named", schedule=None, tags=["x"])
    def made(a, b=2):
        """What it is for."""
        assert DagContext.get_current_dag().dag_id == "named"
        EmptyOperator(task_id="t")

    found = made(1)
    assert found.params.dump() == {"a": 1, "b": 2}
    assert found.doc_md == "What it is for."
    assert DagContext.get_current_dag() is None
    with pytest.raises(TypeError, match="missing a required argument: 'a'"):
        made()


def test_tasks_are_found_by_id():
    with DAG("d", schedule=None) as dag:
        a = EmptyOperator(task_id="a")
        with TaskGroup("g"):
            b = EmptyOperator(task_id="b")
    assert dag.get_task("g.b") is b
    assert dag.has_task("a")
    assert dag.has_task_group("g")
    assert not dag.has_task_group("x")
    assert dag.task_ids == ["a", "g.b"]
    assert dag.task_count == 2
    assert (dag.roots, dag.leaves) == ([a, b], [a, b])
    with pytest.raises(TaskNotFound):
        dag.get_task("x")
    with pytest.raises(AttributeError):
        dag.tasks = []


def diamond():
    with DAG("d", schedule=None, user_defined_macros={"m": object()}) as dag:
        s = EmptyOperator(task_id="s").as_setup()
        a, b, c = (EmptyOperator(task_id=name) for name in "abc")
        with TaskGroup("g") as group:
            x, y = EmptyOperator(task_id="x"), EmptyOperator(task_id="y")
            x >> y
        with TaskGroup("lone"):
            EmptyOperator(task_id="z")
        t = EmptyOperator(task_id="t").as_teardown(setups=s)
        s >> a >> [b, c] >> group >> t
        a >> t
    return dag


@pytest.mark.parametrize(
    ("pattern", "options", "ids"),
    [
        ("^b$", {}, {"s", "a", "b", "t"}),
        ("^b$", {"include_upstream": False}, {"b", "s", "t"}),
        (["b"], {"include_upstream": False, "include_downstream": True}, {"b", "g.x", "g.y", "s", "t"}),
        (["g.y"], {"include_upstream": False, "include_direct_upstream": True}, {"g.y", "g.x", "s", "t", "a"}),
        ("z", {}, {"lone.z"}),
        (["s"], {"include_upstream": False}, {"s", "t"}),
        ("nothing", {}, set()),
    ],
)
def test_a_subset_keeps_what_the_chosen_tasks_need(pattern, options, ids):
    whole = diamond()
    part = whole.partial_subset(pattern, **options)
    assert set(part.task_dict) == ids
    assert part.partial
    assert set(whole.task_dict) == {"s", "a", "b", "c", "g.x", "g.y", "lone.z", "t"}
    for task_id, kept in part.task_dict.items():
        assert kept is not whole.task_dict[task_id]
        assert kept.dag is part
        assert kept.upstream_task_ids == whole.task_dict[task_id].upstream_task_ids & ids
    groups = part.task_group.get_task_group_dict()
    assert {task.task_id for task in part.task_group.iter_tasks()} == ids
    assert set(groups) == {None} | ({"g"} if ids & {"g.x", "g.y"} else set()) | ({"lone"} if "lone.z" in ids else set())


def test_a_subset_of_everything_is_not_partial():
    assert not diamond().partial_subset(".*").partial


def test_a_subset_keeps_mapped_groups_and_references():
    with DAG("d", schedule=None) as dag:

        @task
        def f(x):
            return x

        @task_group
        def group(x):
            return f(x)

        f.override(task_id="last")(group.expand(x=[1, 2]))
        EmptyOperator(task_id="other")
    part = dag.partial_subset("last")
    assert set(part.task_dict) == {"group.f", "last"}
    assert part.get_task("group.f").get_parse_time_mapped_ti_count() == 2
    assert part.get_task("last").op_args[0].operator is part.get_task("group.f")


def test_a_deep_copy_shares_macros_and_nothing_else():
    dag = diamond()
    other = copy.deepcopy(dag)
    assert other == dag
    assert other.user_defined_macros["m"] is dag.user_defined_macros["m"]
    assert other.get_task("a") is not dag.get_task("a")
    assert other.get_task("a").dag is other


def test_a_long_chain_of_results_can_be_copied():
    with DAG("d", schedule=None) as dag:

        @task
        def step(x):
            return x

        value = step(0)
        for _ in range(300):
            value = step(value)
    assert len(copy.deepcopy(dag).tasks) == 301


def test_dags_are_registered_while_a_module_is_read(monkeypatch):
    monkeypatch.setattr(DagContext, "current_autoregister_module_name", __name__)
    monkeypatch.setattr(DagContext, "autoregistered_dags", set())
    with DAG("yes", schedule=None):
        pass
    with DAG("no", schedule=None, auto_register=False):
        pass
    assert [dag.dag_id for dag, _ in DagContext.autoregistered_dags] == ["yes"]


def test_running_a_dag_from_its_file_needs_the_execution_layer(monkeypatch):
    dag = DAG("d", schedule=None)
    monkeypatch.setattr(runner_port, "_runners", {})
    monkeypatch.setattr(runner_port, "PROVIDER", "orchestration.no_such_module")
    with pytest.raises(AirflowException, match=r"dag.test\(\) needs the execution layer"):
        dag.test()
    with pytest.raises(AirflowException, match=r"dag.cli\(\)"):
        dag.cli()
    runner_port.install(test=lambda dag, **options: (dag.dag_id, options))
    assert dag.test(run_conf={"a": 1}) == ("d", {"run_conf": {"a": 1}})


@pytest.mark.filterwarnings("ignore")
def test_what_it_says_of_its_runs():
    dag = DAG(
        "d", schedule="@daily", start_date=datetime(2024, 1, 1, tzinfo=UTC), end_date=datetime(2024, 1, 4, tzinfo=UTC)
    )
    first = pendulum.datetime(2024, 1, 2)
    interval = dag.infer_automated_data_interval(first)
    assert (interval.start, interval.end) == (first, first.add(days=1))
    assert dag.next_dagrun_info(interval).logical_date == first.add(days=1)
    assert dag.following_schedule(first) == first.add(days=1)
    assert dag.previous_schedule(first) == first.subtract(days=1)
    found = dag.iter_dagrun_infos_between(first, pendulum.datetime(2024, 1, 4))
    assert [info.logical_date.day for info in found] == [2, 3, 4]
    late = dag.iter_dagrun_infos_between(first.add(hours=5), pendulum.datetime(2024, 1, 4), align=False)
    assert [info.logical_date.hour for info in late] == [5, 0, 0]
    assert dag.normalized_schedule_interval == "0 0 * * *"
    assert [date.day for date in dag.date_range(first, num=2)] == [2, 3]
    assert [date.day for date in dag.get_run_dates(first, first.add(days=1))] == [2, 3]


def test_what_it_knows_of_its_runs(port):
    dag = DAG("d", schedule=None)
    port.runs = [run_value("a"), run_value("b", "2024-04-01T00:00:00+00:00", external_trigger=False, state="success")]
    port.dags = {"d": {"is_paused": True}}
    assert dag.get_dagrun(run_id="a").run_id == "a"
    assert dag.get_dagrun(execution_date=pendulum.datetime(2024, 4, 1)).run_id == "b"
    assert dag.get_last_dagrun().run_id == "b"
    assert dag.get_last_dagrun(include_externally_triggered=True).run_id == "b"
    assert [moment.day for moment in dag.get_active_runs()] == [5]
    assert dag.get_is_paused()
    assert not DAG("other", schedule=None).get_is_paused()
    with pytest.raises(TypeError):
        dag.get_dagrun()


def test_subdags_are_part_of_it():
    inner = DAG("d.s", schedule=None)
    EmptyOperator(task_id="i", dag=inner)
    dag = DAG("d", schedule=None)
    outer = EmptyOperator(task_id="s", dag=dag)
    outer.subdag = inner
    inner.parent_dag = dag
    assert dag.subdags == [inner]
    assert inner.is_subdag
    assert dag.get_task("i", include_subdags=True).task_id == "i"
    assert [t.task_id for t in dag.topological_sort(include_subdag_tasks=True)] == ["s", "i"]


def test_edges_carry_notes():
    dag = DAG("d", schedule=None)
    assert dag.get_edge_info("a", "b") == {}
    dag.set_edge_info("a", "b", {"label": "x"})
    assert dag.get_edge_info("a", "b") == {"label": "x"}


def test_removing_a_task_frees_its_id():
    with DAG("d", schedule=None) as dag:
        EmptyOperator(task_id="a")
        dag._remove_task("a")
        EmptyOperator(task_id="a")
    assert dag.task_ids == ["a"]


@pytest.mark.parametrize("option", [{"dagrun_timeout": 5}, {"tags": "x"}, {"description": 5}, {"fail_stop": "no"}])
def test_arguments_of_a_wrong_type_are_refused(option):
    with pytest.raises(TypeError, match=f"{next(iter(option))} takes .*, not"):
        DAG("d", schedule=None, **option)


def test_options_give_the_defaults_of_consecutive_failures(monkeypatch):
    monkeypatch.setenv("AIRFLOW__CORE__MAX_CONSECUTIVE_FAILED_DAG_RUNS_PER_DAG", "4")
    assert DAG("d", schedule=None).max_consecutive_failed_dag_runs == 4
    assert DAG("d", schedule=None, max_consecutive_failed_dag_runs=2).max_consecutive_failed_dag_runs == 2


def test_a_year_of_schedules_has_no_effect_on_equality():
    one, other = (DAG("d", schedule=timedelta(days=1), start_date=datetime(2024, 1, 1, tzinfo=UTC)) for _ in range(2))
    other.last_loaded = one.last_loaded
    assert one == other
    assert hash(one) == hash(other)
    assert one < DAG("e", schedule=None)
    assert one != "d"
