"""Every operation of the stable API as a call: an address with its places filled, and a body of the right form."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from rest_framework import serializers

from api_v1.operations import Operation
from api_v1.serializers.base import Choice, Listing, Moment, Object, Truth, Whole
from api_v1.viewsets import ALL

#: All operations that are served, by id.
SERVED: dict[str, Operation] = {operation.id: operation for viewset in ALL for operation in viewset.operations}
#: What stands in an address where nothing else is asked for.
PLACES = {
    "map_index": "0",
    "task_try_number": "1",
    "event_log_id": "999999",
    "import_error_id": "999999",
    "backfill_id": "999999",
}


def address(operation: Operation, **places: str) -> str:
    """The operation's path with its places filled: by name, else with something that is not there."""
    values = {**PLACES, **places}

    def fill(match: re.Match[str]) -> str:
        return quote(values.get(match[1], f"no_such_{match[1]}"), safe="~")

    path = re.sub(r"\{(\w+)\}", fill, operation.path)
    required = [f"{name}=x" for name in operation.parameters.required()] if operation.parameters else []
    return f"{path}?{'&'.join(required)}" if required else path


def body(operation: Operation) -> Any:
    """The smallest body whose form is right; None for operations without one."""
    if operation.body is None:
        return None
    return {
        name: _value(field) for name, field in operation.body.form().items() if field.required and not field.read_only
    }


def _value(field: Any) -> Any:
    match field:
        case serializers.BaseSerializer() | Object():
            return {}
        case Listing():
            return [_value(field.child)] * (field.min_length or 0)
        case Choice():
            return next(iter(field.choices))
        case Truth():
            return True
        case Whole():
            return 1
        case Moment():
            return "2024-01-01T00:00:00+00:00"
        case _:
            return "x"
