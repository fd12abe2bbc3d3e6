"""Rows for the API's measurements: DAGs with finished runs an hour apart, and ten task instances in each run.

Each run leaves a dataset event, each task instance an XCom and two rows of the audit log. PostgreSQL copies one row of
each kind, which Django made, so a million task instances take a minute or two.
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

    from orchestration.models import Dag, DagImportError, DagRun, TaskInstance

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
            _traces(cursor, run, instance)
    DagImportError.objects.bulk_create(
        DagImportError(filename=f"/dags/broken_{number}.py", stack_trace="SyntaxError") for number in range(200)
    )
    run.delete()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT")  # or it happens while something is measured


def _traces(cursor: Any, run: Any, instance: Any) -> None:
    """What runs and task instances leave behind, but for the two that are copied."""
    from orchestration.models import Dataset, DatasetEvent, EventLog, XCom

    xcom = XCom.objects.create(task_instance=instance, map_index=-1, key="return_value", value='"bench"')
    of_instance = {
        "task_instance_id": "t.id",
        "dag_id": "t.dag_id",
        "task_id": "t.task_id",
        "run_id": "r.run_id",
        "timestamp": "t.end_date",
    }
    instances = (
        "FROM {table} c, orchestration_taskinstance t JOIN orchestration_dagrun r ON r.id = t.run_id "
        "WHERE c.id = %s AND t.id <> %s ORDER BY t.id"
    )
    _copy(cursor, XCom, of_instance, instances.format(table=XCom._meta.db_table), [xcom.pk, instance.pk])
    log = EventLog.objects.create(event="running", owner="airflow", task_id="template", map_index=-1, try_number=1)
    told = {
        "dag_id": "t.dag_id",
        "run_id": "r.run_id",
        "task_id": "t.task_id",
        "logical_date": "r.logical_date",
        "event": "CASE e.n WHEN 0 THEN 'running' ELSE t.state END",
        "when": "CASE e.n WHEN 0 THEN t.start_date ELSE t.end_date END",
    }
    _copy(
        cursor,
        EventLog,
        told,
        "FROM orchestration_eventlog c, orchestration_taskinstance t, orchestration_dagrun r, (VALUES (0), (1)) e (n) "
        "WHERE r.id = t.run_id AND c.id = %s AND t.id <> %s ORDER BY t.id, e.n",
        [log.pk, instance.pk],
    )
    dataset = Dataset.objects.create(uri="s3://bench/written")
    written = DatasetEvent.objects.create(dataset=dataset, source_task_id="task_0")
    _copy(
        cursor,
        DatasetEvent,
        {"source_dag_id": "r.dag_id", "source_run_id": "r.run_id", "timestamp": "r.end_date"},
        "FROM orchestration_datasetevent c, orchestration_dagrun r WHERE c.id = %s AND r.id <> %s ORDER BY r.id",
        [written.pk, run.pk],
    )
    log.delete()
    written.delete()


def _copy(cursor: Any, model: Any, changed: dict[str, str], rest: str, parameters: list[Any]) -> None:
    """Insert copies of row ``c``, with other values in some columns."""
    columns = [field.column for field in model._meta.concrete_fields if not field.primary_key]
    names = ", ".join(f'"{column}"' for column in columns)
    values = ", ".join(changed.get(column, f'c."{column}"') for column in columns)
    # The names and expressions are this program's own.
    cursor.execute(f"INSERT INTO {model._meta.db_table} ({names}) SELECT {values} {rest}", parameters)


if __name__ == "__main__":
    main()
