"""People and programs that call the system."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models.functions import Now


class User(AbstractUser):  # type: ignore[django-manager-missing]  # knox has no types for the token's manager
    """Django's user, with the counters and dates that the users endpoints show.

    Roles are ``groups``. ``changed_at`` is set by the services that change a user.
    """

    email = models.EmailField("email address", max_length=320, blank=True)
    first_name = models.CharField("first name", max_length=256, blank=True)
    last_name = models.CharField("last name", max_length=256, blank=True)
    username = models.CharField("username", max_length=512, unique=True)
    login_count = models.PositiveIntegerField(null=True, blank=True, help_text="Logins so far; null before the first.")
    failed_login_count = models.PositiveIntegerField(
        null=True, blank=True, help_text="Failed logins since the last good one."
    )
    changed_at = models.DateTimeField(db_default=Now(), help_text="When an operator last changed this user.")

    class Meta(AbstractUser.Meta):
        constraints = [
            models.UniqueConstraint(fields=["email"], name="user_email_unique", condition=~models.Q(email="")),
        ]
