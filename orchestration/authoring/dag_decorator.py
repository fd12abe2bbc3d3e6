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
            bound = inspect.signature(function).bind(*args, **kwargs)
            bound.apply_defaults()
            with DAG(dag_id or function.__name__, *dag_args, **dag_kwargs) as made:
                if function.__doc__ and not made.doc_md:
                    made.doc_md = function.__doc__
                arguments = {name: made.param(name, value) for name, value in bound.arguments.items()}
                caller = sys._getframe().f_back
                made.fileloc = caller.f_code.co_filename if caller else ""
                function(**arguments)
            return made

        return factory

    return wrapper
