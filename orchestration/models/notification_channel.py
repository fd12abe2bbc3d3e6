"""Channels: where automations send their notices."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.db import models
from django.db.models.functions import Now

from orchestration.models.fields import EncryptedTextField


class NotificationChannel(models.Model):
    """One channel; its address and its key are encrypted at rest, for a chat's address is a secret, too."""

    class Kind(models.TextChoices):
        WEBHOOK = "webhook", "webhook, signed"
        SLACK = "slack", "Slack, or a chat with the same webhooks"
        EMAIL = "email", "e-mail"

    name = models.CharField(max_length=250, unique=True)
    kind = models.CharField(max_length=20, choices=Kind.choices, default=Kind.WEBHOOK)
    description = models.CharField(max_length=500, blank=True, default="")
    url = EncryptedTextField("address", null=True, blank=True, help_text="Of a webhook: http or https.")
    secret = EncryptedTextField("signing key", null=True, blank=True)
    recipients = models.TextField(
        blank=True, default="", help_text="E-mail: addresses, separated by commas or semicolons."
    )
    is_enabled = models.BooleanField("enabled", default=True, help_text="Off: notices wait until it is on again.")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = "notification channel"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def shown_target(self) -> str:
        """Where it leads, without what may be secret: a path or a query may hold a token."""
        if self.kind == self.Kind.EMAIL:
            return self.recipients
        try:
            parts = urlsplit(self.url or "")
            host = f"{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}"
        except ValueError:
            return ""
        return f"{parts.scheme}://{host}/…" if parts.scheme else ""
