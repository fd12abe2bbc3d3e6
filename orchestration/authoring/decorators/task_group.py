"""``@task_group``. Mirrors ``airflow.decorators.task_group``."""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable
from typing import Any

from orchestration.authoring.decorators.base import ExpandableFactory
from orchestration.authoring.expandinput import DictOfListsExpandInput, ListOfDictsExpandInput, MappedArgument
from orchestration.authoring.helpers import prevent_duplicates
from orchestration.authoring.mappedoperator import ensure_list_of_dicts
from orchestration.authoring.task_group import MappedTaskGroup, TaskGroup

_GROUP_SIGNATURE = inspect.signature(TaskGroup.__init__)


class _TaskGroupFactory(ExpandableFactory):
    """A decorated function: calling it makes a group of the tasks made in it."""

    def __init__(
        self,
        function: Callable[..., Any],
        tg_kwargs: dict[str, Any] | None = None,
        partial_kwargs: dict[str, Any] | None = None,
    ) -> None:
        self._task_group_created = True  # until the arguments are known to be right
        if not callable(function):
            raise TypeError(f"@task_group decorates functions, not {type(function).__name__}")
        _GROUP_SIGNATURE.bind_partial(**(tg_kwargs or {}))
        self.function = function
        self.tg_kwargs = {"group_id": function.__name__, **(tg_kwargs or {})}
        self.partial_kwargs = partial_kwargs or {}
        self._task_group_created = False

    def __del__(self) -> None:
        if not self._task_group_created and self.partial_kwargs:
            warnings.warn(f"Partial task group {self.tg_kwargs['group_id']!r} was never mapped!", stacklevel=1)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._create(TaskGroup, *args, **kwargs)

    def _create(self, group_class: Callable[..., TaskGroup], *args: Any, **kwargs: Any) -> Any:
        """The group, or what the function returns."""
        with group_class(**{"add_suffix_on_collision": True, **self.tg_kwargs}) as group:
            if self.function.__doc__ and not group.tooltip:
                group.tooltip = self.function.__doc__
            returned = self.function(*args, **kwargs)
        self._task_group_created = True
        return group if returned is None else returned

    def override(self, **kwargs: Any) -> _TaskGroupFactory:
        """The group with other arguments of ``TaskGroup``."""
        return type(self)(self.function, {**self.tg_kwargs, **kwargs}, self.partial_kwargs)

    def partial(self, **kwargs: Any) -> _TaskGroupFactory:
        """The group with some of the function's arguments given."""
        self._validate_arg_names("partial", kwargs)
        prevent_duplicates(self.partial_kwargs, kwargs, fail_reason="duplicate partial")
        self._task_group_created = True
        return type(self)(self.function, self.tg_kwargs, {**kwargs, **self.partial_kwargs})

    def expand(self, **kwargs: Any) -> Any:
        """The group once for each combination of the arguments' members."""
        if not kwargs:
            raise TypeError("no arguments to expand against")
        self._validate_arg_names("expand", kwargs)
        prevent_duplicates(self.partial_kwargs, kwargs, fail_reason="mapping already partial")
        expand_input = DictOfListsExpandInput(kwargs)
        stubs = {name: MappedArgument(input=expand_input, key=name) for name in kwargs}
        return self._create(
            functools.partial(MappedTaskGroup, expand_input=expand_input), **self.partial_kwargs, **stubs
        )

    def expand_kwargs(self, kwargs: Any) -> Any:
        """The group once for each dict of arguments; TypeError for a function with ``*`` or ``**``."""
        ensure_list_of_dicts(kwargs)
        parameters = self.function_signature.parameters
        if any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters.values()):
            raise TypeError("calling expand_kwargs() on task group function with * or ** is not supported")
        expand_input = ListOfDictsExpandInput(kwargs)
        stubs = {
            name: MappedArgument(input=expand_input, key=name) for name in parameters if name not in self.partial_kwargs
        }
        return self._create(
            functools.partial(MappedTaskGroup, expand_input=expand_input), **self.partial_kwargs, **stubs
        )


def task_group(python_callable: Any = None, **tg_kwargs: Any) -> Any:
    """Make a group of the tasks that a function makes; the arguments are those of ``TaskGroup``."""
    if callable(python_callable) and not tg_kwargs:
        return _TaskGroupFactory(python_callable)
    return functools.partial(_TaskGroupFactory, tg_kwargs=tg_kwargs)
