"""
### Waiting

Sensors in all their modes. `poking` keeps its process and looks every half second; `rescheduled` gives it back
between looks; `deferred` waits in the triggerer, without a process at all. `file` is there once `write` has
written it. `impatient` gives up after a second, and is skipped because of `soft_fail`.
"""

import tempfile
from datetime import timedelta
from pathlib import Path

import pendulum
from airflow.decorators import task
from airflow.models.dag import DAG
from airflow.sensors.base import PokeReturnValue
from airflow.sensors.bash import BashSensor
from airflow.sensors.date_time import DateTimeSensorAsync
from airflow.sensors.filesystem import FileSensor
from airflow.sensors.python import PythonSensor
from airflow.utils.trigger_rule import TriggerRule

FILE = Path(tempfile.gettempdir(), "sample_sensors.txt")


def is_even_second() -> bool:
    return pendulum.now("UTC").second % 2 == 0


with DAG(
    "sample_sensors",
    description="Sensors: poke, reschedule, deferrable, soft fail",
    schedule=None,
    start_date=pendulum.datetime(2024, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    doc_md=__doc__,
    tags=["sample", "sensors"],
):
    poking = PythonSensor(task_id="poking", python_callable=is_even_second, poke_interval=0.5, timeout=30)
    rescheduled = PythonSensor(
        task_id="rescheduled", python_callable=is_even_second, mode="reschedule", poke_interval=1, timeout=60
    )
    deferred = DateTimeSensorAsync(
        task_id="deferred",
        target_time="{{ macros.datetime.now(macros.dateutil.tz.UTC) + macros.timedelta(seconds=2) }}",
    )
    impatient = BashSensor(task_id="impatient", bash_command="exit 1", poke_interval=0.5, timeout=1, soft_fail=True)

    @task.sensor(poke_interval=0.5, timeout=30, mode="poke")
    def with_result() -> PokeReturnValue:
        return PokeReturnValue(is_done=True, xcom_value="what was found")

    @task
    def write() -> None:
        FILE.write_text("here I am")

    @task(trigger_rule=TriggerRule.ALL_DONE)
    def remove() -> None:
        FILE.unlink(missing_ok=True)

    file = FileSensor(
        task_id="file", filepath=str(FILE), deferrable=True, poke_interval=0.5, timeout=timedelta(seconds=30)
    )
    [write(), file] >> remove()
    [poking, rescheduled, deferred, impatient, with_result()]
