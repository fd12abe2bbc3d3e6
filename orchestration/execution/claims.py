"""Which supervisor holds which try: claiming, start documents, heartbeats."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from django.db import connection
from django.db.models import Case, Count, F, Min, Value, When

from orchestration.execution import logs, store_server, ties
from orchestration.execution.executors.base import Workload
from orchestration.models.dag import DagVersion
from orchestration.models.dag_run import DagRun
from orchestration.models.outcomes import Held
from orchestration.models.statements import Row, RowStatement
from orchestration.models.task_instance import TaskInstance, TaskInstanceQuerySet, TaskReschedule
from orchestration.models.xcom import XCom
from orchestration.states import TaskInstanceState

_S = TaskInstanceState

_TI_COLUMNS = (
    "pk", "run_id", "dag_id", "task_id", "map_index", "try_number", "max_tries", "claim", "start_date", "queued_at",
    "operator", "custom_operator_name", "task_display_name", "pool", "pool_slots", "queue", "priority_weight",
    "executor", "executor_config", "hostname", "unixname", "queued_by_job_id", "next_method", "next_kwargs",
    "rendered_map_index", "note",
)  # fmt: skip
#: Columns that the task's process does not see, or sees under another name.
_NOT_SENT = frozenset({"pk", "run_id", "claim", "queued_by_job_id"})
_COLUMNS = (
    *_TI_COLUMNS,
    *(f"run__{name}" for name in store_server.RUN_COLUMNS),
    "run__dag_version__number",
    "last_rescheduled",
)
_JSON = ("executor_config", "next_kwargs", "run__conf")
# A claim is a fresh UUID for each try that is queued: with the id it can only match the try that is meant.
_CLAIM = RowStatement(
    """
    UPDATE {ti} AS ti
    SET state = 'running', updated_at = taken.at, end_date = NULL, duration = NULL, pid = NULL, reason = '',
        start_date = CASE WHEN ti.next_method IS NOT NULL AND ti.start_date IS NOT NULL
                     THEN ti.start_date ELSE taken.at END,
        last_heartbeat_at = taken.at, hostname = taken.hostname, unixname = taken.unixname,
        external_executor_id = taken.supervisor
    FROM {rows} AS taken WHERE ti.id = taken.id AND ti.claim = taken.claim AND ti.state = 'queued'""",
    {
        "id": "bigint", "claim": "uuid", "at": "timestamptz", "hostname": "text", "unixname": "text",
        "supervisor": "text",
    },
    ti=TaskInstance,
)  # fmt: skip
#: The claimed tries; with the last try that waited as a sensor in reschedule mode does.
_MINE = RowStatement(
    f"""
    SELECT {", ".join(f"ti.{name}" for name in ("id", *_TI_COLUMNS[1:]))},
           {", ".join(f"run.{name}" for name in store_server.RUN_COLUMNS)}, version.number,
           (SELECT waited.try_number FROM {{reschedule}} AS waited
            WHERE waited.task_instance_id = ti.id ORDER BY waited.try_number DESC LIMIT 1)
    FROM {{rows}} AS taken
    JOIN {{ti}} AS ti ON ti.id = taken.id
    JOIN {{run}} AS run ON run.id = ti.run_id
    LEFT JOIN {{version}} AS version ON version.id = run.dag_version_id
    WHERE ti.claim = taken.claim AND ti.state = 'running' AND ti.external_executor_id = taken.supervisor""",  # noqa: S608 names of columns
    {"id": "bigint", "claim": "uuid", "supervisor": "text"},
    ti=TaskInstance,
    run=DagRun,
    version=DagVersion,
    reschedule=TaskReschedule,
)


@dataclass(frozen=True, slots=True)
class Start:
    """A claimed try, and what its process must know: see ``authoring.context.build``."""

    held: Held
    document: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Claimant:
    """Who claims: kept in the rows, so that a claim whose answer was lost is known again."""

    supervisor: str
    hostname: str
    unixname: str


def claim(workloads: Sequence[Workload], claimant: Claimant, *, now: datetime) -> dict[str, Start]:
    """Take those tries that are still queued under their claims; by claim. Others belong to somebody else, or nobody.

    Three to five statements, whatever the number. A try that goes on after a deferral keeps its start; of others the
    XComs of earlier tries go. Asked again after a lost answer it gives the same.
    """
    taken = {"at": now, "hostname": claimant.hostname, "unixname": claimant.unixname, "supervisor": claimant.supervisor}
    _CLAIM.run([{"id": each.ti_id, "claim": UUID(each.claim), **taken} for each in workloads])
    found = _MINE.run([{"id": e.ti_id, "claim": UUID(e.claim), "supervisor": claimant.supervisor} for e in workloads])
    rows = [_values(row) for row in found]
    anew = [row for row in rows if not row["next_method"]]
    older = [row["pk"] for row in anew if row["try_number"] > 1 or row["last_rescheduled"] is not None]
    if older:
        XCom.objects.filter(task_instance__in=older).delete()
    waits = _waits([row["pk"] for row in rows if row["last_rescheduled"] is not None])
    files = {each.ti_id: each.fileloc for each in workloads}
    return {str(row["claim"]): _start(row, files[row["pk"]], waits.get(row["pk"], {})) for row in rows}


def _start(row: Mapping[str, Any], fileloc: str, waits: Mapping[int, _Waits]) -> Start:
    held = Held(
        ti_id=row["pk"],
        run_pk=row["run_id"],
        dag_id=row["dag_id"],
        run_id=row["run__run_id"],
        task_id=row["task_id"],
        map_index=row["map_index"],
        try_number=row["try_number"],
        logical_date=row["run__logical_date"],
        started_at=row["start_date"],
        claim=row["claim"],
    )
    ti = {name: store_server.text(row[name]) for name in _TI_COLUMNS if name not in _NOT_SENT}
    ti |= {
        "id": row["pk"],
        "run_id": row["run__run_id"],
        "state": _S.RUNNING.value,
        "job_id": row["queued_by_job_id"],
        "first_checks": {str(number): wait.first.isoformat() for number, wait in waits.items()},
        "reschedule_count": waits[held.try_number].number if held.try_number in waits else 0,
    }
    path = logs.log_path(
        dag_id=held.dag_id,
        run_id=held.run_id,
        task_id=held.task_id,
        map_index=held.map_index,
        try_number=held.try_number,
        logical_date=held.logical_date,
    )
    document = {
        "ti": ti,
        "run": store_server.run_value(row, "run__"),
        "dag": {"fileloc": fileloc, "version": row["run__dag_version__number"]},
        "log_path": str(path),
        "tag": ties.try_tag(held.ti_id, held.try_number, str(held.claim)),
    }
    return Start(held, document)


class _Waits(NamedTuple):
    """The reschedules of one try."""

    first: datetime
    number: int


def _waits(ti_ids: Sequence[int]) -> dict[int, dict[int, _Waits]]:
    """When the first check of each try began and how often it was rescheduled; asked for rescheduled sensors only."""
    if not ti_ids:
        return {}
    rows = TaskReschedule.objects.filter(task_instance__in=ti_ids).order_by()
    found: dict[int, dict[int, _Waits]] = {}
    for ti_id, try_number, first, number in rows.values_list("task_instance_id", "try_number").annotate(
        first=Min("start_date"), number=Count("pk")
    ):
        found.setdefault(ti_id, {})[try_number] = _Waits(first, number)
    return found


def _values(row: Row) -> dict[str, Any]:
    """A row of ``_MINE`` by column, as Django would give it."""
    values = dict(zip(_COLUMNS, row, strict=True))
    for name in _JSON:
        if values[name] is not None:
            values[name] = orjson.loads(values[name])
    if connection.vendor != "postgresql":
        values |= {name: value.replace(tzinfo=UTC) for name, value in values.items() if isinstance(value, datetime)}
        values["claim"] = UUID(values["claim"])
    return values


def beat(held: Collection[Held], *, now: datetime) -> frozenset[int]:
    """Note that these tries run; the ids of those that lost their claim. One statement, two where any did."""
    if not held:
        return frozenset()
    mine = still_held(held)
    if mine.update(last_heartbeat_at=now) == len(held):
        return frozenset()
    return frozenset(each.ti_id for each in held) - set(mine.values_list("pk", flat=True))


def still_held(held: Collection[Held]) -> TaskInstanceQuerySet:
    """The rows that these tries still hold."""
    return TaskInstance.objects.filter(
        pk__in=[each.ti_id for each in held], claim__in=[each.claim for each in held], state=_S.RUNNING
    )


def lock_held(held: Collection[Held]) -> frozenset[int]:
    """The ids of those that still hold their claim; they keep it until the present transaction ends."""
    rows = still_held(held).order_by("pk")
    if connection.features.has_select_for_no_key_update:
        rows = rows.select_for_update(no_key=True)
    return frozenset(rows.values_list("pk", flat=True))


def note_pids(pids: Mapping[int, tuple[Held, int]]) -> None:
    """Show the process ids of tries that run for longer; one statement."""
    if not pids:
        return
    still_held([held for held, _ in pids.values()]).update(
        pid=Case(*(When(pk=ti_id, then=Value(pid)) for ti_id, (_, pid) in pids.items()), default=F("pid"))
    )
