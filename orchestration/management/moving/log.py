"""The event log."""

from __future__ import annotations

from django.db import transaction

from orchestration.management.moving import bulk, timeline
from orchestration.management.moving.move import Move
from orchestration.management.moving.source import Row
from orchestration.management.moving.values import moment
from orchestration.models import EventLog

_COLUMNS = (
    "event", "owner", "owner_display_name", "dag_id", "task_id", "run_id", "map_index", "try_number",
    "execution_date", "extra",
)  # fmt: skip
_FIELDS = (
    "when", "event", "owner", "owner_display_name", "dag_id", "task_id", "run_id", "map_index", "try_number",
    "logical_date", "extra",
)  # fmt: skip
#: The place of the logical date in both.
_DATE = 9


def copy_log(move: Move) -> None:
    """Entries that are not here."""
    tally = move.report.of("log")
    if not move.source.columns("log"):
        return
    select = f"SELECT dttm, {move.source.listed('log', _COLUMNS)} FROM log"  # noqa: S608 names of ours
    for batch in timeline.batches(move, select, "dttm"):
        with transaction.atomic():
            new = timeline.missing(batch, _key, EventLog.objects.all(), _FIELDS)
            bulk.insert(EventLog, _FIELDS, [_prepared(move, row) for row in new])
        tally.copied += len(new)
        tally.present += len(batch) - len(new)
        move.advance(len(batch))
    undated = move.source.count("log", "dttm IS NULL")
    if undated:
        tally.leave("entries without a moment", times=undated)


def _key(row: Row) -> Row:
    return (moment(row[0]), row[1] or "", *row[2:_DATE], moment(row[_DATE]), row[-1])


def _prepared(move: Move, row: Row) -> Row:
    return (move.stamp(row[0]), row[1] or "", *row[2:_DATE], move.stamp(row[_DATE]), row[-1])
