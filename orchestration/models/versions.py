"""The serialised DAGs of the tables, decoded once and kept: everyone reads DAGs through this.

A version's document may be renewed in place (a parse that changes no shape), so what is kept is checked by
``updated_at``: the checks are cheap, the decoding of a DAG of 10,000 tasks is not.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from orchestration.errors import NotFound
from orchestration.models.dag import Dag, DagVersion
from orchestration.serialization.decode import decode_dag
from orchestration.serialization.values import SerializedDag

#: Decoded DAGs kept, and tasks in all of them together (a task takes about 4 KB).
MOST_DAGS = 1000
MOST_TASKS = 50_000


class _Kept:
    """The decoded versions of this process, the least recently used first; safe between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: OrderedDict[int, tuple[datetime | None, SerializedDag]] = OrderedDict()
        self._tasks = 0

    def get(self, version_id: int, updated_at: datetime | None) -> SerializedDag | None:
        with self._lock:
            entry = self._entries.get(version_id)
            if entry is None or entry[0] != updated_at:
                return None
            self._entries.move_to_end(version_id)
            return entry[1]

    def put(self, version_id: int, updated_at: datetime | None, dag: SerializedDag) -> None:
        with self._lock:
            before = self._entries.pop(version_id, None)
            self._tasks += len(dag.tasks) - (len(before[1].tasks) if before else 0)
            self._entries[version_id] = (updated_at, dag)
            while len(self._entries) > 1 and (len(self._entries) > MOST_DAGS or self._tasks > MOST_TASKS):
                _, (_, dropped) = self._entries.popitem(last=False)
                self._tasks -= len(dropped.tasks)

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()
            self._tasks = 0


_kept = _Kept()


def serialized(version_id: int) -> SerializedDag:
    """The DAG of a version; one query, and a second when it has to be decoded.

    Raises NotFound for a version that is gone, ValueError for a document that cannot be decoded.
    """
    updated_at = DagVersion.objects.filter(pk=version_id).values_list("updated_at", flat=True).first()
    if updated_at is None:
        raise NotFound(f"There is no DAG version {version_id}. Parse the DAG's file again.")
    return load({version_id: updated_at}, strict=True)[version_id]


def current(dag_id: str) -> SerializedDag:
    """The DAG as its file last defined it; one query, and a second when it has to be decoded.

    Raises NotFound for an unknown DAG and for one that was never parsed well.
    """
    row = Dag.objects.filter(pk=dag_id).values_list("current_version_id", "current_version__updated_at").first()
    if row is None:
        raise NotFound(f"The DAG with dag_id: {dag_id} was not found")
    version_id, updated_at = row
    if version_id is None:
        raise NotFound(f"The DAG with dag_id: {dag_id} has no serialised form. Parse its file again.")
    return load({version_id: updated_at}, strict=True)[version_id]


def load(
    wanted: Mapping[int, datetime], *, strict: bool = False, errors: dict[int, Exception] | None = None
) -> dict[int, SerializedDag]:
    """The DAGs of several versions, given as id → ``updated_at``; no query where all are known, else one.

    One that is gone or cannot be decoded is left out and its exception put into ``errors``; ``strict`` raises it.
    """
    found: dict[int, SerializedDag] = {}
    missing: list[int] = []
    for version_id, updated_at in wanted.items():
        dag = _kept.get(version_id, updated_at)
        if dag is None:
            missing.append(version_id)
        else:
            found[version_id] = dag
    if not missing:
        return found
    stored = DagVersion.objects.filter(pk__in=missing).values_list("pk", "updated_at", "document")
    rows: dict[int, tuple[datetime, Any]] = {row[0]: (row[1], row[2]) for row in stored}
    for version_id in missing:
        try:
            if version_id not in rows:
                raise NotFound(f"There is no DAG version {version_id}. Parse the DAG's file again.")
            updated_at, document = rows[version_id]
            dag = decode_dag(document)
        except Exception as error:
            if strict:
                raise
            if errors is not None:
                errors[version_id] = error
            continue
        _kept.put(version_id, updated_at, dag)
        found[version_id] = dag
    return found


def remember(version: DagVersion, dag: SerializedDag) -> None:
    """Keep what was decoded or made elsewhere in this process, so that it need not be decoded."""
    _kept.put(version.pk, version.updated_at, dag)


def forget() -> None:
    """Forget all decoded DAGs."""
    _kept.clear()
