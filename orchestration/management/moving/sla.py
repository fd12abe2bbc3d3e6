"""SLA misses."""

from __future__ import annotations

from django.db import transaction

from orchestration.management.moving import bulk, timeline
from orchestration.management.moving.dags import ensure
from orchestration.management.moving.move import Move
from orchestration.management.moving.source import Row
from orchestration.management.moving.values import moment
from orchestration.models import SlaMiss

_COLUMNS = ("dag_id", "task_id", "email_sent", "notification_sent", "description", "timestamp")
_FIELDS = ("logical_date", "dag", "task_id", "email_sent", "notification_sent", "description", "timestamp")
_KEY = ("logical_date", "dag_id", "task_id")


def copy_sla_misses(move: Move) -> None:
    """Misses that are not here."""
    tally = move.report.of("SLA misses")
    if not move.source.columns("sla_miss"):
        return
    select = f"SELECT execution_date, {move.source.listed('sla_miss', _COLUMNS)} FROM sla_miss"  # noqa: S608 ours
    for batch in timeline.batches(move, select, "execution_date", size=timeline.WIDE * move.batch_size):
        with transaction.atomic():
            new = timeline.missing(batch, _key, SlaMiss.objects.all(), _KEY)
            ensure({row[1] for row in new})
            bulk.insert(SlaMiss, _FIELDS, [_prepared(move, row) for row in new])
        tally.copied += len(new)
        tally.present += len(batch) - len(new)
        move.advance(len(batch))


def _key(row: Row) -> Row:
    return (moment(row[0]), *row[1:3])


def _prepared(move: Move, row: Row) -> Row:
    date, dag_id, task_id, email_sent, notification_sent, description, at = row
    return (
        move.stamp(date), dag_id, task_id, bool(email_sent), bool(notification_sent), description or "",
        move.stamp(at or date),
    )  # fmt: skip
