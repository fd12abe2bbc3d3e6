"""
### SQL

A little SQLite database below AIRFLOW_HOME: a table is made and filled, checked in several ways, and a query
decides which task follows. Values go into statements as **parameters**, never as text. The connection comes
from the environment variable `AIRFLOW_CONN_SAMPLE_SQLITE`, which this file sets unless it is set.
"""

import os

import pendulum
from airflow.configuration import AIRFLOW_HOME
from airflow.models.dag import DAG
from airflow.operators.empty import EmptyOperator
from airflow.providers.common.sql.operators.sql import (
    BranchSQLOperator,
    SQLColumnCheckOperator,
    SQLExecuteQueryOperator,
    SQLTableCheckOperator,
    SQLValueCheckOperator,
)
from airflow.providers.common.sql.sensors.sql import SqlSensor

CONN_ID = "sample_sqlite"
os.environ.setdefault(
    f"AIRFLOW_CONN_{CONN_ID.upper()}", f'{{"conn_type": "sqlite", "host": "{AIRFLOW_HOME}/sample.db"}}'
)

with DAG(
    "sample_sql",
    description="SQL on SQLite: statements, checks, branch, sensor",
    schedule=None,
    start_date=pendulum.datetime(2024, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    default_args={"conn_id": CONN_ID},
    doc_md=__doc__,
    tags=["sample", "sql"],
):
    create = SQLExecuteQueryOperator(
        task_id="create",
        sql=[
            "create table if not exists sales (day text, customer text, amount integer)",
            "delete from sales",
        ],
    )
    insert = SQLExecuteQueryOperator(
        task_id="insert",
        sql="insert into sales values (:day, 'ann', 120), (:day, 'bob', 80)",
        parameters={"day": "{{ ds }}"},
    )
    wait = SqlSensor(
        task_id="wait", sql="select count(*) from sales", success=lambda n: n >= 2, poke_interval=1, timeout=20
    )
    columns = SQLColumnCheckOperator(
        task_id="columns",
        table="sales",
        column_mapping={
            "amount": {"min": {"geq_to": 0}, "max": {"leq_to": 1000}},
            "customer": {"null_check": {"equal_to": 0}, "unique_check": {"equal_to": 0}},
        },
    )
    table = SQLTableCheckOperator(
        task_id="table", table="sales", checks={"two_rows": {"check_statement": "count(*) = 2"}}
    )
    total = SQLValueCheckOperator(task_id="total", sql="select sum(amount) from sales", pass_value=200, tolerance=0.05)
    branch = BranchSQLOperator(
        task_id="branch",
        sql="select max(amount) > 100 from sales",
        follow_task_ids_if_true=["large"],
        follow_task_ids_if_false=["small"],
    )
    create >> insert >> wait >> [columns, table, total] >> branch
    branch >> [EmptyOperator(task_id="large"), EmptyOperator(task_id="small")]
