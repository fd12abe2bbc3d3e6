"""``Accept``: the best of what can be answered (RFC 9110, section 12.5.1)."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import HttpRequest


def best_match(request: HttpRequest, offered: Sequence[str]) -> str | None:
    """The offered type that the caller likes best, the first of equals; None when none is acceptable.

    A request without the header takes anything.
    """
    header = request.headers.get("Accept", "").strip() or "*/*"
    ranges = [_range(part) for part in header.split(",") if part.strip()]
    liked = [(quality, -place, kind) for place, kind in enumerate(offered) if (quality := _quality(kind, ranges)) > 0]
    return max(liked)[2] if liked else None


def _range(part: str) -> tuple[str, float]:
    name, *parameters = (piece.strip().lower() for piece in part.split(";"))
    quality = 1.0
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                quality = min(1.0, max(0.0, float(parameter[2:])))
            except ValueError:
                quality = 0.0
    return name, quality


def _quality(kind: str, ranges: Sequence[tuple[str, float]]) -> float:
    """By the most specific range that matches."""
    for wanted in (kind, f"{kind.partition('/')[0]}/*", "*/*"):
        found = [quality for name, quality in ranges if name == wanted]
        if found:
            return max(found)
    return 0.0
