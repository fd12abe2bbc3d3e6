"""A logger for each object, under the names that ``airflow`` logging configurations know."""

from __future__ import annotations

import logging


class LoggingMixin:
    """Gives ``self.log``; the logger's name is a prefix of the kind of object and the class's path."""

    #: First part of the logger's name; None for the class's path alone.
    _log_config_logger_name: str | None = None
    #: A name given by the user instead of the class's path.
    _logger_name: str | None = None
    _log: logging.Logger | None = None

    @property
    def log(self) -> logging.Logger:
        """The object's logger."""
        if self._log is None:
            self._log = logging.getLogger(self._logger_path())
        return self._log

    def _logger_path(self) -> str:
        own = (
            self._logger_name if self._logger_name is not None else f"{type(self).__module__}.{type(self).__qualname__}"
        )
        parts = (self._log_config_logger_name, own)
        return ".".join(part for part in parts if part)
