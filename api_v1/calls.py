"""A call of an operation, as those see it who stand between the address and the handler."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol

from rest_framework.request import Request

from api_v1.operations import Operation
from orchestration.models import User


class Call(Protocol):
    """What a viewset holds during one request; see ``viewsets.base``, whose viewsets are such."""

    operations: ClassVar[tuple[Operation, ...]]
    at_address: Mapping[str, Operation]
    request: Request
    operation: Operation
    kwargs: dict[str, Any]
    query: dict[str, Any]
    body: Any

    @property
    def caller(self) -> User:
        """Who calls."""
        ...
