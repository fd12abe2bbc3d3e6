"""References to results: ``task.output``, ``f(x)`` of a ``@task``, and what can be made of them.

Mirrors ``airflow.models.xcom_arg``. A reference becomes a value in the task process, through the store.
"""

from __future__ import annotations

import contextlib
import itertools
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from orchestration.authoring.exceptions import XComNotFound
from orchestration.authoring.setup_teardown import SetupTeardownContext, refuse_work_task
from orchestration.authoring.taskmixin import DependencyMixin, ResolveMixin
from orchestration.authoring.types import NOTSET, XCOM_RETURN_KEY, ArgNotSet

if TYPE_CHECKING:
    from orchestration.authoring.abstractoperator import AbstractOperator
    from orchestration.authoring.edges import EdgeModifier


class XComArg(ResolveMixin, DependencyMixin):
    """A value that a task pushes. ``XComArg(task, key)`` makes a ``PlainXComArg``."""

    def __new__(cls, *args: Any, **kwargs: Any) -> XComArg:
        if cls is XComArg:
            return PlainXComArg(*args, **kwargs)
        return super().__new__(cls)

    if TYPE_CHECKING:
        operator: Any
        key: str

        def __init__(self, operator: Any, key: str = XCOM_RETURN_KEY) -> None: ...

    @staticmethod
    def iter_xcom_references(arg: Any) -> Iterator[tuple[AbstractOperator, str]]:
        """The tasks and keys that a value refers to, also deep in collections and in objects with templated fields."""
        from orchestration.authoring.abstractoperator import AbstractOperator

        waiting, seen = [arg], set()
        while waiting:
            value = waiting.pop()
            if isinstance(value, ResolveMixin):
                yield from value.iter_references()
            elif isinstance(value, (tuple, list, set, dict, AbstractOperator)) and id(value) not in seen:
                seen.add(id(value))  # a collection may hold itself
                if isinstance(value, AbstractOperator):
                    waiting.extend(getattr(value, name) for name in value.template_fields)
                else:
                    waiting.extend(value.values() if isinstance(value, dict) else value)

    @staticmethod
    def apply_upstream_relationship(op: AbstractOperator, arg: Any) -> None:
        """Put every task that the value refers to before ``op``."""
        for task, _ in XComArg.iter_xcom_references(arg):
            op.set_upstream(task)

    @property
    def roots(self) -> list[Any]:
        """The tasks referred to."""
        return [task for task, _ in self.iter_references()]

    @property
    def leaves(self) -> list[Any]:
        """The tasks referred to."""
        return [task for task, _ in self.iter_references()]

    def set_upstream(
        self, other: DependencyMixin | Sequence[DependencyMixin], edge_modifier: EdgeModifier | None = None
    ) -> None:
        """Put others before the tasks referred to."""
        for task, _ in self.iter_references():
            task.set_upstream(other, edge_modifier)

    def set_downstream(
        self, other: DependencyMixin | Sequence[DependencyMixin], edge_modifier: EdgeModifier | None = None
    ) -> None:
        """Put others after the tasks referred to."""
        for task, _ in self.iter_references():
            task.set_downstream(other, edge_modifier)

    def map(self, f: Callable[[Any], Any]) -> MapXComArg:
        """The result with the function applied to each member, in the task that uses it."""
        return MapXComArg(self, [f])

    def zip(self, *others: XComArg, fillvalue: Any = NOTSET) -> ZipXComArg:
        """Tuples of the members side by side; as long as the shortest, or the longest with a ``fillvalue``."""
        return ZipXComArg([self, *others], fillvalue=fillvalue)

    def concat(self, *others: XComArg) -> ConcatXComArg:
        """The members one after the other."""
        return ConcatXComArg([self, *others])

    def get_task_map_length(self, run_id: str, *, session: Any = None) -> int | None:
        """How many instances a task that expands over this has in a run; None before the result is there."""
        raise NotImplementedError

    def __enter__(self) -> type[SetupTeardownContext]:
        refuse_work_task(self.operator)
        SetupTeardownContext.push_setup_teardown_task(self.operator)
        return SetupTeardownContext

    def __exit__(self, *exc: object) -> None:
        SetupTeardownContext.set_work_task_roots_and_leaves()


class PlainXComArg(XComArg):
    """One XCom of one task: its result, or what it pushed under ``key``."""

    def __init__(self, operator: Any, key: str = XCOM_RETURN_KEY) -> None:
        self.operator = operator
        self.key = key

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PlainXComArg):
            return NotImplemented
        return bool(self.operator == other.operator) and self.key == other.key

    def __hash__(self) -> int:
        return hash((self.operator.task_id, self.key))

    def __getitem__(self, item: str) -> XComArg:
        """``result["name"]``: what the task pushed under that key."""
        if not isinstance(item, str):
            raise ValueError(f"A result's parts are asked for by name, as result['name'], not by {item!r}")
        return PlainXComArg(self.operator, item)

    def __iter__(self) -> Iterator[Any]:
        """Refuse: without this, Python would ask ``[0]``, ``[1]`` … for ever."""
        raise TypeError(
            f"The result of {self.operator.task_id!r} is not there yet, so it cannot be gone through: use expand()"
        )

    def __repr__(self) -> str:
        key = "" if self.key == XCOM_RETURN_KEY else f", {self.key!r}"
        return f"XComArg({self.operator!r}{key})"

    def __str__(self) -> str:
        """A template that pulls the value, so that a reference can stand within a text."""
        parts = [f"task_ids='{self.operator.task_id}'", f"dag_id='{self.operator.dag_id}'"]
        if self.key is not None:
            parts.append(f"key='{self.key}'")
        return f"{{{{ task_instance.xcom_pull({', '.join(parts)}) }}}}"

    @property
    def is_setup(self) -> bool:
        """Whether the task is a setup."""
        return bool(self.operator.is_setup)

    @is_setup.setter
    def is_setup(self, value: bool) -> None:
        self.operator.is_setup = value

    @property
    def is_teardown(self) -> bool:
        """Whether the task is a teardown."""
        return bool(self.operator.is_teardown)

    @is_teardown.setter
    def is_teardown(self, value: bool) -> None:
        self.operator.is_teardown = value

    @property
    def on_failure_fail_dagrun(self) -> bool:
        """Whether the teardown's failure fails the run."""
        return bool(self.operator.on_failure_fail_dagrun)

    @on_failure_fail_dagrun.setter
    def on_failure_fail_dagrun(self, value: bool) -> None:
        self.operator.on_failure_fail_dagrun = value

    def as_setup(self) -> XComArg:
        """Mark the task as setup."""
        self.operator.as_setup()
        return self

    def as_teardown(self, *, setups: Any = NOTSET, on_failure_fail_dagrun: Any = NOTSET) -> XComArg:
        """Mark the task as teardown of the given setups."""
        self.operator.as_teardown(setups=setups, on_failure_fail_dagrun=on_failure_fail_dagrun)
        return self

    def iter_references(self) -> Iterator[tuple[AbstractOperator, str]]:
        """The one task."""
        yield self.operator, self.key

    def map(self, f: Callable[[Any], Any]) -> MapXComArg:
        """See ``XComArg.map``; only for results."""
        self._refuse_other_keys("map")
        return super().map(f)

    def zip(self, *others: XComArg, fillvalue: Any = NOTSET) -> ZipXComArg:
        """See ``XComArg.zip``; only for results."""
        self._refuse_other_keys("zip")
        return super().zip(*others, fillvalue=fillvalue)

    def concat(self, *others: XComArg) -> ConcatXComArg:
        """See ``XComArg.concat``; only for results."""
        self._refuse_other_keys("concat")
        return super().concat(*others)

    def _refuse_other_keys(self, verb: str) -> None:
        if self.key != XCOM_RETURN_KEY:
            raise ValueError(f"{verb}() is for what a task returns, not for its XCom {self.key!r}")

    def get_task_map_length(self, run_id: str, *, session: Any = None) -> int | None:
        """The length of the result; for a mapped task the number of instances that pushed one."""
        from orchestration.authoring.xcom import map_length

        return map_length(self.operator, run_id)

    def resolve(self, context: Mapping[str, Any], *, include_xcom: bool = True) -> Any:
        """The value; of a task in the same mapped group only what belongs to the same instance of the group.

        XComNotFound where a key other than the result's was never pushed.
        """
        ti, task = context["ti"], self.operator
        indexes = ti.get_relevant_upstream_map_indexes(task)
        found = ti.xcom_pull(task_ids=task.task_id, key=self.key, map_indexes=indexes, default=NOTSET)
        is_missing = isinstance(found, ArgNotSet)
        if is_missing and self.key != XCOM_RETURN_KEY and not getattr(task, "multiple_outputs", False):
            raise XComNotFound(ti.dag_id, task.task_id, self.key)
        return None if is_missing else found


def callable_name(function: Callable[..., Any] | str) -> str:
    """The function's name; of a source text the name after ``def``."""
    if callable(function):
        return str(getattr(function, "__name__", "<function>"))
    with contextlib.suppress(ValueError):
        keyword, name, _ = function.lstrip().split(None, 2)
        if keyword == "def":
            return name
    return "<function>"


class MapXComArg(XComArg):
    """A result with functions applied to each member."""

    def __init__(self, arg: XComArg, callables: Sequence[Callable[[Any], Any]]) -> None:
        if any(getattr(function, "_airflow_is_task_decorator", False) for function in callables):
            raise ValueError("map() takes a plain function; for a @task use its expand()")
        self.callables = callables
        self.arg = arg

    def __repr__(self) -> str:
        return repr(self.arg) + "".join(f".map({callable_name(function)})" for function in self.callables)

    def iter_references(self) -> Iterator[tuple[AbstractOperator, str]]:
        """The tasks of the inner reference."""
        yield from self.arg.iter_references()

    def map(self, f: Callable[[Any], Any]) -> MapXComArg:
        """One more function after the others."""
        return MapXComArg(self.arg, [*self.callables, f])

    def get_task_map_length(self, run_id: str, *, session: Any = None) -> int | None:
        """That of the inner reference."""
        return self.arg.get_task_map_length(run_id)

    def resolve(self, context: Mapping[str, Any], *, include_xcom: bool = True) -> Any:
        """A sequence that applies the functions when a member is asked for."""
        return _MapResult(_collection(self.arg, "map", context), self.callables)


class ZipXComArg(XComArg):
    """Results side by side."""

    def __init__(self, args: Sequence[XComArg], *, fillvalue: Any = NOTSET) -> None:
        self.args = _not_empty(args, "zip")
        self.fillvalue = fillvalue

    def __repr__(self) -> str:
        first, *rest = map(repr, self.args)
        if not isinstance(self.fillvalue, ArgNotSet):
            rest.append(f"fillvalue={self.fillvalue!r}")
        return f"{first}.zip({', '.join(rest)})"

    def iter_references(self) -> Iterator[tuple[AbstractOperator, str]]:
        """The tasks of all parts."""
        for arg in self.args:
            yield from arg.iter_references()

    def get_task_map_length(self, run_id: str, *, session: Any = None) -> int | None:
        """That of the shortest part, or of the longest with a fill value."""
        lengths = _lengths(self.args, run_id)
        if lengths is None:
            return None
        return min(lengths) if isinstance(self.fillvalue, ArgNotSet) else max(lengths)

    def resolve(self, context: Mapping[str, Any], *, include_xcom: bool = True) -> Any:
        """A sequence of tuples."""
        return _ZipResult([_collection(arg, "zip", context) for arg in self.args], self.fillvalue)


class ConcatXComArg(XComArg):
    """Results one after the other."""

    def __init__(self, args: Sequence[XComArg]) -> None:
        self.args = _not_empty(args, "concat")

    def __repr__(self) -> str:
        first, *rest = map(repr, self.args)
        return f"{first}.concat({', '.join(rest)})"

    def iter_references(self) -> Iterator[tuple[AbstractOperator, str]]:
        """The tasks of all parts."""
        for arg in self.args:
            yield from arg.iter_references()

    def concat(self, *others: XComArg) -> ConcatXComArg:
        """More parts at the end."""
        return ConcatXComArg([*self.args, *others])

    def get_task_map_length(self, run_id: str, *, session: Any = None) -> int | None:
        """The sum of the parts'."""
        lengths = _lengths(self.args, run_id)
        return None if lengths is None else sum(lengths)

    def resolve(self, context: Mapping[str, Any], *, include_xcom: bool = True) -> Any:
        """A sequence over all members."""
        return _ConcatResult([_collection(arg, "concat", context) for arg in self.args])


def _not_empty(args: Sequence[XComArg], verb: str) -> Sequence[XComArg]:
    if args:
        return args
    raise ValueError(f"{verb}() needs a result to start with")


def _lengths(args: Sequence[XComArg], run_id: str) -> list[int] | None:
    """The parts' lengths, or None where one is not known yet."""
    lengths = [arg.get_task_map_length(run_id) for arg in args]
    known = [length for length in lengths if length is not None]
    return known if len(known) == len(lengths) else None


def _collection(arg: XComArg, verb: str, context: Mapping[str, Any]) -> Any:
    value = arg.resolve(context)
    if not isinstance(value, (Sequence, dict)):
        raise ValueError(f"{verb}() goes over a list or dict, and the result is of type {type(value).__name__}")
    return value


class _MapResult(Sequence[Any]):
    def __init__(self, value: Any, callables: Sequence[Callable[[Any], Any]]) -> None:
        self.value = value
        self.callables = callables

    def __getitem__(self, index: Any) -> Any:
        member = self.value[index]
        for function in self.callables:
            member = function(member)
        return member

    def __len__(self) -> int:
        return len(self.value)


class _ZipResult(Sequence[Any]):
    def __init__(self, values: Sequence[Any], fillvalue: Any) -> None:
        self.values = values
        self.fillvalue = fillvalue

    def __getitem__(self, index: Any) -> Any:
        if index >= len(self):
            raise IndexError(index)
        return tuple(self._member(value, index) for value in self.values)

    def _member(self, value: Any, index: Any) -> Any:
        try:
            return value[index]
        except (IndexError, KeyError):
            return self.fillvalue

    def __len__(self) -> int:
        lengths = map(len, self.values)
        return min(lengths) if isinstance(self.fillvalue, ArgNotSet) else max(lengths)


class _ConcatResult(Sequence[Any]):
    def __init__(self, values: Sequence[Any]) -> None:
        self.values = values

    def __getitem__(self, index: Any) -> Any:
        ends = list(itertools.accumulate(map(len, self.values)))
        position = index + len(self) if index < 0 else index
        if not 0 <= position < len(self):
            raise IndexError(index)
        part = bisect_right(ends, position)
        value, offset = self.values[part], position - (ends[part - 1] if part else 0)
        return value[offset] if isinstance(value, Sequence) else next(itertools.islice(value, offset, None))

    def __len__(self) -> int:
        return sum(map(len, self.values))
