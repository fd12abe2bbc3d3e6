"""
### Every five minutes

A cron schedule: each run works on the five minutes before it. `latest` lets only the newest run go on, so that
runs made up for a pause do nothing. `wait_for_downstream` and `depends_on_past` make each run wait for the one
before.
"""

import pendulum
from airflow.decorators import dag, task
from airflow.operators.latest_only import LatestOnlyOperator


@dag(
    schedule="*/5 * * * *",
    start_date=pendulum.datetime(2024, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    default_args={"depends_on_past": True},
    doc_md=__doc__,
    tags=["sample", "schedule"],
    description="Runs every five minutes, on the interval before",
)
def sample_schedule():
    @task
    def measure(data_interval_start=None, data_interval_end=None) -> float:
        """How many minutes the run is about."""
        return (data_interval_end - data_interval_start).total_seconds() / 60

    @task
    def publish(minutes: float) -> str:
        return f"{minutes:g} minutes"

    minutes = measure()
    LatestOnlyOperator(task_id="latest") >> publish(minutes)


sample_schedule()
