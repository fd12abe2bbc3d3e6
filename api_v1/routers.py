"""Addresses: one for each path of ``access.requirements``, without trailing slashes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from django.urls import URLPattern, URLResolver, re_path
from rest_framework.routers import BaseRouter

from api_v1.operations import Operation
from api_v1.viewsets.base import OperationViewSet

#: What a path argument matches. NUL is in none; most names hold no slash, these do.
_NAME = r"[^/\x00]+"
_NUMBER = r"[0-9]{1,18}"
_REST = r"[^\x00]+"
_MATCHES = {
    "uri": _REST,
    "variable_key": _REST,
    "xcom_key": _REST,
    "map_index": _NUMBER,
    "task_try_number": _NUMBER,
    "event_log_id": _NUMBER,
    "import_error_id": _NUMBER,
    "backfill_id": _NUMBER,
}


def pattern(path: str) -> str:
    """The regular expression for a path template: ``/dags/{dag_id}`` and so on."""

    def argument(match: re.Match[str]) -> str:
        return f"(?P<{match[1]}>{_MATCHES.get(match[1], _NAME)})"

    parts = re.split(r"(\{\w+\})", path.removeprefix("/"))
    return (
        "^"
        + "".join(re.sub(r"\{(\w+)\}", argument, part) if part.startswith("{") else _escaped(part) for part in parts)
        + r"\Z"
    )


def _escaped(part: str) -> str:
    return re.escape(part).replace(r"\~", "~")  # ~ means nothing in an expression, and the document shows the path


def _literal_first(path: str) -> list[tuple[bool, str]]:
    return [(part.startswith("{"), part) for part in path.split("/")]


class OperationRouter(BaseRouter):
    """Registers viewsets by what their ``operations`` say.

    Patterns are tried in the order of ``priority``, then the literal before the variable: ``/datasets/events`` before
    ``/datasets/{uri}``.
    """

    #: The addresses asked most often come first.
    priority: Iterable[str] = ()

    def __init__(self) -> None:
        super().__init__()
        self._viewsets: list[type[OperationViewSet]] = []

    def register(self, viewset: type[OperationViewSet]) -> None:  # type: ignore[override]  # needs no prefix and no name
        """Add the viewset's operations."""
        self._viewsets.append(viewset)

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """The addresses. Raises ValueError where two viewsets claim the same one."""
        at: dict[str, tuple[type[OperationViewSet], dict[str, Operation]]] = {}
        for viewset in self._viewsets:
            for operation in viewset.operations:
                owner, operations = at.setdefault(operation.path, (viewset, {}))
                if owner is not viewset:
                    raise ValueError(f"{operation.path} belongs to {owner.__name__} and to {viewset.__name__}")
                operations[operation.method] = operation
        paths = sorted(at, key=_literal_first)
        asked_first: list[str] = []
        for path in self.priority:
            # what the hot address would swallow stays before it
            asked_first += [other for other in paths if re.match(pattern(path), other.removeprefix("/"))]
        ordered = dict.fromkeys([*asked_first, *paths])
        return [self._url(path, *at[path]) for path in ordered]

    @staticmethod
    def _url(path: str, viewset: type[OperationViewSet], operations: dict[str, Operation]) -> URLPattern:
        actions: dict[str, Any] = {method.lower(): operation.action for method, operation in operations.items()}
        view = viewset.as_view(actions, at_address=operations)
        return re_path(pattern(path), view, name=next(iter(operations.values())).id)
