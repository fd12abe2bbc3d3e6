"""
### Functions as tasks

What a task returns is the argument of the next. `totals` returns a dict whose members are XComs of their own.
The data is made up, the pipeline is the usual one: extract, transform, load.
"""

import pendulum
from airflow.decorators import dag, task


@dag(
    schedule=None,
    start_date=pendulum.datetime(2024, 1, 1, tz="UTC"),
    catchup=False,
    doc_md=__doc__,
    tags=["sample", "taskflow"],
    description="Functions as tasks: results, several outputs, context",
)
def sample_taskflow():
    @task
    def extract() -> list[dict]:
        """Three orders, as if they came from somewhere."""
        return [
            {"customer": "ann", "amount": 120},
            {"customer": "bob", "amount": 80},
            {"customer": "ann", "amount": 30},
        ]

    @task(multiple_outputs=True)
    def totals(orders: list[dict]) -> dict[str, int]:
        """The sum of all orders and the largest one."""
        amounts = [order["amount"] for order in orders]
        return {"sum": sum(amounts), "largest": max(amounts)}

    @task
    def by_customer(orders: list[dict]) -> dict[str, int]:
        """The sum of each customer's orders."""
        found: dict[str, int] = {}
        for order in orders:
            found[order["customer"]] = found.get(order["customer"], 0) + order["amount"]
        return found

    @task(retries=1, retry_delay=pendulum.duration(seconds=1))
    def load(total: int, largest: int, customers: dict[str, int], ds=None) -> str:
        """Check the sums, and say what was found on the day."""
        if sum(customers.values()) != total:
            raise ValueError(f"{customers} does not sum to {total}")
        return f"{ds}: {total} in all, {largest} at most, {len(customers)} customers"

    orders = extract()
    sums = totals(orders)
    load(sums["sum"], sums["largest"], by_customer(orders))


sample_taskflow()
