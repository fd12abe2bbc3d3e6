"""What services refuse, as exceptions that know nothing of HTTP.

``title`` is short and stable, ``str(error)`` says what was wrong and what to do next. Only the faces
(``api_v1/problems.py``, the commands) turn them into statuses, exit codes and texts.
"""

from __future__ import annotations


class OrchestrationError(Exception):
    """The base of everything a service refuses."""

    title: str | None = "Refused"

    def __init__(self, detail: str | None = None, *, title: str | None = None) -> None:
        super().__init__(detail or "")
        self.detail = detail
        if title is not None:
            self.title = title


class NotFound(OrchestrationError):
    """The named thing does not exist."""

    title = "Not Found"


class Conflict(OrchestrationError):
    """The thing exists already, or is in a state that forbids the verb."""

    title = "Conflict"


class Invalid(OrchestrationError):
    """The input breaks a rule."""

    title = "Bad Request"


class Forbidden(OrchestrationError):
    """The actor may not do this."""

    title = "Forbidden"


class PreconditionFailed(OrchestrationError):
    """The thing changed since the caller read it."""

    title = "Precondition Failed"


class Unavailable(OrchestrationError):
    """A resource (database, lock) is not available now; the same call may succeed later."""

    title = "Service Unavailable"
