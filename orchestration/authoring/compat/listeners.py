"""Marks for listeners and policies. Mirrors ``airflow.listeners`` and ``airflow.policies``: nothing here calls them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def hookimpl(function: Callable[..., Any] | None = None, **options: Any) -> Any:
    """The function as it is, also with options: ``@hookimpl`` or ``@hookimpl(tryfirst=True)``."""
    if function is None:
        return lambda decorated: decorated
    return function
