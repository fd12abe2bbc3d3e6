"""
### Groups

Groups fold tasks together in the graph and prefix their ids. A group is joined to other tasks as one; within it
`default_args` may differ. `cross_downstream` joins each of one list to each of another.
"""

import pendulum
from airflow.models.baseoperator import chain, cross_downstream
from airflow.models.dag import DAG
from airflow.operators.empty import EmptyOperator
from airflow.operators.python import PythonOperator
from airflow.utils.task_group import TaskGroup


def say(words: str) -> str:
    print(words)
    return words


with DAG(
    "sample_task_groups",
    description="Task groups, nested and joined as one",
    schedule=None,
    start_date=pendulum.datetime(2024, 1, 1, tz="UTC"),
    catchup=False,
    doc_md=__doc__,
    tags=["sample", "groups"],
):
    start, end = EmptyOperator(task_id="start"), EmptyOperator(task_id="end")
    with TaskGroup("prepare", tooltip="What comes first", default_args={"retries": 1}) as prepare:
        PythonOperator(task_id="look", python_callable=say, op_args=["looking"])
        with TaskGroup("clean") as clean:
            wash = PythonOperator(task_id="wash", python_callable=say, op_args=["washing"])
            dry = PythonOperator(task_id="dry", python_callable=say, op_args=["drying"])
            wash >> dry
    with TaskGroup("work", prefix_group_id=False) as work:
        cross_downstream(
            [EmptyOperator(task_id="cut"), EmptyOperator(task_id="weigh")],
            [EmptyOperator(task_id="mix"), EmptyOperator(task_id="bake")],
        )
    chain(start, prepare, work, end)
