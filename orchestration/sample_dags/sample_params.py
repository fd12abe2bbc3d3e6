"""
### A form for a run

Each param has a type, a default and a sentence, so that a form can be made of them and a run with wrong values
is refused. `show` returns what the run got. Values go to the command of `echo` through the environment only.
"""

import pendulum
from airflow.decorators import task
from airflow.models.dag import DAG
from airflow.models.param import Param, ParamsDict
from airflow.operators.bash import BashOperator

with DAG(
    "sample_params",
    description="Params of every type, for the trigger form",
    schedule=None,
    start_date=pendulum.datetime(2024, 1, 1, tz="UTC"),
    catchup=False,
    doc_md=__doc__,
    tags=["sample", "params"],
    params={
        "name": Param("world", type="string", title="Name", description="Whom to greet.", minLength=1, maxLength=50),
        "times": Param(2, type="integer", minimum=1, maximum=10, description="How often."),
        "ratio": Param(0.5, type="number", minimum=0, maximum=1),
        "loud": Param(False, type="boolean", description="In capitals."),
        "language": Param(
            "en", type="string", enum=["en", "de", "fr"], values_display={"en": "English", "de": "German"}
        ),
        "colour": Param("blue", type="string", examples=["red", "green", "blue"], description="Any, or one of these."),
        "day": Param("2024-03-05", type="string", format="date"),
        "moment": Param("2024-03-05T10:00:00+00:00", type="string", format="date-time"),
        "nickname": Param(None, type=["null", "string"], description="May be left out."),
        "words": Param(["one", "two"], type="array", items={"type": "string"}),
        "letters": Param(["a"], type="array", examples=["a", "b", "c"], description="Several of these."),
        "settings": Param({"deep": {"er": 1}}, type=["object", "null"]),
        "text": Param("first line\nsecond line", type="string", format="multiline", section="More"),
        "fixed": Param("cannot be changed", const="cannot be changed", section="More"),
    },
):

    @task
    def show(params: ParamsDict | None = None) -> dict:
        words = [str(params["name"]).upper() if params["loud"] else params["name"]] * params["times"]
        return {"greeting": " ".join(words), "given": dict(params)}

    (
        BashOperator(
            task_id="echo",
            bash_command='for n in $(seq "$times"); do echo "$n: $name"; done',
            env={"name": "{{ params.name }}", "times": "{{ params.times }}"},
            append_env=True,
        )
        << show()
    )
