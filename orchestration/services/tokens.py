"""Personal access tokens: issue, list, revoke. The token itself is shown once; only its digest is kept."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from knox.models import get_digest_token
from knox.settings import CONSTANTS

from orchestration.access import escalation, permissions
from orchestration.access.permissions import Caller
from orchestration.errors import Conflict, Forbidden, Invalid, NotFound
from orchestration.models import PersonalAccessToken, User
from orchestration.services import audit

LONGEST_NAME: Final = 200


def visible(actor: User) -> QuerySet[PersonalAccessToken]:
    """The tokens the actor may see: their own, and everybody's for those who may edit users."""
    tokens: QuerySet[PersonalAccessToken] = PersonalAccessToken.objects.select_related("user")
    tokens = tokens.order_by("created", "digest")
    if permissions.is_allowed(actor, permissions.EDIT, permissions.USERS):
        return tokens
    return tokens.filter(user=actor)


def find(token_id: str, *, actor: User) -> PersonalAccessToken:
    """The visible token of this id (its first characters); raises NotFound."""
    token = visible(actor).filter(token_key=token_id).first()
    if token is None:
        raise NotFound(f"The token `{token_id[: CONSTANTS.TOKEN_KEY_LENGTH]}` was not found", title="Token not found")
    return token


@transaction.atomic
def issue(
    user: User,
    *,
    actor: Caller | None,
    name: str,
    scope: str = PersonalAccessToken.Scope.FULL,
    expires_at: datetime | None = None,
) -> tuple[PersonalAccessToken, str]:
    """Make a token for the user; the row, and the token to hand over.

    For another user the actor must be allowed to edit users and hold all that the user holds. Raises Conflict when the
    user has a token of this name, Invalid, Forbidden.
    """
    _require(actor, user)
    if not name or len(name) > LONGEST_NAME:
        raise Invalid(f"The token's name must have 1 to {LONGEST_NAME} characters.")
    if expires_at is not None and expires_at <= timezone.now():
        raise Invalid("The token would expire in the past. Give a later moment, or none.")
    if not user.is_active:
        raise Invalid("The user is not active.")
    digest, text = get_digest_token()
    token = PersonalAccessToken(
        digest=digest,
        token_key=text[: CONSTANTS.TOKEN_KEY_LENGTH],
        user=user,
        name=name,
        scope=PersonalAccessToken.Scope(scope),
        expiry=expires_at,
    )
    try:
        with transaction.atomic():
            token.save(force_insert=True)
    except IntegrityError:
        raise Conflict(f"There is a token named {name!r} already. Revoke it, or choose another name.") from None
    audit.record("post_token", actor=actor, extra={"name": name, "scope": token.scope, "username": user.username})
    return token, text


@transaction.atomic
def revoke(token: PersonalAccessToken, *, actor: Caller | None) -> None:
    """End a token at once. Raises Forbidden for another user's, unless the actor may edit users."""
    _require(actor, token.user)
    name = token.name
    token.delete()
    audit.record("delete_token", actor=actor, extra={"name": name, "username": token.user.username})


def _require(actor: Caller | None, user: User) -> None:
    if actor is None:
        return
    if isinstance(actor, User) and actor.pk == user.pk:
        permissions.require(actor, permissions.EDIT, permissions.MY_PROFILE)
        return
    permissions.require(actor, permissions.EDIT, permissions.USERS)
    if not isinstance(actor, User):
        raise Forbidden
    escalation.require_mastery(actor, user)
