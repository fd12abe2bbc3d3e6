"""When a DAG's next scheduled run is due: computed from its serialised form and its last automated run.

Written whenever a file was parsed, a run was made or ended, and when a DAG is unpaused: without catchup the answer
depends on the present moment.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from django.db.models import Count, OuterRef, Subquery

from orchestration.authoring.timetables import DataInterval, next_run
from orchestration.models.dag import Dag
from orchestration.models.dag_run import DagRun
from orchestration.serialization.values import SerializedDag
from orchestration.states import RUN_UNFINISHED, DagRunType

#: The columns that ``set_next_runs`` sets.
FIELDS = (
    "next_dagrun",
    "next_dagrun_data_interval_start",
    "next_dagrun_data_interval_end",
    "next_dagrun_create_after",
)
#: Timetables that never make a run by the clock.
_WITHOUT_CLOCK = frozenset({"null", "dataset_triggered"})


def last_automated_intervals(dag_ids: Collection[str]) -> dict[str, DataInterval]:
    """The data interval of each DAG's last scheduled or backfilled run, by logical date; one query."""
    runs = DagRun.objects.filter(dag_id=OuterRef("pk"), run_type__in=[DagRunType.SCHEDULED, DagRunType.BACKFILL])
    newest = Dag.objects.filter(pk__in=dag_ids).annotate(
        newest=Subquery(runs.order_by("-logical_date").values("pk")[:1])
    )
    found = DagRun.objects.filter(pk__in=newest.values("newest"))
    return {
        dag_id: DataInterval(start or logical_date, end or logical_date)
        for dag_id, logical_date, start, end in found.values_list(
            "dag_id", "logical_date", "data_interval_start", "data_interval_end"
        )
    }


def unfinished_runs(dag_ids: Collection[str]) -> dict[str, int]:
    """How many queued and running runs each DAG has, those without any left out; one query."""
    counted = DagRun.objects.filter(dag_id__in=dag_ids, state__in=RUN_UNFINISHED)
    return dict(counted.order_by().values_list("dag_id").annotate(Count("pk")))


def set_next_runs(rows: Iterable[Dag], serialized: Mapping[str, SerializedDag]) -> list[Dag]:
    """Set the ``FIELDS`` of these rows without saving them; those that changed. Two queries.

    A DAG with as many unfinished runs as it may have keeps its next run but has no moment to make it. A row whose
    serialised form is not given is left as it is.
    """
    known = [row for row in rows if row.pk in serialized]
    clocked = [row.pk for row in known if serialized[row.pk].timetable.get("type") not in _WITHOUT_CLOCK]
    intervals = last_automated_intervals(clocked) if clocked else {}
    counts = unfinished_runs(clocked) if clocked else {}
    changed = []
    for row in known:
        before = [getattr(row, name) for name in FIELDS]
        if row.max_active_runs and counts.get(row.pk, 0) >= row.max_active_runs:
            row.next_dagrun_create_after = None
        else:
            _set(row, serialized[row.pk], intervals.get(row.pk))
        if before != [getattr(row, name) for name in FIELDS]:
            changed.append(row)
    return changed


def _set(row: Dag, dag: SerializedDag, last: DataInterval | None) -> None:
    is_clocked = dag.timetable.get("type") not in _WITHOUT_CLOCK
    info = next_run(dag, last, forecast=row.upcoming) if is_clocked else None
    row.next_dagrun = info.logical_date if info else None
    row.next_dagrun_data_interval_start = info.data_interval.start if info else None
    row.next_dagrun_data_interval_end = info.data_interval.end if info else None
    row.next_dagrun_create_after = info.run_after if info else None
