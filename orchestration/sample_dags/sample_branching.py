"""
### Choosing a way

`choose` follows the member `way` of the conf (`left` or `right`; `left` without one). What is not chosen is
skipped, and `join` runs nevertheless, by its trigger rule. `gate` lets nothing through at the weekend of the
logical date; `weekday` branches by the same day.
"""

import pendulum
from airflow.decorators import task
from airflow.models.dag import DAG
from airflow.operators.empty import EmptyOperator
from airflow.operators.python import ShortCircuitOperator
from airflow.operators.weekday import BranchDayOfWeekOperator
from airflow.utils.edgemodifier import Label
from airflow.utils.trigger_rule import TriggerRule
from airflow.utils.weekday import WeekDay

with DAG(
    "sample_branching",
    description="Branches, short circuits, labels and trigger rules",
    schedule=None,
    start_date=pendulum.datetime(2024, 1, 1, tz="UTC"),
    catchup=False,
    doc_md=__doc__,
    tags=["sample", "branching"],
):

    @task.branch
    def choose(dag_run=None) -> str:
        way = dag_run.conf.get("way", "left")
        return way if way in ("left", "right") else "left"

    branch = choose()
    left, right = EmptyOperator(task_id="left"), EmptyOperator(task_id="right")
    join = EmptyOperator(task_id="join", trigger_rule=TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS)
    branch >> Label("the usual way") >> left >> join
    branch >> Label("if the conf says so") >> right >> join

    gate = ShortCircuitOperator(
        task_id="gate",
        python_callable=lambda logical_date: logical_date.isoweekday() <= 5,
        ignore_downstream_trigger_rules=False,
    )
    on_workdays = EmptyOperator(task_id="on_workdays")
    always = EmptyOperator(task_id="always", trigger_rule=TriggerRule.ALL_DONE)
    join >> gate >> on_workdays >> always

    weekday = BranchDayOfWeekOperator(
        task_id="weekday",
        week_day={WeekDay.SATURDAY, WeekDay.SUNDAY},
        use_task_logical_date=True,
        follow_task_ids_if_true="rest",
        follow_task_ids_if_false="work",
    )
    weekday >> [EmptyOperator(task_id="rest"), EmptyOperator(task_id="work")]
    join >> weekday
