"""What the same answers cost without a framework: a WSGI function, raw SQL, orjson. Not a server for use."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

import orjson
import psycopg

_local = threading.local()
_RUN = """
    SELECT run_id, dag_id, logical_date, start_date, end_date, data_interval_start, data_interval_end,
           last_scheduling_decision, run_type, state, external_trigger, conf, note
    FROM orchestration_dagrun
"""
_INSTANCE = """
    SELECT t.task_id, t.dag_id, r.run_id, r.logical_date, t.start_date, t.end_date, t.duration, t.state, t.try_number,
           t.map_index, t.max_tries, t.hostname, t.unixname, t.pool, t.pool_slots, t.queue, t.priority_weight,
           t.operator, t.queued_at, t.pid, t.note
    FROM orchestration_taskinstance t JOIN orchestration_dagrun r ON r.id = t.run_id
"""


def _rows(statement: str, parameters: tuple[Any, ...]) -> list[dict[str, Any]]:
    connection = getattr(_local, "connection", None)
    if connection is None:
        connection = _local.connection = psycopg.connect(os.environ["BENCH_DATABASE"], autocommit=True)
    cursor = connection.execute(statement, parameters)
    names = [column.name for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def _default(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """The three questions of the benchmark."""
    path = environ["PATH_INFO"]
    limit = int(parse_qs(environ["QUERY_STRING"]).get("limit", ["100"])[0])
    if path.endswith("/dagRuns"):
        body: Any = {"dag_runs": _rows(f"{_RUN} WHERE dag_id = 'bench' ORDER BY id LIMIT %s", (limit,))}
        body["total_entries"] = _rows("SELECT count(*) AS n FROM orchestration_dagrun WHERE dag_id = 'bench'", ())[0][
            "n"
        ]
    elif path.endswith("/taskInstances"):
        body = {"task_instances": _rows(f"{_INSTANCE} ORDER BY t.id LIMIT %s", (limit,))}
        body["total_entries"] = _rows("SELECT count(*) FROM orchestration_taskinstance", ())[0]["count"]
    else:
        body = _rows(f"{_RUN} WHERE dag_id = 'bench' AND run_id = %s", (path.rpartition("/")[2],))[0]
    content = orjson.dumps(body, default=_default)
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(content)))])
    return [content]
