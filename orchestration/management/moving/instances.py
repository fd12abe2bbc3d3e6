"""The task instances of runs, with their earlier tries, XComs, rendered fields and waits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from django.db.models import Model

from orchestration.management.moving import bulk
from orchestration.management.moving.move import Move
from orchestration.management.moving.source import Row
from orchestration.management.moving.values import Unreadable, json_of_pickle, json_of_xcom, json_text
from orchestration.models import RenderedFields, TaskInstance, TaskInstanceHistory, TaskReschedule, XCom
from orchestration.states import FINISHED, TaskInstanceState

#: What a task instance and one of its tries have in common, as Airflow calls it.
_TRY = (
    "state", "try_number", "max_tries", "start_date", "end_date", "queued_dttm", "updated_at", "duration", "hostname",
    "unixname", "pid", "operator", "custom_operator_name", "task_display_name", "pool", "pool_slots", "queue",
    "priority_weight", "executor", "executor_config", "external_executor_id", "rendered_map_index",
)  # fmt: skip
_TRY_FIELDS = (
    "state", "try_number", "max_tries", "start_date", "end_date", "queued_at", "updated_at", "duration", "hostname",
    "unixname", "pid", "operator", "custom_operator_name", "task_display_name", "pool", "pool_slots", "queue",
    "priority_weight", "executor", "executor_config", "external_executor_id", "rendered_map_index", "reason",
)  # fmt: skip
_FINAL: Mapping[Any, str] = {state.value: state.value for state in FINISHED}
_NONE = TaskInstanceState.NONE.value
#: Airflow's run id, task id and map index → the place of the task instance in its batch.
_Places = Mapping[Row, int]
#: The runs of a batch by Airflow's ids.
_Runs = Mapping[int, "Run"]


class Run(NamedTuple):
    """A run that is copied: its place among those of its batch, and its names."""

    place: int
    dag_id: str
    run_id: str


class Found(NamedTuple):
    """What belongs to the runs of a batch, ready to be inserted, with places in the batch instead of keys."""

    #: Each begins with the place of its run.
    instances: list[Row]
    #: Kind → rows that begin with the place of their task instance.
    hanging: dict[str, list[Row]]


class Parts:
    """Reads what belongs to batches of runs."""

    def __init__(self, move: Move) -> None:
        self._move = move
        source = move.source
        self._has_notes = source.has_rows("task_instance_note")
        #: What hangs on task instances: its table, its kind and how its rows are prepared.
        hanging: list[tuple[str, str, Callable[[list[Row], _Places, _Runs], list[Row]]]] = [
            ("task_instance_history", "tries", self._tries),
            ("xcom", "xcoms", self._xcoms),
            ("rendered_task_instance_fields", "rendered fields", self._rendered),
            ("task_reschedule", "waits", self._waits),
        ]
        self._hanging = [
            (self._select(table), kind, prepare) for table, kind, prepare in hanging if is_there(move, table)
        ]

    def _select(self, table: str) -> str:
        columns = {
            "task_instance_history": _TRY,
            "xcom": ("key", "value", "timestamp"),
            "rendered_task_instance_fields": ("rendered_fields",),
            "task_reschedule": ("try_number", "start_date", "end_date", "duration", "reschedule_date"),
        }[table]
        on = "x.dag_run_id = r.id" if table == "xcom" else "x.dag_id = r.dag_id AND x.run_id = r.run_id"
        return (
            f"SELECT r.id, x.task_id, x.map_index, {self._move.source.listed(table, columns, 'x')} "  # noqa: S608 ours
            f"FROM dag_run r JOIN {table} x ON {on} WHERE r.id > %s AND r.id <= %s"
        )

    def read(self, after: int, last: int, runs: _Runs) -> Found:
        """The parts of these runs, which are Airflow's with an id above ``after`` and up to ``last``."""
        if not runs:
            return Found([], {})
        instances, places = self._instances(after, last, runs)
        hanging = {}
        for select, kind, prepare in self._hanging:
            rows = [row for row in self._move.source.rows(select, [after, last]) if row[:3] in places]
            if rows:
                hanging[kind] = prepare(rows, places, runs)
                self._move.report.of(kind).copied += len(hanging[kind])
        return Found(instances, hanging)

    def _instances(self, after: int, last: int, runs: _Runs) -> tuple[list[Row], _Places]:
        source = self._move.source
        note = "n.content, n.user_id" if self._has_notes else "NULL, NULL"
        join = (
            "LEFT JOIN task_instance_note n ON n.dag_id = t.dag_id AND n.task_id = t.task_id "
            "AND n.run_id = t.run_id AND n.map_index = t.map_index"
            if self._has_notes
            else ""
        )
        mapped = source.listed("task_instance", ["map_index"], "t")
        sql = (
            f"SELECT r.id, t.task_id, {mapped}, {note}, {source.listed('task_instance', _TRY, 't')} FROM dag_run r "  # noqa: S608
            f"JOIN task_instance t ON t.dag_id = r.dag_id AND t.run_id = r.run_id {join} WHERE r.id > %s AND r.id <= %s"
        )
        tally = self._move.report.of("task instances")
        prepared, authors = self._prepared_try, self._move.authors
        made: list[Row] = []
        places: dict[Row, int] = {}
        for run_id, task_id, map_index, content, author, *tried in source.rows(sql, [after, last]):
            run = runs.get(run_id)
            if run is None:
                continue
            if tried[0] is not None and tried[0] not in _FINAL:
                tally.leave(f"states {tried[0]!r} in a run that has ended", f"{run.dag_id} {task_id}")
            index = -1 if map_index is None else map_index
            places[run_id, task_id, index] = len(made)
            made.append(
                (
                    run.place, run.dag_id, task_id, index, content,
                    authors.get(author) if author else None, *prepared(tried),
                )
            )  # fmt: skip
        tally.copied += len(made)
        return made, places

    def _prepared_try(self, row: Sequence[Any]) -> Row:
        (
            state, number, most, start, end, queued, updated, duration, host, unixname, pid, operator, custom, shown,
            pool, slots, queue, weight, executor, config, external, rendered_index,
        ) = row  # fmt: skip
        stamp = self._move.stamp
        ended = end and stamp(end)
        began = start and stamp(start)
        return (
            _FINAL.get(state, _NONE), number or 0, most or 0, began, ended, queued and stamp(queued),
            (updated and stamp(updated)) or ended or began or self._epoch, duration, host or "", unixname or "", pid,
            operator or "", custom or "", shown or "", pool or "default_pool", slots or 1, queue or "default",
            1 if weight is None else weight, executor, config and executor_config(self._move, config), external,
            rendered_index, "",
        )  # fmt: skip

    @property
    def _epoch(self) -> Any:
        """For a row that says of no moment at all."""
        return self._move.stamp("1970-01-01 00:00:00.000000")

    def _tries(self, rows: list[Row], places: _Places, runs: _Runs) -> list[Row]:
        return [(places[row[:3]], *self._prepared_try(row[3:])) for row in rows]

    def _xcoms(self, rows: list[Row], places: _Places, runs: _Runs) -> list[Row]:
        stamp = self._move.stamp
        made = []
        for row in rows:
            key, value, at = row[3:]
            try:
                text, length = json_of_xcom(value)
            except Unreadable as reason:
                self._move.report.of("xcoms").leave(f"values, for {reason}", f"{row[1]} {key}")
                continue
            run = runs[row[0]]
            made.append((places[row[:3]], run.dag_id, row[1], run.run_id, row[2], key, text, length, stamp(at)))
        return made

    def _rendered(self, rows: list[Row], places: _Places, runs: _Runs) -> list[Row]:
        return [(places[row[:3]], json_text(row[3], "{}")) for row in rows]

    def _waits(self, rows: list[Row], places: _Places, runs: _Runs) -> list[Row]:
        stamp = self._move.stamp
        return [(places[row[:3]], row[3], stamp(row[4]), stamp(row[5]), float(row[6]), stamp(row[7])) for row in rows]


#: Kind → the table of what hangs on task instances, and its columns behind theirs.
_HANGING: Mapping[str, tuple[type[Model], Sequence[str]]] = {
    "tries": (TaskInstanceHistory, _TRY_FIELDS),
    "xcoms": (XCom, ("dag_id", "task_id", "run_id", "map_index", "key", "value", "length", "timestamp")),
    "rendered fields": (RenderedFields, ("fields",)),
    "waits": (TaskReschedule, ("try_number", "start_date", "end_date", "duration", "reschedule_date")),
}


def insert(found: Found, runs: Sequence[int]) -> None:
    """Insert what was read; ``runs`` are the keys of the batch's runs here."""
    keys = bulk.reserve(TaskInstance, len(found.instances))
    bulk.insert(
        TaskInstance,
        ("id", "run", "dag", "task_id", "map_index", "note", "note_author", *_TRY_FIELDS),
        [(key, runs[row[0]], *row[1:]) for key, row in zip(keys, found.instances, strict=True)],
    )
    for kind, rows in found.hanging.items():
        model, fields = _HANGING[kind]
        bulk.insert(model, ("task_instance", *fields), [(keys[row[0]], *row[1:]) for row in rows])


def is_there(move: Move, table: str) -> bool:
    """Whether there are rows of this table that can be told to belong to a task instance; others are reported."""
    if not move.source.has_rows(table):
        return False
    if {"run_id", "map_index"} <= move.source.columns(table):
        return True
    move.report.of(table).leave("rows of an Airflow older than 2.3", times=move.source.count(table))
    return False


def executor_config(move: Move, data: bytes) -> str | None:
    """A pickled ``executor_config`` as JSON text; None where it says nothing or, which is reported, more than data."""
    try:
        text = json_of_pickle(data)
    except Unreadable as reason:
        move.report.of("task instances").leave(f"executor_configs, for {reason}")
        return None
    return None if text in _NOTHING else text


#: An ``executor_config`` that says nothing.
_NOTHING = frozenset({None, "{}", "null"})
