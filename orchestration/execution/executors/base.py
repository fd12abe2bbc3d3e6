"""The port between the scheduler and whoever runs tasks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

if TYPE_CHECKING:
    from orchestration.models.task_instance import TaskInstance


@dataclass(frozen=True, slots=True)
class Workload:
    """One try to run. It holds no truth: whoever gets it claims the try in the database first.

    ``claim`` is the token that was written when the try was queued; ``fileloc`` the DAG's file.
    """

    ti_id: int
    try_number: int
    claim: str
    dag_id: str
    run_id: str
    task_id: str
    map_index: int
    fileloc: str
    queue: str
    pool: str
    priority: int
    executor: str | None

    @classmethod
    def of(cls, ti: TaskInstance, claim: UUID) -> Workload:
        """The present try of a row that was queued under this claim; needs ``ti.run`` and ``ti.dag``."""
        return cls(
            ti_id=ti.pk,
            try_number=ti.try_number,
            claim=str(claim),
            dag_id=ti.dag_id,
            run_id=ti.run.run_id,
            task_id=ti.task_id,
            map_index=ti.map_index,
            fileloc=ti.dag.fileloc,
            queue=ti.queue,
            pool=ti.pool,
            priority=ti.priority_weight,
            executor=ti.executor,
        )

    def as_json(self) -> dict[str, Any]:
        """Plain values, for a message."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Workload:
        """The reverse of ``as_json``; TypeError for other keys."""
        return cls(**document)


@dataclass(frozen=True, slots=True)
class TaskEvent:
    """A try is over and its outcome stored: ``state`` is where the instance went. A hint, not truth."""

    ti_id: int
    run_pk: int
    state: str


class Executor(Protocol):
    """Runs tries. None of the methods waits for a task; none raises because a task failed.

    The scheduler's loop calls ``poll`` when ``fileno`` is readable and at least once a second.
    """

    def start(self, job_id: int) -> None:
        """Get ready; ``job_id`` is the scheduler's job, kept with the tries."""

    def submit(self, workloads: Sequence[Workload]) -> None:
        """Take tries that were queued. Those with a higher ``priority`` start first."""

    def poll(self) -> list[TaskEvent]:
        """What ended since the last call; does not wait."""

    def kill(self, ti_ids: Sequence[int], reason: str) -> None:
        """End the whole process tree of each try: SIGTERM, ``core.killed_task_cleanup_time``, SIGKILL.

        A try that still holds its claim is failed or retried with ``reason``; one that lost it leaves no trace.
        """

    def capacity(self) -> int:
        """How many more tries may be submitted now (``core.parallelism`` minus those in hand)."""

    def running(self) -> frozenset[int]:
        """The ids of the task instances in hand: submitted and not yet reported."""

    def fileno(self) -> int | None:
        """A descriptor that is readable when ``poll`` has something; None if there is none. It may change."""

    def heartbeat(self) -> None:
        """Called every few seconds; mends what broke (a supervisor that died is replaced)."""

    def stop(self, grace_seconds: float) -> None:
        """Give running tries so long to end, then end them; they are queued again by whoever schedules next."""
