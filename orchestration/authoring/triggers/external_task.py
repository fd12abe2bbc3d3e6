"""Waiting for runs and tasks of other DAGs. Mirrors ``airflow.triggers.external_task``."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from orchestration.authoring import store, timezone
from orchestration.authoring.triggers.base import PlainTrigger, TriggerEvent


def count_external(
    logical_dates: Sequence[datetime],
    external_dag_id: str,
    states: Iterable[str],
    *,
    external_task_ids: Collection[str] | None = None,
    external_task_group_id: str | None = None,
) -> float:
    """How many of the dates have what is waited for in one of the states.

    A date counts by its share: of the named tasks, or of the group's instances, that are in these states. So the answer
    equals ``len(logical_dates)`` exactly when all of them are, and is above 0 as soon as one is.
    """
    if not logical_dates:
        return 0
    dates = [moment.isoformat() for moment in logical_dates]
    wanted = {str(getattr(state, "value", state)) for state in states}
    port = store.current()
    if not external_task_ids and not external_task_group_id:
        return len(port.get_dag_runs(dag_id=external_dag_id, logical_dates=dates, states=sorted(wanted)))
    found = port.get_task_instances(
        dag_id=external_dag_id,
        logical_dates=dates,
        task_ids=list(external_task_ids) if external_task_ids else None,
        task_group_id=None if external_task_ids else external_task_group_id,
    )
    # One part per date, or per date and task: the instances of a mapped task are one part.
    parts: defaultdict[tuple[str, str], list[bool]] = defaultdict(list)
    for instance in found:
        task_id = instance["task_id"] if external_task_ids else ""
        parts[instance["logical_date"], task_id].append(instance["state"] in wanted)
    return sum(sum(part) / len(part) for part in parts.values()) / len(external_task_ids or [""])


class WorkflowTrigger(PlainTrigger):
    """Watches a DAG, some of its tasks or a task group at given logical dates.

    The payload's ``status`` is ``success``, ``skipped`` or ``failed``. ``poke_interval`` is in seconds.
    """

    path = "airflow.triggers.external_task.WorkflowTrigger"
    arguments = (
        "external_dag_id", "execution_dates", "external_task_ids", "external_task_group_id", "allowed_states",
        "skipped_states", "failed_states", "soft_fail", "poke_interval",
    )  # fmt: skip

    def __init__(
        self,
        external_dag_id: str,
        execution_dates: list[datetime],
        external_task_ids: Collection[str] | None = None,
        external_task_group_id: str | None = None,
        failed_states: Iterable[str] | None = None,
        skipped_states: Iterable[str] | None = None,
        allowed_states: Iterable[str] | None = None,
        poke_interval: float = 2.0,
        soft_fail: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.external_dag_id, self.execution_dates = external_dag_id, execution_dates
        self.external_task_ids = None if external_task_ids is None else list(external_task_ids)
        self.external_task_group_id = external_task_group_id
        self.allowed_states, self.skipped_states, self.failed_states = allowed_states, skipped_states, failed_states
        self.soft_fail, self.poke_interval = soft_fail, poke_interval

    async def run(self) -> AsyncIterator[TriggerEvent]:
        while (status := await asyncio.to_thread(self._status)) is None:
            await asyncio.sleep(self.poke_interval)
        yield TriggerEvent({"status": status})

    def _status(self) -> str | None:
        """What the payload would say now; None to go on waiting."""
        if self.failed_states and self._count(self.failed_states) > 0:
            return "failed"
        if self.skipped_states and self._count(self.skipped_states) > 0:
            return "skipped"
        return "success" if self._count(self.allowed_states or ()) == len(self.execution_dates) else None

    def _count(self, states: Iterable[str]) -> float:
        return count_external(
            self.execution_dates,
            self.external_dag_id,
            states,
            external_task_ids=self.external_task_ids,
            external_task_group_id=self.external_task_group_id,
        )


class DagStateTrigger(PlainTrigger):
    """Fires when the DAG's runs at all the given logical dates are in one of the states.

    The payload is what ``serialize`` gives, as the reference's. ``poll_interval`` is in seconds.
    """

    path = "airflow.triggers.external_task.DagStateTrigger"
    arguments = ("dag_id", "states", "execution_dates", "poll_interval")

    def __init__(
        self, dag_id: str, states: Sequence[str], execution_dates: list[datetime], poll_interval: float = 5.0
    ) -> None:
        super().__init__()
        self.dag_id, self.execution_dates = dag_id, execution_dates
        self.states = [str(getattr(state, "value", state)) for state in states]
        self.poll_interval = poll_interval

    async def run(self) -> AsyncIterator[TriggerEvent]:
        while await asyncio.to_thread(self._count) != len(self.execution_dates):
            await asyncio.sleep(self.poll_interval)
        yield TriggerEvent(self.serialize())

    def _count(self) -> float:
        return count_external(self.execution_dates, self.dag_id, self.states)


class TaskStateTrigger(PlainTrigger):
    """Fires when one task is in one of the states at all the given logical dates. Deprecated: use WorkflowTrigger.

    The payload's ``status`` is ``success``, or ``timeout`` where the DAG did not run within a minute after
    ``trigger_start_time``.
    """

    START_TIMEOUT_SECONDS = 60

    path = "airflow.triggers.external_task.TaskStateTrigger"
    arguments = ("dag_id", "task_id", "states", "execution_dates", "trigger_start_time", "poll_interval")

    def __init__(
        self,
        dag_id: str,
        execution_dates: list[datetime],
        trigger_start_time: datetime,
        states: list[str] | None = None,
        task_id: str | None = None,
        poll_interval: float = 2.0,
    ) -> None:
        super().__init__()
        self.dag_id, self.task_id = dag_id, task_id
        self.execution_dates, self.states = execution_dates, states or ["success"]
        self.trigger_start_time, self.poll_interval = trigger_start_time, poll_interval

    async def run(self) -> AsyncIterator[TriggerEvent]:
        while (status := await asyncio.to_thread(self._status)) is None:
            await asyncio.sleep(self.poll_interval)
        yield TriggerEvent({"status": status})

    def _status(self) -> str | None:
        tasks = [self.task_id] if self.task_id else None
        if count_external(self.execution_dates, self.dag_id, self.states, external_task_ids=tasks) == len(
            self.execution_dates
        ):
            return "success"
        if count_external(self.execution_dates, self.dag_id, ["queued", "running", "success"]):
            return None
        waited = (timezone.utcnow() - timezone.coerce_datetime(self.trigger_start_time)).total_seconds()
        return "timeout" if waited > self.START_TIMEOUT_SECONDS else None
