"""Task instances from a SQLite file into a SQLite file: inside the database, a statement for each table and batch.

Airflow's file is attached, for reading only, to this program's connection. SQLite then moves the rows itself, which
takes a third of the time that handing each of them through Python does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.db import connection

from orchestration.management.moving import instances
from orchestration.management.moving.move import Move
from orchestration.management.moving.source import Source
from orchestration.management.moving.values import Unreadable, json_of_xcom, stamps
from orchestration.models import RenderedFields, TaskInstance, TaskInstanceHistory, TaskReschedule, XCom
from orchestration.states import FINISHED

_FINAL = ", ".join(f"'{state.value}'" for state in sorted(FINISHED))
_TASK_INSTANCE = TaskInstance._meta.db_table
#: The runs of a batch: Airflow's ids beside the keys here. CROSS JOIN keeps SQLite to the order that is written.
_MOVED = "temp.moved_run m CROSS JOIN airflow.dag_run r ON r.id = m.theirs CROSS JOIN"


@contextmanager
def attached(source: Source) -> Iterator[bool]:
    """Attach the source for a block where both are SQLite; whether it is.

    Within a transaction nothing can be attached. A block must not be one transaction either: as long as it lasted,
    a live Airflow could not write.
    """
    if source.path is None or connection.vendor != "sqlite" or connection.in_atomic_block:
        yield False
        return
    with connection.cursor() as cursor:
        cursor.execute("ATTACH DATABASE %s AS airflow", [f"{Path(source.path).absolute().as_uri()}?mode=ro"])
        cursor.execute("CREATE TEMP TABLE moved_run (theirs INTEGER PRIMARY KEY, ours INTEGER NOT NULL)")
        try:
            yield True
        finally:
            cursor.execute("DROP TABLE temp.moved_run")
            cursor.execute("DETACH DATABASE airflow")


class AttachedParts:
    """Does what ``instances.Parts`` and ``instances.insert`` do, for an attached source."""

    def __init__(self, move: Move) -> None:
        self._move = move
        source = move.source
        self._has_notes = source.has_rows("task_instance_note")
        self._hanging = [
            (kind, statement)
            for table, (kind, statement) in self._statements().items()
            if instances.is_there(move, table)
        ]
        functions: dict[str, tuple[int, Any]] = {
            "moving_stamp": (1, stamps("sqlite")),
            "moving_author": (1, move.authors.get),
            "moving_state": (3, self._odd_state),
            "moving_config": (1, self._config),
            "moving_xcom": (3, self._xcom),
            "moving_length": (1, lambda data: json_of_xcom(data)[1]),
        }
        connection.ensure_connection()
        for name, (count, function) in functions.items():
            connection.connection.create_function(name, count, function)

    def copy(self, after: int, last: int, runs: Mapping[int, int]) -> None:
        """Copy the parts of these runs, given as Airflow's ids and their keys here."""
        if not runs:
            return
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM temp.moved_run")
            cursor.executemany("INSERT INTO temp.moved_run VALUES (%s, %s)", list(runs.items()))
            cursor.execute(self._instances())
            self._move.report.of("task instances").copied += cursor.rowcount
            for kind, statement in self._hanging:
                cursor.execute(statement)
                if cursor.rowcount:
                    self._move.report.of(kind).copied += cursor.rowcount

    def _instances(self) -> str:
        index = self._column("task_instance", "map_index")
        note, author, join = "NULL", "NULL", ""
        if self._has_notes:
            note, author = "n.content", "CASE WHEN n.user_id IS NOT NULL THEN moving_author(n.user_id) END"
            join = (
                "LEFT JOIN airflow.task_instance_note n ON n.dag_id = x.dag_id AND n.task_id = x.task_id "
                "AND n.run_id = x.run_id AND n.map_index = x.map_index"
            )
        values = self._tried("task_instance")
        values["state"] = (
            f"CASE WHEN x.state IN ({_FINAL}) THEN x.state WHEN x.state IS NULL THEN '' "
            "ELSE moving_state(x.state, x.dag_id, x.task_id) END"
        )
        return _insert(
            TaskInstance,
            {
                "run": "m.ours", "dag": "r.dag_id", "task_id": "x.task_id", "map_index": f"coalesce({index}, -1)",
                "note": note, "note_author": author, **values,
            },
            f"FROM {_MOVED} airflow.task_instance x ON x.dag_id = r.dag_id AND x.run_id = r.run_id {join} "
            "ORDER BY m.theirs",
        )  # fmt: skip

    def _statements(self) -> dict[str, tuple[str, str]]:
        """What hangs on task instances: Airflow's table → its kind in the report, and how it is copied."""

        def joined(table: str, on: str = "x.dag_id = r.dag_id AND x.run_id = r.run_id") -> str:
            return (
                f"FROM {_MOVED} airflow.{table} x ON {on} CROSS JOIN {_TASK_INSTANCE} ti "
                "ON ti.run_id = m.ours AND ti.task_id = x.task_id AND ti.map_index = x.map_index"
            )

        stamp = self._stamp
        rendered = self._column("rendered_task_instance_fields", "rendered_fields")
        xcom = joined("xcom", "x.dag_run_id = r.id")
        return {
            "task_instance_history": (
                "tries",
                _insert(
                    TaskInstanceHistory,
                    {"task_instance": "ti.id", **self._tried("task_instance_history")},
                    joined("task_instance_history"),
                ),
            ),
            "xcom": (
                "xcoms",
                _insert(
                    XCom,
                    {
                        "task_instance": "id", "dag_id": "dag_id", "task_id": "task_id", "run_id": "run_id",
                        "map_index": "map_index", "key": "key", "value": "text", "length": "moving_length(value)",
                        "timestamp": "at",
                    },
                    "FROM found WHERE text IS NOT NULL",
                    "WITH found AS MATERIALIZED (SELECT ti.id, ti.dag_id, ti.task_id, r.run_id, ti.map_index, "
                    "x.key, x.value, "
                    f"moving_xcom(x.value, x.task_id, x.key) AS text, {stamp('xcom', 'timestamp')} AS at {xcom})",
                ),
            ),
            "rendered_task_instance_fields": (
                "rendered fields",
                _insert(
                    RenderedFields,
                    {"task_instance": "ti.id", "fields": f"coalesce(nullif({rendered}, 'null'), '{{}}')"},
                    joined("rendered_task_instance_fields"),
                ),
            ),
            "task_reschedule": (
                "waits",
                _insert(
                    TaskReschedule,
                    {
                        "task_instance": "ti.id",
                        "try_number": "x.try_number",
                        "start_date": stamp("task_reschedule", "start_date"),
                        "end_date": stamp("task_reschedule", "end_date"),
                        "reschedule_date": stamp("task_reschedule", "reschedule_date"),
                        "duration": "CAST(x.duration AS REAL)",
                    },
                    joined("task_reschedule"),
                ),
            ),
        }  # fmt: skip

    def _tried(self, table: str) -> dict[str, str]:
        """The fields of a try and how they are read; what ``instances.Parts`` says of each value holds here."""

        def plain(name: str) -> str:
            return self._column(table, name)

        def text(name: str, default: str = "") -> str:
            return f"coalesce(nullif({plain(name)}, ''), '{default}')"

        began, ended = self._stamp(table, "start_date"), self._stamp(table, "end_date")
        config = plain("executor_config")
        return {
            "state": f"CASE WHEN x.state IN ({_FINAL}) THEN x.state ELSE '' END",
            "try_number": f"coalesce({plain('try_number')}, 0)",
            "max_tries": f"coalesce({plain('max_tries')}, 0)",
            "start_date": began,
            "end_date": ended,
            "queued_at": self._stamp(table, "queued_dttm"),
            "updated_at": f"coalesce({self._stamp(table, 'updated_at')}, {ended}, {began}, '1970-01-01 00:00:00')",
            "duration": plain("duration"),
            **{
                name: text(name)
                for name in ("hostname", "unixname", "operator", "custom_operator_name", "task_display_name")
            },
            "pid": plain("pid"),
            "pool": text("pool", "default_pool"),
            "pool_slots": f"coalesce(nullif({plain('pool_slots')}, 0), 1)",
            "queue": text("queue", "default"),
            "priority_weight": f"coalesce({plain('priority_weight')}, 1)",
            **{name: plain(name) for name in ("executor", "external_executor_id", "rendered_map_index")},
            "executor_config": f"CASE WHEN {config} IS NOT NULL THEN moving_config({config}) END",
            "reason": "''",
        }

    def _column(self, table: str, name: str) -> str:
        return self._move.source.listed(table, [name], "x")

    def _stamp(self, table: str, name: str) -> str:
        """A moment; Python reads only those that are in another form than SQLAlchemy's."""
        found = self._column(table, name)
        return (
            f"CASE WHEN {found} IS NULL THEN NULL "
            f"WHEN length({found}) <> 26 OR substr({found}, 11, 1) <> ' ' THEN moving_stamp({found}) "
            f"WHEN substr({found}, 20) = '.000000' THEN substr({found}, 1, 19) ELSE {found} END"
        )

    # what SQLite asks of Python

    def _odd_state(self, state: str, dag_id: str, task_id: str) -> str:
        self._move.report.of("task instances").leave(f"states {state!r} in a run that has ended", f"{dag_id} {task_id}")
        return ""

    def _config(self, data: bytes) -> str | None:
        return instances.executor_config(self._move, data)

    def _xcom(self, data: bytes | str | None, task_id: str, key: str) -> str | None:
        try:
            return json_of_xcom(data)[0]
        except Unreadable as reason:
            self._move.report.of("xcoms").leave(f"values, for {reason}", f"{task_id} {key}")
            return None


def _insert(model: Any, values: Mapping[str, str], select: str, given: str = "") -> str:
    """``INSERT … SELECT``: each field with the expression of its value; ``given`` is a WITH clause."""
    meta = model._meta
    columns = ", ".join(connection.ops.quote_name(meta.get_field(name).column) for name in values)
    expressions = ", ".join(values.values())
    return f"INSERT INTO {meta.db_table} ({columns}) {given} SELECT {expressions} {select}"
