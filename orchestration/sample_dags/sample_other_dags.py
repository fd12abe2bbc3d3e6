"""
### DAGs that wait for each other

`sample_caller` triggers `sample_called` with a conf and waits for it in the triggerer. The sensor then finds
the called DAG's task finished at the same logical date. Clearing `marker` recursively clears `work` over there,
too. Unpause both before you trigger `sample_caller`.
"""

import pendulum
from airflow.decorators import task
from airflow.models.dag import DAG
from airflow.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sensors.external_task import ExternalTaskMarker, ExternalTaskSensor

COMMON = {
    "schedule": None,
    "start_date": pendulum.datetime(2024, 1, 1, tz="UTC"),
    "catchup": False,
    "doc_md": __doc__,
    "tags": ["sample", "other-dags"],
}

with DAG("sample_caller", description="Triggers another DAG and waits for it", **COMMON):
    call = TriggerDagRunOperator(
        task_id="call",
        trigger_dag_id="sample_called",
        logical_date="{{ logical_date.isoformat() }}",
        conf={"from": "{{ run_id }}"},
        reset_dag_run=True,
        wait_for_completion=True,
        deferrable=True,
        poke_interval=1,
    )
    see = ExternalTaskSensor(
        task_id="see",
        external_dag_id="sample_called",
        external_task_id="work",
        failed_states=["failed", "upstream_failed"],
        check_existence=True,
        mode="reschedule",
        poke_interval=1,
        timeout=60,
    )
    marker = ExternalTaskMarker(task_id="marker", external_dag_id="sample_called", external_task_id="work")
    call >> see >> marker

with DAG("sample_called", description="Is triggered by sample_caller", **COMMON):

    @task
    def work(dag_run=None) -> str:
        return f"called by {dag_run.conf.get('from', 'hand')}"

    work()
