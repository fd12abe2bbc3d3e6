"""Airflow's import paths, answered by this system.

``install`` puts a finder before all others. Each path of ``alias_table`` becomes a module that is filled name by name
when a DAG file asks, so that ``import airflow`` costs nothing. A path or name outside the table is an ImportError that
says what is not provided and what to do.

Two places also hold files: ``airflow.providers`` (provider packages found on ``sys.path``, the plugins folder included)
and ``airflow.example_dags`` (the folder of Airflow's own examples, where it is parsed).
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import warnings
from collections.abc import Sequence
from functools import cache
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

from orchestration.authoring.alias_passed_on import HOMES, PASSED_ON
from orchestration.authoring.alias_table import ADVICE, DEPRECATED_NAMES, LIBRARIES, MOVED, NOT_IN_STAR, TABLE
from orchestration.conf import conf

#: The package that the table's sources are relative to.
SOURCE_PACKAGE = "orchestration.authoring"
#: Paths that only collect the names of others.
COLLECTIONS = frozenset({"airflow", "airflow.models", "airflow.decorators", "airflow.sdk"})
#: Packages of Airflow whose further modules may be files on ``sys.path``.
OPEN_PACKAGES = ("airflow.providers", "airflow.example_dags")


class NotProvided(ModuleNotFoundError):
    """An Airflow path that this system does not have; the text says what to do."""


def install() -> None:
    """Answer ``airflow`` imports from the table in this process; a second call changes nothing.

    An Airflow that is installed, or even imported, is put aside.
    """
    if any(isinstance(finder, AirflowFinder) for finder in sys.meta_path):
        return
    for name in [name for name in sys.modules if name == "airflow" or name.startswith("airflow.")]:
        del sys.modules[name]
    sys.meta_path.insert(0, AirflowFinder())


def airflow_module(cls: type) -> str:
    """The module to show for a class: Airflow's path for ours (``airflow.operators.bash``), its own for a user's."""
    shown: object = cls.__dict__.get("_airflow_module")
    if isinstance(shown, str):
        return shown
    return _shown_paths().get((cls.__module__, cls.__name__), cls.__module__)


def resolve(module: str, name: str) -> Any:
    """The object behind ``from module import name``; raises AttributeError if the table has none.

    A deprecated name warns once per importing line.
    """
    if (replacement := MOVED.get(module)) is not None and name not in TABLE.get(module, {}):
        return getattr(importlib.import_module(replacement), name)
    source = offered(module).get(name)
    if source is None:
        for holder in _open_sources(module):  # made when it is asked for, or added later
            if hasattr(holder, name):
                return getattr(holder, name)
        if name in PASSED_ON.get(module, "").split():
            home = _homes()[name]
            return getattr(importlib.import_module(home), name) if home else importlib.import_module(name)
        raise AttributeError(f"module {module!r} has no attribute {name!r}. {advice(module, name)}")
    if (instead := DEPRECATED_NAMES.get(f"{module}.{name}")) is not None:
        warnings.warn(f"{module}.{name} is deprecated. Use {instead}.", DeprecationWarning, stacklevel=3)
    place, _, attribute = source.partition(":")
    found = importlib.import_module(f"{SOURCE_PACKAGE}.{place}")
    return getattr(found, attribute) if attribute else found


@cache
def offered(module: str) -> dict[str, str]:
    """The names of an Airflow module: name → ``module of ours:attribute``. Empty for a moved module."""
    names: dict[str, str] = {}
    for place, text in TABLE.get(module, {}).items():
        for word in text.split():
            if word == "*":
                source = importlib.import_module(f"{SOURCE_PACKAGE}.{place}")
                public = getattr(source, "__all__", None) or [name for name in vars(source) if not name.startswith("_")]
                names.update({name: f"{place}:{name}" for name in public})
            else:
                name, _, ours = word.partition("=")
                names[name] = f"{place}:{ours or name}" if ours != "." else place
    return names


def advice(module: str, name: str = "") -> str:
    """What to tell someone whose import is not provided."""
    path = f"{module}.{name}" if name else module
    for prefix, text in ADVICE.items():
        if path == prefix or path.startswith(f"{prefix}."):
            return text
    if path.startswith("airflow.providers."):
        # Python imports airflow.providers.cncf first, so the prefix may be shorter than the provider's name.
        below = path.removeprefix("airflow.providers.") + "."
        fitting = (name for name in LIBRARIES if f"{name}.".startswith(below) or below.startswith(f"{name}."))
        library = LIBRARIES.get(next(fitting, ""), "of the outside system")
        return (
            f"Instead call the library {library} in a @task, "
            "or put the provider's files below airflow/providers/ "
            "in the plugins folder."
        )
    if path.startswith(("airflow.operators.", "airflow.hooks.", "airflow.sensors.", "airflow.contrib.")):
        return "Operators of outside systems are not part of this system: call their library in a @task."
    return "Remove the import, or write what it gave you into a module of your own."


class AliasModule(ModuleType):
    """A module of Airflow's that resolves each name when it is first asked for."""

    def __getattr__(self, name: str) -> Any:
        path = f"{self.__name__}.{name}"
        is_moved = self.__name__ in MOVED and not name.startswith("__")
        if name in offered(self.__name__) or is_moved:
            found = resolve(self.__name__, name)
            self.__dict__[name] = found
            return found
        if path in TABLE or path in MOVED or path in _parents():
            return importlib.import_module(path)
        return resolve(self.__name__, name)

    def __setattr__(self, name: str, value: Any) -> None:
        # Importing airflow.decorators.task_group would bind the module over the function of that name.
        if isinstance(value, AliasModule) and name in offered(self.__name__):
            return
        super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        return sorted({*self.__dict__, *offered(self.__name__)})


class AliasLoader(Loader):
    """Makes alias modules; there is no code to run."""

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return AliasModule(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        target = module.__name__
        if (replacement := MOVED.get(target)) is not None:
            warnings.warn(f"{target} is deprecated. Use {replacement}.", DeprecationWarning, stacklevel=2)
            target = replacement
        hidden = NOT_IN_STAR.get(target, "").split()
        module.__dict__["__all__"] = [
            name for name in offered(target) if not name.startswith("_") and name not in hidden
        ]


class AirflowFinder(MetaPathFinder):
    """Finds ``airflow`` and everything below it, and nothing else."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != "airflow" and not fullname.startswith("airflow."):
            return None
        if fullname in TABLE or fullname in MOVED or fullname in _parents():
            return _spec(fullname)
        if fullname in OPEN_PACKAGES and _folders(fullname):
            return _spec(fullname)
        if fullname.startswith(OPEN_PACKAGES) and _is_file(fullname, path):
            return None  # the ordinary finders load it
        parent, _, name = fullname.rpartition(".")
        sentence = f"{fullname} is not provided by this system. {advice(parent, name)}"
        if (
            parent in TABLE and parent not in _parents()
        ):  # a name of a module, as in "from airflow.operators.bash import X"
            raise ImportError(sentence, name=parent)
        raise NotProvided(sentence)


def _spec(fullname: str) -> ModuleSpec:
    spec = ModuleSpec(fullname, AliasLoader(), is_package=True)
    # Every alias is a package, also where Airflow has a module: only then does Python ask the finder for a name that
    # is missing in a "from … import", and the finder can say why.
    spec.submodule_search_locations = _folders(fullname)
    return spec


def _folders(fullname: str) -> list[str]:
    """Folders on ``sys.path`` that hold further modules of an open package."""
    below = next((p for p in OPEN_PACKAGES if fullname == p or fullname.startswith(f"{p}.")), None)
    if below is None:
        return []
    parts = fullname.split(".")
    places = [Path(entry or ".", *parts) for entry in sys.path]
    if below == "airflow.example_dags":
        roots = [conf.path("core", "dags_folder"), *(Path(entry or ".") for entry in sys.path)]
        places = [root.joinpath(*parts[2:]) for root in roots if root.name == "example_dags"] + places
    return list(dict.fromkeys(str(place) for place in places if place.is_dir()))


def _is_file(fullname: str, path: Sequence[str] | None) -> bool:
    from importlib.machinery import PathFinder

    if path is None:
        return False
    spec = PathFinder.find_spec(fullname, list(path))
    return spec is not None


@cache
def _homes() -> dict[str, str]:
    """A name that is passed on → the module it belongs to."""
    return {name: home for home, names in HOMES.items() for name in names.split()}


@cache
def _parents() -> frozenset[str]:
    """The packages that exist because something below them does."""
    found = {"airflow", "airflow.providers"}
    for path in (*TABLE, *MOVED):
        parts = path.split(".")
        found.update(".".join(parts[:end]) for end in range(1, len(parts)))
    return frozenset(found)


def _open_sources(module: str) -> list[ModuleType]:
    """The modules of ours that offer every public name."""
    places = [place for place, text in TABLE.get(module, {}).items() if text == "*"]
    return [importlib.import_module(f"{SOURCE_PACKAGE}.{place}") for place in places]


@cache
def _shown_paths() -> dict[tuple[str, str], str]:
    """Our (module, name) → the first path of the table that offers it, collections of names last."""
    shown: dict[tuple[str, str], str] = {}
    modules = [module for module in TABLE if "*" not in TABLE[module].values()]
    for module in sorted(modules, key=COLLECTIONS.__contains__):
        for source in offered(module).values():
            place, _, attribute = source.partition(":")
            if attribute:
                shown.setdefault((f"{SOURCE_PACKAGE}.{place}", attribute), module)
    return shown
