"""The ``resources`` argument of tasks: kept and shown. Mirrors ``airflow.utils.operator_resources``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from orchestration.authoring.exceptions import AirflowException
from orchestration.conf import conf


@dataclass(frozen=True)
class Resources:
    """Cores, MiB of memory and disk, and GPUs a task says it needs; AirflowException for a negative number."""

    cpus: float = conf.getint("operators", "default_cpus")
    ram: float = conf.getint("operators", "default_ram")
    disk: float = conf.getint("operators", "default_disk")
    gpus: float = conf.getint("operators", "default_gpus")

    def __post_init__(self) -> None:
        for name, quantity in vars(self).items():
            if quantity < 0:
                raise AirflowException(f"A task cannot ask for {quantity} {name}: give 0 or more")


def coerce_resources(resources: dict[str, Any] | None) -> Resources | None:
    """The resources of a dict; None stays None."""
    return None if resources is None else Resources(**resources)
