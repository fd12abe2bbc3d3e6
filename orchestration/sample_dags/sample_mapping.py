"""
### One task, many instances

`square` has an instance for each number that `numbers` returns, and `label` names the instances. `pairs` is
mapped over two lists at once, `greet` over dicts of arguments, and the group `city` runs as a whole for each
name. `total` gathers.
"""

import pendulum
from airflow.decorators import dag, task, task_group


@dag(
    schedule=None,
    start_date=pendulum.datetime(2024, 1, 1, tz="UTC"),
    catchup=False,
    doc_md=__doc__,
    tags=["sample", "mapping"],
    description="Dynamic task mapping: expand, zip, kwargs, groups",
)
def sample_mapping():
    @task
    def numbers() -> list[int]:
        return [1, 2, 3]

    @task(map_index_template="{{ label }}", max_active_tis_per_dagrun=2)
    def square(number: int) -> int:
        from airflow.operators.python import get_current_context

        get_current_context()["label"] = f"the square of {number}"
        return number * number

    @task
    def pairs(number: int, word: str) -> str:
        return f"{number} {word}"

    @task
    def greet(name: str, greeting: str = "Hello") -> str:
        return f"{greeting}, {name}"

    @task
    def described(value: tuple) -> str:
        return f"{value[0]} squared is {value[1]}"

    @task
    def total(squares: list[int]) -> int:
        return sum(squares)

    @task_group
    def city(name: str):
        @task
        def measure(name: str) -> int:
            return len(name)

        @task
        def note(name: str, length: int) -> str:
            return f"{name} has {length} letters"

        return note(name, measure(name))

    @task
    def letter(lines: list[str]) -> str:
        return "; ".join(lines)

    found = numbers()
    squares = square.expand(number=found)
    total(squares)
    described.expand(value=found.zip(squares))
    pairs.expand(number=found.map(lambda number: number * 10), word=["apples", "pears"])
    greet.expand_kwargs([{"name": "Ann"}, {"name": "Bob", "greeting": "Good morning"}])
    letter(city.expand(name=["Oslo", "Lima", "Cairo"]))


sample_mapping()
