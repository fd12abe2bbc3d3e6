"""What makes a DAG invalid: circles, reserved ids, setups followed wrongly; and the form of its access control."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from orchestration.authoring.exceptions import (
    AirflowDagCycleException,
    AirflowException,
    FailStopDagInvalidTriggerRule,
    RemovedInAirflow3Warning,
)
from orchestration.authoring.trigger_rule import TriggerRule

if TYPE_CHECKING:
    from orchestration.authoring.dag import DAG

DEFAULT_VIEW_PRESETS = ["grid", "graph", "duration", "gantt", "landing_times"]
ORIENTATION_PRESETS = ["LR", "TB", "RL", "BT"]

RESOURCE_DAG = "DAGs"

#: Ids that mean all DAGs, or a folder, where rights and paths are made of them.
_RESERVED_IDS = frozenset({RESOURCE_DAG, "DAG Runs", "~", ".", ".."})

_RENAMED_ACTIONS = {"can_dag_read": "can_read", "can_dag_edit": "can_edit"}


def refuse_reserved_id(dag_id: str) -> None:
    """AirflowException for an id that would be taken for something else."""
    if dag_id in _RESERVED_IDS or dag_id.startswith("DAG:"):
        raise AirflowException(
            f"The dag_id {dag_id!r} is reserved: it names a resource or a path of the system. Choose another one."
        )


def check_cycle(dag: DAG) -> None:
    """AirflowDagCycleException where the edges form a circle; the text names a task on it."""
    waiting = {task_id: len(task.upstream_task_ids) for task_id, task in dag.task_dict.items()}
    ready = [task_id for task_id, count in waiting.items() if not count]
    for task_id in ready:
        for later in dag.task_dict[task_id].downstream_task_ids:
            waiting[later] -= 1
            if not waiting[later]:
                ready.append(later)
    if len(ready) < len(waiting):
        on_circle = _task_on_circle(dag, set(waiting) - set(ready))
        raise AirflowDagCycleException(f"In DAG {dag.dag_id!r} the edges from task {on_circle!r} lead back to it")


def _task_on_circle(dag: DAG, left: set[str]) -> str:
    """Walk backwards among the tasks that never became ready until one comes again: it is on a circle."""
    task_id = next(task_id for task_id in dag.task_dict if task_id in left)
    seen: set[str] = set()
    while task_id not in seen:
        seen.add(task_id)
        task_id = min(dag.task_dict[task_id].upstream_task_ids & left)
    return task_id


def check_setup_teardown(dag: DAG) -> None:
    """ValueError where work right after a setup has another trigger rule than the default; fail_stop is checked too."""
    for task in dag.tasks:
        if task.is_setup:
            for later in task.downstream_list:
                if not later.is_teardown and later.trigger_rule != TriggerRule.ALL_SUCCESS:
                    raise ValueError(
                        f"Task {later.task_id!r} comes right after setup {task.task_id!r} and so has the trigger rule "
                        f"{TriggerRule.ALL_SUCCESS}, not {later.trigger_rule}"
                    )
        FailStopDagInvalidTriggerRule.check(dag=dag, trigger_rule=task.trigger_rule)


def normalise_access_control(access_control: Mapping[str, Any] | None) -> dict[str, dict[str, set[str]]] | None:
    """Role → resource → actions; a plain set of actions is for the DAG itself, old names of actions are renewed."""
    if access_control is None:
        return None
    return {
        role: {
            resource: {_renew(action) for action in actions}
            for resource, actions in (grants if isinstance(grants, Mapping) else {RESOURCE_DAG: grants}).items()
        }
        for role, grants in access_control.items()
    }


def _renew(action: str) -> str:
    if action in _RENAMED_ACTIONS:
        warnings.warn(
            f"The action {action!r} has a new name: write {_RENAMED_ACTIONS[action]!r}.",
            RemovedInAirflow3Warning,
            stacklevel=5,
        )
    return _RENAMED_ACTIONS.get(action, action)
