"""What the clients look at: each kind of task, schedule, dataset and schedule interval once."""

from datetime import UTC, datetime, timedelta

from airflow import DAG, Dataset
from airflow.decorators import task
from airflow.models.param import Param
from airflow.operators.bash import BashOperator
from airflow.operators.empty import EmptyOperator
from airflow.operators.trigger_dagrun import TriggerDagRunOperator

START = datetime(2021, 1, 1, tzinfo=UTC)
ONE, TWO = Dataset("contract://bucket/one", extra={"team": "a"}), Dataset("contract://bucket/two")

with DAG(
    "contract_flow",
    schedule="30 4 * * *",
    start_date=START,
    catchup=False,
    tags=["contract"],
    description="Everything once",
    doc_md="# Flow",
    params={"count": Param(3, type="integer", minimum=1), "plain": "text"},
    default_args={"owner": "alice", "retry_delay": timedelta(seconds=1)},
    dagrun_timeout=timedelta(hours=1),
):

    @task
    def push():
        return {"answer": 42, "list": [1, None]}

    @task
    def double(value):
        return value * 2

    BashOperator(task_id="say", bash_command="echo contract-marker", outlets=[ONE]) >> push()
    double.expand(value=[1, 2])
    TriggerDagRunOperator(task_id="fire", trigger_dag_id="contract_target", trigger_run_id="fired_{{ ds_nodash }}")

with DAG("contract_target", schedule=None, start_date=START, is_paused_upon_creation=False):
    EmptyOperator(task_id="reached")

with DAG("contract_hold", schedule=timedelta(hours=6), start_date=START, catchup=False):
    EmptyOperator(task_id="first") >> EmptyOperator(task_id="second")

with DAG("contract_consumer", schedule=[ONE, TWO], start_date=START, is_paused_upon_creation=False):
    EmptyOperator(task_id="read")

with DAG("contract_victim", schedule="@daily", start_date=START, catchup=False):
    EmptyOperator(task_id="gone", pool="contract_missing_pool")
