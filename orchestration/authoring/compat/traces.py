"""Spans of work. Mirrors ``airflow.traces`` as it is with tracing off: everything is accepted, nothing is sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

TRACEPARENT = "traceparent"
TRACESTATE = "tracestate"
NO_TRACE_ID = 1


class EmptySpan:
    """A span that keeps nothing; also a decorator and a context manager."""

    def __enter__(self) -> EmptySpan:
        return self

    def __exit__(self, *error: object) -> None:
        return None

    def __call__(self, func: F) -> F:
        return func

    def set_attribute(self, key: str, value: Any) -> None:
        """Forget it."""

    def set_attributes(self, attributes: Any) -> None:
        """Forget them."""

    def add_event(self, name: str, attributes: Any = None, timestamp: int | None = None) -> None:
        """Forget it."""

    def add_link(self, context: Any, attributes: Any = None) -> None:
        """Forget it."""

    def is_recording(self) -> bool:
        """Never."""
        return False

    def end(self, end_time: Any = None) -> None:
        """Nothing is open."""


EMPTY_SPAN = EmptySpan()


class EmptyTrace:
    """Makes spans that keep nothing."""

    @classmethod
    def get_tracer(cls, *args: Any, **kwargs: Any) -> EmptyTrace:
        """This."""
        return cls()

    @classmethod
    def start_span(cls, *args: Any, **kwargs: Any) -> EmptySpan:
        """A span."""
        return EMPTY_SPAN

    start_root_span = start_child_span = start_span_from_dagrun = start_span_from_taskinstance = start_span
    use_span = get_current_span = start_span

    @classmethod
    def inject(cls) -> dict[str, str]:
        """What tells another process of the span: nothing."""
        return {}

    @classmethod
    def extract(cls, carrier: dict[str, str]) -> EmptySpan:
        """The span of another process."""
        return EMPTY_SPAN


Trace = Tracer = EmptyTrace


def get_otel_tracer(cls: Any, *args: Any, **kwargs: Any) -> EmptyTrace:
    """A tracer of the system's."""
    return EmptyTrace()


def get_otel_tracer_for_task(cls: Any) -> EmptyTrace:
    """A tracer for a task's own spans."""
    return EmptyTrace()
