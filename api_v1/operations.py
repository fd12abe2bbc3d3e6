"""An operation of the API: what it takes, answers and leaves in the audit log.

What it asks of a caller is in ``access.requirements``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from rest_framework import serializers

from api_v1.filters.base import NoParameters, ParameterSet
from api_v1.serializers.base import BodySerializer
from orchestration.access import requirements

#: From the body and the other fields of a request, what the audit log keeps.
Extra = Callable[[Mapping[str, Any]], Mapping[str, Any]]


@dataclass(frozen=True)
class Operation:
    """``id`` names the operation in ``access.requirements`` (method, path, permissions) and in the schema.

    ``action`` is the viewset's method. ``parameters`` None: any query is accepted and none is read.
    ``answer``: a serializer (or a list's), or a schema as it is; None has no body. ``codes``: errors beside 400, 401
    and 403. ``event``: the audit log's name without ``api.``; ``shown``: how the body is kept there.
    """

    id: str
    action: str
    parameters: type[ParameterSet] | None = NoParameters
    body: type[BodySerializer] | None = None
    answer: type[serializers.BaseSerializer[Any]] | serializers.BaseSerializer[Any] | Mapping[str, Any] | None = None
    status: int = 200
    codes: tuple[int, ...] = ()
    media_types: tuple[str, ...] = ("application/json",)
    event: str | None = None
    shown: Extra | None = None
    summary: str = ""
    tag: str = ""
    further: Mapping[int, Any] = field(default_factory=dict)  # other good answers: status → serializer

    @cached_property
    def rule(self) -> requirements.Operation:
        """What it asks of a caller."""
        return requirements.BY_ID[self.id]

    @cached_property
    def is_query_checked(self) -> bool:
        """Whether unknown query parameters are refused: not where neither the path nor the query has one."""
        return self.parameters is not None and not (self.parameters is NoParameters and "{" not in self.path)

    @property
    def method(self) -> str:
        return self.rule.method

    @property
    def path(self) -> str:
        return self.rule.path
