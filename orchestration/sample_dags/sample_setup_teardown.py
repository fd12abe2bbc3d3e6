"""
### Made before, removed after

`make_folder` is a setup and `remove_folder` its teardown: the folder is there while the tasks between them run,
and is removed whether they succeed or fail. The teardown does not decide how the run ends.
"""

import pendulum
from airflow.decorators import dag, setup, task, teardown


@dag(
    schedule=None,
    start_date=pendulum.datetime(2024, 1, 1, tz="UTC"),
    catchup=False,
    doc_md=__doc__,
    tags=["sample", "setup-teardown"],
    description="A resource that exists for some tasks only",
)
def sample_setup_teardown():
    @setup
    def make_folder() -> str:
        import tempfile

        return tempfile.mkdtemp(prefix="sample_setup_teardown_")

    @task
    def write(folder: str) -> None:
        from pathlib import Path

        Path(folder, "notes.txt").write_text("one\ntwo\n")

    @task
    def read(folder: str) -> int:
        from pathlib import Path

        return len(Path(folder, "notes.txt").read_text().splitlines())

    @teardown
    def remove_folder(folder: str) -> None:
        import shutil

        shutil.rmtree(folder)

    folder = make_folder()
    with remove_folder(folder).as_teardown(setups=folder):
        write(folder) >> read(folder)


sample_setup_teardown()
