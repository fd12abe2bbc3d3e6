"""A value that is computed when it is first looked at, and then behaves like itself."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

_UNSET = object()


class LazyProxy:
    """Stands for ``factory()``: the call is made at the first use, its result is kept.

    ``isinstance`` sees the value's class; ``is None`` never holds.
    """

    __slots__ = ("_factory", "_value")

    def __init__(self, factory: Callable[[], Any]) -> None:
        object.__setattr__(self, "_factory", factory)
        object.__setattr__(self, "_value", _UNSET)

    @property
    def __wrapped__(self) -> Any:
        if object.__getattribute__(self, "_value") is _UNSET:
            object.__setattr__(self, "_value", object.__getattribute__(self, "_factory")())
        return object.__getattribute__(self, "_value")

    @property  # type: ignore[misc]  # a property in place of the attribute, so that isinstance sees the value's class
    def __class__(self) -> Any:
        return self.__wrapped__.__class__

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__wrapped__, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self.__wrapped__, name, value)

    def __repr__(self) -> str:
        return repr(self.__wrapped__)

    def __str__(self) -> str:
        return str(self.__wrapped__)

    def __format__(self, spec: str) -> str:
        return format(self.__wrapped__, spec)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.__wrapped__(*args, **kwargs)

    def __reduce__(self) -> Any:
        return _unchanged, (self.__wrapped__,)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.__reduce__()


def _unchanged(value: Any) -> Any:
    return value


def _plain(value: Any) -> Any:
    return value.__wrapped__ if type(value) is LazyProxy else value


def _forward(function: Callable[..., Any]) -> Callable[..., Any]:
    def method(self: LazyProxy, *args: Any) -> Any:
        return function(self.__wrapped__, *map(_plain, args))

    return method


def _reflected(function: Callable[[Any, Any], Any]) -> Callable[[LazyProxy, Any], Any]:
    def method(self: LazyProxy, other: Any) -> Any:
        return function(_plain(other), self.__wrapped__)

    return method


_UNARY: dict[str, Callable[..., Any]] = {
    "bool": bool,
    "len": len,
    "iter": iter,
    "hash": hash,
    "int": int,
    "float": float,
    "reversed": reversed,
    "next": next,
    "dir": dir,
}
_OPERATORS = (
    "lt", "le", "eq", "ne", "gt", "ge", "add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and_", "or_", "xor",
    "contains", "getitem", "setitem", "delitem", "neg", "pos", "abs", "invert", "index",
)  # fmt: skip
_REFLECTED = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and_", "or_", "xor")

for _name, _function in _UNARY.items():
    setattr(LazyProxy, f"__{_name}__", _forward(_function))
for _name in _OPERATORS:
    setattr(LazyProxy, f"__{_name.strip('_')}__", _forward(getattr(operator, _name)))
for _name in _REFLECTED:
    setattr(LazyProxy, f"__r{_name.strip('_')}__", _reflected(getattr(operator, _name)))
