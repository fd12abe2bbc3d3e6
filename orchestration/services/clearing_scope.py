"""Which tasks of a DAG a clear or a mark reaches. Pure: it reads serialised DAGs only.

Mirrors ``DAG.partial_subset`` and the relatives of ``airflow.models.abstractoperator`` of Airflow 2.10.5.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from orchestration.serialization.values import SerializedDag, SerializedTask


def relatives(dag: SerializedDag, task_id: str, *, upstream: bool) -> frozenset[str]:
    """All tasks upstream (or downstream) of a task, itself not among them."""
    found: set[str] = set()
    ahead = _next(dag.tasks[task_id], upstream)
    while ahead:
        fresh = {name for name in ahead if name not in found and name in dag.tasks}
        found |= fresh
        ahead = frozenset().union(*(_next(dag.tasks[name], upstream) for name in fresh))
    return frozenset(found)


def _next(task: SerializedTask, upstream: bool) -> frozenset[str]:
    return task.upstream_task_ids if upstream else task.downstream_task_ids


def subset(
    dag: SerializedDag, task_ids: Collection[str], *, include_upstream: bool, include_downstream: bool
) -> frozenset[str]:
    """The named tasks that exist, with their relatives where asked.

    A task takes along the setups it needs and their teardowns, whatever is asked; a setup alone takes its teardowns.
    """
    named = [task for task_id, task in dag.tasks.items() if task_id in task_ids]
    also: set[str] = set()
    for task in named:
        if include_downstream:
            for name in relatives(dag, task.task_id, upstream=False):
                also.add(name)
                relative = dag.tasks[name]
                if name not in task_ids and not relative.is_setup and not relative.is_teardown:
                    also.update(_setups_and_teardowns(dag, name))
        if include_upstream:
            also.update(_upstream_with_teardowns(dag, task.task_id))
        elif not task.is_setup and not task.is_teardown:
            also.update(_setups_and_teardowns(dag, task.task_id))
        if task.is_setup and not include_downstream:
            also.update(_teardowns(dag, task.downstream_task_ids))
    return frozenset({task.task_id for task in named} | also)


def _teardowns(dag: SerializedDag, task_ids: Iterable[str]) -> Iterator[str]:
    return (name for name in task_ids if name in dag.tasks and dag.tasks[name].is_teardown)


def _upstream_with_teardowns(dag: SerializedDag, task_id: str) -> Iterator[str]:
    """All upstream tasks, and the teardowns of the setups among them."""
    for name in relatives(dag, task_id, upstream=True):
        yield name
        if dag.tasks[name].is_setup:
            yield from (other for other in _teardowns(dag, dag.tasks[name].downstream_task_ids) if other != task_id)


def _setups_and_teardowns(dag: SerializedDag, task_id: str) -> Iterator[str]:
    """The upstream setups that concern the task, and their teardowns.

    A setup concerns it when one of its teardowns lies downstream of the task, or when it has none.
    """
    below = frozenset(_teardowns(dag, relatives(dag, task_id, upstream=False)))
    for name in relatives(dag, task_id, upstream=True):
        setup = dag.tasks[name]
        if not setup.is_setup:
            continue
        teardowns = frozenset(_teardowns(dag, setup.downstream_task_ids))
        if not teardowns or teardowns & below:
            yield name
            yield from teardowns - {task_id}
