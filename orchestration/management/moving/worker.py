"""The beginning of a process that copies batches for ``import-airflow``."""

from __future__ import annotations

from multiprocessing.connection import Connection
from typing import NamedTuple

from orchestration.processes import kernel


class About(NamedTuple):
    """What a process is told: the name of this program's database, Airflow's URL, and the size of a batch."""

    database: str
    url: str
    batch_size: int


def main(pipe: Connection, about: About) -> None:
    """Load the tables, then do what comes through the pipe. Before it nothing here may import them."""
    kernel.end_with_parent()
    from orchestration.management.cli.main import boot
    from orchestration.management.cli.tree import Needs

    boot(Needs.TABLES)
    from orchestration.management.moving.carry import serve

    serve(pipe, about)
