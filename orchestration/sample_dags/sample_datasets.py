"""
### Runs that data starts

`sample_dataset_orders` and `sample_dataset_prices` write datasets. When both have been written,
`sample_dataset_both` runs; when either has, `sample_dataset_either` does; `sample_dataset_or_nightly` runs then
and every night. What `sample_dataset_alias` writes is decided while it runs, and `sample_dataset_alias_reader`
runs whenever it did. Each event carries facts, which the readers print. Trigger the writers, with all of these
DAGs unpaused.
"""

import pendulum
from airflow.datasets import Dataset, DatasetAlias
from airflow.datasets.metadata import Metadata
from airflow.decorators import dag, task
from airflow.timetables.datasets import DatasetOrTimeSchedule
from airflow.timetables.trigger import CronTriggerTimetable

ORDERS = Dataset("file:///sample/orders.csv")
PRICES = Dataset("file:///sample/prices.csv", extra={"currency": "EUR"})
RATES = DatasetAlias("sample_rates")

COMMON = {
    "start_date": pendulum.datetime(2024, 1, 1, tz="UTC"),
    "catchup": False,
    "doc_md": __doc__,
    "tags": ["sample", "datasets"],
}


@dag(schedule=None, description="Writes the orders dataset, with facts by yield", **COMMON)
def sample_dataset_orders():
    @task(outlets=[ORDERS])
    def write_orders(ds=None):
        yield Metadata(ORDERS, extra={"day": ds, "rows": 3})

    write_orders()


@dag(schedule=None, description="Writes the prices dataset, with facts by context", **COMMON)
def sample_dataset_prices():
    @task(outlets=[PRICES])
    def write_prices(*, outlet_events):
        outlet_events[PRICES].extra = {"rows": 7}

    write_prices()


@task
def show_events(triggering_dataset_events=None) -> dict[str, list]:
    """Which events started the run, and the facts they carry."""
    return {uri: [event.extra for event in events] for uri, events in triggering_dataset_events.items()}


@dag(schedule=(ORDERS & PRICES), description="Runs when both datasets were written", **COMMON)
def sample_dataset_both():
    show_events()


@dag(schedule=(ORDERS | PRICES), description="Runs when either dataset was written", **COMMON)
def sample_dataset_either():
    @task(inlets=[ORDERS])
    def last_rows(*, inlet_events) -> int | None:
        events = inlet_events[ORDERS]
        return events[-1].extra.get("rows") if len(events) else None

    show_events() >> last_rows()


@dag(
    schedule=DatasetOrTimeSchedule(timetable=CronTriggerTimetable("0 3 * * *", timezone="UTC"), datasets=ORDERS),
    description="Runs when the orders were written, and every night",
    **COMMON,
)
def sample_dataset_or_nightly():
    show_events()


@dag(schedule=None, description="Decides while it runs which dataset it writes", **COMMON)
def sample_dataset_alias():
    @task(outlets=[RATES])
    def write_rates(*, outlet_events, ds=None):
        outlet_events[RATES].add(Dataset(f"file:///sample/rates-{ds}.csv"), extra={"day": ds})

    write_rates()


@dag(schedule=RATES, description="Runs whenever the alias was written", **COMMON)
def sample_dataset_alias_reader():
    show_events()


sample_dataset_orders()
sample_dataset_prices()
sample_dataset_both()
sample_dataset_either()
sample_dataset_or_nightly()
sample_dataset_alias()
sample_dataset_alias_reader()
