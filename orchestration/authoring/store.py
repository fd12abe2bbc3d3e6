"""The port through which DAG files and tasks reach Variables, Connections, XComs and runs.

User code never touches the tables. In a task process the port is a socket to its supervisor, which speaks for the
task under the try's claim; in a parser a socket to the DAG processor; in ``dags test`` the database itself; in a bare
script the environment only (``AIRFLOW_VAR_…``, ``AIRFLOW_CONN_…``). All values are JSON, moments ISO 8601 texts.

The environment is always asked before the port, as in Airflow.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Protocol, TypedDict

Json = Any


class ConnectionValue(TypedDict):
    """A connection with its secrets; ``extra`` is JSON text or any text."""

    conn_id: str
    conn_type: str
    description: str | None
    host: str | None
    schema: str | None
    login: str | None
    password: str | None
    port: int | None
    extra: str | None


class XComValue(TypedDict):
    """One XCom: ``value`` is JSON text."""

    dag_id: str
    run_id: str
    task_id: str
    map_index: int
    key: str
    value: str
    timestamp: str


class RunValue(TypedDict):
    """A DAG run as tasks see it; moments are ISO 8601 texts or None."""

    id: int
    dag_id: str
    run_id: str
    run_type: str
    state: str
    logical_date: str
    data_interval_start: str | None
    data_interval_end: str | None
    queued_at: str | None
    start_date: str | None
    end_date: str | None
    external_trigger: bool
    conf: Json
    note: str | None


class TaskInstanceValue(TypedDict):
    """A task instance as other tasks see it."""

    dag_id: str
    run_id: str
    task_id: str
    map_index: int
    state: str | None
    try_number: int
    start_date: str | None
    end_date: str | None
    duration: float | None
    logical_date: str


class DatasetEventValue(TypedDict):
    """A dataset event with its source, None where an API call made it."""

    id: int
    uri: str
    extra: Json
    source_dag_id: str | None
    source_task_id: str | None
    source_run_id: str | None
    source_map_index: int
    timestamp: str


class DatasetValue(TypedDict):
    """A dataset."""

    uri: str
    extra: Json


class StoreError(Exception):
    """The port refused or is out of reach; the text says why and what to do."""


class Store(Protocol):
    """What a task or parser may ask. Each call is one round trip."""

    def get_variable(self, key: str) -> str | None:
        """The variable's text, None if there is none."""

    def set_variable(self, key: str, value: str, description: str | None = None) -> None:
        """Make or overwrite a variable."""

    def delete_variable(self, key: str) -> int:
        """Delete a variable; how many went (0 or 1)."""

    def get_connection(self, conn_id: str) -> ConnectionValue | None:
        """The connection, None if there is none."""

    def set_xcom(
        self, dag_id: str, run_id: str, task_id: str, map_index: int, key: str, value: str, length: int | None
    ) -> None:
        """Make or overwrite an XCom. ``length`` is that of a list or dict, else None (mapped successors count it)."""

    def get_xcoms(
        self,
        *,
        dag_id: str,
        run_id: str | None = None,
        task_ids: Sequence[str] | None = None,
        map_indexes: Sequence[int] | None = None,
        key: str | None = None,
        include_prior_dates: bool = False,
        limit: int | None = None,
    ) -> list[XComValue]:
        """XComs of one run (or of it and the DAG's earlier ones), newest run first, then by task and map index."""

    def delete_xcoms(self, dag_id: str, run_id: str, task_id: str, map_index: int, key: str | None = None) -> None:
        """Delete the XComs of one task instance."""

    def get_task_instances(
        self,
        *,
        dag_id: str,
        run_ids: Sequence[str] | None = None,
        logical_dates: Sequence[str] | None = None,
        task_ids: Sequence[str] | None = None,
        task_group_id: str | None = None,
        states: Sequence[str] | None = None,
    ) -> list[TaskInstanceValue]:
        """Task instances of any DAG (external task sensors, state look-ups)."""

    def get_dag_runs(
        self,
        *,
        dag_id: str,
        run_ids: Sequence[str] | None = None,
        logical_dates: Sequence[str] | None = None,
        states: Sequence[str] | None = None,
        run_type: str | None = None,
        logical_date_gte: str | None = None,
        logical_date_lte: str | None = None,
        logical_date_lt: str | None = None,
        latest_first: bool = False,
        limit: int | None = None,
    ) -> list[RunValue]:
        """Runs of any DAG, by logical date."""

    def get_dag(self, dag_id: str) -> Json:
        """{"dag_id", "is_paused", "is_active", "fileloc", "task_ids", "group_ids"} or None."""

    def trigger_dag_run(
        self,
        *,
        dag_id: str,
        run_id: str | None,
        logical_date: str | None,
        conf: Json,
        reset_dag_run: bool = False,
    ) -> RunValue:
        """Make a run; ``reset_dag_run`` clears the one already there. Raises StoreError with ``already exists``."""

    def clear_task_instances(self, *, dag_id: str, run_id: str, task_ids: Sequence[str] | None = None) -> int:
        """Clear task instances of a run; how many."""

    def get_dataset_events(
        self, *, uris: Sequence[str] = (), alias: str | None = None, triggered_run_id: int | None = None
    ) -> list[DatasetEventValue]:
        """Events of datasets, of an alias, or those that made a run; oldest first."""

    def get_alias_datasets(self, name: str) -> list[DatasetValue]:
        """The datasets that an alias stands for now, by URI; empty for one nobody knows."""

    def set_rendered_fields(self, fields: dict[str, Json], map_index_label: str | None = None) -> None:
        """Keep the rendered template fields of the running task, masked by the caller."""

    def set_note(self, note: str | None) -> None:
        """Set the running task instance's note."""


class EnvironmentStore:
    """The port of a bare script: nothing is there, and each verb says so."""

    def __getattr__(self, name: str) -> Any:
        def refuse(*args: Any, **kwargs: Any) -> Any:
            if name in {"get_variable", "get_connection", "get_dag"}:
                return None
            if name.startswith("get_"):
                return []
            raise StoreError(
                f"{name} needs a running system: it works in a task, in `dags test` and in DAG files it parses."
            )

        return refuse


_store: Store = EnvironmentStore()


def current() -> Store:
    """The port of this process."""
    return _store


def install(store: Store) -> Store:
    """Make ``store`` the port of this process; return the one before."""
    global _store
    before, _store = _store, store
    return before


def variable_from_environment(key: str) -> str | None:
    """``AIRFLOW_VAR_{KEY}``, None if it is not set."""
    return os.environ.get(f"AIRFLOW_VAR_{key.upper()}")


def connection_from_environment(conn_id: str) -> str | None:
    """``AIRFLOW_CONN_{CONN_ID}`` (a URI or JSON text), None if it is not set."""
    return os.environ.get(f"AIRFLOW_CONN_{conn_id.upper()}")
