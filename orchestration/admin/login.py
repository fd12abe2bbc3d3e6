"""The desk's login form: for whoever may enter the desk, which Django's own form allows to staff only."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from django import forms
from django.contrib.auth import user_login_failed
from django.contrib.auth.forms import AuthenticationForm as PlainForm
from unfold.forms import AuthenticationForm
from unfold.widgets import UnfoldAdminTextInputWidget

from orchestration.access.permissions import WEBSITE, is_allowed
from orchestration.conf import ConfigError, conf
from orchestration.models import User


def second_factor() -> Callable[[User, str], bool] | None:
    """The function that ``webserver.second_factor`` names; None where no code is asked for."""
    named = conf.get("webserver", "second_factor")
    if not named:
        return None
    module, _, attribute = named.partition(":")
    try:
        found: Callable[[User, str], bool] = getattr(import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(f"[webserver] second_factor is {named!r} and no module:function: {error}") from None
    return found


class DeskLogin(AuthenticationForm):  # type: ignore[misc]  # unfold has no types
    """Unfold's form with the desk's own rule, and a field for a one-time code where one is asked for."""

    error_messages = {
        **PlainForm.error_messages,
        "invalid_login": "Enter the user name and the password of an account that may use this site.",
    }

    def __init__(self, request: Any = None, *args: Any, **options: Any) -> None:
        super().__init__(request, *args, **options)
        if second_factor() is not None:
            marks = {"form": "login-form", "autocomplete": "one-time-code", "inputmode": "numeric"}
            self.fields["code"] = forms.CharField(
                label="One-time code", required=False, widget=UnfoldAdminTextInputWidget(attrs=marks)
            )

    def confirm_login_allowed(self, user: Any) -> None:
        """Refuse as if the password were wrong, so that nothing is told of the account."""
        PlainForm.confirm_login_allowed(self, user)
        if not isinstance(user, User) or not is_allowed(user, "can_read", WEBSITE):
            raise self.get_invalid_login_error()
        is_right = second_factor()
        if is_right is not None and is_right(user, self.data.get("code", "")) is not True:
            credentials = {"username": user.get_username()}
            user_login_failed.send(sender=__name__, credentials=credentials, request=self.request)
            raise self.get_invalid_login_error()
