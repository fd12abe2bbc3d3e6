"""Task decorators: what recorded files do not show, and what decorated tasks do when they run."""

from __future__ import annotations

import pytest

from orchestration.authoring.context import build, set_current_context
from orchestration.authoring.dag import DAG
from orchestration.authoring.datasets import Dataset
from orchestration.authoring.decorators import setup, task, teardown
from orchestration.authoring.decorators.base import get_unique_task_id, remove_task_decorator
from orchestration.authoring.exceptions import AirflowSkipException
from tests.authoring.memory import start


@pytest.fixture
def dag():
    with DAG("d", schedule=None) as made:
        yield made


def run(dag, task_id):
    """Execute a task as the runner does; its result."""
    context = build(start(task_id), dag, dag.get_task(task_id).prepare_for_execution())
    context["ti"].render_templates(context)
    single = context["ti"].task
    with set_current_context(context):
        single.pre_execute(context)
        return single.execute(context=context)


def test_a_function_gets_its_arguments_and_what_it_names_of_the_context(dag, port):
    @task
    def f(a, ds, ti=None, b=2, **kwargs):
        return a, b, ds, ti.task_id, kwargs["run_id"]

    f("{{ ds_nodash }}")
    assert run(dag, "f") == ("20240305", 2, "2024-03-05", "f", "r")


def test_a_bash_function_gives_the_command(dag, port):
    @task.bash(env={"A": "5"}, append_env=True)
    def f(word):
        return f"echo {word} $A"

    f("said")
    assert run(dag, "f") == "said 5"


@pytest.mark.parametrize("command", ["", "  ", None, 5])
def test_a_bash_function_must_give_a_text(dag, port, command):
    @task.bash
    def f():
        return command

    f()
    with pytest.raises(TypeError, match="returns the command to run, not"):
        run(dag, "f")


def test_datasets_that_go_in_and_out_are_noted(dag, port):
    @task
    def f(given):
        return [Dataset("out"), 5]

    f(Dataset("in"))
    operator = dag.get_task("f").prepare_for_execution()
    context = build(start("f"), dag, operator)
    with set_current_context(context):
        operator.execute(context)
    assert (operator.inlets, operator.outlets) == ([Dataset("in")], [Dataset("out")])


@pytest.mark.parametrize(
    ("decorator", "answer", "message"),
    [
        (task.skip_if, True, "its condition says so"),
        (task.run_if, False, "its condition says so"),
        (task.skip_if, (True, "own words"), "own words"),
        (task.run_if, (False, None), "its condition says so"),
        (task.skip_if, False, None),
        (task.run_if, True, None),
    ],
)
def test_conditions_skip_the_task(dag, port, decorator, answer, message):
    @decorator(lambda context: answer)
    @task
    def f():
        return "ran"

    f()
    if message is None:
        assert run(dag, "f") == "ran"
    else:
        with pytest.raises(AirflowSkipException, match=message):
            run(dag, "f")


def test_conditions_add_up(dag, port):
    asked = []

    @task.skip_if(lambda context: asked.append("outer"), skip_message="m")
    @task.run_if(lambda context: asked.append("inner") or True)
    @task(pre_execute=lambda context: asked.append("own"))
    def f():
        return "ran"

    f()
    assert run(dag, "f") == "ran"
    assert asked == ["own", "inner", "outer"]


def test_decorators_of_others_say_what_to_do():
    with pytest.raises(AttributeError, match=r"@task.docker comes with apache-airflow-providers-docker"):
        _ = task.docker
    with pytest.raises(AttributeError, match=r"There is no @task.nonsense"):
        _ = task.nonsense


def test_only_functions_are_decorated():
    with pytest.raises(TypeError, match="by name, not 5"):
        task(5)
    with pytest.raises(TypeError, match="decorates functions"):
        task()(5)


def test_a_decorated_function_can_still_be_called_as_such(dag):
    @task
    def f(x):
        return x + 1

    assert f.function(1) == 2
    assert f.__wrapped__(2) == 3


def test_a_function_may_be_used_several_times(dag):
    @teardown(on_failure_fail_dagrun=True)
    def f(x): ...

    f(1)
    f(2)
    assert [t.task_id for t in dag.teardowns] == ["f", "f__1"]
    assert all(t.on_failure_fail_dagrun and t.trigger_rule == "all_done_setup_success" for t in dag.teardowns)


def test_marks_survive_other_arguments(dag):
    @setup
    @task(retries=1)
    def f(x): ...

    made = f.override(task_id="o", retries=5)(1).operator
    assert (made.task_id, made.retries, made.is_setup) == ("o", 5, True)


def test_ids_are_made_unique():
    assert get_unique_task_id("x") == "x"
    with DAG("d", schedule=None) as dag:
        for _ in range(11):

            @task
            def f(): ...

            f()
    assert dag.task_ids[-1] == "f__10"
    assert get_unique_task_id("f__3", dag) == "f__11"


@pytest.mark.parametrize(
    ("source", "name", "left"),
    [
        ("@task.virtualenv\ndef f(): ...\n", "@task.virtualenv", "def f(): ...\n"),
        ('@task.virtualenv(requirements=["a(b)"],\n  x=(1, 2))\ndef f(): ...\n', "@task.virtualenv", "def f(): ...\n"),
        ("@setup\n@task\ndef f(): ...\n", "@task", "def f(): ...\n"),
        ("@task.skip_if(lambda c: (1))\n@task()\ndef f(): ...\n", "@task", "def f(): ...\n"),
        ("@other\n@task\ndef f(): ...\n", "@task", "@other\ndef f(): ...\n"),
        ("@task.virtualenv\ndef f(): ...\n", "@task", "@task.virtualenv\ndef f(): ...\n"),
    ],
)
def test_the_decorator_is_taken_from_the_source(source, name, left):
    assert remove_task_decorator(source, name) == left


def test_the_source_for_another_interpreter_has_no_decorator(dag):
    @task.external_python(python="/usr/bin/python3")
    def f(x):
        return x

    assert f(1).operator.get_python_source() == "def f(x):\n    return x\n"
