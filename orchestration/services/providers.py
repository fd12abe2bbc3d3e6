"""The provider packages of Airflow whose imports work here: what ``authoring.alias_table`` offers of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from airflowsite import __version__
from orchestration.authoring.alias_table import TABLE

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
