"""Personal access tokens: what is sent, what is answered. The token itself is answered once, when it is made."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework import serializers

from api_v1.rows import Row
from api_v1.serializers.base import BodySerializer, Choice, FilledText, Moment
from orchestration.models import PersonalAccessToken


class TokenBody(BodySerializer):
    """A new token."""

    name = FilledText(required=False, help_text="A name that says what the token is for; one of each name per user.")
    scope = Choice(list(PersonalAccessToken.Scope.values), required=False, help_text="read, or full (the default).")
    expires_at = Moment(required=False, allow_null=True, help_text="When it ends; never when it is not given.")
    username = FilledText(required=False, help_text="For another user, by somebody who may edit users.")

    required_late: ClassVar = ("name",)


class TokenAnswer(serializers.Serializer[Any]):
    """Personal access token, without its secret."""

    token_id = serializers.CharField(help_text="The first characters of the token.")
    name = serializers.CharField()
    username = serializers.CharField(help_text="Whose token it is.")
    scope = serializers.ChoiceField(choices=list(PersonalAccessToken.Scope.values))
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)
    last_used_at = serializers.DateTimeField(allow_null=True, help_text="Known to the minute.")


class NewTokenAnswer(TokenAnswer):
    """Personal access token as it is made."""

    token = serializers.CharField(help_text="The token. It is shown only now.")


class TokenCollection(serializers.Serializer[Any]):
    """Collection of personal access tokens."""

    tokens = TokenAnswer(many=True)
    total_entries = serializers.IntegerField()


def token_row(token: PersonalAccessToken) -> Row:
    """One token, without its secret."""
    return {
        "token_id": token.token_key,
        "name": token.name,
        "username": token.user.username,
        "scope": token.scope,
        "created_at": token.created,
        "expires_at": token.expiry,
        "last_used_at": token.last_used_at,
    }
