"""Checks of ids and argument types, and small functions that DAG files import from ``airflow.utils.helpers``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import reduce
from typing import TYPE_CHECKING, Any, TypeVar

from orchestration.authoring.exceptions import AirflowException
from orchestration.authoring.types import NOTSET

if TYPE_CHECKING:
    import jinja2

KEY_REGEX = re.compile(r"[\w.-]+\Z")
GROUP_KEY_REGEX = re.compile(r"[\w-]+\Z")

T = TypeVar("T")
S = TypeVar("S")


def validate_key(k: str, max_length: int = 250) -> None:
    """Refuse an id that is no text (TypeError), too long, or holds other than letters, digits, ``_``, ``-``, ``.``."""
    _check_length(k, max_length)
    if not KEY_REGEX.match(k):
        raise AirflowException(f"The id {k!r} may have letters, digits, '_', '-' and '.' in it, and nothing else")


def validate_group_key(k: str, max_length: int = 200) -> None:
    """As ``validate_key``, but no dots: a group's id is the prefix of its tasks' ids."""
    _check_length(k, max_length)
    if not GROUP_KEY_REGEX.match(k):
        raise AirflowException(f"The group id {k!r} may have letters, digits, '_' and '-' in it, and nothing else")


def _check_length(k: str, max_length: int) -> None:
    if not isinstance(k, str):
        raise TypeError(f"An id is a text, not {k!r}")
    if len(k) > max_length:
        raise AirflowException(f"The id {k[:40]!r}… has {len(k)} characters; {max_length} is the most")


def validate_instance_args(instance: object, expected_arg_types: Mapping[str, Any]) -> None:
    """Raise TypeError for the first attribute that is not None and of none of the types given for it."""
    for name, expected in expected_arg_types.items():
        value = getattr(instance, name, None)
        if value is not None and not isinstance(value, expected):
            names = " or ".join(kind.__name__ for kind in (expected if isinstance(expected, tuple) else (expected,)))
            raise TypeError(f"{name} takes {names}, not {value!r} ({type(value).__name__})")


def are_alike(one: object, other: object, names: Iterable[str]) -> bool:
    """Whether two objects of one class have equal attributes of these names; one that is missing is None."""
    return one is other or all(getattr(one, name, None) == getattr(other, name, None) for name in names)


def is_container(obj: Any) -> bool:
    """Whether the value can be iterated and is no text."""
    return hasattr(obj, "__iter__") and not isinstance(obj, str)


def as_tuple(obj: Any) -> tuple[Any, ...]:
    """The members of a container, or the value alone."""
    return tuple(obj) if is_container(obj) else (obj,)


def as_flattened_list(iterable: Iterable[Iterable[T]]) -> list[T]:
    """The members of the members."""
    return [member for inner in iterable for member in inner]


def chunks(items: list[T], chunk_size: int) -> Iterator[list[T]]:
    """The items in lists of ``chunk_size``; ValueError for a size below one."""
    if chunk_size <= 0:
        raise ValueError(f"A chunk has at least one member; chunk_size is {chunk_size}")
    for start in range(0, len(items), chunk_size):
        yield items[start : start + chunk_size]


def reduce_in_chunks(fn: Callable[[S, list[T]], S], iterable: list[T], initializer: S, chunk_size: int = 0) -> S:
    """``functools.reduce`` over chunks of the list; size 0 is one chunk."""
    return reduce(fn, chunks(iterable, chunk_size or len(iterable)), initializer) if iterable else initializer


def at_most_one(*args: Any) -> bool:
    """Whether no more than one of the values is given and true."""
    return sum(argument is not NOTSET and bool(argument) for argument in args) <= 1


def exactly_one(*args: Any) -> bool:
    """Whether one of the values is given and true, and only one."""
    return sum(argument is not NOTSET and bool(argument) for argument in args) == 1


def prevent_duplicates(kwargs1: Mapping[str, Any], kwargs2: Mapping[str, Any], *, fail_reason: str) -> None:
    """Raise TypeError where both mappings have a name."""
    if twice := sorted(kwargs1.keys() & kwargs2.keys()):
        raise TypeError(f"{fail_reason} {', '.join(twice)}")


def convert_camel_to_snake(camel_str: str) -> str:
    """``CamelCase`` as ``camel_case``."""
    return re.sub(r"(?!^)([A-Z]+)", r"_\1", camel_str).lower()


def merge_dicts(dict1: dict[Any, Any], dict2: dict[Any, Any]) -> dict[Any, Any]:
    """A new dict of both; inner dicts are joined, otherwise the second wins."""
    merged = dict(dict1)
    for key, value in dict2.items():
        both_dicts = isinstance(merged.get(key), dict) and isinstance(value, dict)
        merged[key] = merge_dicts(merged[key], value) if both_dicts else value
    return merged


def prune_dict(val: Any, mode: str = "strict") -> Any:
    """The value without empty members: None (``strict``), or also other empty ones (``truthy``)."""

    def is_empty(member: Any) -> bool:
        return member is None if mode == "strict" else not member

    if mode not in {"strict", "truthy"}:
        raise ValueError("prune_dict: mode must be 'strict' or 'truthy'")
    if isinstance(val, dict):
        pruned = {key: prune_dict(member, mode) for key, member in val.items() if not is_empty(member)}
        return {
            key: member for key, member in pruned.items() if not (isinstance(val[key], (dict, list)) and not member)
        }
    if isinstance(val, list):
        members = [(member, prune_dict(member, mode)) for member in val if not is_empty(member)]
        return [pruned for member, pruned in members if not (isinstance(member, (dict, list)) and not pruned)]
    return val


def partition(pred: Callable[[T], bool], iterable: Iterable[T]) -> tuple[Iterable[T], Iterable[T]]:
    """The members for which the predicate is false, and those for which it is true."""
    no: list[T] = []
    yes: list[T] = []
    for member in iterable:
        (yes if pred(member) else no).append(member)
    return no, yes


def render_template_to_string(template: jinja2.Template, context: Mapping[str, Any]) -> str:
    """The template's text with the context's values."""
    from orchestration.authoring.templates import render_to_text

    return render_to_text(template, context)


def render_template_as_native(template: jinja2.Template, context: Mapping[str, Any]) -> Any:
    """The template's value as Python types; for templates of a native environment."""
    from orchestration.authoring.templates import render_to_native

    return render_to_native(template, context)
