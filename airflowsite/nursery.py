"""The nursery of ``standalone`` (see ``orchestration.processes.nursery``), opened before Django is loaded."""

from __future__ import annotations

from orchestration.authoring import preload
from orchestration.dagfiles import warm as parsers
from orchestration.execution import warm as tasks
from orchestration.processes import nursery, programs


def open_nursery() -> None:
    """Have the programs of this process and of its forks forked from a process which is forked here.

    What it loads under its own name is loaded here, and so shared with Django's processes, too; they need most of it.
    """
    if nursery.is_possible():
        preload.load(*parsers.PRELOADED, *tasks.PRELOADED)
        programs.nursery = nursery.open_nursery(preload.load_airflow)
