"""What all task decorators have in common. Mirrors ``airflow.decorators.base``."""

from __future__ import annotations

import inspect
import itertools
import re
import textwrap
import typing
import warnings
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cached_property
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

from orchestration.authoring.baseoperator import BaseOperator
from orchestration.authoring.context import KNOWN_CONTEXT_KEYS
from orchestration.authoring.dag import DagContext
from orchestration.authoring.expandinput import (
    EXPAND_INPUT_EMPTY,
    DictOfListsExpandInput,
    ExpandInput,
    ListOfDictsExpandInput,
)
from orchestration.authoring.helpers import prevent_duplicates
from orchestration.authoring.mappedoperator import (
    MappedOperator,
    ensure_list_of_dicts,
    ensure_xcomarg_return_value,
    refuse_arguments,
    refuse_nothing,
)
from orchestration.authoring.operator_arguments import get_merged_defaults
from orchestration.authoring.partial import normalise
from orchestration.authoring.task_group import TaskGroupContext
from orchestration.authoring.trigger_rule import TriggerRule
from orchestration.authoring.xcom_arg import XComArg

if TYPE_CHECKING:
    from orchestration.authoring.dag import DAG
    from orchestration.authoring.task_group import TaskGroup


#: Said of an argument of the function that is given a second time.
IN_PARTIAL = "partial() has given already:"

#: A task that has none of these shows the docstring of its function.
_DOCUMENTS = ("doc", "doc_md", "doc_rst", "doc_json", "doc_yaml")


class TaskDecorator(Protocol):
    """The type of a task decorator."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Decorate a function, or take the task's arguments and return the decorator."""

    def override(self, **kwargs: Any) -> Any:
        """The task with other arguments."""


class ExpandableFactory:
    """A decorated function whose arguments can be expanded over: a task or a task group."""

    function: Callable[..., Any]

    @cached_property
    def function_signature(self) -> inspect.Signature:
        """The function's signature."""
        return inspect.signature(self.function)

    def _validate_arg_names(self, func: Literal["expand", "partial"], kwargs: Mapping[str, Any]) -> None:
        """TypeError for arguments the function does not take; ValueError for values that cannot be expanded."""
        parameters = self.function_signature.parameters
        if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
            refuse_arguments(f"{func}()", kwargs, parameters, mapped=func == "expand")


def get_unique_task_id(task_id: str, dag: DAG | None = None, task_group: TaskGroup | None = None) -> str:
    """The id, or with ``__1``, ``__2`` … where the DAG has it already."""
    dag = dag or DagContext.get_current_dag()
    if not dag:
        return task_id
    group = task_group or TaskGroupContext.get_current_task_group(dag)
    full_id = group.child_id(task_id) if group else task_id
    if full_id not in dag.task_dict:
        return task_id
    prefix = re.split(r"__\d+$", full_id)[0]
    pattern = re.compile(rf"{re.escape(prefix)}__(\d+)")
    numbers = [int(match[1]) for known in dag.task_dict if (match := pattern.fullmatch(known))]
    return f"{re.split(r'__[0-9]+$', task_id)[0]}__{max(numbers, default=0) + 1}"


class DecoratedOperator(BaseOperator):
    """A task made of a function; ``op_args`` and ``op_kwargs`` are the arguments of its call, templated."""

    template_fields: Sequence[str] = ("op_args", "op_kwargs")
    template_fields_renderers: ClassVar[dict[str, str]] = {"op_args": "py", "op_kwargs": "py"}
    shallow_copy_attrs: Sequence[str] = ("python_callable",)
    custom_operator_name: str
    _may_run_anywhere = True

    def __init__(
        self,
        *,
        python_callable: Callable[..., Any],
        task_id: str,
        op_args: Collection[Any] | None = None,
        op_kwargs: Mapping[str, Any] | None = None,
        kwargs_to_upstream: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        self.python_callable = python_callable
        self.op_args, self.op_kwargs = op_args or [], op_kwargs or {}
        signature = _signature_for_binding(python_callable)
        bind = signature.bind_partial if kwargs.get("_airflow_mapped_validation_only") else signature.bind
        bind(*self.op_args, **self.op_kwargs)
        super().__init__(
            task_id=get_unique_task_id(task_id, kwargs.get("dag"), kwargs.get("task_group")),
            **(kwargs_to_upstream or {}),
            **kwargs,
        )

    def execute(self, context: Any) -> Any:
        """Call the function; datasets among its arguments are inlets, those it returns outlets."""
        from orchestration.authoring.datasets import Dataset

        arguments = itertools.chain(self.op_args, self.op_kwargs.values())
        self.inlets.extend(argument for argument in arguments if isinstance(argument, Dataset))
        result = super().execute(context)
        returned = result if isinstance(result, list) else [result]
        self.outlets.extend(value for value in returned if isinstance(value, Dataset))
        return result

    def _hook_apply_defaults(self, *args: Any, **kwargs: Any) -> tuple[Any, dict[str, Any]]:
        """Default arguments may also be arguments of the function."""
        if (function := kwargs.get("python_callable")) is not None:
            defaults, given = kwargs.get("default_args") or {}, kwargs.get("op_kwargs") or {}
            missing = [name for name in inspect.signature(function).parameters if name not in given]
            kwargs["op_kwargs"] = {**given, **{name: defaults[name] for name in missing if name in defaults}}
        return args, kwargs

    def get_python_source(self) -> str:
        """The function's source without its task decorator, for another interpreter."""
        source = textwrap.dedent(inspect.getsource(self.python_callable))
        return remove_task_decorator(source, self.custom_operator_name)


def _signature_for_binding(function: Callable[..., Any]) -> inspect.Signature:
    """The signature in which what the context gives may be left out.

    ValueError where such a parameter has a default other than None, or would stand before one without a default.
    """
    signature = inspect.signature(function)
    parameters = []
    for parameter in signature.parameters.values():
        if parameter.name in KNOWN_CONTEXT_KEYS:
            if parameter.default not in (None, parameter.empty):
                raise ValueError(
                    f"{parameter.name!r} is a name of the context, which gives its value: "
                    f"take the default out of {function.__name__}(), or make it None"
                )
            parameter = parameter.replace(default=None)
        parameters.append(parameter)
    try:
        return signature.replace(parameters=parameters)
    except ValueError as error:
        raise ValueError(
            f"{function.__name__}({', '.join(map(str, signature.parameters.values()))}) would become "
            f"{function.__name__}({', '.join(map(str, parameters))}), since parameters named as context keys default "
            f"to None: {error}. Put them last."
        ) from error


def remove_task_decorator(python_source: str, task_decorator_name: str) -> str:
    """The source without the lines of a decorator: ``@task.virtualenv(…)``, ``@setup``, ``@task.skip_if(…)`` …"""
    for name in (task_decorator_name, "@setup", "@teardown", "@task.skip_if", "@task.run_if"):
        python_source = _remove_decorator(python_source, name)
    return python_source


def _remove_decorator(source: str, name: str) -> str:
    match = re.search(rf"^[ \t]*{re.escape(name)}(?![\w.])", source, re.MULTILINE)
    if match is None:
        return source
    rest = source[match.end() :]
    if rest.startswith("("):
        depth = 0
        for position, character in enumerate(rest):
            depth += {"(": 1, ")": -1}.get(character, 0)
            if not depth:
                rest = rest[position + 1 :]
                break
    return source[: match.start()] + rest.removeprefix("\n")


class _TaskDecorator(ExpandableFactory):
    """A decorated function: calling it makes a task and returns its result as an argument for others."""

    _airflow_is_task_decorator = True

    def __init__(
        self,
        function: Callable[..., Any],
        operator_class: type[BaseOperator],
        multiple_outputs: bool | None = None,
        kwargs: dict[str, Any] | None = None,
    ) -> None:
        if not callable(function):
            raise TypeError(f"@task decorates functions, not {type(function).__name__}")
        self.function = function
        self.operator_class = operator_class
        self.multiple_outputs = _returns_mapping(function) if multiple_outputs is None else multiple_outputs
        self.kwargs = dict(kwargs or {})
        self.is_setup = False
        self.is_teardown = False
        self.on_failure_fail_dagrun = False
        if "self" in self.function_signature.parameters:
            raise TypeError(f"@task is for functions, and {function.__qualname__} is a method: define it outside")
        self.kwargs.setdefault("task_id", function.__name__)

    @property
    def __wrapped__(self) -> Callable[..., Any]:
        return self.function

    def __call__(self, *args: Any, **kwargs: Any) -> XComArg:
        self._set_teardown_rule()
        call = {"op_args": args, "op_kwargs": kwargs, "python_callable": self.function}
        arguments = {**self.kwargs, **call, "multiple_outputs": self.multiple_outputs}
        marks = {name: arguments.pop(name, mark) for name, mark in self._marks().items()}
        task: Any = self.operator_class(**arguments)
        for name, mark in marks.items():
            setattr(task, name, mark)
        if self.function.__doc__ and not any(getattr(task, name) for name in _DOCUMENTS):
            task.doc_md = self.function.__doc__
        return XComArg(task)

    def _marks(self) -> dict[str, bool]:
        return {name: getattr(self, name) for name in ("is_setup", "is_teardown", "on_failure_fail_dagrun")}

    def _set_teardown_rule(self) -> None:
        rule = TriggerRule.ALL_DONE_SETUP_SUCCESS
        if self.is_teardown and self.kwargs.setdefault("trigger_rule", rule) != rule:
            raise ValueError(
                f"Teardown {self.kwargs['task_id']!r} starts when all before it are done and its setups succeeded: "
                "take its trigger_rule out"
            )

    def _validate_arg_names(self, func: Literal["expand", "partial"], kwargs: Mapping[str, Any]) -> None:
        if from_context := sorted(KNOWN_CONTEXT_KEYS.intersection(kwargs)):
            names = ", ".join(map(repr, from_context))
            raise ValueError(f"{func}() takes no {names}: the context gives what is named so; rename the parameter")
        super()._validate_arg_names(func, kwargs)

    def expand(self, **map_kwargs: Any) -> XComArg:
        """An instance for each combination of the arguments' members."""
        if any(isinstance(value, XComArg) for value in map_kwargs.values()):
            self._refuse_always("expand")
        refuse_nothing(map_kwargs)
        self._validate_arg_names("expand", map_kwargs)
        prevent_duplicates(self.kwargs, map_kwargs, fail_reason=IN_PARTIAL)
        self._set_teardown_rule()
        return self._expand(DictOfListsExpandInput(map_kwargs), strict=False)

    def expand_kwargs(self, kwargs: Any, *, strict: bool = True) -> XComArg:
        """An instance for each dict of arguments; with ``strict`` none of them may be given by ``partial`` too."""
        if isinstance(kwargs, Sequence) and any(
            isinstance(value, XComArg) for member in kwargs if isinstance(member, Mapping) for value in member.values()
        ):
            self._refuse_always("expand_kwargs")
        ensure_list_of_dicts(kwargs)
        return self._expand(ListOfDictsExpandInput(kwargs), strict=strict)

    def _refuse_always(self, func: str) -> None:
        if self.kwargs.get("trigger_rule") == TriggerRule.ALWAYS:
            raise ValueError(
                f"{func}() over results does not go with trigger rule 'always', which starts before they are there"
            )

    def _expand(self, over: ExpandInput, *, strict: bool) -> XComArg:
        ensure_xcomarg_return_value(over.value)
        own = dict(self.kwargs)
        dag = own.pop("dag", None) or DagContext.get_current_dag()
        group = own.pop("task_group", None) or TaskGroupContext.get_current_task_group(dag)
        shared, params = get_merged_defaults(dag, group, own.pop("params", None), own.pop("default_args", None))
        shared.pop("params", None)
        shared = {"op_args": [], "op_kwargs": {}, **shared, **own, **self._marks()}
        task_id = get_unique_task_id(shared.pop("task_id"), dag, group)
        task_id = task_id if group is None else group.child_id(task_id)
        normalise(shared, place=f"{dag.dag_id}.{task_id}" if dag else task_id)
        task = DecoratedMappedOperator(
            operator_class=self.operator_class,
            python_callable=self.function,
            multiple_outputs=self.multiple_outputs,
            op_kwargs_expand_input=over,
            expand_input=EXPAND_INPUT_EMPTY,
            disallow_kwargs_override=strict,
            task_id=task_id,
            task_group=group,
            dag=dag,
            start_date=shared.pop("start_date"),
            end_date=shared.pop("end_date"),
            params=params,
            partial_kwargs=shared,
        )
        return XComArg(task)

    def partial(self, **kwargs: Any) -> _TaskDecorator:
        """The task with some of the function's arguments given."""
        self._validate_arg_names("partial", kwargs)
        before = self.kwargs.get("op_kwargs", {})
        prevent_duplicates(before, kwargs, fail_reason=IN_PARTIAL)
        return self._evolve({**self.kwargs, "op_kwargs": {**kwargs, **before}})

    def override(self, **kwargs: Any) -> _TaskDecorator:
        """The task with other arguments of the operator."""
        return self._evolve({**self.kwargs, **kwargs})

    def _evolve(self, kwargs: dict[str, Any]) -> _TaskDecorator:
        made = type(self)(self.function, self.operator_class, self.multiple_outputs, kwargs)
        vars(made).update(self._marks())
        return made


class DecoratedMappedOperator(MappedOperator):
    """A mapped task made of a function: the members become arguments of the function, not of the operator."""

    def __init__(
        self,
        *,
        op_kwargs_expand_input: ExpandInput,
        multiple_outputs: bool,
        python_callable: Callable[..., Any],
        **kwargs: Any,
    ) -> None:
        self.op_kwargs_expand_input = op_kwargs_expand_input
        self.python_callable = python_callable
        kwargs["partial_kwargs"]["multiple_outputs"] = multiple_outputs
        super().__init__(**kwargs)

    @property
    def _mapped_input(self) -> ExpandInput:
        return self.op_kwargs_expand_input

    def expand_mapped_kwargs(
        self, context: Mapping[str, Any], *, include_xcom: bool
    ) -> tuple[Mapping[str, Any], set[int]]:
        """The function's arguments, as the operator's ``op_kwargs``."""
        op_kwargs, done = super().expand_mapped_kwargs(context, include_xcom=include_xcom)
        return {"op_kwargs": op_kwargs}, done

    def _shared_and(self, mapped: Mapping[str, Any]) -> dict[str, Any]:
        given, own = self.partial_kwargs["op_kwargs"], mapped["op_kwargs"]
        if self._disallow_kwargs_override:
            prevent_duplicates(given, own, fail_reason=IN_PARTIAL)
        return {**self.partial_kwargs, "python_callable": self.python_callable, "op_kwargs": {**given, **own}}


def _returns_mapping(function: Callable[..., Any]) -> bool:
    """Whether the return annotation is a dict or another mapping."""
    annotations = getattr(function, "__annotations__", {})
    if "return" not in annotations:
        return False
    only_return = SimpleNamespace(__annotations__={"return": annotations["return"]})
    try:
        hint = typing.get_type_hints(only_return, getattr(function, "__globals__", {}))["return"]
    except TypeError:
        return False
    except NameError as error:
        warnings.warn(
            f"Whether {function.__name__}() returns a dict cannot be told: {error}. "
            "Import the type at run time, or give multiple_outputs.",
            UserWarning,
            stacklevel=4,
        )
        return False
    kind = typing.get_origin(hint) or hint
    return isinstance(kind, type) and issubclass(kind, Mapping)


def task_decorator_factory(
    python_callable: Callable[..., Any] | None = None,
    *,
    multiple_outputs: bool | None = None,
    decorated_operator_class: type[BaseOperator],
    **kwargs: Any,
) -> Any:
    """A decorated function, or without a function the decorator. TypeError for a first argument that is no function."""
    if python_callable is not None:
        if not callable(python_callable):
            raise TypeError(f"@task takes its arguments by name, not {python_callable!r}: write @task(name=value)")
        return _TaskDecorator(python_callable, decorated_operator_class, multiple_outputs, kwargs)

    def decorator(function: Callable[..., Any]) -> _TaskDecorator:
        return _TaskDecorator(function, decorated_operator_class, multiple_outputs, kwargs)

    return decorator
