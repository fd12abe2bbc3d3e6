"""Datasets and their events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from orchestration.management.moving import bulk, timeline
from orchestration.management.moving.move import Move
from orchestration.management.moving.source import Row
from orchestration.management.moving.values import json_text, moment
from orchestration.models import Dataset, DatasetEvent

_DATASET = ("uri", "extra", "created_at", "updated_at", "is_orphaned")
#: What tells two events of one moment apart; the moment itself is the first.
_KEY = ("timestamp", "dataset__uri", "source_dag_id", "source_task_id", "source_run_id", "source_map_index")
_FIELDS = ("timestamp", "dataset", "source_dag_id", "source_task_id", "source_run_id", "source_map_index", "extra")


@transaction.atomic
def copy_datasets(move: Move) -> None:
    """Datasets whose URI is not here. Which DAGs use them is read from the DAGs' files."""
    tally = move.report.of("datasets")
    present = set(Dataset.objects.values_list("uri", flat=True))
    made = []
    for uri, extra, created_at, updated_at, is_orphaned in move.source.every("dataset", _DATASET, "id"):
        if uri in present:
            tally.present += 1
            continue
        dates: dict[str, Any] = {"created_at": moment(created_at), "updated_at": moment(updated_at)}
        row = Dataset(uri=uri, **dates)
        row.extra = Dataset._meta.get_field("extra").to_python(json_text(extra, "{}"))
        row.is_orphaned = bool(is_orphaned)
        made.append(row)
    tally.copied += len(Dataset.objects.bulk_create(made, batch_size=500))
    waiting = move.source.count("dataset_dag_run_queue")
    if waiting:
        tally.leave("datasets that a DAG has seen change while it waits for others", times=waiting)


def copy_dataset_events(move: Move) -> None:
    """Events that are not here, whose dataset is."""
    tally = move.report.of("dataset events")
    if not move.source.columns("dataset_event"):
        return
    columns = ("source_dag_id", "source_task_id", "source_run_id", "source_map_index", "extra")
    select = (
        f"SELECT e.timestamp, d.uri, {move.source.listed('dataset_event', columns, 'e')} "  # noqa: S608 names of ours
        "FROM dataset_event e LEFT JOIN dataset d ON d.id = e.dataset_id"
    )
    pks = dict(Dataset.objects.values_list("uri", "pk"))
    for batch in timeline.batches(move, select, "e.timestamp", size=timeline.WIDE * move.batch_size):
        with transaction.atomic():
            new = timeline.missing(batch, key_of, DatasetEvent.objects.all(), _KEY)
            known = [row for row in new if row[1] in pks]
            bulk.insert(DatasetEvent, _FIELDS, [_prepared(move, row, pks) for row in known])
        tally.copied += len(known)
        tally.present += len(batch) - len(new)
        if len(new) > len(known):
            tally.leave("events of datasets that are not here", times=len(new) - len(known))
        move.advance(len(batch))


def key_of(row: Row) -> Row:
    """What an event of Airflow's is found again by; its row starts with the columns of ``_KEY``."""
    at, uri, dag_id, task_id, run_id, map_index, *_ = row
    return moment(at), uri, dag_id, task_id, run_id, -1 if map_index is None else map_index


def _prepared(move: Move, row: Row, pks: Mapping[str, int]) -> Row:
    at, uri, dag_id, task_id, run_id, map_index, extra = row
    index = -1 if map_index is None else map_index
    return move.stamp(at), pks[uri], dag_id, task_id, run_id, index, json_text(extra, "{}")


def link(move: Move, first: int, last: int, runs: Mapping[int, int]) -> None:
    """Tell which of the runs (Airflow's ids → keys here) were made by which events."""
    if not runs or not move.source.has_rows("dagrun_dataset_event"):
        return
    columns = ("source_dag_id", "source_task_id", "source_run_id", "source_map_index")
    sql = (
        f"SELECT x.dag_run_id, e.timestamp, d.uri, {move.source.listed('dataset_event', columns, 'e')} "  # noqa: S608
        "FROM dagrun_dataset_event x JOIN dataset_event e ON e.id = x.event_id JOIN dataset d ON d.id = e.dataset_id "
        "WHERE x.dag_run_id > %s AND x.dag_run_id <= %s"
    )
    found = [
        (runs[run_id], key_of(tuple(rest))) for run_id, *rest in move.source.rows(sql, [first, last]) if run_id in runs
    ]
    if not found:
        return
    keys = {key for _, key in found}
    moments = [key[0] for key in keys]
    events = DatasetEvent.objects.filter(timestamp__gte=min(moments), timestamp__lte=max(moments))
    here = {tuple(values): pk for pk, *values in events.values_list("pk", *_KEY) if tuple(values) in keys}
    through = DatasetEvent.created_dag_runs.through
    through.objects.bulk_create(
        [through(datasetevent_id=here[key], dagrun_id=run) for run, key in found if key in here], ignore_conflicts=True
    )
