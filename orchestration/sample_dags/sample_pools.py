"""
### Who goes first

All tasks of this DAG share the slots of `default_pool`. `heavy` takes two slots, and never more than one
instance of it runs in all runs together. Of the tasks that wait, those with the higher priority weight go
first: with `upstream` a task weighs as much as what comes before it, with `absolute` just what it says.
"""

import time

import pendulum
from airflow.models.dag import DAG
from airflow.operators.empty import EmptyOperator
from airflow.operators.python import PythonOperator


def nap() -> None:
    time.sleep(0.2)


with DAG(
    "sample_pools",
    description="Pools, slots, priorities and limits",
    schedule=None,
    start_date=pendulum.datetime(2024, 1, 1, tz="UTC"),
    catchup=False,
    max_active_tasks=4,
    max_active_runs=2,
    doc_md=__doc__,
    tags=["sample", "pools"],
):
    start = EmptyOperator(task_id="start")
    urgent = PythonOperator(task_id="urgent", python_callable=nap, priority_weight=100, weight_rule="absolute")
    usual = PythonOperator(task_id="usual", python_callable=nap, weight_rule="upstream")
    heavy = PythonOperator(
        task_id="heavy", python_callable=nap, pool="default_pool", pool_slots=2, max_active_tis_per_dag=1
    )
    start >> [urgent, usual, heavy] >> EmptyOperator(task_id="end")
