"""The configuration as callers may see it: the options of the program's table, sensitive values never."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from orchestration.conf import OPTIONS, RENAMED, TABLE, conf
from orchestration.errors import Forbidden, NotFound

HIDDEN = "< hidden >"
#: The words of ``webserver.expose_config`` that show the table. Both hide sensitive values.
_NON_SENSITIVE = "non-sensitive-only"
_NOT_EXPOSED = "Your Airflow administrator chose not to expose the configuration, most likely for security reasons."

#: Sections, and their options in the table's order, as texts.
Sections = Mapping[str, Mapping[str, str]]
#: What reads some of them.
Read = Callable[[], Sections]


def require_exposed() -> None:
    """Raise Forbidden unless ``webserver.expose_config`` allows callers to see the configuration."""
    word = conf.get("webserver", "expose_config").strip().lower()
    if word != _NON_SENSITIVE and not conf.getboolean("webserver", "expose_config"):
        raise Forbidden(_NOT_EXPOSED)


def sections(only: str | None = None) -> Sections:
    """All sections, or one, without options that have no value.

    Raises NotFound for a section that is not there, and as ``require_exposed``.
    """
    require_exposed()
    shown: dict[str, dict[str, str]] = {}
    for option in OPTIONS:
        if only is None or option.section == only:
            section = shown.setdefault(option.section, {})
            if conf.get(option.section, option.key):
                section[option.key] = _shown(option.section, option.key)
    if only is not None and not shown:
        raise NotFound(f"section={only} not found.", title="section not found.")
    return shown


def option(section: str, key: str) -> Sections:
    """One option, in any case of letters or under its former name; the answer repeats the names as asked for.

    Raises NotFound, and as ``require_exposed``.
    """
    require_exposed()
    place = (section.lower(), key.lower())
    place = RENAMED.get(place, place)
    if place not in TABLE:
        raise NotFound(f"The option [{section}/{key}] is not found in config.", title="Config not found.")
    return {section: {key: _shown(*place)}}


def as_text(shown: Sections) -> str:
    """The sections as the configuration file writes them."""
    return "\n".join(
        f"[{name}]\n" + "\n".join(f"{key} = {value}" for key, value in options.items()) + "\n"
        for name, options in shown.items()
    )


def _shown(section: str, key: str) -> str:
    return HIDDEN if TABLE[section, key].sensitive else conf.get(section, key)
