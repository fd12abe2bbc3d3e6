"""``database.sql_alchemy_conn`` as Django's ``DATABASES``."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from orchestration.conf import ConfigError, conf

_POSTGRES = {"postgresql", "postgres", "pgsql"}


def database(url: str) -> dict[str, Any]:
    """Django's settings for a SQLAlchemy or Django style URL.

    ``sqlite:///relative``, ``sqlite:////absolute``, ``postgresql[+driver]://user:password@host:port/name?options``.
    Raises ConfigError for anything else.
    """
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 raises ValueError for what is no number
    except ValueError as error:
        raise ConfigError(f"[database] sql_alchemy_conn is no address of a database: {error}.") from None
    scheme = parts.scheme.partition("+")[0]
    if scheme == "sqlite":
        return _sqlite(unquote(parts.path.removeprefix("/")))
    if scheme in _POSTGRES:
        return _postgres(url)
    raise ConfigError(
        f"[database] sql_alchemy_conn starts with {parts.scheme or url[:10]!r}. "
        "Use sqlite:////absolute/path.db or postgresql://user:password@host:5432/name."
    )


def _sqlite(name: str) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": name if name in {":memory:", ""} else str(Path(name).absolute()),
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": conf.getint("database", "sqlite_busy_timeout"),
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA temp_store=MEMORY;",
        },
    }


def _postgres(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    options: dict[str, Any] = dict(parse_qsl(parts.query))
    schema = conf.get("database", "sql_alchemy_schema")
    if schema:
        options["options"] = f"-c search_path={schema}"
    size = conf.getint("database", "sql_alchemy_pool_size")
    settings: dict[str, Any] = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", None) or parts.hostname or "",
        "PORT": str(parts.port or options.pop("port", "")),
        "OPTIONS": options,
        "CONN_MAX_AGE": None,
    }
    if size > 0 and conf.getboolean("database", "sql_alchemy_pool_enabled", False):
        options["pool"] = {"min_size": 1, "max_size": size, "timeout": 10}
        settings["CONN_MAX_AGE"] = 0
    return settings
