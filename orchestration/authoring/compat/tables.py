"""The tables' names, for DAG files that import them. Mirrors the models of ``airflow.models``.

Tasks have no access to the tables here. A class and its columns exist so that such a file parses; a query is refused
by the session (``compat.session``) with a sentence that says what to use.
"""

from __future__ import annotations

import json
from typing import Any, ClassVar

from orchestration.authoring import store, timezone
from orchestration.authoring.columns import ColumnName

ID_LEN = 250


class TableMeta(type):
    """Gives every name that a class does not have as a column."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"type object {cls.__name__!r} has no attribute {name!r}")
        return ColumnName(f"{cls.__name__}.{name}")


class Base(metaclass=TableMeta):
    """The base of all tables."""

    metadata: ClassVar[Any] = None


class DagModel(Base):
    """What the system knows of a DAG."""

    def __init__(self, known: dict[str, Any]) -> None:
        self.dag_id: str = known["dag_id"]
        self.is_paused: bool = known["is_paused"]
        self.is_active: bool = known["is_active"]
        self.fileloc: str = known["fileloc"]

    @classmethod
    def get_dagmodel(cls, dag_id: str, session: Any = None) -> DagModel | None:
        """The DAG's facts, None if it is unknown."""
        known = store.current().get_dag(dag_id)
        return None if known is None else cls(known)

    @classmethod
    def get_current(cls, dag_id: str, session: Any = None) -> DagModel | None:
        """The same."""
        return cls.get_dagmodel(dag_id)

    def get_last_dagrun(self, session: Any = None, include_externally_triggered: bool = False) -> Any:
        """The DAG's latest run, None if it has none."""
        return get_last_dagrun(self.dag_id, session, include_externally_triggered)


def get_last_dagrun(dag_id: str, session: Any = None, include_externally_triggered: bool = False) -> Any:
    """The run of a DAG with the latest logical date, by default among the scheduled ones; None if there is none."""
    from orchestration.authoring.dagrun import DagRun

    found = DagRun.find(dag_id=dag_id, external_trigger=None if include_externally_triggered else False)
    return max(found, key=lambda run: run.logical_date, default=None)


def clear_task_instances(tis: list[Any], session: Any = None, **kwargs: Any) -> None:
    """Clear task instances, so that they run again."""
    for ti in tis:
        store.current().clear_task_instances(dag_id=ti.dag_id, run_id=ti.run_id, task_ids=[ti.task_id])


def trigger_dag(
    dag_id: str,
    run_id: str | None = None,
    conf: Any = None,
    execution_date: Any = None,
    replace_microseconds: bool = True,
    **kwargs: Any,
) -> Any:
    """Make a run; microseconds are cut off the default logical date only."""
    from orchestration.authoring.dagrun import DagRun

    moment = execution_date
    if moment is None:
        moment = timezone.utcnow().replace(microsecond=0) if replace_microseconds else timezone.utcnow()
    elif isinstance(moment, str):
        moment = timezone.parse(moment)
    document = store.current().trigger_dag_run(
        dag_id=dag_id,
        run_id=run_id,
        logical_date=moment.isoformat(),
        conf=json.loads(conf) if isinstance(conf, str) and conf else conf or {},
    )
    return DagRun.find(dag_id=dag_id, run_id=document["run_id"])[0]


class Client:
    """Triggers runs. Mirrors ``airflow.api.client.local_client.Client``."""

    def __init__(self, api_base_url: Any = None, auth: Any = None, session: Any = None) -> None:
        self.api_base_url = api_base_url

    def trigger_dag(
        self, dag_id: str, run_id: str | None = None, conf: Any = None, execution_date: Any = None, **kwargs: Any
    ) -> Any:
        """Make a run; its facts."""
        run = trigger_dag(dag_id, run_id, conf, execution_date)
        return {"dag_id": run.dag_id, "dag_run_id": run.run_id, "logical_date": run.logical_date, "state": run.state}


class DagTag(Base):
    """A tag of a DAG."""


class DagCode(Base):
    """The source of a DAG file."""


class DagOwnerAttributes(Base):
    """A link of an owner."""


class DagWarning(Base):
    """A warning of a DAG."""


class DagPickle(Base):
    """Not used."""


class DbCallbackRequest(Base):
    """A callback to be made."""


class Job(Base):
    """A long-running process."""


class Log(Base):
    """A line of the audit log."""


class ParseImportError(Base):
    """Why a file could not be imported."""


class Pool(Base):
    """A pool of slots."""

    DEFAULT_POOL_NAME: ClassVar[str] = "default_pool"


class RenderedTaskInstanceFields(Base):
    """The rendered fields of a task instance."""


class SerializedDagModel(Base):
    """The stored form of a DAG."""


class SlaMiss(Base):
    """A missed SLA."""


class TaskFail(Base):
    """A failed try."""


class TaskInstanceHistory(Base):
    """An earlier try."""


class TaskReschedule(Base):
    """A poke of a sensor that is run again."""


class Trigger(Base):
    """What a deferred task waits for."""


class DatasetModel(Base):
    """A dataset."""


class DatasetAliasModel(Base):
    """A dataset alias."""


class DatasetDagRunQueue(Base):
    """An event that waits for others."""
