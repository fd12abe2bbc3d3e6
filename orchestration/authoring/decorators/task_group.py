"""``@task_group``. Mirrors ``airflow.decorators.task_group``."""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable, Iterable
from typing import Any

from orchestration.authoring.decorators.base import IN_PARTIAL, ExpandableFactory
from orchestration.authoring.expandinput import (
    DictOfListsExpandInput,
    ExpandInput,
    ListOfDictsExpandInput,
    MappedArgument,
)
from orchestration.authoring.helpers import prevent_duplicates
from orchestration.authoring.mappedoperator import ensure_list_of_dicts, refuse_nothing
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
            group_id = self.tg_kwargs["group_id"]
            warnings.warn(f"partial() of group {group_id!r} makes no tasks before expand() or a call", stacklevel=1)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._create(TaskGroup, *args, **kwargs)

    def _create(self, group_class: Callable[..., TaskGroup], *args: Any, **kwargs: Any) -> Any:
        """The group, or what the function returns."""
        group = group_class(**{"add_suffix_on_collision": True, **self.tg_kwargs})
        group.tooltip = group.tooltip or self.function.__doc__ or ""
        with group:
            made = self.function(*args, **kwargs)
        self._task_group_created = True
        return made if made is not None else group

    def _create_mapped(self, over: ExpandInput, names: Iterable[str]) -> Any:
        """The group once for each member of ``over``; its function gets stand-ins for the arguments of these names."""
        stubs = {name: MappedArgument(input=over, key=name) for name in names}
        return self._create(functools.partial(MappedTaskGroup, expand_input=over), **self.partial_kwargs, **stubs)

    def override(self, **kwargs: Any) -> _TaskGroupFactory:
        """The group with other arguments of ``TaskGroup``."""
        return type(self)(self.function, {**self.tg_kwargs, **kwargs}, self.partial_kwargs)

    def partial(self, **kwargs: Any) -> _TaskGroupFactory:
        """The group with some of the function's arguments given."""
        self._validate_arg_names("partial", kwargs)
        prevent_duplicates(self.partial_kwargs, kwargs, fail_reason=IN_PARTIAL)
        self._task_group_created = True
        return type(self)(self.function, self.tg_kwargs, {**kwargs, **self.partial_kwargs})

    def expand(self, **kwargs: Any) -> Any:
        """The group once for each combination of the arguments' members."""
        refuse_nothing(kwargs)
        self._validate_arg_names("expand", kwargs)
        prevent_duplicates(self.partial_kwargs, kwargs, fail_reason=IN_PARTIAL)
        return self._create_mapped(DictOfListsExpandInput(kwargs), kwargs)

    def expand_kwargs(self, kwargs: Any) -> Any:
        """The group once for each dict of arguments; TypeError for a function with ``*`` or ``**``."""
        ensure_list_of_dicts(kwargs)
        parameters = self.function_signature.parameters
        if any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters.values()):
            raise TypeError(f"expand_kwargs() needs the names of its arguments: {self.function.__name__}() has * or **")
        open_names = [name for name in parameters if name not in self.partial_kwargs]
        return self._create_mapped(ListOfDictsExpandInput(kwargs), open_names)


def task_group(python_callable: Any = None, **tg_kwargs: Any) -> Any:
    """Make a group of the tasks that a function makes; the arguments are those of ``TaskGroup``."""
    if callable(python_callable) and not tg_kwargs:
        return _TaskGroupFactory(python_callable)
    return functools.partial(_TaskGroupFactory, tg_kwargs=tg_kwargs)
