"""What a mapped task or group expands over: ``expand(a=[…], b=…)`` or ``expand_kwargs([{…}, …])``.

Lengths of results come from the store in a task process (``XComArg.get_task_map_length``); the scheduler has its own
way, through the serialised DAG.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeGuard

from orchestration.authoring.taskmixin import ResolveMixin

if TYPE_CHECKING:
    from orchestration.authoring.abstractoperator import AbstractOperator


class NotFullyPopulated(RuntimeError):
    """The length of an argument is not known yet; ``missing`` names the arguments."""

    def __init__(self, missing: set[str]) -> None:
        super().__init__()
        self.missing = missing

    def __str__(self) -> str:
        return f"The number of instances is not known before {', '.join(map(repr, sorted(self.missing)))} is"


def is_mappable(value: Any) -> bool:
    """Whether ``expand`` takes it: a list, tuple or dict, or a reference to a result."""
    return (isinstance(value, (Mapping, Sequence)) and not isinstance(value, str)) or needs_run_time_resolution(value)


def needs_run_time_resolution(value: Any) -> TypeGuard[Any]:
    """Whether the value is known only in a run."""
    from orchestration.authoring.xcom_arg import XComArg

    return isinstance(value, (MappedArgument, XComArg))


@dataclass(eq=False)
class DictOfListsExpandInput:
    """``expand(**value)``: as many instances as the product of the lengths; the last argument varies fastest."""

    value: dict[str, Any]

    def get_parse_time_mapped_ti_count(self) -> int:
        """The number of instances where all arguments are literal; NotFullyPopulated otherwise."""
        missing = {name for name, value in self.value.items() if needs_run_time_resolution(value)}
        if missing:
            raise NotFullyPopulated(missing)
        return functools.reduce(operator.mul, map(len, self.value.values()), 1) if self.value else 0

    def get_total_map_length(self, run_id: str) -> int:
        """The number of instances in a run; NotFullyPopulated where a result is missing."""
        return functools.reduce(operator.mul, self._lengths(run_id).values(), 1) if self.value else 0

    def _lengths(self, run_id: str) -> dict[str, int]:
        lengths = {
            name: value.get_task_map_length(run_id) if needs_run_time_resolution(value) else len(value)
            for name, value in self.value.items()
        }
        known = {name: length for name, length in lengths.items() if length is not None}
        if len(known) < len(lengths):
            raise NotFullyPopulated(set(lengths) - set(known))
        return known

    def iter_references(self) -> Iterator[tuple[AbstractOperator, str]]:
        """The results the arguments need."""
        for value in self.value.values():
            if isinstance(value, ResolveMixin):
                yield from value.iter_references()

    def resolve(
        self, context: Mapping[str, Any], *, include_xcom: bool = True, index: int | None = None
    ) -> tuple[dict[str, Any], set[int]]:
        """The arguments of ``index`` (default: the context's map index), and the ids of those rendered already."""
        resolved = {
            name: (value.resolve(context, include_xcom=include_xcom) if include_xcom else str(value))
            if needs_run_time_resolution(value)
            else value
            for name, value in self.value.items()
        }
        lengths = {
            name: len(value) if isinstance(value, Sized) and not isinstance(value, str) else 0
            for name, value in resolved.items()
        }
        if not include_xcom:
            lengths = self._lengths(context["run_id"])
        if (empty := min(lengths.values(), default=1)) < 1:
            names = ", ".join(name for name, length in lengths.items() if length == empty)
            raise RuntimeError(f"There is nothing in {names} to expand over")
        positions = _positions(lengths, _map_index(context) if index is None else index)
        chosen = {name: _member(resolved[name], positions[name]) for name in self.value}
        done = {id(chosen[name]) for name, value in self.value.items() if needs_run_time_resolution(value)}
        return chosen, done


@dataclass(eq=False)
class ListOfDictsExpandInput:
    """``expand_kwargs(value)``: one instance for each dict of a list, or of a result that is such a list."""

    value: Any

    def get_parse_time_mapped_ti_count(self) -> int:
        """The number of instances of a literal list; NotFullyPopulated otherwise."""
        if isinstance(self.value, Sized):
            return len(self.value)
        raise NotFullyPopulated({"expand_kwargs() argument"})

    def get_total_map_length(self, run_id: str) -> int:
        """The number of instances in a run; NotFullyPopulated where the result is missing."""
        length = len(self.value) if isinstance(self.value, Sized) else self.value.get_task_map_length(run_id)
        if length is None:
            raise NotFullyPopulated({"expand_kwargs() argument"})
        count: int = length
        return count

    def iter_references(self) -> Iterator[tuple[AbstractOperator, str]]:
        """The results the dicts need."""
        for member in (
            self.value if isinstance(self.value, Iterable) and isinstance(self.value, Sized) else [self.value]
        ):
            if isinstance(member, ResolveMixin):
                yield from member.iter_references()

    def resolve(
        self, context: Mapping[str, Any], *, include_xcom: bool = True, index: int | None = None
    ) -> tuple[Mapping[str, Any], set[int]]:
        """The arguments of ``index`` (default: the context's map index); all are rendered, as in the reference."""
        if index is None:
            index = _map_index(context)
        if isinstance(self.value, Sized):
            chosen: Any = self.value[index]  # type: ignore[index]  # a sequence, checked by expand_kwargs
            if not isinstance(chosen, Mapping):
                chosen = chosen.resolve(context, include_xcom=include_xcom)
        else:
            chosen = self._resolved_member(context, index) if include_xcom else {}
        if not isinstance(chosen, Mapping):
            raise ValueError(f"expand_kwargs() takes a list of dicts, and member {index} is of type {_named(chosen)}")
        if wrong := [key for key in chosen if not isinstance(key, str)]:
            raise ValueError(f"expand_kwargs() takes dicts of argument names, and {wrong[0]!r} is no name")
        return chosen, set()

    def _resolved_member(self, context: Mapping[str, Any], index: int) -> Any:
        members = self.value.resolve(context, include_xcom=True)
        if not isinstance(members, Sequence):
            raise ValueError(f"expand_kwargs() takes a list of dicts, and the result is of type {_named(members)}")
        return members[index]


ExpandInput = DictOfListsExpandInput | ListOfDictsExpandInput

#: For tasks that expand over something else than their arguments.
EXPAND_INPUT_EMPTY = DictOfListsExpandInput({})


class MappedArgument(ResolveMixin):
    """A parameter of a mapped ``@task_group`` function: stands for this instance's value in the tasks of the group."""

    def __init__(self, *, input: ExpandInput, key: str) -> None:
        self._input = input
        self._key = key

    def __repr__(self) -> str:
        return f"MappedArgument({self._key!r})"

    def get_task_map_length(self, run_id: str, *, session: Any = None) -> int | None:
        """Expanding within an expanded group over its arguments is not possible."""
        raise NotImplementedError(f"Argument {self._key!r} of an expanded group cannot be expanded over once more")

    def iter_references(self) -> Iterator[tuple[AbstractOperator, str]]:
        """The results that the group expands over."""
        yield from self._input.iter_references()

    def resolve(self, context: Mapping[str, Any], *, include_xcom: bool = True) -> Any:
        """The argument's value for the context's map index."""
        chosen, _ = self._input.resolve(context, include_xcom=include_xcom, index=self._group_index(context))
        return chosen[self._key]

    def _group_index(self, context: Mapping[str, Any]) -> int:
        """Which instance of the group the task belongs to; mapped groups within the group vary faster."""
        index = _map_index(context)
        for group in context["task"].iter_mapped_task_groups():
            if group._expand_input is self._input:
                break
            index //= group._expand_input.get_total_map_length(context["run_id"])
        return index


def _map_index(context: Mapping[str, Any]) -> int:
    index: int = context["ti"].map_index
    if index < 0:
        raise RuntimeError("A mapped argument has no value outside an instance: the map index is -1")
    return index


def _positions(lengths: Mapping[str, int], index: int) -> dict[str, int]:
    """Where each argument stands for one index of the product; surplus of outer groups is cut by the remainder."""
    positions = {}
    for name in reversed(list(lengths)):
        index, positions[name] = divmod(index, lengths[name])
    return positions


def _member(value: Any, position: int) -> Any:
    if isinstance(value, Sequence):
        return value[position]
    if not isinstance(value, dict):
        raise TypeError(f"expand() goes over lists and dicts, not over a {type(value).__name__}")
    return list(value.items())[position]


def _named(value: Any) -> str:
    return "None" if value is None else type(value).__name__
