"""Personal access tokens (not in the reference): ``Authorization: Bearer …``."""

from __future__ import annotations

from django.http import HttpResponse

from api_v1.filters.tokens import TokenListParameters
from api_v1.operations import Operation
from api_v1.pagination import order, page
from api_v1.problems import Problem
from api_v1.rows import Row
from api_v1.serializers.tokens import NewTokenAnswer, TokenAnswer, TokenBody, TokenCollection, token_row
from api_v1.viewsets.base import OperationViewSet
from orchestration.access import permissions
from orchestration.services import tokens, users

_ORDER = {"name": "name", "created_at": "created", "expires_at": "expiry", "last_used_at": "last_used_at"}


class TokenViewSet(OperationViewSet):
    """Personal access tokens: own ones, and everybody's for callers who may edit users."""

    operations = (
        Operation(
            "get_tokens",
            "list",
            TokenListParameters,
            answer=TokenCollection,
            tag="Token",
            summary="List personal access tokens",
        ),
        Operation(
            "post_token",
            "create",
            body=TokenBody,
            answer=NewTokenAnswer,
            codes=(404, 409),
            event="post_token",
            tag="Token",
            summary="Create a personal access token",
        ),
        Operation(
            "get_token",
            "retrieve",
            answer=TokenAnswer,
            codes=(404,),
            tag="Token",
            summary="Get a personal access token",
        ),
        Operation(
            "delete_token",
            "destroy",
            status=204,
            codes=(404,),
            event="delete_token",
            tag="Token",
            summary="Revoke a personal access token",
        ),
    )

    def list(self) -> HttpResponse:
        """Tokens without their secrets."""
        part = page(self.query)
        rows = TokenListParameters.apply(tokens.visible(self.caller), self.query)
        total = rows.count()
        chosen = part.of(order(rows, self.query.get("order_by"), _ORDER, default="created", key="digest"))
        return self.paged({"tokens": [token_row(token) for token in chosen], "total_entries": total}, part, total)

    def create(self) -> Row:
        """Make a token; the answer holds it this once."""
        values = self.load()
        username = values.pop("username", self.caller.username)
        user = self.caller
        if username != self.caller.username:
            if not permissions.is_allowed(self.caller, permissions.EDIT, permissions.USERS):
                raise Problem(403)
            user = users.find(username)
        token, text = tokens.issue(user, actor=self.caller, **values)
        return {**token_row(token), "token": text}

    def retrieve(self) -> Row:
        """One token without its secret."""
        return token_row(tokens.find(self.kwargs["token_id"], actor=self.caller))

    def destroy(self) -> None:
        """Revoke a token; it ends at once."""
        tokens.revoke(tokens.find(self.kwargs["token_id"], actor=self.caller), actor=self.caller)
