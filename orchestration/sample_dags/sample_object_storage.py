"""
### Files, wherever they are

`ObjectStoragePath` reads and writes local files and object stores alike. Here everything is below AIRFLOW_HOME;
with the package `s3fs` and a connection, `s3://my_conn@bucket/…` works the same. A path is an XCom and goes
from task to task.
"""

import json

import pendulum
from airflow.configuration import AIRFLOW_HOME
from airflow.decorators import dag, task
from airflow.io.path import ObjectStoragePath

BASE = ObjectStoragePath(f"file://{AIRFLOW_HOME}/sample_object_storage")


@dag(
    schedule=None,
    start_date=pendulum.datetime(2024, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    doc_md=__doc__,
    tags=["sample", "object-storage"],
    description="Paths that may lead to a disk or to an object store",
)
def sample_object_storage():
    @task
    def write(ds_nodash=None) -> ObjectStoragePath:
        BASE.mkdir(parents=True, exist_ok=True)
        path = BASE / f"numbers_{ds_nodash}.json"
        with path.open("w") as file:
            json.dump([3, 1, 2], file)
        return path

    @task
    def largest(path: ObjectStoragePath) -> int:
        with path.open("r") as file:
            return max(json.load(file))

    @task(trigger_rule="all_done")
    def remove(path: ObjectStoragePath) -> None:
        path.unlink()

    path = write()
    largest(path) >> remove(path)


sample_object_storage()
