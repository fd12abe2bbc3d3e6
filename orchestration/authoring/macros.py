"""What templates find under ``macros``. Mirrors ``airflow.macros``."""

from __future__ import annotations

import json
import time
import uuid
from datetime import datetime, timedelta
from random import random
from typing import TYPE_CHECKING, Any

import dateutil

if TYPE_CHECKING:
    from pendulum import DateTime

__all__ = [
    "datetime",
    "datetime_diff_for_humans",
    "dateutil",
    "ds_add",
    "ds_format",
    "ds_format_locale",
    "json",
    "random",
    "time",
    "timedelta",
    "uuid",
    "yaml",  # noqa: F822 by __getattr__
]


def __getattr__(name: str) -> Any:
    if name == "yaml":
        import yaml

        return yaml
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def ds_add(ds: str, days: int) -> str:
    """The ``YYYY-MM-DD`` date so many days later: ``ds_add("2015-01-01", 5)`` is ``2015-01-06``."""
    if not days:
        return str(ds)
    return (datetime.strptime(str(ds), "%Y-%m-%d") + timedelta(days=days)).strftime("%Y-%m-%d")  # noqa: DTZ007 a date


def ds_format(ds: str, input_format: str, output_format: str) -> str:
    """A date text in another ``strftime`` form."""
    return datetime.strptime(str(ds), input_format).strftime(output_format)  # noqa: DTZ007 a date


def ds_format_locale(ds: str, input_format: str, output_format: str, locale: Any = None) -> str:
    """A date text in a form of Unicode's locale data, in a language (default: that of the process, else English)."""
    from babel import dates

    moment = datetime.strptime(str(ds), input_format)  # noqa: DTZ007 a date
    return str(dates.format_datetime(moment, format=output_format, locale=locale or dates.LC_TIME or "en_US"))


def datetime_diff_for_humans(dt: Any, since: DateTime | None = None) -> str:
    """The distance of a moment from another (default: now) in words, ``2 days ago``."""
    import pendulum

    return str(pendulum.instance(dt).diff_for_humans(since))
