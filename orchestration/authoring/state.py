"""The states under the names that ``airflow.utils.state`` has."""

from __future__ import annotations

from typing import ClassVar

from orchestration.states import DagRunState, JobState
from orchestration.states import TaskInstanceState as _AllStates

__all__ = ["DagRunState", "JobState", "State", "TaskInstanceState"]

TaskInstanceState = _AllStates


class State:
    """All states as texts, and families of them; None is a task instance without a state."""

    SUCCESS = TaskInstanceState.SUCCESS
    RUNNING = TaskInstanceState.RUNNING
    FAILED = TaskInstanceState.FAILED
    NONE = None
    REMOVED = TaskInstanceState.REMOVED
    SCHEDULED = TaskInstanceState.SCHEDULED
    QUEUED = TaskInstanceState.QUEUED
    RESTARTING = TaskInstanceState.RESTARTING
    UP_FOR_RETRY = TaskInstanceState.UP_FOR_RETRY
    UP_FOR_RESCHEDULE = TaskInstanceState.UP_FOR_RESCHEDULE
    UPSTREAM_FAILED = TaskInstanceState.UPSTREAM_FAILED
    SKIPPED = TaskInstanceState.SKIPPED
    DEFERRED = TaskInstanceState.DEFERRED

    finished_dr_states: ClassVar[frozenset[DagRunState]] = frozenset({DagRunState.SUCCESS, DagRunState.FAILED})
    unfinished_dr_states: ClassVar[frozenset[DagRunState]] = frozenset({DagRunState.QUEUED, DagRunState.RUNNING})
    task_states: ClassVar[tuple[TaskInstanceState | None, ...]] = (
        None,
        *(state for state in TaskInstanceState if state is not TaskInstanceState.NONE),
    )
    dag_states: ClassVar[tuple[DagRunState, ...]] = (
        DagRunState.QUEUED,
        DagRunState.SUCCESS,
        DagRunState.RUNNING,
        DagRunState.FAILED,
    )
    finished: ClassVar[frozenset[TaskInstanceState]] = frozenset({SUCCESS, FAILED, SKIPPED, UPSTREAM_FAILED, REMOVED})
    unfinished: ClassVar[frozenset[TaskInstanceState | None]] = frozenset(
        {None, SCHEDULED, QUEUED, RUNNING, RESTARTING, UP_FOR_RETRY, UP_FOR_RESCHEDULE, DEFERRED}
    )
    failed_states: ClassVar[frozenset[TaskInstanceState]] = frozenset({FAILED, UPSTREAM_FAILED})
    success_states: ClassVar[frozenset[TaskInstanceState]] = frozenset({SUCCESS, SKIPPED})
    terminating_states: ClassVar[frozenset[TaskInstanceState]] = frozenset({RUNNING, RESTARTING, DEFERRED, QUEUED})
    adoptable_states: ClassVar[frozenset[TaskInstanceState]] = frozenset({QUEUED, RUNNING, RESTARTING})
    state_color: ClassVar[dict[TaskInstanceState | None, str]] = {
        None: "lightblue",
        QUEUED: "gray",
        RUNNING: "lime",
        SUCCESS: "green",
        RESTARTING: "violet",
        FAILED: "red",
        UP_FOR_RETRY: "gold",
        UP_FOR_RESCHEDULE: "turquoise",
        UPSTREAM_FAILED: "orange",
        SKIPPED: "hotpink",
        REMOVED: "lightgrey",
        SCHEDULED: "tan",
        DEFERRED: "mediumpurple",
    }

    @classmethod
    def color(cls, state: TaskInstanceState | None) -> str:
        """The colour a state is shown in."""
        return cls.state_color.get(state, "white")

    @classmethod
    def color_fg(cls, state: TaskInstanceState | None) -> str:
        """The text's colour on it."""
        return "white" if cls.color(state) in {"green", "red"} else "black"
