"""Calling user functions with the parts of the context they ask for. Mirrors ``airflow.utils.operator_helpers``."""

from __future__ import annotations

import functools
import inspect
import itertools
import logging
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from orchestration.authoring.types import NOTSET

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
        self._kwargs = kwargs
        self._wildcard = wildcard

    @classmethod
    def determine(cls, func: Callable[..., Any], args: Collection[Any], kwargs: Mapping[str, Any]) -> KeywordParameters:
        """Choose for a call with these positional arguments; ValueError where one of those is in the mapping too."""
        parameters = inspect.signature(func).parameters
        for name in itertools.islice(parameters, len(args)):
            if name in kwargs:
                raise ValueError(f"The key {name!r} in args is a part of kwargs and therefore reserved.")
        if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
            return cls(kwargs, wildcard=True)
        return cls({name: kwargs[name] for name in parameters if name in kwargs}, wildcard=False)

    def unpacking(self) -> Mapping[str, Any]:
        """The arguments for a call with ``**``; costly values of a context are given as lazy ones."""
        from orchestration.authoring.context import Context

        if self._wildcard and isinstance(self._kwargs, Context):
            return self._kwargs.for_unpacking()
        return self._kwargs

    def serializing(self) -> Mapping[str, Any]:
        """The arguments with plain values."""
        return self._kwargs


def determine_kwargs(func: Callable[..., Any], args: Collection[Any], kwargs: Mapping[str, Any]) -> Mapping[str, Any]:
    """The members of the mapping that the function takes by keyword."""
    return KeywordParameters.determine(func, args, kwargs).unpacking()


def make_kwargs_callable(func: Callable[..., Any]) -> Callable[..., Any]:
    """The function, which now ignores keyword arguments it does not take."""

    @functools.wraps(func)
    def kwargs_func(*args: Any, **kwargs: Any) -> Any:
        return func(*args, **determine_kwargs(func, args, kwargs))

    return kwargs_func


class ExecutionCallableRunner:
    """Calls a task's function; of a generator, each yielded ``Metadata`` is noted as the outlet's event data."""

    def __init__(
        self, func: Callable[..., Any], outlet_events: OutletEventAccessors, *, logger: logging.Logger | None
    ) -> None:
        self.func = func
        self.outlet_events = outlet_events
        self.logger = logger or logging.getLogger(__name__)

    def run(self, *args: Any, **kwargs: Any) -> Any:
        """The function's result; a generator's is what it returns at its end."""
        if not inspect.isgeneratorfunction(self.func):
            return self.func(*args, **kwargs)
        from orchestration.authoring.datasets import Metadata

        result: Any = NOTSET

        def exhaust() -> Iterator[Any]:
            nonlocal result
            result = yield from self.func(*args, **kwargs)

        for item in exhaust():
            if isinstance(item, Metadata):
                self.outlet_events.note(item)
            else:
                self.logger.warning("Ignoring unknown data of %r received from task", type(item))
        return result
