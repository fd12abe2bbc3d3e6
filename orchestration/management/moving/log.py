"""The event log."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from orchestration.management.moving import bulk, timeline
from orchestration.management.moving.carry import carry
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


@dataclass(frozen=True, slots=True)
class Batch:
    """Entries that are not here, ready to be inserted, of so many that were looked at."""

    seen: int
    rows: list[Row]


def copy_log(move: Move) -> None:
    """Entries that are not here."""
    tally = move.report.of("log")
    if not move.source.columns("log"):
        return
    carry(move, Log)
    undated = move.source.count("log", "dttm IS NULL")
    if undated:
        tally.leave("entries without a moment", times=undated)


class Log:
    """The work of copying entries."""

    def __init__(self, move: Move) -> None:
        self._move = move
        self._select = f"SELECT dttm, {move.source.listed('log', _COLUMNS)} FROM log"  # noqa: S608 names of ours

    def spans(self) -> Iterator[timeline.Span]:
        """The moments of one batch after another."""
        return timeline.spans(self._move, "log", "dttm")

    def read(self, span: timeline.Span) -> Batch:
        """What is to be copied of a batch."""
        rows = timeline.within(self._move, self._select, "dttm", span)
        new = timeline.missing(rows, _key, EventLog.objects.all(), _FIELDS)
        tally = self._move.report.of("log")
        tally.copied += len(new)
        tally.present += len(rows) - len(new)
        return Batch(len(rows), [_prepared(self._move, row) for row in new])

    def write(self, batch: Batch) -> None:
        """Insert it, in a transaction."""
        bulk.insert(EventLog, _FIELDS, batch.rows)


def _key(row: Row) -> Row:
    return (moment(row[0]), row[1] or "", *row[2:_DATE], moment(row[_DATE]), row[-1])


def _prepared(move: Move, row: Row) -> Row:
    return (move.stamp(row[0]), row[1] or "", *row[2:_DATE], move.stamp(row[_DATE]), row[-1])
