"""One try in a supervisor's hands, and what its process said of its end."""

from __future__ import annotations

import os
import signal
import socket
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import psutil

from orchestration.execution import ties
from orchestration.execution.executors.base import Workload
from orchestration.execution.warm_parents import WarmParent
from orchestration.models.dataset_events import Change
from orchestration.models.outcomes import Deferral, Held, Outcome, PushedXCom
from orchestration.processes import frames
from orchestration.states import TaskInstanceState


@dataclass(slots=True)
class Ending:
    """A try whose processes are being ended."""

    reason: str
    #: Whether the executor stops: the try is queued again.
    is_stop: bool
    #: When the survivors are killed, on the monotonic clock.
    kill_at: float
    processes: list[psutil.Process] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class Try:
    """One try: from the workload to the end of its last process."""

    number: int
    workload: Workload
    sock: socket.socket
    inbox: frames.Inbox = field(default_factory=frames.Inbox)
    outbox: frames.Outbox = field(init=False)
    parent: WarmParent | None = None
    held: Held | None = None
    pid: int | None = None
    #: The process and its warm parent's word of it are gone.
    is_gone: bool = False
    wait_status: int | None = None
    is_silent: bool = False
    result: dict[str, Any] | None = None
    rendered: dict[str, Any] | None = None
    #: What its process was told at the start.
    document: dict[str, Any] = field(default_factory=dict)
    #: It is run by another process instead, which imported the file anew; or it is that other one.
    is_replaced: bool = False
    is_second: bool = False
    #: What will be stored as its end, until it is.
    outcome: Outcome | None = None
    is_stored: bool = False
    #: Somebody took its claim: nothing of it is stored.
    is_lost: bool = False
    started: float = 0.0
    is_pid_noted: bool = False
    #: When its ``execution_timeout`` is over for sure, on the monotonic clock.
    deadline: float | None = None
    ending: Ending | None = None

    def __post_init__(self) -> None:
        self.outbox = frames.Outbox(self.sock)

    @property
    def tag(self) -> str:
        """What the environment of its processes holds."""
        return ties.try_tag(self.workload.ti_id, self.workload.try_number, self.workload.claim)

    @property
    def may_be_stored(self) -> bool:
        """Whether its end may be written: where its processes are being ended, only when they are gone."""
        return not self.is_stored and (self.ending is None or (self.is_gone and not self.ending.processes))

    @property
    def is_running(self) -> bool:
        """Whether it holds its claim and has not said how it ended."""
        return self.held is not None and self.result is None and not self.is_stored and self.outcome is None

    def crash_reason(self, parent_reason: str | None) -> str:
        """Why a process that said nothing is gone, in a sentence."""
        if self.ending is not None:
            return self.ending.reason
        if parent_reason is not None:
            return parent_reason
        status = self.wait_status
        if status is not None and os.WIFSIGNALED(status):
            number = os.WTERMSIG(status)
            name = signal.Signals(number).name if number in {s.value for s in signal.Signals} else str(number)
            hint = " Perhaps the machine was out of memory." if number == signal.SIGKILL else ""
            return f"The task's process was killed by {name}.{hint}"
        code = "unknown" if status is None else os.waitstatus_to_exitcode(status)
        return f"The task's process ended with exit status {code} without a result."


def outcome_of(held: Held, said: dict[str, Any], *, pid: int | None, rendered: dict[str, Any] | None) -> Outcome:
    """How a try ended, from its process's last message (``runner.Result``). KeyError, ValueError for another one."""
    ended_at = datetime.fromisoformat(said["ended_at"])
    state = TaskInstanceState(said["state"])
    not_before: datetime | None = None
    if state == TaskInstanceState.UP_FOR_RETRY:
        not_before = ended_at + timedelta(seconds=said["retry_seconds"])
    elif state == TaskInstanceState.UP_FOR_RESCHEDULE:
        not_before = datetime.fromisoformat(said["reschedule_at"])
    deferral = None
    if state == TaskInstanceState.DEFERRED:
        wait = said["deferral"]
        deferral = Deferral(
            classpath=wait["classpath"],
            trigger_kwargs=wait["trigger_kwargs"],
            next_method=wait["next_method"],
            next_kwargs=wait["next_kwargs"],
            timeout_at=None if wait["timeout_at"] is None else datetime.fromisoformat(wait["timeout_at"]),
        )
    stop = said.get("stop_except")
    return Outcome(
        held=held,
        state=state,
        ended_at=ended_at.astimezone(UTC),
        reason=said.get("reason") or "",
        pid=pid,
        owner=said.get("owner"),
        xcoms=[PushedXCom(*each) for each in said.get("xcoms", ())],
        rendered_fields=rendered,
        rendered_map_index=said.get("rendered_map_index"),
        skip_task_ids=said.get("skip_task_ids", ()),
        changes=[Change(each["uri"], each["extra"], frozenset(each["aliases"])) for each in said.get("changes", ())],
        not_before=not_before,
        deferral=deferral,
        stop_except=None if stop is None else frozenset(stop),
    )
