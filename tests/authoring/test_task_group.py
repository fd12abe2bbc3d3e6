"""Groups: what recorded files do not show. See ``test_recorded_dags`` for the rest."""

from __future__ import annotations

import pytest

from orchestration.authoring.dag import DAG
from orchestration.authoring.decorators import task_group
from orchestration.authoring.exceptions import AirflowDagCycleException, AirflowException, TaskAlreadyInTaskGroup
from orchestration.authoring.operators.empty import EmptyOperator
from orchestration.authoring.task_group import TaskGroup, TaskGroupContext


@pytest.fixture
def dag():
    with DAG("d", schedule=None) as made:
        yield made


def test_a_group_belongs_to_one_dag(dag):
    group = TaskGroup("g")
    with pytest.raises(RuntimeError, match="of one DAG, not of"):
        TaskGroup("h", parent_group=group, dag=DAG("other", schedule=None))
    with pytest.raises(AirflowException, match="takes no parent_group"):
        TaskGroup(None, parent_group=group)


def test_a_task_belongs_to_one_group(dag):
    first, second = TaskGroup("a"), TaskGroup("b")
    a = EmptyOperator(task_id="t", task_group=first)
    with pytest.raises(TaskAlreadyInTaskGroup, match=r"'a.t' is in group 'a', and so cannot go into 'b'"):
        second.add(a)
    with pytest.raises(TaskAlreadyInTaskGroup, match="the DAG's root group"):
        second.add(EmptyOperator(task_id="root"))
    with pytest.raises(AirflowException, match="has tasks already"):
        with TaskGroup("outer"):
            dag.task_group.children.pop("a")
            first.task_group = None
            second.add(first)


def test_children_and_tasks(dag):
    with TaskGroup("g") as group:
        a = EmptyOperator(task_id="a")
        with TaskGroup("inner") as inner:
            b = EmptyOperator(task_id="b")
    assert list(group) == [a, b]
    assert list(group.iter_tasks()) == [a, b]
    assert group.has_task(b)
    assert not inner.has_task(a)
    assert group.get_child_by_label("inner") is inner
    assert list(dag.task_group.get_task_group_dict()) == [None, "g", "g.inner"]
    assert [node.node_id for node in dag.task_group.hierarchical_alphabetical_sort()] == ["g"]
    assert inner.parent_group.group_id == "g"
    assert (inner.label, inner.is_root, dag.task_group.is_root) == ("inner", False, True)
    group._remove(a)
    with pytest.raises(KeyError):
        group._remove(a)


def test_groups_sort_so_that_each_child_comes_after_what_it_needs(dag):
    with TaskGroup("late") as late:
        EmptyOperator(task_id="x")
    with TaskGroup("early"):
        y = EmptyOperator(task_id="y")
    z = EmptyOperator(task_id="z")
    y >> z
    z >> late
    assert [node.node_id for node in dag.task_group.topological_sort()] == ["early", "z", "late"]
    EmptyOperator(task_id="a") >> z >> dag.get_task("a")
    with pytest.raises(AirflowDagCycleException):
        dag.task_group.topological_sort()


def test_the_last_work_stands_in_for_teardowns(dag):
    with TaskGroup("g") as group:
        s = EmptyOperator(task_id="s").as_setup()
        w = EmptyOperator(task_id="w")
        t = EmptyOperator(task_id="t").as_teardown(setups=s)
        t2 = EmptyOperator(task_id="t2").as_teardown()
        s >> w >> t >> t2
    assert group.leaves == [w]
    assert group.roots == [s]


def test_a_block_that_fails_leaves_no_group_open(dag):
    with pytest.raises(ZeroDivisionError), TaskGroup("g"):
        raise ZeroDivisionError
    assert TaskGroupContext.get_current_task_group(dag) is dag.task_group


def test_a_decorated_group_that_was_never_mapped_warns(dag):
    @task_group
    def group(a, b): ...

    with pytest.warns(UserWarning, match="group 'group' makes no tasks before"):
        group.partial(a=1)


def test_a_decorated_group_checks_its_arguments(dag):
    with pytest.raises(TypeError, match="unexpected keyword argument"):

        @task_group(nonsense=1)
        def group(): ...

    with pytest.raises(TypeError, match="decorates functions"):
        task_group(group_id="g")(5)

    @task_group
    def other(a): ...

    with pytest.raises(TypeError, match=r"expand\(\) takes no 'b'"):
        other.expand(b=[1])
    with pytest.raises(ValueError, match="of type 'int'"):
        other.expand(a=5)
    with pytest.warns(UserWarning, match="makes no tasks"), pytest.raises(TypeError, match="given already: a"):
        other.partial(a=1).expand(a=[1])
    with pytest.raises(TypeError, match="takes a list of dicts"):
        other.expand_kwargs(5)


def test_several_open_setups_must_be_of_one_kind(dag):
    from orchestration.authoring.setup_teardown import ContextWrapper, SetupTeardownContext

    setup = EmptyOperator(task_id="s").as_setup()
    teardown = EmptyOperator(task_id="t").as_teardown()
    with pytest.raises(ValueError, match="has both"), ContextWrapper([setup, teardown]):
        pass
    with (
        pytest.raises(AirflowException, match="is neither"),
        ContextWrapper([EmptyOperator(task_id="w")]),
    ):
        pass
    with pytest.raises(AirflowException, match="is open to take"):
        SetupTeardownContext.add_task(setup)
