"""JSON out: strict, fast, with the reference's texts for moments."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

import orjson
from django.http import HttpResponse
from rest_framework.renderers import BaseRenderer


def _other(value: Any) -> Any:
    match value:
        case set() | frozenset():
            return sorted(value)
        case timedelta():
            return value.total_seconds()
        case Decimal():
            return float(value)
        case _ if hasattr(value, "__str__") and type(value).__module__.startswith("django.utils.functional"):
            return str(value)
        case _:
            raise TypeError(f"{type(value).__name__} has no JSON form")


def dumps(value: Any) -> bytes:
    """``value`` as JSON.

    Aware datetimes are written in their own offset: ``2024-03-05T10:00:00+00:00``, with microseconds only where there
    are some. NaN and infinity become null. Ready JSON can be given as ``raw(text)``.
    """
    return orjson.dumps(value, _other, orjson.OPT_NON_STR_KEYS)


def raw(text: str | bytes) -> orjson.Fragment:
    """JSON text that is put into the answer as it is."""
    return orjson.Fragment(text)


def json_response(value: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """``value`` as an answer."""
    return HttpResponse(dumps(value), status=status, content_type="application/json", headers=headers)


class JsonRenderer(BaseRenderer):
    """What the stable API answers, whatever ``Accept`` says."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        return dumps(data)
