"""DAGs: whether they are paused. What they look like is read from their files, here as there."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db import transaction

from orchestration.management.moving.move import Move
from orchestration.management.moving.values import moment
from orchestration.models import Dag, DagRun

_COLUMNS = (
    "dag_id", "is_paused", "is_subdag", "root_dag_id", "last_parsed_time", "last_expired", "fileloc",
    "processor_subdir", "owners", "dag_display_name", "description", "default_view", "timetable_description",
    "max_active_tasks", "max_active_runs", "max_consecutive_failed_dag_runs", "has_task_concurrency_limits",
)  # fmt: skip


@transaction.atomic
def copy_dags(move: Move) -> None:
    """DAGs that are not here, as inactive until their file is parsed; of those here that never ran, the pause."""
    tally = move.report.of("dags")
    present = dict(Dag.objects.values_list("dag_id", "is_paused"))
    have_run = set(DagRun.objects.order_by().values_list("dag_id", flat=True).distinct())
    made = []
    for row in move.source.every("dag", _COLUMNS, "dag_id"):
        found = dict(zip(_COLUMNS, row, strict=True))
        dag_id, is_paused = found["dag_id"], move.is_paused or bool(found["is_paused"])
        if dag_id not in present:
            made.append(_dag(found, is_paused))
        elif present[dag_id] != is_paused and dag_id not in have_run:
            Dag.objects.filter(pk=dag_id).update(is_paused=is_paused)
            tally.copied += 1
        else:
            tally.present += 1
    tally.copied += len(Dag.objects.bulk_create(made, batch_size=500))


def _dag(found: dict[str, Any], is_paused: bool) -> Dag:
    return Dag(
        dag_id=found["dag_id"],
        is_paused=is_paused,
        is_active=False,
        is_subdag=bool(found["is_subdag"]),
        root_dag_id=found["root_dag_id"],
        last_parsed_at=moment(found["last_parsed_time"]),
        last_expired_at=moment(found["last_expired"]),
        fileloc=found["fileloc"] or "",
        processor_subdir=found["processor_subdir"],
        owners=found["owners"] or "",
        dag_display_name=found["dag_display_name"] or "",
        description=found["description"],
        default_view=found["default_view"],
        timetable_description=found["timetable_description"],
        max_active_tasks=found["max_active_tasks"] or 16,
        max_active_runs=found["max_active_runs"],
        max_consecutive_failed_dag_runs=found["max_consecutive_failed_dag_runs"] or 0,
        has_task_concurrency_limits=bool(found["has_task_concurrency_limits"]),
    )


def ensure(dag_ids: Collection[str]) -> None:
    """Rows for DAGs that only runs name, as those of deleted files; paused and inactive."""
    missing = set(dag_ids).difference(Dag.objects.filter(pk__in=dag_ids).values_list("pk", flat=True))
    Dag.objects.bulk_create(
        [Dag(dag_id=dag_id, is_paused=True, is_active=False, fileloc="") for dag_id in sorted(missing)],
        ignore_conflicts=True,
    )
