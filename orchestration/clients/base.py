"""What commands can ask for, whichever way it is reached. All refusals are exceptions of ``orchestration.errors``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class PoolValue:
    """A pool."""

    name: str
    slots: int
    description: str | None
    include_deferred: bool = False


@dataclass(frozen=True, slots=True)
class VariableValue:
    """A variable; ``val`` is None where it may not be seen."""

    key: str
    val: str | None
    description: str | None = None


@dataclass(frozen=True, slots=True)
class ConnectionValue:
    """A connection; ``password`` is None where it may not be seen. ``id`` is the row's, None through a server."""

    conn_id: str
    conn_type: str | None = None
    description: str | None = None
    host: str | None = None
    schema: str | None = None
    login: str | None = None
    password: str | None = None
    port: int | None = None
    extra: str | None = None
    id: int | None = None


@dataclass(frozen=True, slots=True)
class RunValue:
    """A run."""

    dag_id: str
    run_id: str
    state: str
    logical_date: datetime
    run_type: str = "manual"
    data_interval_start: datetime | None = None
    data_interval_end: datetime | None = None
    start_date: datetime | None = None
    end_date: datetime | None = None
    last_scheduling_decision: datetime | None = None
    external_trigger: bool = True
    conf: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class InstanceValue:
    """A task instance; ``state`` is None for none."""

    dag_id: str
    task_id: str
    run_id: str
    map_index: int
    state: str | None
    logical_date: datetime


@dataclass(frozen=True, slots=True)
class Clearing:
    """What a clear reaches; None is open."""

    task_ids: tuple[str, ...] | None = None
    start: datetime | None = None
    end: datetime | None = None
    upstream: bool = False
    downstream: bool = False
    only_failed: bool = False
    only_running: bool = False


class Client(Protocol):
    """The system, near or far."""

    def dag_ids(self) -> list[str]:
        """The ids of all active DAGs, sorted."""

    def is_paused(self, dag_id: str) -> bool:
        """Whether the DAG is paused; NotFound without one."""

    def set_paused(self, dag_id: str, is_paused: bool) -> None:
        """Pause or unpause."""

    def delete_dag(self, dag_id: str) -> str:
        """Delete a DAG; what to tell of it."""

    def trigger(
        self,
        dag_id: str,
        *,
        run_id: str | None,
        conf: dict[str, Any] | None,
        logical_date: datetime | None,
        replace_microseconds: bool,
    ) -> RunValue:
        """Make a run."""

    def runs(
        self, dag_id: str, *, state: str | None = None, start: datetime | None = None, end: datetime | None = None
    ) -> list[RunValue]:
        """The runs of a DAG between two logical dates, the latest first; NotFound without the DAG."""

    def task_ids(self, dag_id: str) -> list[str]:
        """The tasks of a DAG; NotFound without it."""

    def clear(self, dag_id: str, what: Clearing, *, dry_run: bool) -> list[InstanceValue]:
        """Clear task instances; those that were (or, dry, would be) cleared."""

    def instance(self, dag_id: str, task_id: str, run: str, map_index: int) -> InstanceValue:
        """The instance of a task in a run that is named by its id or logical date; NotFound without one."""

    def pools(self) -> Sequence[PoolValue]:
        """All pools."""

    def pool(self, name: str) -> PoolValue:
        """One pool; NotFound."""

    def set_pool(self, pool: PoolValue) -> None:
        """Make a pool, or change the one of that name."""

    def delete_pool(self, name: str) -> None:
        """Delete a pool; NotFound."""

    def variables(self) -> Sequence[VariableValue]:
        """All variables."""

    def variable(self, key: str) -> VariableValue:
        """One variable; NotFound."""

    def set_variable(self, variable: VariableValue) -> None:
        """Make a variable, or overwrite the one of that key."""

    def delete_variable(self, key: str) -> bool:
        """Delete a variable; whether there was one."""

    def connections(self) -> Sequence[ConnectionValue]:
        """All connections."""

    def connection(self, conn_id: str) -> ConnectionValue:
        """One connection; NotFound."""

    def add_connection(self, connection: ConnectionValue) -> None:
        """Make a connection; Conflict where there is one of that id."""

    def replace_connection(self, connection: ConnectionValue) -> None:
        """Change all of the connection of that id."""

    def delete_connection(self, conn_id: str) -> None:
        """Delete a connection; NotFound."""
