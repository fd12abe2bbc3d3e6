"""The metaclass of operators.

It wraps every ``__init__``: arguments not given are taken from ``default_args``, and references to other tasks'
results become edges. It wraps every ``execute``: a task must not execute another one.
"""

from __future__ import annotations

import abc
import functools
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from orchestration.authoring.exceptions import AirflowException
from orchestration.authoring.operator_arguments import get_merged_defaults

if TYPE_CHECKING:
    from orchestration.authoring.baseoperator import BaseOperator


def _apply_defaults(init: Callable[..., None]) -> Callable[..., None]:
    """Wrap an operator's ``__init__``."""
    parameters = inspect.signature(init).parameters
    named = {
        name: parameter
        for name, parameter in parameters.items()
        if name != "self" and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    }
    required = {name for name, parameter in named.items() if parameter.default is parameter.empty} - {"task_id"}

    @functools.wraps(init)
    def apply_defaults(self: BaseOperator, *args: Any, **kwargs: Any) -> None:
        from orchestration.authoring.dag import DagContext
        from orchestration.authoring.task_group import TaskGroupContext

        if args:
            raise AirflowException(
                f"{type(self).__name__} takes its arguments by name, and got {len(args)} without: write task_id=…"
            )
        is_outermost = "_from_mapped" not in self.__dict__
        from_mapped = kwargs.pop("_airflow_from_mapped", self._from_mapped)
        self.__dict__["_from_mapped"] = from_mapped
        dag = kwargs.get("dag") or DagContext.get_current_dag()
        group = kwargs.get("task_group")
        if dag and not group:
            group = TaskGroupContext.get_current_task_group(dag)
        default_args, params = get_merged_defaults(
            dag, group, kwargs.pop("params", None), kwargs.pop("default_args", None)
        )
        for name in parameters:
            if name not in kwargs and name in default_args:
                kwargs[name] = default_args[name]
        _refuse_missing(required.difference(kwargs))
        if params:
            kwargs["params"] = params
        hook = getattr(self, "_hook_apply_defaults", None)
        if hook is not None:
            _, kwargs = hook(**kwargs, default_args=default_args)
            default_args = kwargs.pop("default_args", {})
        init(self, **kwargs, default_args=default_args)
        if is_outermost and not from_mapped:
            self.set_xcomargs_dependencies()
            self.__dict__["_instantiated"] = True

    apply_defaults._argument_names = frozenset(named)  # type: ignore[attr-defined]  # read by validate_mapping_kwargs
    return apply_defaults


def _refuse_missing(names: set[str]) -> None:
    if names:
        raise AirflowException(
            f"missing {'argument' if len(names) == 1 else 'arguments'} {', '.join(map(repr, sorted(names)))}: "
            "give them here, or in the default_args of the DAG or group"
        )


def _guard_execute(execute: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap ``execute``: a call from within another task is warned of, or refused where the operator says so."""

    @functools.wraps(execute)
    def guarded(self: BaseOperator, *args: Any, **kwargs: Any) -> Any:
        from orchestration.authoring.context import executing_task

        if executing_task() is not self and not self._may_run_anywhere:
            message = (
                f"{type(self).__name__}.{execute.__name__}() was called from the code of another task; "
                "make a task of its own of it, joined by >>"
            )
            if not self.allow_nested_operators:
                raise AirflowException(message)
            self.log.warning(message)
        return execute(self, *args, **kwargs)

    return guarded


class BaseOperatorMeta(abc.ABCMeta):
    """Wraps the constructors and ``execute`` of operator classes."""

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **kwargs: Any) -> BaseOperatorMeta:
        execute: Any = namespace.get("execute")
        is_plain = inspect.isfunction(execute) and not inspect.isgeneratorfunction(execute)
        if is_plain and not getattr(execute, "__isabstractmethod__", False):
            namespace["execute"] = _guard_execute(execute)
        if inspect.isfunction(init := namespace.get("__init__")):
            namespace["__init__"] = _apply_defaults(init)
        return super().__new__(mcs, name, bases, namespace, **kwargs)
