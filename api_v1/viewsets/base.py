"""The base of all viewsets: the road that every request takes, and nothing beside it.

DRF's own road (content negotiation, versions, throttles, template responses) costs more than the answer to a small
request; here it is walked in the order that is promised, without what no operation uses:

1. the address and the method: 404, 405; 2. the caller: 401; 3. the request's form: 400, 413, 415;
4. the caller's permissions: 403; 5. the handler: 404, 400, 409 …

A handler returns plain data (answered as JSON with the operation's status) or a response.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any, ClassVar

from django.db import InterfaceError, OperationalError, connection
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSetMixin

from api_v1 import conditional, counts, idempotency
from api_v1.operations import Operation
from api_v1.pagination import Page
from api_v1.parsers import JsonParser, body_of
from api_v1.permissions import HoldsPermissions
from api_v1.problems import Problem, problem_of
from api_v1.renderers import JsonRenderer, dumps, json_response
from api_v1.schema import OperationSchema
from orchestration.access.authentication import (
    CallerAuthentication,
    Identity,
    challenge,
    configured_backends,
    identify,
)
from orchestration.models import User
from orchestration.services import audit

#: Path arguments that have columns of their own in the audit log, or are never shown there.
_NOT_EXTRA = frozenset({"dag_id", "task_id", "dag_run_id", "run_id", "execution_date"})


class OperationViewSet(ViewSetMixin, APIView):
    """The operations of one resource. ``operations`` lists them; the router makes the addresses."""

    operations: ClassVar[tuple[Operation, ...]] = ()
    #: The operations at this address by method; the router gives it.
    at_address: Mapping[str, Operation] = {}

    parser_classes = [JsonParser]
    renderer_classes = [JsonRenderer]
    authentication_classes = [CallerAuthentication]
    permission_classes = [HoldsPermissions]
    schema = OperationSchema()

    #: Set for each request.
    request: Request
    operation: Operation
    identity: Identity | None = None
    idempotency_key: str | None = None
    query: dict[str, Any]
    body: Any

    @property
    def caller(self) -> User:
        """Who calls. Only for operations that are not open to everybody."""
        user: User = self.request.user  # type: ignore[assignment]  # authentication made sure
        return user

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.args, self.kwargs = args, kwargs
        response: HttpResponseBase
        try:
            operation = self.at_address.get("GET" if request.method == "HEAD" else request.method or "")
            if operation is None:
                return self._without_operation(request)
            self.operation = operation
            self.request = Request(request)
            self._check_connected(request)
            response = self._answer()
        except Exception as error:
            response = problem_of(error).response()
            if response.status_code == 401 and not response.has_header("WWW-Authenticate"):
                response["WWW-Authenticate"] = challenge(configured_backends())
        if self.identity is not None:
            for name, value in self.identity.response_headers.items():
                response[name] = value
        response["Cache-Control"] = "no-store"
        return response

    def _without_operation(self, request: HttpRequest) -> HttpResponse:
        methods = {*self.at_address, "OPTIONS"} | ({"HEAD"} if "GET" in self.at_address else set())
        allow = {"Allow": ", ".join(sorted(methods)), "Cache-Control": "no-store"}
        if request.method == "OPTIONS":
            return HttpResponse(b"", content_type="text/html; charset=utf-8", headers=allow)
        problem = Problem(405, "The method is not allowed for the requested URL.", headers=allow)
        return problem.response()

    def _check_connected(self, request: HttpRequest) -> None:
        """``_check``, once more where the kept connection turns out to be dead: up to here nothing was done."""
        try:
            self._check(request)
        except (OperationalError, InterfaceError):
            if connection.in_atomic_block or connection.vendor != "postgresql" or connection.is_usable():
                raise
            connection.close()
            self._check(request)

    def _check(self, request: HttpRequest) -> None:
        operation = self.operation
        is_open = operation.rule.is_open
        if not is_open:
            self.identity = identify(request, configured_backends())
            if self.identity is None:
                raise Problem(401)
            self.request.user = self.identity.user
        if operation.body is not None:
            self.body = body_of(request)
            operation.body.check_body(self.body)
        self.query = operation.parameters.read(request.GET) if operation.is_query_checked else {}  # type: ignore[union-attr]
        if "HTTP_IDEMPOTENCY_KEY" in request.META:
            self.idempotency_key = idempotency.key_of(self)
        if not is_open and not all(asked().has_permission(self.request, self) for asked in self.permission_classes):
            raise Problem(403)

    def _answer(self) -> HttpResponseBase:
        if self.operation.event is None:
            return self._done()
        with audit.request(
            f"api.{self.operation.event}",
            actor=self.caller,
            extra=self._audit_extra(),
            dag_id=self.kwargs.get("dag_id"),
            run_id=self.kwargs.get("dag_run_id"),
            task_id=self.kwargs.get("task_id"),
        ) as asked:
            response = self._done()
            if response.has_header(idempotency.REPLAYED):
                asked.is_recorded = True  # when it was done
            return response

    def _done(self) -> HttpResponseBase:
        """The answer, under the conditions and the key that the caller sent."""
        if self.operation.id in conditional.TAGGED:
            return conditional.tagged(self, getattr(self, self.operation.action)())
        if self.operation.method == "GET":
            return self._handle()
        if self.idempotency_key is not None:
            return idempotency.once(self, self.idempotency_key, self._guard)
        return self._guard()

    def _guard(self) -> HttpResponseBase:
        meta = self.request._request.META
        if "HTTP_IF_MATCH" in meta or "HTTP_IF_NONE_MATCH" in meta:
            return conditional.guarded(self, self._handle)
        return self._handle()

    def _handle(self) -> HttpResponseBase:
        return self._respond(getattr(self, self.operation.action)())

    def _respond(self, answer: Any) -> HttpResponseBase:
        if isinstance(answer, HttpResponseBase):
            return answer
        status = self.operation.status
        if answer is None and status == 204:
            return HttpResponse(b"", status=204, content_type="application/json")
        return HttpResponse(dumps(answer), status=status, content_type="application/json")

    def count(self, found: QuerySet[Any]) -> int:
        """How many rows a list has in all; see ``counts``."""
        return counts.count(found, self._state_seen(), is_exact=self._is_exact())

    def count_named(self, key: Hashable, find: Callable[[], QuerySet[Any]]) -> int:
        """As ``count``, for rows that ``key`` names."""
        return counts.count_named(key, find, self._state_seen(), is_exact=self._is_exact())

    def tally(self, key: Hashable, find: Callable[[], QuerySet[Any]], *columns: str) -> Mapping[tuple[Any, ...], int]:
        """How many rows have each combination of values in the columns; see ``counts``."""
        return counts.tally(key, find, *columns, state=self._state_seen())

    def _state_seen(self) -> Hashable | None:
        """The state that the database was in when the caller was looked up; None where that was not asked."""
        return None if self.identity is None else counts.of_snapshot(self.identity.snapshot)

    def _is_exact(self) -> bool:
        return "no-cache" in self.request._request.META.get("HTTP_CACHE_CONTROL", "")

    def paged(self, answer: Mapping[str, Any], here: Page, total: int) -> HttpResponse:
        """A page of a list, with links to the other pages."""
        return json_response(answer, headers=here.links(self.request._request, total))

    def _audit_extra(self) -> dict[str, Any]:
        body = getattr(self, "body", None)
        if self.operation.shown is not None and body is not None:
            return dict(self.operation.shown(body))
        asked = {name: texts[-1] for name, texts in self.request._request.GET.lists()}
        asked.update({name: value for name, value in self.kwargs.items() if name not in _NOT_EXTRA})
        return {**asked, **body} if isinstance(body, dict) else asked

    def load(self) -> dict[str, Any]:
        """The body's members as the operation's serializer gives them. Raises Problem (400)."""
        assert self.operation.body is not None
        return self.operation.body.load(self.body)
