"""The provider packages of Airflow whose imports work here: what ``authoring.alias_table`` offers of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from airflowsite import __version__
from orchestration.authoring.alias_table import TABLE
from orchestration.authoring.hook_table import HOOKS

_PREFIX: Final = "airflow.providers."
#: What each is about.
_ABOUT: Final[Mapping[str, str]] = {
    "common.compat": "Common compatibility: paths that moved between releases",
    "common.io": "Object storage and file transfer",
    "common.sql": "SQL https://en.wikipedia.org/wiki/SQL",
    "http": "Hypertext Transfer Protocol (HTTP) https://www.w3.org/Protocols/",
    "postgres": "PostgreSQL https://www.postgresql.org/",
    "smtp": "Simple Mail Transfer Protocol (SMTP) https://tools.ietf.org/html/rfc5321",
    "sqlite": "SQLite https://www.sqlite.org/",
    "standard": "Operators and sensors of the core",
}


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider package; ``version`` is this program's, which stands in its place."""

    package: str
    description: str
    version: str = __version__


def all_provided() -> list[Provider]:
    """The provider packages, by name."""
    offered = tuple(path.removeprefix(_PREFIX) for path in TABLE if path.startswith(_PREFIX))
    return [
        Provider(f"apache-airflow-providers-{name.replace('.', '-')}", about)
        for name, about in _ABOUT.items()
        if any(path == name or path.startswith(f"{name}.") for path in offered)
    ]


def facts(provider: Provider) -> dict[str, Any]:
    """What a provider brings, with the members and in the order of its metadata in Airflow; what it lacks is left out.

    Members that tell of the package's own release (``source-date-epoch``, ``dependencies``) have no meaning here.
    """
    short = provider.package.removeprefix("apache-airflow-providers-").replace("-", ".")
    name, _, address = provider.description.partition(" https://")
    integration = {"integration-name": name}
    modules = sorted(path for path in TABLE if path.startswith(f"{_PREFIX}{short}."))
    found: dict[str, Any] = {
        "package-name": provider.package,
        "name": name,
        "description": provider.description,
        "state": "ready",
        "versions": [provider.version],
        "integrations": [{**integration, "external-doc-url": f"https://{address}"} if address else integration],
    }
    for kind in ("operators", "sensors", "hooks", "triggers"):
        of_kind = [path for path in modules if path.startswith(f"{_PREFIX}{short}.{kind}.")]
        if of_kind:
            found[kind] = [{**integration, "python-modules": of_kind}]
    kinds = [
        {"hook-class-name": f"{_PREFIX}{short}.hooks.{module.rpartition('.')[2]}.{hook}", "connection-type": kind}
        for kind, (module, hook, _) in HOOKS.items()
        if f"{_PREFIX}{short}.hooks.{module.rpartition('.')[2]}" in modules
    ]
    if kinds:
        found["connection-types"] = kinds
    notifiers = [
        f"{path}.{word}"
        for path in modules
        if path.startswith(f"{_PREFIX}{short}.notifications.")
        for words in TABLE[path].values()
        for word in words.split()
        if word.endswith("Notifier")
    ]
    if notifiers:
        found["notifications"] = notifiers
    return found
