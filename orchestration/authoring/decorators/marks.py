"""``@setup`` and ``@teardown``. Mirrors ``airflow.decorators.setup_teardown``."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

from orchestration.authoring.decorators import python_task
from orchestration.authoring.decorators.task_group import _TaskGroupFactory
from orchestration.authoring.exceptions import AirflowException
from orchestration.authoring.setup_teardown import ContextWrapper, context_wrapper

__all__ = ["ContextWrapper", "context_wrapper", "setup_task", "teardown_task"]


def setup_task(func: Any) -> Any:
    """The function as a setup task."""
    func = _as_task(func)
    func.is_setup = True
    return func


def teardown_task(_func: Any = None, *, on_failure_fail_dagrun: bool = False) -> Any:
    """The function as a teardown task; its failure fails the run only where said so."""

    def mark(func: Any) -> Any:
        func = _as_task(func)
        func.is_teardown = True
        func.on_failure_fail_dagrun = on_failure_fail_dagrun
        return func

    marker: Callable[[Any], Any] = mark
    return marker if _func is None else marker(_func)


def _as_task(func: Any) -> Any:
    if isinstance(func, _TaskGroupFactory):
        raise AirflowException("A group is no setup or teardown: mark the tasks in it")
    return python_task(func) if isinstance(func, types.FunctionType) else func
