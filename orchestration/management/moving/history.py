"""Finished runs, with all that hangs on them: a batch of runs is copied whole, in one transaction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db.models import Q

from orchestration.management.moving import bulk, datasets, instances
from orchestration.management.moving.attached import AttachedParts
from orchestration.management.moving.carry import carry
from orchestration.management.moving.dags import ensure
from orchestration.management.moving.move import Move
from orchestration.management.moving.source import Row
from orchestration.management.moving.values import Unreadable, json_of_pickle, moment
from orchestration.models import DagRun
from orchestration.states import RUN_FINISHED, DagRunType

_COLUMNS = (
    "id", "dag_id", "run_id", "run_type", "state", "execution_date", "data_interval_start", "data_interval_end",
    "queued_at", "start_date", "end_date", "updated_at", "last_scheduling_decision", "external_trigger", "conf",
    "clear_number",
)  # fmt: skip
_FIELDS = (
    "dag", "run_id", "run_type", "state", "logical_date", "data_interval_start", "data_interval_end", "queued_at",
    "start_date", "end_date", "updated_at", "last_scheduling_decision", "external_trigger", "conf", "clear_number",
    "note", "note_author",
)  # fmt: skip
_TYPES = frozenset(DagRunType)
#: Runs have at least so many task instances, as a guess: so many fewer are looked at for a batch.
_INSTANCES = 8


@dataclass(slots=True)
class Batch:
    """Runs that are not here, ready to be inserted, and what belongs to them."""

    #: Airflow's ids, in which the batch is above the first and up to the second.
    after: int
    last: int
    #: How many runs were looked at.
    seen: int
    #: Those to be inserted, and Airflow's ids of them.
    runs: list[Row]
    theirs: list[int]
    found: instances.Found | None


def copy_runs(move: Move) -> None:
    """Runs that are not here, once they have ended; an unfinished one stays Airflow's to finish."""
    carry(move, Runs)


class Runs:
    """The work of copying runs."""

    def __init__(self, move: Move) -> None:
        self._move = move
        has_notes = move.source.has_rows("dag_run_note")
        note = "n.content, n.user_id" if has_notes else "NULL, NULL"
        join = "LEFT JOIN dag_run_note n ON n.dag_run_id = r.id" if has_notes else ""
        columns = move.source.listed("dag_run", _COLUMNS, "r")
        self._select = f"SELECT {columns}, {note} FROM dag_run r {join} WHERE r.id > %s AND r.id <= %s ORDER BY r.id"  # noqa: S608
        self._parts = None if move.is_attached else instances.Parts(move)
        self._attached = AttachedParts(move) if move.is_attached else None

    def spans(self) -> Iterator[tuple[int, int]]:
        """Airflow's ids, above the first and up to the second, of one batch after another."""
        after = -1
        while (last := _end(self._move, after)) is not None:
            yield after, last
            after = last

    def read(self, span: tuple[int, int]) -> Batch:
        """What is to be copied of a batch."""
        after, last = span
        rows = self._move.source.rows(self._select, [after, last])
        new = _new(self._move, rows)
        runs = {row[0]: instances.Run(place, row[1], row[2]) for place, row in enumerate(new)}
        found = None if self._parts is None else self._parts.read(after, last, runs)
        return Batch(after, last, len(rows), [_prepared(self._move, row) for row in new], list(runs), found)

    def write(self, batch: Batch) -> None:
        """Insert it, in a transaction."""
        ensure({row[0] for row in batch.runs})
        keys = _insert(self._move, batch.runs)
        ours = dict(zip(batch.theirs, keys, strict=True))
        if self._attached is not None:
            self._attached.copy(batch.after, batch.last, ours)
        elif batch.found is not None:
            instances.insert(batch.found, keys)
        datasets.link(self._move, batch.after, batch.last, ours)


def _end(move: Move, after: int) -> int | None:
    """The last run of the batch behind ``after``; None where there is none.

    A batch has no more task instances than ``batch_size``, unless a single run has: what is held is bounded by the
    largest run, whatever the size of the database.
    """
    sizes = move.source.rows(
        "SELECT r.id, (SELECT count(*) FROM task_instance t WHERE t.dag_id = r.dag_id AND t.run_id = r.run_id)"
        " FROM dag_run r WHERE r.id > %s ORDER BY r.id LIMIT %s",
        [after, max(1, move.batch_size // _INSTANCES)],
    )
    last, total = None, 0
    for run_id, size in sizes:
        total += size
        if last is not None and total > move.batch_size:
            break
        last = run_id
    return last


def _new(move: Move, batch: Sequence[Row]) -> list[Row]:
    """The runs of a batch to be copied; the others are counted."""
    tally = move.report.of("runs")
    ended = []
    for row in batch:
        if row[3] not in _TYPES or row[4] not in RUN_FINISHED:
            reason = "unfinished; import again when they have ended" if row[3] in _TYPES else "of an unknown type"
            tally.leave(reason, f"{row[1]} {row[2]}")
        else:
            ended.append(row)
    names = {(row[1], row[2]) for row in ended}
    dates = {moment(row[5]) for row in ended}
    found = DagRun.objects.filter(
        Q(run_id__in={run_id for _, run_id in names}) | Q(logical_date__in=dates), dag_id__in={row[1] for row in ended}
    ).values_list("dag_id", "run_id", "logical_date")
    here = {(dag_id, run_id) for dag_id, run_id, _ in found}
    taken = {(dag_id, date) for dag_id, _, date in found}
    new = []
    for row in ended:
        if (row[1], row[2]) in here:
            tally.present += 1
        elif (row[1], moment(row[5])) in taken:
            tally.leave("another run of the same date is here", f"{row[1]} {row[2]}")
        else:
            new.append(row)
    return new


def _insert(move: Move, runs: Sequence[Row]) -> Sequence[int]:
    """Make the runs; their keys."""
    keys = bulk.reserve(DagRun, len(runs))
    bulk.insert(DagRun, ("id", *_FIELDS), [(key, *row) for key, row in zip(keys, runs, strict=True)])
    move.report.of("runs").copied += len(runs)
    return keys


def _prepared(move: Move, row: Row) -> Row:
    _, dag_id, run_id, kind, state, *moments, external, conf, clear_number, note, author = row
    stamped = [None if value is None else move.stamp(value) for value in moments]
    stamped[_UPDATED] = stamped[_UPDATED] or stamped[_ENDED] or stamped[0]
    try:
        text = json_of_pickle(conf)
    except Unreadable as reason:
        move.report.of("runs").leave(f"confs, for {reason}", f"{dag_id} {run_id}")
        text = "{}"
    return (
        dag_id, run_id, kind, state, *stamped, bool(external), "{}" if text is None else text, clear_number or 0,
        note, move.authors.get(author),
    )  # fmt: skip


#: The places of two moments behind the logical date.
_ENDED, _UPDATED = 5, 6
