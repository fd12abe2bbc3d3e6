from __future__ import annotations

import logging
import sys

import pytest

from orchestration.authoring.exceptions import AirflowException, AirflowSkipException
from orchestration.authoring.operators.empty import EmptyOperator
from orchestration.authoring.operators.python import (
    BranchExternalPythonOperator,
    BranchPythonOperator,
    ExternalPythonOperator,
    PythonOperator,
    PythonVirtualenvOperator,
    ShortCircuitOperator,
    get_current_context,
)
from orchestration.authoring.task_group import TaskGroup
from tests.authoring.operators.support import execute, make_dag

pytestmark = pytest.mark.usefixtures("memory")


def python(function, cls=PythonOperator, **kwargs):
    with make_dag():
        return cls(task_id="t", python_callable=function, **kwargs)


def test_arguments_are_given_by_place_and_by_name():
    assert execute(python(lambda a, b, c=0: (a, b, c), op_args=[1, 2], op_kwargs={"c": 3})).result == (1, 2, 3)


def test_arguments_are_rendered():
    assert execute(python(lambda day: day, op_kwargs={"day": "{{ ds }}"})).result == "2024-03-05"


def test_the_context_is_given_by_name():
    assert execute(python(lambda ds, ti: (ds, ti.task_id))).result == ("2024-03-05", "t")


def test_the_whole_context_is_given_to_wildcards():
    assert execute(python(lambda **context: context["run_id"])).result == "run_1"


def test_templates_dict_is_rendered_and_given():
    task = python(lambda templates_dict: templates_dict, templates_dict={"day": "{{ ds_nodash }}"})
    assert execute(task).result == {"day": "20240305"}


def test_an_argument_by_place_must_not_take_a_name_of_the_context():
    with pytest.raises(ValueError, match="'ds' is given by position"):
        execute(python(lambda ds: ds, op_args=["x"]))


def test_the_result_is_hidden_from_the_log_on_request(caplog):
    caplog.set_level(logging.INFO)
    execute(python(lambda: "hush", show_return_value_in_logs=False))
    assert "hush" not in caplog.text
    execute(python(lambda: "loud"))
    assert "loud" in caplog.text


def test_what_is_no_function_is_refused():
    with pytest.raises(AirflowException, match="takes a function"):
        python("print")


def test_the_current_context_is_there_while_it_runs():
    assert execute(python(lambda: get_current_context()["ds"])).result == "2024-03-05"
    with pytest.raises(AirflowException, match="only while a task runs"):
        get_current_context()


def branching(choice, cls=BranchPythonOperator, **kwargs):
    with make_dag():
        branch = cls(task_id="branch", python_callable=lambda: choice, **kwargs)
        a, b, c = (EmptyOperator(task_id=name) for name in "abc")
        join = EmptyOperator(task_id="join")
        with TaskGroup("group"):
            first = EmptyOperator(task_id="first")
            EmptyOperator(task_id="second").set_upstream(first)
        branch >> [a, b, c, first]
        branch >> join
        [a, b] >> join
    return branch


@pytest.mark.parametrize(
    ("choice", "skipped", "followed"),
    [
        ("a", ["b", "c", "group.first"], ["a", "join"]),  # the join comes after a
        (["a", "b"], ["c", "group.first"], ["a", "b", "join"]),
        ("c", ["a", "b", "group.first", "join"], ["c"]),
        ("group", ["a", "b", "c", "join"], ["group.first"]),
        (None, ["a", "b", "c", "group.first", "join"], []),
        ([], ["a", "b", "c", "group.first", "join"], []),
    ],
)
def test_a_branch_skips_what_it_did_not_choose(choice, skipped, followed):
    outcome = execute(branching(choice))
    assert outcome.skipped == skipped
    assert outcome.xcoms["skipmixin_key"] == {"followed": followed}
    assert outcome.result == choice


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ("nobody", "has no tasks 'nobody'"),
        (["a", 5], "5 is no text"),
        (7, "7 is no text"),
    ],
)
def test_a_branch_into_nothing_fails(choice, words):
    with pytest.raises(AirflowException, match=words):
        execute(branching(choice))


def short_circuit(result, **kwargs):
    with make_dag():
        gate = ShortCircuitOperator(task_id="gate", python_callable=lambda: result, **kwargs)
        a, b = EmptyOperator(task_id="a"), EmptyOperator(task_id="b")
        end = EmptyOperator(task_id="end").as_teardown()
        gate >> a >> b >> end
        gate >> end
    return gate


@pytest.mark.parametrize(
    ("result", "ignores", "skipped"),
    [(True, True, []), ("yes", True, []), (False, True, ["a", "b"]), ([], True, ["a", "b"]), (0, False, ["a"])],
)
def test_a_false_result_skips_what_follows_but_no_teardown(result, ignores, skipped):
    outcome = execute(short_circuit(result, ignore_downstream_trigger_rules=ignores))
    assert sorted(outcome.skipped) == skipped
    assert outcome.result == result
    assert sorted(outcome.xcoms.get("skipmixin_key", {}).get("skipped", [])) == skipped


def add(a, b=0):
    return a + b


def whoami(ds, params, **others):
    import sys

    return {"ds": ds, "params": params, "version": sys.version_info[0], "strings": virtualenv_string_args}  # type: ignore[name-defined]  # noqa: F821 a global of the script


def test_another_interpreter_calls_the_function():
    task = python(add, ExternalPythonOperator, python=sys.executable, op_args=[40], op_kwargs={"b": 2})
    assert execute(task).result == 42


def test_another_interpreter_gets_plain_values_of_the_context():
    with make_dag(params={"p": 5}):
        task = ExternalPythonOperator(
            task_id="t", python_callable=whoami, python=sys.executable, string_args=["one", "two"]
        )
    assert execute(task).result == {"ds": "2024-03-05", "params": {"p": 5}, "version": 3, "strings": ["one", "two"]}


def moment_of(logical_date):
    return logical_date.isoformat()


def test_moments_go_to_an_interpreter_with_pendulum():
    assert (
        execute(python(moment_of, ExternalPythonOperator, python=sys.executable)).result == "2024-03-05T10:00:00+00:00"
    )


def fail():
    raise ValueError("what went wrong")


def leave():
    import sys

    sys.exit(7)


def test_an_error_in_the_other_interpreter_tells_why():
    with pytest.raises(AirflowException, match="what went wrong"):
        execute(python(fail, ExternalPythonOperator, python=sys.executable))


def test_an_exit_code_of_the_other_interpreter_can_skip():
    with pytest.raises(AirflowSkipException, match="ended with 7"):
        execute(python(leave, ExternalPythonOperator, python=sys.executable, skip_on_exit_code=7))


@pytest.mark.parametrize(
    ("path", "words"), [("/not/there", "is not there"), ("/tmp", "is no file"), ("", "needs an interpreter")]
)
def test_a_path_that_is_no_interpreter_is_refused(path, words):
    with pytest.raises(ValueError, match=words):
        execute(python(add, ExternalPythonOperator, python=path, op_args=[1]))


@pytest.mark.parametrize("function", [lambda: 1, (lambda: (yield))])
def test_only_plain_functions_go_to_another_interpreter(function):
    with pytest.raises(ValueError):
        python(function, ExternalPythonOperator, python=sys.executable)


def choose():
    return "a"


def test_another_interpreter_can_branch():
    with make_dag():
        branch = BranchExternalPythonOperator(task_id="branch", python_callable=choose, python=sys.executable)
        branch >> [EmptyOperator(task_id="a"), EmptyOperator(task_id="b")]
    assert execute(branch).skipped == ["b"]


def prefix():
    import sys

    return sys.prefix != sys.base_prefix and sys.prefix


def test_a_virtual_environment_is_made_for_the_task_and_removed(tmp_path):
    import pathlib

    folder = execute(python(prefix, PythonVirtualenvOperator, system_site_packages=False)).result
    assert folder and not pathlib.Path(folder).exists()


def test_a_cached_environment_serves_the_next_task(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    one, two = (
        execute(python(prefix, PythonVirtualenvOperator, venv_cache_path=str(tmp_path))).result for _ in range(2)
    )
    assert one == two and one.startswith(str(tmp_path))
    assert "fits and is used again" in caplog.text


def test_an_unknown_python_version_says_what_to_do():
    with pytest.raises(AirflowException, match=r"There is no python3\.1 on the path"):
        execute(python(prefix, PythonVirtualenvOperator, python_version="3.1"))


def test_arguments_do_not_go_to_another_major_version():
    with pytest.raises(AirflowException, match="string_args"):
        python(add, PythonVirtualenvOperator, python_version="2.7", op_args=[1])
