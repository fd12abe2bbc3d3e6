"""What is not there, in the same words whichever way was asked, and the command that shows what is."""

from __future__ import annotations


def no_dag(dag_id: str) -> str:
    """Of a DAG."""
    return f"There is no DAG {dag_id!r}. `airflowsite dags list` shows all."


def no_run(dag_id: str, word: str) -> str:
    """Of a run, by its id or logical date."""
    return (
        f"{dag_id} has no run whose id or logical date is {word!r}. `airflowsite dags list-runs -d {dag_id}` shows all."
    )


def no_instance(dag_id: str, task_id: str, run: str, map_index: int) -> str:
    """Of a task instance."""
    return (
        f"There is no instance of task {task_id!r} (map index {map_index}) in run {run!r}. "
        f"`airflowsite tasks states-for-dag-run {dag_id} {run}` shows all."
    )
