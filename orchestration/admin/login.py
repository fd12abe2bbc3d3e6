"""The desk's login form: for whoever may enter the desk, which Django's own form allows to staff only."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.forms import AuthenticationForm as PlainForm
from unfold.forms import AuthenticationForm

from orchestration.access.permissions import WEBSITE, is_allowed
from orchestration.models import User


class DeskLogin(AuthenticationForm):  # type: ignore[misc]  # unfold has no types
    """Unfold's form with the desk's own rule."""

    error_messages = {
        **PlainForm.error_messages,
        "invalid_login": "Enter the user name and the password of an account that may use this site.",
    }

    def confirm_login_allowed(self, user: Any) -> None:
        """Refuse as if the password were wrong, so that nothing is told of the account."""
        PlainForm.confirm_login_allowed(self, user)
        if not isinstance(user, User) or not is_allowed(user, "can_read", WEBSITE):
            raise self.get_invalid_login_error()
