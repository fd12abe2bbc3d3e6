"""Personal access tokens: ``Authorization: Bearer …``."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from knox.models import AbstractAuthToken


class PersonalAccessToken(AbstractAuthToken):  # type: ignore[misc]  # knox has no types
    """A named token of one user; only its digest is kept. ``expiry`` null is never."""

    class Scope(models.TextChoices):
        READ = "read", "read only"
        FULL = "full", "all that the owner may"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="access_tokens")
    name = models.CharField(max_length=200)
    scope = models.CharField(max_length=10, choices=Scope.choices, default=Scope.FULL)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["created", "digest"]
        constraints = [models.UniqueConstraint(fields=["user", "name"], name="token_name_unique")]

    def __str__(self) -> str:
        return f"{self.name} ({self.token_key}…)"
