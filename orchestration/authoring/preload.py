"""What DAG files import most, loaded ahead by the processes that fork others for them."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable

from orchestration.authoring import alias

#: Modules under their own names; loading them changes nothing for other imports.
MODULES = (
    "orchestration.authoring.loading",
    "orchestration.authoring.context",
    "orchestration.authoring.dag",
    "orchestration.authoring.decorators",
    "orchestration.authoring.operators.python",
    "orchestration.authoring.operators.bash",
    "orchestration.authoring.operators.empty",
    "orchestration.authoring.params",
    "pendulum",
    "croniter",
    "cron_descriptor",
    "jinja2",
    "jinja2.ext",
    "orjson",
    "zipfile",
)
#: Airflow's paths, and the names in them that nearly every DAG file takes.
_AIRFLOW = {
    "airflow": ("DAG",),
    "airflow.models": ("Variable",),
    "airflow.decorators": ("task", "dag"),
    "airflow.operators.python": ("PythonOperator",),
    "airflow.operators.bash": ("BashOperator",),
    "airflow.operators.empty": ("EmptyOperator",),
    "airflow.utils.task_group": (),
    "airflow.utils.dates": (),
}


def load(*further: str) -> None:
    """Load ``MODULES`` and further ones. What cannot be loaded is told and left: whoever needs it gets the error."""
    for module in (*MODULES, *further):
        _load(module)


def load_airflow() -> None:
    """Answer ``airflow`` imports in this process (see ``alias``), and load what is imported most."""
    alias.install()
    for module, names in _AIRFLOW.items():
        _load(module, names)


def _load(module: str, names: Iterable[str] = ()) -> None:
    try:
        found = importlib.import_module(module)
        for name in names:
            getattr(found, name)
    except Exception as error:
        sys.stderr.write(f"{module} could not be loaded ahead: {error}\n")
