"""What tasks push for one another. Mirrors ``airflow.models.xcom``; values are JSON (see ``serde``)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from orchestration.authoring import serde, store
from orchestration.authoring.columns import columns
from orchestration.authoring.types import XCOM_RETURN_KEY

if TYPE_CHECKING:
    from datetime import datetime

    from orchestration.authoring.abstractoperator import AbstractOperator
    from orchestration.authoring.store import XComValue

__all__ = ["XCOM_RETURN_KEY", "BaseXCom", "LazyXComSelectSequence", "XCom", "XComEntry", "map_length", "pull", "push"]


class XComEntry(NamedTuple):
    """One XCom with its value."""

    dag_id: str
    run_id: str
    task_id: str
    map_index: int
    key: str
    value: Any


class LazyXComSelectSequence(Sequence[Any]):
    """The values that several task instances pushed; fetched when first looked at, each decoded when it is."""

    def __init__(self, fetch: Callable[[], list[XComValue]]) -> None:
        self._fetch = fetch

    @cached_property
    def _found(self) -> list[XComValue]:
        return self._fetch()

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [serde.loads(found["value"]) for found in self._found[index]]
        return serde.loads(self._found[index]["value"])

    def __len__(self) -> int:
        return len(self._found)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or isinstance(other, str):
            return NotImplemented
        return list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # compared by its values

    def __repr__(self) -> str:
        return f"LazySelectSequence([{len(self)} {'item' if len(self) == 1 else 'items'}])"


def push(dag_id: str, run_id: str, task_id: str, map_index: int, key: str, value: Any) -> None:
    """Store a value. TypeError where it has no JSON form, ValueError where the key is no text."""
    if not isinstance(key, str) or not key:
        raise ValueError(f"An XCom's key must be a text, not {key!r}")
    plain = list(value) if isinstance(value, LazyXComSelectSequence) else value
    length = len(plain) if isinstance(plain, (list, tuple, dict)) else None
    store.current().set_xcom(dag_id, run_id, task_id, map_index, key, serde.dumps(plain), length)


def pull(
    *,
    dag_id: str,
    run_id: str,
    task_ids: str | Iterable[str] | None = None,
    map_indexes: int | Iterable[int] | None = None,
    key: str | None = XCOM_RETURN_KEY,
    include_prior_dates: bool = False,
    default: Any = None,
) -> Any:
    """One value for one task, a sequence for a mapped one or several; ``default`` where one task pushed nothing."""
    is_one_task = task_ids is None or isinstance(task_ids, str)
    ids = None if task_ids is None else [task_ids] if isinstance(task_ids, str) else list(task_ids)
    indexes = None if map_indexes is None else [map_indexes] if isinstance(map_indexes, int) else list(map_indexes)

    def fetch(limit: int | None = None) -> list[XComValue]:
        return store.current().get_xcoms(
            dag_id=dag_id,
            run_id=run_id,
            task_ids=ids,
            map_indexes=indexes,
            key=key,
            include_prior_dates=include_prior_dates,
            limit=limit,
        )

    if not is_one_task or isinstance(map_indexes, Iterable):
        return LazyXComSelectSequence(lambda: sorted(fetch(), key=lambda found: _position(found, ids, indexes)))
    found = fetch(limit=1 if ids and key is not None else None)
    if not found:
        return default
    newest_run = found[0]["run_id"]
    first = max((value for value in found if value["run_id"] == newest_run), key=lambda value: value["timestamp"])
    if map_indexes is not None or first["map_index"] < 0:
        return serde.loads(first["value"])
    return LazyXComSelectSequence(lambda: sorted(fetch(), key=lambda value: value["map_index"]))


def _position(found: XComValue, ids: list[str] | None, indexes: list[int] | None) -> tuple[Any, Any]:
    """The place among values asked for by lists: in the lists' order."""
    by_task: Any = found["task_id"] if ids is None or len(ids) == 1 else ids.index(found["task_id"])
    by_index = found["map_index"] if indexes is None else indexes.index(found["map_index"])
    return by_task, by_index


def map_length(operator: AbstractOperator, run_id: str) -> int | None:
    """The length of a task's result, or how many instances of a mapped task pushed one; None before it is there."""
    is_multiplied = operator.get_needs_expansion()
    found = store.current().get_xcoms(
        dag_id=operator.dag_id, run_id=run_id, task_ids=[operator.task_id], key=XCOM_RETURN_KEY
    )
    if is_multiplied:
        return sum(value["map_index"] >= 0 for value in found)
    value = json.loads(found[0]["value"]) if found else None
    if isinstance(value, dict) and serde.CLASSNAME in value:
        value = value.get(serde.DATA)
    return len(value) if isinstance(value, (list, dict)) else None


@columns("dag_id task_id run_id map_index key value timestamp execution_date dag_run_id")
class BaseXCom:
    """What scripts and callbacks use to read and write XComs beside ``ti.xcom_pull``."""

    XCOM_RETURN_KEY = XCOM_RETURN_KEY

    @classmethod
    def set(
        cls,
        key: str,
        value: Any,
        *,
        dag_id: str,
        task_id: str,
        run_id: str | None = None,
        map_index: int = -1,
        execution_date: datetime | None = None,
        session: Any = None,
    ) -> None:
        """Store a value for a task instance."""
        push(dag_id, _run_id(dag_id, run_id, execution_date), task_id, map_index, key, value)

    @classmethod
    def get_value(cls, *, ti_key: Any, key: str | None = None, session: Any = None) -> Any:
        """A task instance's value; None without one."""
        return cls.get_one(
            key=key, task_id=ti_key.task_id, dag_id=ti_key.dag_id, run_id=ti_key.run_id, map_index=ti_key.map_index
        )

    @classmethod
    def get_one(
        cls,
        *,
        key: str | None = None,
        dag_id: str,
        task_id: str | None = None,
        run_id: str | None = None,
        map_index: int | None = None,
        execution_date: datetime | None = None,
        include_prior_dates: bool = False,
        session: Any = None,
    ) -> Any:
        """The newest fitting value; None without one."""
        return pull(
            dag_id=dag_id,
            run_id=_run_id(dag_id, run_id, execution_date),
            task_ids=task_id,
            map_indexes=map_index,
            key=key,
            include_prior_dates=include_prior_dates,
        )

    @classmethod
    def get_many(
        cls,
        *,
        run_id: str | None = None,
        key: str | None = None,
        task_ids: str | Iterable[str] | None = None,
        dag_ids: str | Iterable[str] | None = None,
        map_indexes: int | Iterable[int] | None = None,
        execution_date: datetime | None = None,
        include_prior_dates: bool = False,
        limit: int | None = None,
        session: Any = None,
    ) -> list[XComEntry]:
        """The fitting XComs of one or several DAGs."""
        if dag_ids is None:
            raise ValueError("XCom.get_many needs dag_ids")
        ids = [task_ids] if isinstance(task_ids, str) else None if task_ids is None else list(task_ids)
        indexes = [map_indexes] if isinstance(map_indexes, int) else None if map_indexes is None else list(map_indexes)
        found: list[XComValue] = []
        for dag_id in [dag_ids] if isinstance(dag_ids, str) else dag_ids:
            found += store.current().get_xcoms(
                dag_id=dag_id,
                run_id=_run_id(dag_id, run_id, execution_date),
                task_ids=ids,
                map_indexes=indexes,
                key=key,
                include_prior_dates=include_prior_dates,
                limit=limit,
            )
        return [
            XComEntry(
                value["dag_id"],
                value["run_id"],
                value["task_id"],
                value["map_index"],
                value["key"],
                serde.loads(value["value"]),
            )
            for value in found[:limit]
        ]

    @classmethod
    def clear(
        cls,
        *,
        dag_id: str,
        task_id: str,
        run_id: str | None = None,
        map_index: int | None = None,
        execution_date: datetime | None = None,
        session: Any = None,
    ) -> None:
        """Delete what a task instance (default: all of the task's in the run) pushed."""
        run_id = _run_id(dag_id, run_id, execution_date)
        indexes = [map_index] if map_index is not None else None
        if indexes is None:
            found = store.current().get_xcoms(dag_id=dag_id, run_id=run_id, task_ids=[task_id])
            indexes = sorted({value["map_index"] for value in found})
        for index in indexes:
            store.current().delete_xcoms(dag_id, run_id, task_id, index)

    @staticmethod
    def serialize_value(value: Any, **_: Any) -> str:
        """The value as JSON text."""
        return serde.dumps(value)

    @staticmethod
    def deserialize_value(result: Any) -> Any:
        """The value of an object whose ``value`` is JSON text."""
        return serde.loads(result.value)


#: The name that most files use. DAGs that name their tasks after tables see the class's own.
XCom = BaseXCom


def _run_id(dag_id: str, run_id: str | None, execution_date: datetime | None) -> str:
    if run_id is not None:
        return run_id
    if execution_date is not None:
        found = store.current().get_dag_runs(dag_id=dag_id, logical_dates=[execution_date.isoformat()], limit=1)
        if not found:
            raise ValueError(f"DAG {dag_id!r} has no run of {execution_date.isoformat()}")
        return found[0]["run_id"]
    raise ValueError("Give run_id or execution_date")
