"""
### When things go wrong

`flaky` fails at its first try and succeeds at its second, a second later. `too_slow` is ended after a second;
`alarm` runs because of it, and `end` whatever happened. The callbacks print what they are told, in the log of
their try.
"""

import time
from datetime import timedelta

import pendulum
from airflow.decorators import task
from airflow.exceptions import AirflowException, AirflowFailException
from airflow.models.dag import DAG
from airflow.operators.empty import EmptyOperator
from airflow.utils.trigger_rule import TriggerRule


def tell(context) -> None:
    ti = context["ti"]
    print(f"{ti.task_id}, try {ti.try_number}: {context.get('exception') or 'all is well'}")


with DAG(
    "sample_retries",
    description="Retries, time limits, callbacks and trigger rules",
    schedule=None,
    start_date=pendulum.datetime(2024, 1, 1, tz="UTC"),
    catchup=False,
    dagrun_timeout=timedelta(minutes=5),
    default_args={"on_success_callback": tell, "on_failure_callback": tell, "on_retry_callback": tell},
    doc_md=__doc__,
    tags=["sample", "retries"],
):

    @task(
        retries=2,
        retry_delay=timedelta(seconds=1),
        retry_exponential_backoff=True,
        max_retry_delay=timedelta(seconds=4),
    )
    def flaky(ti=None) -> int:
        if ti.try_number == 1:
            raise AirflowException("not yet")
        return ti.try_number

    @task(execution_timeout=timedelta(seconds=1))
    def too_slow() -> None:
        time.sleep(30)

    @task(retries=5)
    def hopeless() -> None:
        raise AirflowFailException("trying again would not help")

    alarm = EmptyOperator(task_id="alarm", trigger_rule=TriggerRule.ONE_FAILED)
    end = EmptyOperator(task_id="end", trigger_rule=TriggerRule.ALL_DONE)
    flaky() >> [slow := too_slow(), never := hopeless()] >> alarm >> end
