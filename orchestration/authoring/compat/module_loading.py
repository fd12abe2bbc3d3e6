"""Objects by their dotted path. Mirrors ``airflow.utils.module_loading``."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterator
from importlib import import_module
from types import ModuleType
from typing import Any


def import_string(dotted_path: str) -> Any:
    """The object of a path like ``package.module.name``; ImportError if there is none."""
    module, dot, name = dotted_path.rpartition(".")
    if not dot:
        raise ImportError(f"{dotted_path!r} is no dotted path: write package.module.name")
    try:
        return getattr(import_module(module), name)
    except AttributeError:
        raise ImportError(f"There is no {name} in module {module}") from None


def qualname(o: object | Callable[..., Any]) -> str:
    """The dotted path of a class, a function, or an object's class."""
    if callable(o) and hasattr(o, "__module__") and hasattr(o, "__qualname__"):
        return f"{o.__module__}.{o.__qualname__}"
    return f"{type(o).__module__}.{type(o).__qualname__}"


def iter_namespace(ns: ModuleType) -> Iterator[tuple[Any, str, bool]]:
    """The modules of a package: finder, full name, and whether it is a package."""
    yield from pkgutil.iter_modules(ns.__path__, f"{ns.__name__}.")
