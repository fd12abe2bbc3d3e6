"""Calling user functions with the parts of the context they ask for. Mirrors ``airflow.utils.operator_helpers``."""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orchestration.authoring.outlet_events import OutletEventAccessors

#: Environment name, dotted name, and where each value comes from.
_EXPORTED = (
    ("DAG_EMAIL", "dag_email", "task", "email"),
    ("DAG_OWNER", "dag_owner", "task", "owner"),
    ("DAG_ID", "dag_id", "task_instance", "dag_id"),
    ("TASK_ID", "task_id", "task_instance", "task_id"),
    ("EXECUTION_DATE", "execution_date", "task_instance", "execution_date"),
    ("TRY_NUMBER", "try_number", "task_instance", "try_number"),
    ("DAG_RUN_ID", "dag_run_id", "dag_run", "run_id"),
)


def context_to_airflow_vars(context: Mapping[str, Any], in_env_var_format: bool = False) -> dict[str, str]:
    """What tells a child process which task started it: ``AIRFLOW_CTX_DAG_ID`` … or ``airflow.ctx.dag_id`` …"""
    found: dict[str, str] = {}
    for environment_name, dotted_name, subject, attribute in _EXPORTED:
        value = getattr(context.get(subject), attribute, None)
        if value:
            name = f"AIRFLOW_CTX_{environment_name}" if in_env_var_format else f"airflow.ctx.{dotted_name}"
            found[name] = _as_text(value)
    return found


def _as_text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    return ",".join(value) if isinstance(value, list) else str(value)


class KeywordParameters:
    """The keyword arguments a function takes out of a mapping: all of them for ``**kwargs``."""

    def __init__(self, kwargs: Mapping[str, Any], *, wildcard: bool) -> None:
        self._wildcard = wildcard
        self._kwargs = kwargs

    @classmethod
    def determine(cls, func: Callable[..., Any], args: Collection[Any], kwargs: Mapping[str, Any]) -> KeywordParameters:
        """Choose for a call with these positional arguments; ValueError where one of those is in the mapping too."""
        parameters = inspect.signature(func).parameters
        names = list(parameters)
        refuse_context_names(name for name in names[: len(args)] if name in kwargs)
        takes_all = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
        wanted = kwargs if takes_all else {name: kwargs[name] for name in names if name in kwargs}
        return cls(wanted, wildcard=takes_all)

    def unpacking(self) -> Mapping[str, Any]:
        """The arguments for a call with ``**``; costly values of a context are given as lazy ones."""
        from orchestration.authoring.context import Context

        if self._wildcard and isinstance(self._kwargs, Context):
            return self._kwargs.for_unpacking()
        return self._kwargs

    def serializing(self) -> Mapping[str, Any]:
        """The arguments with plain values."""
        return self._kwargs


def refuse_context_names(names: Iterable[str]) -> None:
    """ValueError for a positional parameter that has the name of a context value."""
    for name in names:
        raise ValueError(f"The parameter {name!r} is given by position, but the context has a value of that name too")


def determine_kwargs(func: Callable[..., Any], args: Collection[Any], kwargs: Mapping[str, Any]) -> Mapping[str, Any]:
    """The members of the mapping that the function takes by keyword."""
    return KeywordParameters.determine(func, args, kwargs).unpacking()


def make_kwargs_callable(func: Callable[..., Any]) -> Callable[..., Any]:
    """The function, which now ignores keyword arguments it does not take."""

    @functools.wraps(func)
    def choosy(*args: Any, **given: Any) -> Any:
        return func(*args, **determine_kwargs(func, args, given))

    return choosy


class ExecutionCallableRunner:
    """Calls a task's function; of a generator, each yielded ``Metadata`` is noted as the outlet's event data."""

    def __init__(
        self, func: Callable[..., Any], outlet_events: OutletEventAccessors, *, logger: logging.Logger | None
    ) -> None:
        self.outlet_events = outlet_events
        self.func = func
        self.logger = logging.getLogger(__name__) if logger is None else logger

    def run(self, *args: Any, **kwargs: Any) -> Any:
        """The function's result; a generator's is what it returns at its end."""
        result = self.func(*args, **kwargs)
        if not inspect.isgeneratorfunction(self.func):
            return result
        while True:
            try:
                self._note(next(result))
            except StopIteration as end:
                return end.value

    def _note(self, item: Any) -> None:
        from orchestration.authoring.datasets import Metadata

        if isinstance(item, Metadata):
            self.outlet_events.note(item)
        else:
            self.logger.warning("Only Metadata can be yielded; a %s is left out", type(item).__name__)
