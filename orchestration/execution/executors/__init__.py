"""Executors by name. ``base`` is the port."""

from __future__ import annotations

from orchestration.conf import ConfigError, conf
from orchestration.execution.executors.base import Executor, TaskEvent, Workload

__all__ = ["Executor", "TaskEvent", "Workload", "make"]


def make(name: str | None = None) -> Executor:
    """The executor of this name, or of ``core.executor``; not started. Raises ConfigError for another name.

    ``LocalExecutor``, ``SequentialExecutor`` (one task at a time) and ``CeleryExecutor``, also by Airflow's paths.
    Several names, separated by commas: tasks choose by their ``executor``, the first is for those that do not.
    """
    names = [part.strip() for part in (name or conf.get("core", "executor")).split(",") if part.strip()]
    if len(names) > 1:
        from orchestration.execution.executors.several import SeveralExecutors

        return SeveralExecutors({each: _make_one(each) for each in names})
    return _make_one(names[0] if names else "")


def _make_one(name: str) -> Executor:
    # Imported where chosen: Celery and its broker's library are not loaded for local execution.
    match name.rpartition(".")[2]:
        case "LocalExecutor":
            from orchestration.execution.executors.local import LocalExecutor

            return LocalExecutor(conf.getint("core", "parallelism"))
        case "SequentialExecutor":
            from orchestration.execution.executors.local import LocalExecutor

            return LocalExecutor(1)
        case "CeleryExecutor":
            from orchestration.execution.executors.celery import CeleryExecutor

            return CeleryExecutor(conf.getint("core", "parallelism"))
    raise ConfigError(
        f"[core] executor is {name!r}. Use LocalExecutor, SequentialExecutor, CeleryExecutor, "
        "or several of them separated by commas."
    )
