"""
### Values that are known when the task runs

Templated fields are rendered by Jinja with the run's dates, its params, Variables, earlier results, macros, and
the macros and filters that the DAG brings. With `render_template_as_native_obj` a template may give a list or a
number instead of a text. The Variable `sample_word` need not exist.
"""

import pendulum
from airflow.models.dag import DAG
from airflow.operators.python import PythonOperator


def shout(text: str) -> str:
    return f"{text.upper()}!"


def show(**given) -> dict:
    wanted = ("day", "next_week", "word", "shouted", "before", "param", "doubled")
    return {name: given[name] for name in wanted if name in given}


with DAG(
    "sample_templates",
    description="Templates: dates, macros, filters, native objects",
    schedule="0 6 * * 1",
    start_date=pendulum.datetime(2024, 1, 1, tz="UTC"),
    catchup=False,
    params={"factor": 2},
    user_defined_macros={"greeting": "hello"},
    user_defined_filters={"shout": shout},
    render_template_as_native_obj=True,
    doc_md=__doc__,
    tags=["sample", "templates"],
):
    dates = PythonOperator(
        task_id="dates",
        python_callable=show,
        op_kwargs={
            "day": "{{ ds }}",
            "next_week": "{{ macros.ds_add(ds, 7) }}",
            "word": "{{ var.value.get('sample_word', 'nothing kept') }}",
            "shouted": "{{ greeting | shout }}",
        },
    )
    values = PythonOperator(
        task_id="values",
        python_callable=show,
        op_kwargs={
            "before": "{{ ti.xcom_pull(task_ids='dates') }}",
            "param": "{{ params.factor }}",
            "doubled": "{{ [1, 2, 3] }}",
        },
        templates_dict={"interval": "{{ data_interval_start | ts }} to {{ data_interval_end | ts }}"},
    )
    dates >> values
