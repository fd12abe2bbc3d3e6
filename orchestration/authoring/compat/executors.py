"""The executors' names, for DAG files that import them. Mirrors ``airflow.executors``.

Which executor runs the tasks is the option ``core.executor``; nothing a DAG file does with these classes changes it.
"""

from __future__ import annotations

from typing import Any


class BaseExecutor:
    """Takes any argument and does nothing."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.parallelism = kwargs.get("parallelism", args[0] if args else 32)


class LocalExecutor(BaseExecutor):
    """The name of ``core.executor``'s default here."""


class SequentialExecutor(BaseExecutor):
    """The name of one task after another."""


class DebugExecutor(BaseExecutor):
    """The name of the executor that older files run their DAG with."""
