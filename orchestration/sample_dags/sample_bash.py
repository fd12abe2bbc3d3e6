"""
### Commands

`greet` takes its words from the run's conf, `{"name": "you"}`. They reach the command as an **environment
variable**, never as a part of its text, so that nothing in them is run. `maybe` exits with 99 and is skipped.
`report` joins both branches and prints the last line of `count` from its XCom, again through the environment.
"""

import pendulum
from airflow.models.dag import DAG
from airflow.operators.bash import BashOperator
from airflow.utils.trigger_rule import TriggerRule

with DAG(
    "sample_bash",
    description="Commands: environment, exit codes, XComs",
    schedule=None,
    start_date=pendulum.datetime(2024, 1, 1, tz="UTC"),
    catchup=False,
    doc_md=__doc__,
    tags=["sample", "operators"],
):
    greet = BashOperator(
        task_id="greet",
        bash_command='echo "Hello, $name, on $day"',
        env={"name": "{{ dag_run.conf.get('name', 'world') }}", "day": "{{ ds }}"},
        append_env=True,
        doc_md="The name comes from the conf, through the environment.",
    )
    count = BashOperator(task_id="count", bash_command="for n in 1 2 3; do echo $n; done", output_processor=int)
    maybe = BashOperator(task_id="maybe", bash_command="echo 'nothing to do'; exit 99")
    report = BashOperator(
        task_id="report",
        bash_command='test "$counted" = 3 && echo "Run $AIRFLOW_CTX_DAG_RUN_ID counted to $counted"',
        env={"counted": "{{ ti.xcom_pull(task_ids='count') }}"},
        append_env=True,
        trigger_rule=TriggerRule.NONE_FAILED,
    )
    greet >> [count, maybe] >> report
