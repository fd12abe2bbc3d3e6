"""What one instance of a mapped task gets: literals, results, zip, map and concat of them, mapped groups."""

from __future__ import annotations

import pytest

from orchestration.authoring.context import build
from orchestration.authoring.dag import DAG
from orchestration.authoring.decorators import task, task_group
from orchestration.authoring.exceptions import XComNotFound
from orchestration.authoring.expandinput import NotFullyPopulated
from orchestration.authoring.operators.bash import BashOperator
from tests.authoring.memory import start


@pytest.fixture
def dag():
    with DAG("d", schedule=None) as made:
        yield made


def rendered(dag, task_id, map_index=-1, **expansion):
    """The single task of an instance, its fields rendered."""
    document = start(task_id, map_index=map_index, expansion=expansion or None)
    context = build(document, dag, dag.get_task(task_id).prepare_for_execution())
    context["ti"].render_templates(context)
    return context["ti"].task


def arguments(dag, task_id, map_index=-1, **expansion):
    single = rendered(dag, task_id, map_index, **expansion)
    return [*single.op_args, *single.op_kwargs.values()]


@task
def source():
    return []


@task
def use(x, y=None): ...


def test_literals_multiply_and_the_last_argument_varies_fastest(dag, port):
    use.expand(x=[1, 2], y=["a", "b", "c"])
    found = [arguments(dag, "use", index) for index in range(6)]
    assert found == [[1, "a"], [1, "b"], [1, "c"], [2, "a"], [2, "b"], [2, "c"]]


def test_a_dict_expands_to_its_items(dag, port):
    use.expand(x={"k": 1, "l": 2})
    assert [arguments(dag, "use", index) for index in range(2)] == [[("k", 1)], [("l", 2)]]


def test_a_result_expands_to_its_members(dag, port):
    use.partial(y=5).expand(x=source())
    port.push("source", ["p", "q"])
    assert [arguments(dag, "use", index) for index in range(2)] == [[5, "p"], [5, "q"]]


def test_members_of_results_are_not_templates(dag, port):
    use.expand(x=source())
    port.push("source", ["{{ ds }}"])
    assert arguments(dag, "use", 0) == ["{{ ds }}"]


def test_dicts_of_arguments_are_templates_wherever_they_come_from(dag, port):
    BashOperator.partial(task_id="b").expand_kwargs(source())
    port.push("source", [{"bash_command": "{{ ds }}"}])
    assert rendered(dag, "b", 0).bash_command == "2024-03-05"


def test_literal_members_are_templates(dag, port):
    BashOperator.partial(task_id="b", env={"D": "{{ ds }}"}).expand(bash_command=["echo {{ ds }}", "x"])
    assert rendered(dag, "b", 0).bash_command == "echo 2024-03-05"
    assert rendered(dag, "b", 1).env == {"D": "2024-03-05"}


def test_expand_kwargs_takes_dicts_with_results_in_them(dag, port):
    use.expand_kwargs([{"x": 1}, {"x": source(), "y": "{{ ds }}"}])
    port.push("source", 9)
    assert arguments(dag, "use", 0) == [1]
    assert arguments(dag, "use", 1) == [9, "2024-03-05"]


def test_expand_kwargs_takes_a_result(dag, port):
    BashOperator.partial(task_id="b").expand_kwargs(source())
    port.push("source", [{"bash_command": "one"}, {"bash_command": "two", "env": {"A": "1"}}])
    assert rendered(dag, "b", 1).bash_command == "two"
    assert rendered(dag, "b", 1).env == {"A": "1"}


@pytest.mark.parametrize(
    ("value", "text"), [(5, "result is of type int"), ([5], "member 0 is of type int"), ("abc", "of type str")]
)
def test_expand_kwargs_refuses_results_of_other_kinds(dag, port, value, text):
    use.expand_kwargs(source())
    port.push("source", value)
    with pytest.raises(ValueError, match=text):
        arguments(dag, "use", 0)


def test_expand_kwargs_refuses_arguments_given_twice(dag, port):
    use.partial(x=1).expand_kwargs([{"x": 2}])
    with pytest.raises(TypeError, match=r"partial\(\) has given already: x"):
        arguments(dag, "use", 0)
    use.override(task_id="lenient").partial(x=1).expand_kwargs([{"x": 2}], strict=False)
    assert arguments(dag, "lenient", 0) == [2]


def test_map_zip_and_concat_are_evaluated_where_they_are_used(dag, port):
    one, two = source(), source.override(task_id="two")()
    port.push("source", [1, 2, 3])
    port.push("two", ["a", "b"])
    use.override(task_id="m").expand(x=one.map(lambda v: v * 10).map(str))
    use.override(task_id="z").expand(x=one.zip(two))
    use.override(task_id="zf").expand(x=one.zip(two, fillvalue="-"))
    use.override(task_id="c").expand(x=one.concat(two, one))
    assert arguments(dag, "m", 2) == ["30"]
    assert arguments(dag, "z", 1) == [(2, "b")]
    assert arguments(dag, "zf", 2) == [(3, "-")]
    assert [arguments(dag, "c", index)[0] for index in range(8)] == [1, 2, 3, "a", "b", 1, 2, 3]
    counts = {name: dag.get_task(name).get_mapped_ti_count("r") for name in ("m", "z", "zf", "c")}
    assert counts == {"m": 3, "z": 2, "zf": 3, "c": 8}


def test_a_mapped_result_is_a_sequence_of_all_values(dag, port):
    many = use.expand(x=[1, 2, 3])
    use.override(task_id="after")(many)
    for index in (2, 0, 1):
        port.push("use", index * 10, map_index=index)
    [found] = arguments(dag, "after")
    assert list(found) == [0, 10, 20]
    assert len(found) == 3
    assert found[-1] == 20
    assert found == [0, 10, 20]


def test_a_task_may_expand_over_a_mapped_result(dag, port):
    use.override(task_id="after").expand(x=use.expand(x=[1, 2, 3]))
    for index in (0, 2):  # the one between returned nothing
        port.push("use", index * 10, map_index=index)
    assert dag.get_task("after").get_mapped_ti_count("r") == 2
    assert [arguments(dag, "after", index) for index in range(2)] == [[0], [20]]


def test_a_missing_result_is_none_and_a_missing_key_an_error(dag, port):
    use(source())
    use.override(task_id="key")(source.override(task_id="s2")()["k"])
    assert arguments(dag, "use") == [None]
    with pytest.raises(XComNotFound, match="s2"):
        arguments(dag, "key")


def test_the_number_of_instances_is_unknown_before_the_result_is_there(dag, port):
    use.expand(x=source(), y=[1, 2])
    with pytest.raises(NotFullyPopulated, match="'x'"):
        dag.get_task("use").get_mapped_ti_count("r")
    with pytest.raises(NotFullyPopulated, match="'x'"):
        dag.get_task("use").get_parse_time_mapped_ti_count()
    port.push("source", [1, 2, 3])
    assert dag.get_task("use").get_mapped_ti_count("r") == 6


@task
def step(x):
    return x


def test_tasks_of_a_mapped_group_see_their_own_instance_of_the_group(dag, port):
    @task_group
    def group(a, b):
        step.override(task_id="second")(step(a))
        BashOperator(task_id="bash", bash_command="{{ ds }}", env={"B": b})

    group.expand(a=["p", "q"], b=[1, 2])
    port_values = [("p", 1), ("p", 2), ("q", 1), ("q", 2)]
    assert [arguments(dag, "group.step", index) for index in range(4)] == [[a] for a, _ in port_values]
    assert [rendered(dag, "group.bash", index).env for index in range(4)] == [{"B": b} for _, b in port_values]
    for index in range(4):
        port.push("group.step", f"s{index}", map_index=index)
    assert [arguments(dag, "group.second", index) for index in range(4)] == [["s0"], ["s1"], ["s2"], ["s3"]]


def test_a_task_outside_sees_the_results_of_all_instances_of_the_group(dag, port):
    @task_group
    def group(a):
        return step(a)

    results = group.expand(a=[1, 2])
    step.override(task_id="outside")(results)

    @task_group
    def other(a):
        step.override(task_id="within")([a, results])

    other.expand(a=["x", "y", "z"])
    port.push("group.step", "r0", map_index=0)
    port.push("group.step", "r1", map_index=1)
    assert list(arguments(dag, "outside")[0]) == ["r0", "r1"]
    [[own, all_results]] = arguments(dag, "other.within", 2)
    assert (own, list(all_results)) == ("z", ["r0", "r1"])


def test_nested_mapped_groups_multiply_with_the_inner_one_fastest(dag, port):
    @task_group
    def inner(a, b):
        step.override(task_id="pair")([a, b])

    @task_group
    def outer(a):
        made = step(a)
        inner.partial(a=made).expand(b=["x", "y"])

    outer.expand(a=[1, 2])
    for index in range(2):
        port.push("outer.step", f"s{index}", map_index=index)
    found = [arguments(dag, "outer.inner.pair", index)[0] for index in range(4)]
    assert found == [["s0", "x"], ["s0", "y"], ["s1", "x"], ["s1", "y"]]


def test_a_group_may_expand_over_a_result(dag, port):
    @task_group
    def group(a):
        step(a)

    group.expand(a=source())
    port.push("source", ["p", "q"])
    assert [arguments(dag, "group.step", index) for index in range(2)] == [["p"], ["q"]]
    assert dag.get_task("group.step").get_mapped_ti_count("r") == 2


def test_what_the_supervisor_knows_of_the_expansion_is_not_asked_again(dag, port):
    @task_group
    def group(a):
        step.override(task_id="second")(step(a))

    group.expand(a=source())
    port.push("group.step", "own", map_index=1)
    found = arguments(dag, "group.second", 1, count=2, upstream_map_indexes={"group.step": 1})
    assert found == ["own"]
    assert port.asked["get_xcoms"] == 1


def test_a_plain_result_costs_one_question(dag, port):
    use(source())
    port.push("source", 1)
    arguments(dag, "use")
    assert port.asked == {"get_xcoms": 1}


def test_the_single_task_keeps_what_the_mapped_one_is(dag, port):
    made = use.override(task_id="u", retries=3, trigger_rule="all_done", pool="p").expand(x=[1])
    made.operator.as_teardown()
    dag.get_task("u").upstream_task_ids.add("before")
    single = rendered(dag, "u", 0)
    assert (single.task_id, single.retries, single.trigger_rule, single.pool) == ("u", 3, "all_done_setup_success", "p")
    assert single.is_teardown
    assert single.upstream_task_ids == {"before"}
    assert dag.task_ids == ["u"]


def test_params_of_a_mapped_task_may_be_mapped(dag, port):
    BashOperator.partial(
        task_id="b", bash_command="{{ params.a }}{{ params.b }}", params={"a": 1, "b": 2}
    ).expand_kwargs([{"params": {"b": 5}}, {}])
    assert [rendered(dag, "b", index).bash_command for index in range(2)] == ["15", "12"]
