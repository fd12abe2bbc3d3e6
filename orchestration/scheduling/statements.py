"""The loop's hot statements, as text that is put together once: building them anew costs more than running them.

They say the same on SQLite and PostgreSQL. A list of values is one parameter, so that the text is the same for any
number of them. On SQLite the transaction itself is the lock, on PostgreSQL there are locks of rows and of the section
that queues.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from typing import Any

from django.db import connection

from orchestration.models.dag import Dag, DagVersion
from orchestration.models.dag_run import DagRun
from orchestration.models.pool import Pool
from orchestration.models.statements import Row, execute, several
from orchestration.models.task_instance import TaskInstance
from orchestration.models.xcom import XCom
from orchestration.states import OCCUPIES_SLOT, SCHEDULABLE, DagRunState, DagRunType, TaskInstanceState

_S = TaskInstanceState

_TABLES = {
    "ti": TaskInstance._meta.db_table,
    "run": DagRun._meta.db_table,
    "dag": Dag._meta.db_table,
    "version": DagVersion._meta.db_table,
    "xcom": XCom._meta.db_table,
    "pool": Pool._meta.db_table,
}


def _states(states: Iterable[TaskInstanceState]) -> str:
    return ", ".join(f"'{state}'" for state in sorted(states))


#: The number of the advisory lock of the section that queues.
SECTION_LOCK = 0x61666C77


@cache
def _text(name: str, vendor: str) -> str:
    is_postgres = vendor == "postgresql"
    if name == "ready_alone":
        return _READY_ALONE.format(section=_text("section", vendor), ready=_text("ready", vendor))
    return _TEXTS[name].format(
        **{f"{alias}_table": f'"{table}"' for alias, table in _TABLES.items()},
        in_ids="= ANY(%s::bigint[])" if is_postgres else "IN (SELECT value FROM json_each(%s))",
        in_names="= ANY(%s::text[])" if is_postgres else "IN (SELECT value FROM json_each(%s))",
        lock_run="FOR NO KEY UPDATE OF run SKIP LOCKED" if is_postgres else "",
        schedulable=_states(SCHEDULABLE),
        occupying=_states(OCCUPIES_SLOT),
        running=DagRunState.RUNNING,
        backfill=DagRunType.BACKFILL,
        section=SECTION_LOCK,
    )


_TEXTS = {
    "running_runs": """
        SELECT run.id, run.dag_id, run.run_id, run.run_type, run.logical_date, run.data_interval_start,
               run.data_interval_end, run.start_date, run.dag_version_id, version.updated_at, dag.is_paused,
               dag.put_aside_until, dag.fileloc
        FROM {run_table} run
        JOIN {dag_table} dag ON dag.dag_id = run.dag_id
        LEFT JOIN {version_table} version ON version.id = run.dag_version_id
        WHERE run.id {in_ids} AND run.state = '{running}'
        ORDER BY run.id {lock_run}""",
    "instances": """
        SELECT ti.run_id, ti.id, ti.task_id, ti.map_index, ti.state, ti.not_before, xcom.value
        FROM {ti_table} ti LEFT JOIN {xcom_table} xcom ON xcom.task_instance_id = ti.id AND xcom.key = %s
        WHERE ti.run_id {in_ids}""",
    "schedule": """
        UPDATE {ti_table}
        SET state = 'scheduled', not_before = NULL, updated_at = %s,
            try_number = CASE WHEN state = 'up_for_reschedule' THEN try_number ELSE try_number + 1 END
        WHERE id {in_ids} AND state IN ({schedulable})""",
    # The lock is taken after the statement's view of the rows: what somebody queued meanwhile is refused when it is
    # written, and what the caller reads of slots in use it reads later.
    "section": "SELECT pg_try_advisory_xact_lock({section}) AS is_alone",
    "ready": """
        SELECT ti.id, ti.dag_id, ti.run_id, ti.task_id, ti.map_index, ti.pool, ti.pool_slots, ti.priority_weight,
               run.logical_date, dag.max_active_tasks, ti.try_number, run.run_id, dag.fileloc, ti.queue, ti.executor,
               dag.has_task_concurrency_limits, run.dag_version_id
        FROM {ti_table} ti
        JOIN {run_table} run ON run.id = ti.run_id
        JOIN {dag_table} dag ON dag.dag_id = ti.dag_id
        WHERE ti.state = 'scheduled' AND run.state = '{running}'
          AND (NOT dag.is_paused OR run.run_type = '{backfill}')
        ORDER BY ti.priority_weight DESC, run.logical_date, ti.map_index, ti.id LIMIT %s""",
    "slots": """
        SELECT name, NULL, NULL, NULL, CASE WHEN include_deferred THEN 1 ELSE 0 END, slots FROM {pool_table}
        UNION ALL
        SELECT pool, dag_id, run_id, task_id, count(*), sum(pool_slots)
        FROM {ti_table} WHERE state IN ({occupying}) GROUP BY pool, dag_id, run_id, task_id""",
    "deferred": """
        SELECT pool, sum(pool_slots) FROM {ti_table} WHERE state = 'deferred' AND pool {in_names} GROUP BY pool""",
}

_READY_ALONE = """
    SELECT section.is_alone, ready.* FROM ({section}) section LEFT JOIN LATERAL ({ready}) ready ON section.is_alone"""


def _run(name: str, *parameters: Any) -> list[Row]:
    return execute(_text(name, connection.vendor), *parameters)


def _moment(value: Any) -> datetime | None:
    """A moment as SQLite's driver gives it, in UTC without saying so; aware."""
    return None if value is None else value.replace(tzinfo=UTC)


def running_runs(pks: Iterable[int]) -> list[Row]:
    """Those of these runs that are running, locked; the columns of ``rows.RunRow``."""
    found = _run("running_runs", several(pks))
    if connection.vendor == "postgresql":
        return found
    return [
        (*row[:4], *map(_moment, row[4:8]), row[8], _moment(row[9]), row[10], _moment(row[11]), row[12])
        for row in found
    ]


def instances(run_pks: Iterable[int], key: str) -> list[Row]:
    """All instances of these runs: run, id, task, map index, state, ``not_before``, the XCom under the key."""
    found = _run("instances", key, several(run_pks))
    if connection.vendor == "postgresql":
        return found
    return [row if row[5] is None else (*row[:5], _moment(row[5]), row[6]) for row in found]


def schedule(ti_ids: Iterable[int], *, now: datetime) -> None:
    """Give these instances a try, those that may have one; a reschedule goes on within its try."""
    _run("schedule", connection.ops.adapt_datetimefield_value(now), several(ti_ids))


def ready(limit: int) -> list[Row] | None:
    """The first scheduled instances in the order of queueing; None if another scheduler is in the section.

    From here on the caller is alone in the section until the transaction ends. The columns are those of ``queueing``.
    """
    if connection.vendor != "postgresql":
        return [(*row[:8], _moment(row[8]), *row[9:]) for row in _run("ready", limit)]
    found = _run("ready_alone", limit)
    if not found[0][0]:
        return None
    return [row[1:] for row in found if row[1] is not None]


def slots() -> tuple[list[Row], list[Row]]:
    """The pools (name, slots, whether deferred tasks hold theirs), and the instances that hold slots, counted: pool,
    DAG, run, task, instances, slots."""
    pools, uses = [], []
    for row in _run("slots"):
        if row[1] is None:
            pools.append((row[0], row[5], bool(row[4])))
        else:
            uses.append(row)
    return pools, uses


def deferred(pool_names: Iterable[str]) -> list[Row]:
    """The slots of deferred instances, by pool."""
    return _run("deferred", several(pool_names))
