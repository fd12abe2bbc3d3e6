"""A history such as Airflow 2.10.5 writes, filled into its own tables by SQL: a million task instances in a minute.

Both databases get the same values, so that what is copied from either can be compared.
"""

from __future__ import annotations

import json
import pickle
import sqlite3
from contextlib import closing

import psycopg

DAGS = 200
TASKS = 10
#: 2020-01-01T00:00:00Z, when the first runs begin.
_EPOCH = 1_577_836_800


def fill(url: str, instances: int) -> None:
    """``instances`` task instances in an empty database of Airflow's, ten a run, and what hangs on them.

    One in five pushed an XCom and left an entry in the log, one in ten has rendered fields, one in twenty had an
    earlier try, one in a thousand carries a note.
    """
    runs = instances // TASKS
    if url.startswith("sqlite:"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as database:
            for statement in _statements(runs, is_postgres=False):
                database.execute(statement)
            database.commit()
            database.execute("ANALYZE")
        return
    with psycopg.connect(url, autocommit=True, options="-c TimeZone=UTC") as server:
        for statement in _statements(runs, is_postgres=True):
            server.execute(statement.encode())
        server.execute("VACUUM ANALYZE")


def _statements(runs: int, *, is_postgres: bool) -> list[str]:
    def numbers(count: int, name: str) -> str:
        if is_postgres:
            return f"generate_series(0, {count - 1}) AS {name}(n)"
        series = f"WITH RECURSIVE s(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM s WHERE n < {count - 1})"
        return f"({series} SELECT n FROM s) AS {name}"

    def at(seconds: str) -> str:
        if is_postgres:
            return f"to_timestamp(({seconds})::double precision)"
        return f"strftime('%Y-%m-%d %H:%M:%f', {seconds}, 'unixepoch') || '000'"

    def blob(data: bytes) -> str:
        return f"'\\x{data.hex()}'::bytea" if is_postgres else f"x'{data.hex()}'"

    def text(number: str, width: int) -> str:
        digits = f"CAST({number} AS TEXT)"
        return f"lpad({digits}, {width}, '0')" if is_postgres else f"printf('%0{width}d', {number})"

    yes, no = ("TRUE", "FALSE") if is_postgres else ("1", "0")
    # Airflow numbers its runs in the order in which they come: those of all DAGs of an hour follow one another.
    begun = f"{_EPOCH} + (r.n / {DAGS}) * 3600 + (r.n % {DAGS})"
    run_id = "'scheduled__' || " + (
        f'to_char({at(begun)}, \'YYYY-MM-DD"T"HH24:MI:SS"+00:00"\')'
        if is_postgres
        else f"strftime('%Y-%m-%dT%H:%M:%S+00:00', {begun}, 'unixepoch')"
    )
    dag_id = "'bench_' || " + text(f"r.n % {DAGS}", 3)
    place = f"(d.id * {TASKS} + k.n)"
    #: When a task began, and how long it took, in seconds with thousandths.
    took = f"(1 + {place} % 977) / 8.0"
    started = f"{_EPOCH} + (d.id / {DAGS}) * 3600 + (d.id % {DAGS}) + k.n * 125 + 0.25"
    task_id = "'task_' || " + text("k.n", 2)
    tasks = f"dag_run d CROSS JOIN {numbers(TASKS, 'k')}"
    columns = (
        "task_id, dag_id, run_id, map_index, start_date, end_date, duration, state, try_number, max_tries, hostname, "
        "unixname, job_id, pool, pool_slots, queue, priority_weight, operator, queued_dttm, pid, executor_config, "
        "updated_at, task_display_name"
    )

    def tried(number: str, state: str) -> str:
        return (
            f"{task_id}, d.dag_id, d.run_id, -1, {at(started)}, {at(f'{started} + {took}')}, {took}, {state}, "
            f"{number}, 1, 'worker-' || CAST({place} % 7 AS TEXT), 'airflow', {place} + 1, 'default_pool', 1, "
            f"'default', {TASKS} - k.n, CASE k.n % 2 WHEN 0 THEN 'PythonOperator' ELSE 'BashOperator' END, "
            f"{at(started)}, 1000 + {place} % 30000, {blob(pickle.dumps({}))}, {at(f'{started} + {took}')}, {task_id}"
        )

    failed = f"{place} % 100 = 7"
    retried = f"{place} % 20 = 3"
    one = "ti.task_id, ti.map_index, ti.dag_id, ti.run_id"
    joined = "task_instance ti JOIN dag_run d ON d.dag_id = ti.dag_id AND d.run_id = ti.run_id"
    of_five = f"(d.id * {TASKS} + CAST(substr(ti.task_id, 6) AS INTEGER)) % 5 = 0"
    of_ten = of_five.replace("% 5", "% 10")
    of_thousand = of_five.replace("% 5", "% 1000")
    return [
        "INSERT INTO dag (dag_id, is_paused, is_subdag, is_active, last_parsed_time, fileloc, owners, default_view, "
        "max_active_tasks, max_active_runs, max_consecutive_failed_dag_runs, has_task_concurrency_limits) "
        f"SELECT {dag_id}, {no}, {no}, {yes}, {at(str(_EPOCH))}, '/dags/bench.py', 'airflow', 'grid', 16, 16, 0, {no} "
        f"FROM {numbers(min(DAGS, runs), 'r')}",
        "INSERT INTO dag_run (id, dag_id, queued_at, execution_date, start_date, end_date, state, run_id, "
        "external_trigger, run_type, conf, data_interval_start, data_interval_end, last_scheduling_decision, "
        f"updated_at, clear_number) SELECT r.n + 1, {dag_id}, {at(begun)}, {at(begun)}, {at(begun)}, "
        f"{at(f'{begun} + 1700.5')}, CASE WHEN r.n % 10 = 7 THEN 'failed' ELSE 'success' END, {run_id}, {no}, "
        f"'scheduled', {blob(pickle.dumps({}))}, {at(begun)}, {at(f'{begun} + 3600')}, {at(f'{begun} + 1700.5')}, "
        f"{at(f'{begun} + 1700.5')}, 0 FROM {numbers(runs, 'r')}",
        f"INSERT INTO task_instance ({columns}) SELECT "
        + tried(f"CASE WHEN {retried} THEN 2 ELSE 1 END", f"CASE WHEN {failed} THEN 'failed' ELSE 'success' END")
        + f" FROM {tasks}",
        f"INSERT INTO task_instance_history ({columns}) SELECT {tried('1', chr(39) + 'failed' + chr(39))} "
        f"FROM {tasks} WHERE {retried}",
        f"INSERT INTO xcom (dag_run_id, task_id, map_index, dag_id, run_id, key, value, timestamp) SELECT d.id, {one}, "
        f"'return_value', {blob(json.dumps({'rows': 7, 'name': 'Zürich'}).encode())}, ti.end_date "
        f"FROM {joined} WHERE {of_five}",
        "INSERT INTO rendered_task_instance_fields (task_id, map_index, dag_id, run_id, rendered_fields) "
        f"SELECT {one}, '{json.dumps({'bash_command': 'echo one', 'env': None})}' FROM {joined} WHERE {of_ten}",
        "INSERT INTO task_instance_note (task_id, map_index, dag_id, run_id, content, created_at, updated_at) "
        f"SELECT {one}, 'looked at', ti.end_date, ti.end_date FROM {joined} WHERE {of_thousand}",
        "INSERT INTO log (dttm, task_id, map_index, dag_id, run_id, event, execution_date, owner, extra) "
        f"SELECT ti.end_date, {one}, ti.state, d.execution_date, 'airflow', '{{}}' FROM {joined} WHERE {of_five}",
    ]
