"""The metaclass of operators.

It wraps every ``__init__``: arguments not given are taken from ``default_args``, and references to other tasks'
results become edges. It wraps every ``execute``: a task must not execute another one.
"""

from __future__ import annotations

import abc
import functools
import inspect
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from orchestration.authoring.exceptions import AirflowException
from orchestration.authoring.operator_arguments import get_merged_defaults

if TYPE_CHECKING:
    from orchestration.authoring.baseoperator import BaseOperator


def _apply_defaults(init: Callable[..., None]) -> Callable[..., None]:
    """Wrap an operator's ``__init__``."""
    named = {
        name: parameter
        for name, parameter in inspect.signature(init).parameters.items()
        if name != "self" and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    }
    required = {name for name, parameter in named.items() if parameter.default is parameter.empty} - {"task_id"}

    @functools.wraps(init)
    def construct(self: BaseOperator, *args: Any, **given: Any) -> None:
        if args:
            raise AirflowException(
                f"{type(self).__name__} takes its arguments by name, and got {len(args)} without: write task_id=…"
            )
        own = vars(self)
        is_outermost = "_from_mapped" not in own
        own["_from_mapped"] = given.pop("_airflow_from_mapped", self._from_mapped)
        arguments, defaults = _complete(given, named)
        _refuse_missing(required.difference(arguments))
        if (hook := getattr(self, "_hook_apply_defaults", None)) is not None:
            _, arguments = hook(**arguments, default_args=defaults)
            defaults = arguments.pop("default_args", {})
        init(self, **arguments, default_args=defaults)
        if is_outermost and not own["_from_mapped"]:
            self.set_xcomargs_dependencies()
            own["_instantiated"] = True

    construct._argument_names = frozenset(named)  # type: ignore[attr-defined]  # read by validate_mapping_kwargs
    return construct


def _complete(given: dict[str, Any], names: Iterable[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The arguments with those of these names that the DAG's, the group's and the task's defaults add; the defaults."""
    from orchestration.authoring.dag import DagContext
    from orchestration.authoring.task_group import TaskGroupContext

    dag, group = given.get("dag") or DagContext.get_current_dag(), given.get("task_group")
    if group is None and dag is not None:
        group = TaskGroupContext.get_current_task_group(dag)
    defaults, params = get_merged_defaults(dag, group, given.pop("params", None), given.pop("default_args", None))
    arguments = given | {name: defaults[name] for name in names if name in defaults and name not in given}
    if params:
        arguments["params"] = params
    return arguments, defaults


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
