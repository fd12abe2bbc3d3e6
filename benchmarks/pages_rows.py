"""Rows for the measurement of the operators' pages: many DAGs with history, one of them with much more than others.

Most rows are made inside the database, by one statement for each of a DAG's tasks, so that a million take a minute.
"""

from __future__ import annotations

import argparse
import json
import os
from datetime import UTC, datetime, timedelta
from typing import Any

import django

DAGS = 200
TASKS = 10
#: Share of all runs that the first DAG has.
BIG = 0.1
BATCH = 2_000


def main() -> None:
    """Fill the configured database."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--instances", type=int, required=True)
    arguments = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "airflowsite.settings")
    django.setup()
    fill(arguments.instances)


def fill(instances: int) -> None:
    """``instances`` task instances, ten a run; each leaves an audit row, every fifth an XCom and rendered fields."""
    from django.db import connection

    dags = [_dag(number) for number in range(DAGS)]
    _tags(dags)
    runs = instances // TASKS
    big = max(1, int(runs * BIG))
    _runs(dags[0], big, timedelta(minutes=10))
    each, rest = divmod(runs - big, DAGS - 1)
    for number, dag in enumerate(dags[1:]):
        _runs(dag, each + (number < rest), timedelta(hours=1))
    for task_id in "abcdefghij":
        _instances(task_id)
    _waiting()
    _belongings()
    _people()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")


def _dag(number: int) -> Any:
    from orchestration.authoring.dag import DAG
    from orchestration.authoring.operators.empty import EmptyOperator
    from orchestration.models import Dag, DagVersion
    from orchestration.serialization.decode import dag_hash
    from orchestration.serialization.encode import encode_dag

    dag_id, owner = f"bench_{number:03}", f"team-{number % 7}"
    with DAG(dag_id, schedule="@hourly", start_date=datetime(2020, 1, 1, tzinfo=UTC), catchup=False) as written:
        a, b, c, d, e, f, g, h, i, j = (
            EmptyOperator(task_id=name, owner=owner, depends_on_past=name == "i") for name in "abcdefghij"
        )
        a >> b >> c >> d
        a >> e >> d
        a >> f >> g >> h >> i >> j
    written.fileloc = f"/dags/{dag_id}.py"
    document = encode_dag(written)
    row = Dag.objects.create(
        dag_id=dag_id,
        dag_display_name=dag_id,
        fileloc=written.fileloc,
        timetable_summary="@hourly",
        timetable_description="Hourly",
        owners=owner,
        is_paused=number % 10 == 9,
        last_parsed_at=datetime.now(UTC),
        next_dagrun_create_after=datetime.now(UTC) + timedelta(minutes=number),
    )
    row.current_version = DagVersion.objects.create(dag=row, number=1, digest=dag_hash(document), document=document)
    row.save(update_fields=["current_version"])
    return row


def _tags(dags: list[Any]) -> None:
    from orchestration.models import DagTag

    DagTag.objects.bulk_create(DagTag(dag=dag, name=f"tag-{number % 12}") for number, dag in enumerate(dags))


def _runs(dag: Any, count: int, step: timedelta) -> None:
    from orchestration.models import DagRun

    now = datetime.now(UTC).replace(microsecond=0)
    for first in range(0, count, BATCH):
        DagRun.objects.bulk_create(
            DagRun(
                dag=dag,
                run_id=f"scheduled__{(now - number * step).isoformat()}",
                run_type="scheduled",
                state="running" if number == 0 else ("failed" if number % 10 == 3 else "success"),
                logical_date=now - number * step,
                data_interval_start=now - number * step,
                data_interval_end=now - number * step,
                queued_at=now - number * step,
                start_date=now - number * step,
                end_date=None if number == 0 else now - number * step + timedelta(seconds=90),
                updated_at=now - number * step,
                external_trigger=False,
                conf={"number": number} if number % 50 == 0 else {},
                dag_version_id=dag.current_version_id,
            )
            for number in range(first, min(first + BATCH, count))
        )


def _instances(task_id: str) -> None:
    """One instance of the task in each run, in the run's state and at its times."""
    from orchestration.models import DagRun, TaskInstance

    sample = TaskInstance(
        task_id=task_id, try_number=1, operator="PythonOperator", hostname="bench", unixname="bench",
        pid=1, duration=9.0, task_display_name=task_id,
    )  # fmt: skip
    of_run = {
        "run": "id", "dag": "dag_id", "state": "state", "start_date": "start_date", "end_date": "end_date",
        "queued_at": "queued_at", "updated_at": "updated_at",
    }  # fmt: skip
    _copy(TaskInstance, sample, of_run, DagRun._meta.db_table)


def _waiting() -> None:
    """Let the last tasks of what runs wait: for a place, and for the run before."""
    from orchestration.models import TaskInstance
    from orchestration.states import TaskInstanceState as S

    of_running = TaskInstance.objects.filter(run__state="running")
    for task_ids, state in (("h",), S.SCHEDULED), (("i", "j"), S.NONE):
        of_running.filter(task_id__in=task_ids).update(state=state, try_number=0, start_date=None, queued_at=None)


def _belongings() -> None:
    from orchestration.models import EventLog, RenderedFields, TaskInstance, XCom

    runs = "orchestration_dagrun"
    table = TaskInstance._meta.db_table
    joined = f"{table} JOIN {runs} ON {runs}.id = {table}.run_id"
    _copy(
        EventLog,
        EventLog(event="success", owner="airflow", extra="{}"),
        {"when": f"{table}.updated_at", "dag_id": f"{table}.dag_id", "task_id": f"{table}.task_id",
         "run_id": f"{runs}.run_id", "logical_date": f"{runs}.logical_date"},
        joined,
    )  # fmt: skip
    fifth = f"WHERE {table}.id %% 5 = 0"
    _copy(
        XCom,
        XCom(key="return_value", value=json.dumps({"rows": 7}), map_index=-1),
        {"task_instance": f"{table}.id", "dag_id": f"{table}.dag_id", "task_id": f"{table}.task_id",
         "run_id": f"{runs}.run_id"},
        f"{joined} {fifth}",
    )  # fmt: skip
    _copy(RenderedFields, RenderedFields(fields={"op_args": []}), {"task_instance": "id"}, f"{table} {fifth}")


def _copy(model: Any, sample: Any, columns: dict[str, str], source: str) -> None:
    """INSERT … SELECT: the columns named here from ``source``, the others as ``sample`` has them."""
    from django.db import connection
    from django.db.models.expressions import DatabaseDefault
    from django.utils import timezone

    names, values, parameters = [], [], []
    for field in model._meta.concrete_fields:
        if field.auto_created:
            continue
        names.append(connection.ops.quote_name(field.column))
        if field.name in columns:
            values.append(columns[field.name])
            continue
        value = getattr(sample, field.attname)
        if isinstance(value, DatabaseDefault):
            value = timezone.now()
        values.append("CAST(%s AS " + (field.rel_db_type(connection) or "text") + ")" if _is_cast() else "%s")
        parameters.append(field.get_db_prep_save(value, connection))
    statement = f"INSERT INTO {model._meta.db_table} ({', '.join(names)}) SELECT {', '.join(values)} FROM {source}"
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def _is_cast() -> bool:
    """PostgreSQL wants the type of a bare parameter in a SELECT."""
    from django.db import connection

    return connection.vendor == "postgresql"


def _people() -> None:
    from orchestration.models import Connection, Job, User, Variable

    User.objects.create_superuser("bench", "bench@example.org")
    Variable.objects.bulk_create(Variable(key=f"variable_{number}") for number in range(500))
    Connection.objects.bulk_create(
        Connection(conn_id=f"connection_{number}", conn_type="http") for number in range(200)
    )
    now = datetime.now(UTC)
    for kind in ("SchedulerJob", "DagProcessorJob", "TriggererJob"):
        Job.objects.create(job_type=kind, state="running", start_date=now, latest_heartbeat=now, hostname="bench")


if __name__ == "__main__":
    main()
