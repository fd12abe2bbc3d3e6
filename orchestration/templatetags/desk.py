"""Filters of the desk's templates: moments, durations, states. All escape what they are given."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import orjson
from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from orchestration.states import TaskInstanceState

register = template.Library()

#: What stands beside a state's colour where there is room for one letter.
LETTERS = {
    "success": "✓", "failed": "✗", "running": "▸", "queued": "q", "scheduled": "s", "skipped": "–", "up_for_retry": "r",
    "up_for_reschedule": "w", "upstream_failed": "u", "deferred": "d", "removed": "x", "restarting": "↻", "": "",
}  # fmt: skip
_KNOWN = frozenset(TaskInstanceState) - {""}
#: Characters of a JSON value in a table.
_SHORT: Final = 160


@register.filter
def moment(value: datetime | None) -> SafeString | str:
    """A ``<time>`` element; the page's script writes it in the operator's zone, until then it is UTC."""
    if value is None:
        return "–"
    utc = value.astimezone(UTC)
    return format_html('<time datetime="{}">{}</time>', utc.isoformat(), utc.strftime("%Y-%m-%d %H:%M:%S UTC"))


@register.filter
def duration(value: float | timedelta | None) -> str:
    """Seconds in words: 0.4 s, 12 s, 3 min 4 s, 2 h 5 min, 3 d 4 h."""
    if value is None:
        return "–"
    number = value.total_seconds() if isinstance(value, timedelta) else float(value)
    if number < 10:
        return f"{number:.1f} s"
    whole = round(number)
    units = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))
    for (unit, size), smaller in zip(units, [*units[1:], None], strict=True):
        if whole >= size:
            rest = whole % size
            more = f" {rest // smaller[1]} {smaller[0]}" if smaller and rest >= smaller[1] else ""
            return f"{whole // size} {unit}{more}"
    return "0 s"


@register.filter
def number(value: int) -> str:
    """A whole number with its thousands set apart: 16,008."""
    return f"{value:,}"


def state_class(state: str | None) -> str:
    """The style class of a state."""
    return f"state-{state}" if state in _KNOWN else "state-none"


@register.filter
def state(value: str | None) -> SafeString:
    """A state as a coloured dot with its name."""
    return format_html(
        '<span class="state"><span class="state-dot {}" aria-hidden="true"></span>{}</span>',
        state_class(value),
        (value or "no state").replace("_", " "),
    )


@register.filter(name="state_class")
def state_class_filter(value: str | None) -> str:
    """The style class of a state."""
    return state_class(value)


@register.filter
def compact(value: Any) -> str:
    """A JSON value on one line, its start where it is long; nothing for an empty one."""
    if not value:
        return ""
    text = orjson.dumps(value, default=str).decode()
    return text if len(text) <= _SHORT else f"{text[:_SHORT]}…"
