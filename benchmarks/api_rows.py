"""Rows for the API's measurements: DAGs with finished runs an hour apart, and ten task instances in each run.

PostgreSQL copies one row of each kind, which Django made, so a million takes half a minute.
"""

from __future__ import annotations

import argparse
import os
from datetime import UTC, datetime
from typing import Any, Final

import django

DAG_ID: Final = "bench"
TASKS: Final = 10
START: Final = datetime(2020, 1, 1, tzinfo=UTC)


def dag_name(number: int) -> str:
    """The first DAG has all task instances."""
    return DAG_ID if number == 0 else f"{DAG_ID}_{number:04d}"


def main() -> None:
    """Fill the configured database."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, required=True, help="runs of each DAG")
    parser.add_argument("--dags", type=int, default=1)
    parser.add_argument("--tasks", type=int, default=TASKS, help="task instances in each run")
    arguments = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "airflowsite.settings")
    django.setup()
    fill(arguments.runs, dags=arguments.dags, tasks=arguments.tasks)


def fill(runs: int, *, dags: int = 1, tasks: int = TASKS) -> None:
    """``dags`` DAGs with ``runs`` runs each, ``tasks`` task instances in each run. The tables must be empty."""
    from django.db import connection

    from orchestration.models import Dag, DagRun, TaskInstance

    Dag.objects.bulk_create(
        Dag(dag_id=dag_name(number), fileloc="/dags/bench.py", is_paused=False) for number in range(dags)
    )
    run = DagRun.objects.create(
        dag_id=DAG_ID,
        run_id="template",
        run_type="manual",
        state="success",
        logical_date=START.replace(year=2000),
        queued_at=START,
    )
    instance = TaskInstance.objects.create(
        run=run,
        dag_id=DAG_ID,
        task_id="template",
        state="success",
        try_number=1,
        duration=60.0,
        operator="PythonOperator",
        hostname="bench",
        unixname="bench",
        pid=1,
    )
    date = "(timestamptz '2020-01-01 00:00+00' + n * interval '1 hour')"
    state = "CASE WHEN extract(hour FROM n * interval '1 hour') %% 10 = 0 THEN 'failed' ELSE 'success' END"
    moments = dict.fromkeys(
        ("logical_date", "data_interval_start", "data_interval_end", "queued_at", "start_date", "updated_at"), date
    )
    name = "'manual__' || to_char(" + date + " AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS') || '+00:00'"
    end = f"{date} + interval '1 minute'"
    of_run = {**moments, "end_date": end, "run_id": name, "state": state, "dag_id": "d.dag_id"}
    with connection.cursor() as cursor:
        _copy(
            cursor,
            DagRun,
            of_run,
            "FROM orchestration_dagrun c, orchestration_dag d, generate_series(0, %s) n WHERE c.id = %s "
            "ORDER BY n, d.dag_id",
            [runs - 1, run.pk],
        )
        if tasks:
            copied = ("queued_at", "start_date", "end_date", "updated_at", "state", "dag_id")
            _copy(
                cursor,
                TaskInstance,
                {**{column: f"r.{column}" for column in copied}, "run_id": "r.id", "task_id": "'task_' || n"},
                "FROM orchestration_taskinstance c, orchestration_dagrun r, generate_series(0, %s) n "
                "WHERE c.id = %s AND r.id <> %s ORDER BY r.id, n",
                [tasks - 1, instance.pk, run.pk],
            )
    run.delete()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def _copy(cursor: Any, model: Any, changed: dict[str, str], rest: str, parameters: list[Any]) -> None:
    """Insert copies of row ``c``, with other values in some columns."""
    columns = [field.column for field in model._meta.concrete_fields if not field.primary_key]
    values = [f"{changed[column]}" if column in changed else f"c.{column}" for column in columns]
    # The names and expressions are this program's own.
    statement = f"INSERT INTO {model._meta.db_table} ({', '.join(columns)}) SELECT {', '.join(values)} {rest}"
    cursor.execute(statement, parameters)


if __name__ == "__main__":
    main()
