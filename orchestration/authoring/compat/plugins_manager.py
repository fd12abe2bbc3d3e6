"""Plugins: classes in the plugins folder that add to the system. Mirrors ``airflow.plugins_manager``.

What takes effect here: macros (``{{ macros.<plugin>.<name> }}``), and everything that a plugin's module may be imported
for (operators, hooks, sensors, timetables, priority weights). Parts for Airflow's own web pages are kept and listed.
"""

from __future__ import annotations

import importlib.util
import logging
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

from orchestration.authoring import macros
from orchestration.authoring.exceptions import AirflowException
from orchestration.conf import conf

log = logging.getLogger(__name__)

#: What every file with a plugin in it says. The folder may hold whole packages of other modules.
_SIGN = b"Plugin"


class AirflowPluginException(Exception):
    """A plugin's class is not right."""


class AirflowPlugin:
    """The base of a plugin's class; ``name`` is required."""

    name: str | None = None
    source: Any = None
    hooks: ClassVar[list[Any]] = []
    executors: ClassVar[list[Any]] = []
    macros: ClassVar[list[Any]] = []
    admin_views: ClassVar[list[Any]] = []
    flask_blueprints: ClassVar[list[Any]] = []
    menu_links: ClassVar[list[Any]] = []
    appbuilder_views: ClassVar[list[Any]] = []
    appbuilder_menu_items: ClassVar[list[Any]] = []
    global_operator_extra_links: ClassVar[list[Any]] = []
    operator_extra_links: ClassVar[list[Any]] = []
    ti_deps: ClassVar[list[Any]] = []
    timetables: ClassVar[list[Any]] = []
    listeners: ClassVar[list[Any]] = []
    hook_lineage_readers: ClassVar[list[Any]] = []
    priority_weight_strategies: ClassVar[list[Any]] = []

    @classmethod
    def validate(cls) -> None:
        """Raise AirflowPluginException for a class without a name."""
        if not cls.name:
            raise AirflowPluginException(f"The plugin class {cls.__name__} has no name: write name = '…' in it")

    @classmethod
    def on_load(cls, *args: Any, **kwargs: Any) -> None:
        """Called once when the plugin is loaded."""


#: The plugins loaded, and file → why one could not be; None before ``ensure_plugins_loaded``.
plugins: list[type[AirflowPlugin]] | None = None
import_errors: dict[str, str] = {}


def ensure_plugins_loaded() -> None:
    """Import the files of the plugins folder that speak of a plugin, once in this process, and collect their plugins.

    A file that cannot be imported, or that ends the interpreter, is logged and noted in ``import_errors``; the others
    are loaded. The folder comes to the end of the import path.
    """
    global plugins
    if plugins is not None:
        return
    plugins = []
    folder = conf.path("core", "plugins_folder")
    if folder.is_dir() and str(folder) not in sys.path:
        sys.path.append(str(folder))
    for path in sorted(folder.rglob("*.py")):
        try:
            if _SIGN not in path.read_bytes():
                continue
            module = _imported(path, folder)
            for candidate in list(vars(module).values()):
                if _is_plugin_of(candidate, module):
                    candidate.validate()
                    candidate.on_load()
                    plugins.append(candidate)
        except (Exception, SystemExit) as error:
            log.exception("The plugin file %s could not be loaded, and is left out", path)
            import_errors[str(path)] = str(error)


def integrate_macros_plugins() -> None:
    """Put each plugin's macros below ``macros.<plugin>``."""
    ensure_plugins_loaded()
    for plugin in plugins or ():
        if plugin.macros and plugin.name:
            holder = ModuleType(f"airflow.macros.{plugin.name}")
            vars(holder).update({macro.__name__: macro for macro in plugin.macros})
            sys.modules[holder.__name__] = holder
            setattr(macros, plugin.name, holder)


def get_plugin_info(attrs_to_dump: Any = None) -> list[dict[str, Any]]:
    """What each plugin adds, as texts."""
    ensure_plugins_loaded()
    names = list(attrs_to_dump or [name for name, kind in vars(AirflowPlugin).items() if isinstance(kind, list)])
    return [
        {"name": plugin.name, **{name: [_described(part) for part in getattr(plugin, name, [])] for name in names}}
        for plugin in plugins or ()
    ]


def find_plugin(name: str) -> type[AirflowPlugin]:
    """The plugin of that name; AirflowException if there is none."""
    ensure_plugins_loaded()
    for plugin in plugins or ():
        if plugin.name == name:
            return plugin
    raise AirflowException(f"There is no plugin {name!r}. Look into the plugins folder, or at the import errors.")


def _imported(path: Path, folder: Path) -> ModuleType:
    """The module of a plugin file, under the name by which DAG files import it."""
    name = ".".join(path.relative_to(folder).with_suffix("").parts).removesuffix(".__init__")
    known = sys.modules.get(name)
    if known is not None and getattr(known, "__file__", None) == str(path):
        return known
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module


def _is_plugin_of(candidate: Any, module: ModuleType) -> bool:
    return (
        isinstance(candidate, type)
        and issubclass(candidate, AirflowPlugin)
        and candidate is not AirflowPlugin
        and candidate.__module__ == module.__name__
    )


def _described(part: Any) -> str:
    kind = part if isinstance(part, type) or callable(part) else type(part)
    return f"{kind.__module__}.{getattr(kind, '__qualname__', kind)}"
