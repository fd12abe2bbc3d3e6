"""Rows for the API's measurements: one DAG, many runs, ten task instances each."""

from __future__ import annotations

import argparse
import os
from datetime import UTC, datetime, timedelta

import django

DAG_ID = "bench"
TASKS = 10
START = datetime(2020, 1, 1, tzinfo=UTC)
BATCH = 1_000


def main() -> None:
    """Fill the configured database."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, required=True)
    arguments = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "airflowsite.settings")
    django.setup()
    fill(arguments.runs)


def fill(count: int) -> None:
    """``count`` finished runs, an hour apart."""
    from django.db import connection

    from orchestration.models import Dag, DagRun, TaskInstance

    dag, _ = Dag.objects.get_or_create(dag_id=DAG_ID, defaults={"fileloc": "/dags/bench.py", "is_paused": False})
    for first in range(0, count, BATCH):
        dates = [START + timedelta(hours=number) for number in range(first, min(first + BATCH, count))]
        runs = DagRun.objects.bulk_create(
            DagRun(
                dag=dag,
                run_id=f"manual__{date.isoformat()}",
                run_type="manual",
                state="success" if date.hour % 10 else "failed",
                logical_date=date,
                data_interval_start=date,
                data_interval_end=date,
                queued_at=date,
                start_date=date,
                end_date=date + timedelta(minutes=1),
                updated_at=date,
            )
            for date in dates
        )
        TaskInstance.objects.bulk_create(
            TaskInstance(
                run=run,
                dag=dag,
                task_id=f"task_{number}",
                state=run.state,
                try_number=1,
                start_date=run.start_date,
                end_date=run.end_date,
                duration=60.0,
                queued_at=run.queued_at,
                updated_at=run.updated_at,
                operator="PythonOperator",
                hostname="bench",
                unixname="bench",
                pid=1,
            )
            for run in runs
            for number in range(TASKS)
        )
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")


if __name__ == "__main__":
    main()
