"""``@dag``: a function that makes a DAG."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable
from typing import Any

from orchestration.authoring.dag import DAG


def dag(dag_id: str = "", *dag_args: Any, **dag_kwargs: Any) -> Callable[[Callable[..., Any]], Callable[..., DAG]]:
    """Make a DAG of a function: calling it makes the DAG. The arguments are those of ``DAG``.

    The function's arguments become params of the DAG, and its docstring the DAG's ``doc_md``.
    """

    def wrapper(function: Callable[..., Any]) -> Callable[..., DAG]:
        @functools.wraps(function)
        def factory(*args: Any, **kwargs: Any) -> DAG:
            caller = sys._getframe().f_back
            given = inspect.signature(function).bind(*args, **kwargs)
            given.apply_defaults()
            made = DAG(dag_id or function.__name__, *dag_args, **dag_kwargs)
            made.fileloc = "" if caller is None else caller.f_code.co_filename
            made.doc_md = made.doc_md or function.__doc__
            with made:
                function(**{name: made.param(name, default) for name, default in given.arguments.items()})
            return made

        return factory

    return wrapper
