"""Decorators of earlier versions. Mirrors ``airflow.utils.decorators``."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

from orchestration.authoring.exceptions import RemovedInAirflow3Warning

F = TypeVar("F", bound=Callable[..., Any])


def apply_defaults(func: F) -> F:
    """The function as it is: operators take their defaults by themselves."""
    told = "@apply_defaults does nothing: operators take default_args by themselves. Take it out."
    warnings.warn(told, RemovedInAirflow3Warning, stacklevel=2)
    return func


def remove_task_decorator(python_source: str, task_decorator_name: str) -> str:
    """A function's source without the lines of one decorator, its arguments included."""
    name = re.escape(task_decorator_name.removeprefix("@"))
    found = re.search(rf"^[ \t]*@{name}(?![\w.])", python_source, flags=re.MULTILINE)
    if found is None:
        return python_source
    end = found.end()
    if python_source[end : end + 1] == "(":
        end = _after_bracket(python_source, end)
    rest = python_source[end:]
    return python_source[: found.start()] + rest.lstrip(" \t").removeprefix("\n")


def _after_bracket(text: str, start: int) -> int:
    """The index after the bracket that closes the one at ``start``."""
    depth = 0
    for index in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[index], 0)
        if depth == 0:
            return index + 1
    return len(text)
