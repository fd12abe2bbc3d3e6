"""Skipping the tasks after one. Mirrors ``airflow.models.skipmixin``.

What was decided is kept as an XCom under ``XCOM_SKIPMIXIN_KEY``, so that a task which is cleared later is skipped
again, and told to the supervisor at once through ``ti.skip_downstream``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from orchestration.authoring.context import get_current_context
from orchestration.authoring.exceptions import AirflowException
from orchestration.authoring.logging_mixin import LoggingMixin

XCOM_SKIPMIXIN_KEY = "skipmixin_key"
#: The tasks that are skipped.
XCOM_SKIPMIXIN_SKIPPED = "skipped"
#: The tasks directly downstream that are not.
XCOM_SKIPMIXIN_FOLLOWED = "followed"


class SkipMixin(LoggingMixin):
    """For operators that decide which tasks after them run."""

    def skip(self, dag_run: Any, execution_date: Any, tasks: Iterable[Any], map_index: int = -1) -> None:
        """Skip tasks of the running task's DAG run; of a mapped task, those instances with its map index.

        ``dag_run`` and ``execution_date`` are those of the running task; ValueError where they contradict each other.
        """
        task_ids = [node.task_id for node in tasks if hasattr(node, "task_id")]
        if not task_ids:
            return
        if dag_run is None:
            raise ValueError("skip() needs the run whose tasks it skips: give dag_run")
        if execution_date and execution_date != dag_run.execution_date:
            raise ValueError(f"The run is of {dag_run.execution_date}, not of {execution_date}: give dag_run alone")
        ti = get_current_context()["ti"]
        ti.xcom_push(key=XCOM_SKIPMIXIN_KEY, value={XCOM_SKIPMIXIN_SKIPPED: task_ids})
        _tell(ti, task_ids)

    @staticmethod
    def skip_all_except(ti: Any, branch_task_ids: str | Iterable[str] | None) -> None:
        """Skip every task directly downstream but the named ones and those that come after them.

        None follows no branch. AirflowException for a name that is no task of the DAG.
        """
        log = ti.task.log
        wanted = _task_ids(branch_task_ids)
        dag = ti.task.dag
        if unknown := sorted(wanted - set(dag.task_ids)):
            raise AirflowException(f"DAG {dag.dag_id!r} has no tasks {', '.join(map(repr, unknown))} to follow")
        # A join directly after the branch runs although it was not named, when a followed task leads to it.
        followed = wanted.union(*(dag.get_task(name).get_flat_relative_ids(upstream=False) for name in wanted))
        downstream = sorted(ti.task.downstream_task_ids)
        if not downstream:
            return
        skipped = [name for name in downstream if name not in followed]
        log.info("Following %s, skipping %s", sorted(wanted), skipped)
        ti.xcom_push(
            key=XCOM_SKIPMIXIN_KEY,
            value={XCOM_SKIPMIXIN_FOLLOWED: [name for name in downstream if name in followed]},
        )
        if skipped:
            _tell(ti, skipped)


def _tell(ti: Any, task_ids: list[str]) -> None:
    """Have the tasks skipped at once, where the runner can; the scheduler does it later from the XCom otherwise."""
    skip = getattr(ti, "skip_downstream", None)
    if skip is not None:
        skip(task_ids)


def _task_ids(branch_task_ids: str | Iterable[str] | None) -> set[str]:
    if branch_task_ids is None:
        return set()
    if isinstance(branch_task_ids, str):
        return {branch_task_ids}
    if not isinstance(branch_task_ids, Iterable):
        raise AirflowException(f"A branch is a task id, several, or None; not {branch_task_ids!r}")
    names = list(branch_task_ids)
    if wrong := [name for name in names if not isinstance(name, str)]:
        raise AirflowException(f"A branch is named by task ids, and {wrong[0]!r} is no text")
    return set(names)
