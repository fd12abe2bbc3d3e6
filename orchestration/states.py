"""The states of runs, task instances and jobs, their families, and the moves between them.

The values are those of Airflow 2, stored and shown as they are. A task instance without a state is
stored as ``""`` and shown as null, because SQL's NULL is in no set.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class DagRunState(StrEnum):
    """State of a DAG run."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"


class TaskInstanceState(StrEnum):
    """State of a task instance; ``NONE`` is the empty string and shown as null."""

    NONE = ""
    REMOVED = "removed"
    SCHEDULED = "scheduled"
    QUEUED = "queued"
    RUNNING = "running"
    SUCCESS = "success"
    RESTARTING = "restarting"
    FAILED = "failed"
    UP_FOR_RETRY = "up_for_retry"
    UP_FOR_RESCHEDULE = "up_for_reschedule"
    UPSTREAM_FAILED = "upstream_failed"
    SKIPPED = "skipped"
    DEFERRED = "deferred"


class DagRunType(StrEnum):
    """What made a run; also the prefix of its generated ``run_id``."""

    BACKFILL = "backfill"
    SCHEDULED = "scheduled"
    MANUAL = "manual"
    DATASET_TRIGGERED = "dataset_triggered"


class JobState(StrEnum):
    """State of a long-running process."""

    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"


class JobType(StrEnum):
    """Kind of a long-running process, by the names Airflow stores."""

    SCHEDULER = "SchedulerJob"
    DAG_PROCESSOR = "DagProcessorJob"
    TRIGGERER = "TriggererJob"
    LOCAL_TASK = "LocalTaskJob"
    BACKFILL = "BackfillJob"


RUN_FINISHED = frozenset({DagRunState.SUCCESS, DagRunState.FAILED})
RUN_UNFINISHED = frozenset(DagRunState) - RUN_FINISHED

_T = TaskInstanceState

#: The task is over; nothing moves it but an operator's verb.
FINISHED = frozenset({_T.SUCCESS, _T.FAILED, _T.SKIPPED, _T.UPSTREAM_FAILED, _T.REMOVED})
UNFINISHED = frozenset(_T) - FINISHED
#: The task failed or will not run because an upstream failed.
FAILED_STATES = frozenset({_T.FAILED, _T.UPSTREAM_FAILED})
SUCCESS_STATES = frozenset({_T.SUCCESS, _T.SKIPPED})
#: The scheduler may look at the task's dependencies in these.
SCHEDULABLE = frozenset({_T.NONE, _T.UP_FOR_RETRY, _T.UP_FOR_RESCHEDULE})
#: Holds slots of its pool and counts against the concurrency limits.
OCCUPIES_SLOT = frozenset({_T.QUEUED, _T.RUNNING, _T.RESTARTING})
#: Some process works on it, or is about to.
ACTIVE = frozenset({_T.QUEUED, _T.RUNNING, _T.RESTARTING, _T.DEFERRED})

#: The states from which the system may move a run to each state. Every member is a key.
RUN_REACHED_FROM: Mapping[DagRunState, frozenset[DagRunState]] = {
    DagRunState.QUEUED: frozenset(),
    DagRunState.RUNNING: frozenset({DagRunState.QUEUED}),
    DagRunState.SUCCESS: frozenset({DagRunState.RUNNING}),
    DagRunState.FAILED: frozenset({DagRunState.QUEUED, DagRunState.RUNNING}),
}

#: The states from which the system may move a task instance to each state. Every member is a key.
REACHED_FROM: Mapping[TaskInstanceState, frozenset[TaskInstanceState]] = {
    _T.NONE: frozenset({_T.SCHEDULED, _T.QUEUED, _T.RESTARTING}),
    _T.REMOVED: UNFINISHED,
    _T.SCHEDULED: frozenset({_T.NONE, _T.UP_FOR_RETRY, _T.UP_FOR_RESCHEDULE, _T.DEFERRED, _T.QUEUED}),
    _T.QUEUED: frozenset({_T.SCHEDULED}),
    _T.RUNNING: frozenset({_T.QUEUED}),
    _T.RESTARTING: frozenset({_T.RUNNING}),
    _T.DEFERRED: frozenset({_T.RUNNING, _T.SCHEDULED}),
    _T.UP_FOR_RETRY: frozenset({_T.RUNNING, _T.QUEUED, _T.DEFERRED, _T.RESTARTING}),
    _T.UP_FOR_RESCHEDULE: frozenset({_T.RUNNING}),
    _T.SUCCESS: frozenset({_T.RUNNING, _T.SCHEDULED, _T.NONE, _T.DEFERRED}),
    _T.FAILED: UNFINISHED,
    _T.SKIPPED: UNFINISHED,
    _T.UPSTREAM_FAILED: frozenset({_T.NONE, _T.UP_FOR_RETRY, _T.UP_FOR_RESCHEDULE}),
}
