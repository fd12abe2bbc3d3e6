"""The processes' own logs, for people (console) or machines (JSON lines)."""

from __future__ import annotations

import logging
import logging.config
from typing import Any

import orjson

from orchestration.conf import conf

#: What every LogRecord has; anything else came in by ``extra``.
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message, and what came in by ``extra``."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **{key: value for key, value in vars(record).items() if key not in _STANDARD},
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str).decode()


def logging_settings() -> dict[str, Any]:
    """A ``logging.config.dictConfig`` document."""
    style = conf.get("logging", "log_format_style").lower()
    level = conf.get("logging", "logging_level").upper()
    formatters: dict[str, Any] = {
        "console": {"format": "%(asctime)s %(levelname)-7s %(name)s: %(message)s", "datefmt": "%Y-%m-%dT%H:%M:%S%z"},
        "json": {"()": "airflowsite.log.JsonFormatter"},
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": formatters,
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "formatter": "json" if style == "json" else "console"}
        },
        "root": {"handlers": ["stderr"], "level": "WARNING"},
        "loggers": {name: {"level": level} for name in ("airflowsite", "orchestration", "api_v1", "api_experimental")},
    }


def configure() -> None:
    """Set up logging in a process of the system; idempotent."""
    logging.config.dictConfig(logging_settings())
