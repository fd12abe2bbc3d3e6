"""What a changed password ends: the user's sessions and tokens, whatever door the change came through.

Django tells its password validators of every change (forms, commands, services all go through ``set_password`` and
``save``), so this stands among ``AUTH_PASSWORD_VALIDATORS``.
"""

from __future__ import annotations

from django.contrib.auth.models import AbstractBaseUser

from orchestration.access import sessions
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
    """Delete the user's tokens and sessions; return how many sessions there were."""
    PersonalAccessToken.objects.filter(user=user).delete()
    return sessions.end(sessions.of_user(user))
