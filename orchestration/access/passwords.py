"""What a changed password ends: the user's sessions and tokens, whatever door the change came through.

Django tells its password validators of every change (forms, commands, services all go through ``set_password`` and
``save``), so this stands among ``AUTH_PASSWORD_VALIDATORS``.
"""

from __future__ import annotations

from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import AbstractBaseUser
from django.contrib.sessions.models import Session
from django.utils import timezone

from orchestration.models import PersonalAccessToken, User


class EndAccessOnChange:
    """A password validator that accepts every password and acts when one was changed."""

    def validate(self, password: str, user: AbstractBaseUser | None = None) -> None:
        """Nothing is refused here."""

    def get_help_text(self) -> str:
        """No rule to tell."""
        return ""

    def password_changed(self, password: str, user: AbstractBaseUser | None = None) -> None:
        """End what the old password opened."""
        if isinstance(user, User) and user.pk is not None:
            end_access(user)


def end_access(user: User) -> int:
    """Delete the user's tokens and sessions; return how many sessions there were.

    Sessions hold their user inside their text, so all live ones are read; this is rare.
    """
    PersonalAccessToken.objects.filter(user=user).delete()
    live = Session.objects.filter(expire_date__gt=timezone.now())
    mine = [s.pk for s in live.iterator() if s.get_decoded().get(SESSION_KEY) == str(user.pk)]
    Session.objects.filter(pk__in=mine).delete()
    return len(mine)
