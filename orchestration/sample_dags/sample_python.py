"""
### Functions with operators

The classic form of `sample_taskflow`: arguments by place and name, XComs pushed and pulled by key, the context,
and a function in another interpreter, which here is the same one. `double` is mapped without decorators.
"""

import sys

import pendulum
from airflow.models.dag import DAG
from airflow.operators.python import ExternalPythonOperator, PythonOperator


def produce(first: int, *, second: int, ti) -> list[int]:
    ti.xcom_push(key="note", value={"from": ti.task_id})
    return [first, second]


def consume(ti, run_id: str) -> dict:
    return {
        "numbers": ti.xcom_pull(task_ids="produce"),
        "note": ti.xcom_pull(task_ids="produce", key="note"),
        "doubled": list(ti.xcom_pull(task_ids="double")),
        "run": run_id,
    }


def double(number: int) -> int:
    return 2 * number


def elsewhere(ds: str) -> str:
    import platform

    return f"Python {platform.python_version()} on {ds}"


with DAG(
    "sample_python",
    description="Python operators: arguments, XComs, another interpreter",
    schedule=None,
    start_date=pendulum.datetime(2024, 1, 1, tz="UTC"),
    catchup=False,
    doc_md=__doc__,
    tags=["sample", "operators"],
):
    produced = PythonOperator(task_id="produce", python_callable=produce, op_args=[1], op_kwargs={"second": 2})
    doubled = PythonOperator.partial(task_id="double", python_callable=double).expand(op_args=[[5], [6]])
    consumed = PythonOperator(task_id="consume", python_callable=consume)
    other = ExternalPythonOperator(
        task_id="elsewhere", python=sys.executable, python_callable=elsewhere, expect_airflow=False
    )
    [produced, doubled] >> consumed >> other
