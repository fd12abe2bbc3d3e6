"""One's own account: names, password, sessions."""

from __future__ import annotations

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from orchestration.access import permissions, sessions
from orchestration.errors import Invalid, NotFound
from orchestration.models import User
from orchestration.services import audit
from orchestration.services.users import LONGEST


@transaction.atomic
def rename(user: User, *, first_name: str, last_name: str) -> User:
    """Change one's own names. Raises Invalid for one that is too long, Forbidden."""
    permissions.require(user, permissions.EDIT, permissions.MY_PROFILE)
    for field, value in (("first_name", first_name), ("last_name", last_name)):
        if len(value) > LONGEST[field]:
            raise Invalid(f"{field} is longer than {LONGEST[field]} characters.")
    user.first_name, user.last_name, user.changed_at = first_name, last_name, timezone.now()
    user.save(update_fields=["first_name", "last_name", "changed_at"])
    audit.record("edit_profile", actor=user, extra={"changed": ["first_name", "last_name"]})
    return user


@transaction.atomic
def change_password(user: User, *, old: str, new: str) -> None:
    """Change one's own password. All of the user's sessions and tokens end, the one of this request too.

    Raises Invalid where the present password is another, or the new one is refused; Forbidden.
    """
    permissions.require(user, permissions.EDIT, permissions.MY_PASSWORD)
    if not user.has_usable_password() or not user.check_password(old):
        raise Invalid("That is not your present password.")
    try:
        validate_password(new, user)
    except ValidationError as error:
        raise Invalid(f"The password is refused: {' '.join(error.messages)}") from None
    user.set_password(new)
    user.changed_at = timezone.now()
    user.save()  # the validators end sessions and tokens
    audit.record("change_password", actor=user, extra={"username": user.username})


@transaction.atomic
def end_sessions(user: User, *, keep: str | None, name: str | None = None) -> int:
    """Log out everywhere but in the session with the key ``keep``, or in the session ``name`` only; how many ended.

    Raises NotFound where the user has no session of that name; Forbidden.
    """
    permissions.require(user, permissions.EDIT, permissions.MY_PROFILE)
    mine = sessions.of_user(user)
    chosen = [each for each in mine if (each.key != keep if name is None else each.name == name)]
    if name is not None and not chosen:
        raise NotFound("That session has ended already.")
    ended = sessions.end(chosen)
    audit.record("end_sessions", actor=user, extra={"count": ended})
    return ended
