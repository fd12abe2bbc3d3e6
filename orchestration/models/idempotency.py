"""Answers kept for callers that send the same request twice."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, Self

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from orchestration.models.fields import JsonTextField

#: How long an answer is kept.
KEPT: Final = timedelta(hours=24)


class IdempotencyQuerySet(models.QuerySet["IdempotencyRecord"]):
    """Answers."""

    def expired(self, *, now: datetime) -> Self:
        """Those that are not given again; the scheduler deletes them."""
        return self.filter(created_at__lt=now - KEPT)


class IdempotencyRecord(models.Model):
    """The first answer to a request with an ``Idempotency-Key``; ``status`` is null while it is in progress."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False)
    method = models.CharField(max_length=10)
    path = models.CharField(max_length=2000)
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of path, query and canonical body, in hex.")
    status = models.IntegerField(null=True, blank=True)
    headers = JsonTextField(default=dict)
    body = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(db_default=Now())

    objects = IdempotencyQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "method", "path", "key"], name="idempotency_unique")]
        indexes = [models.Index(fields=["created_at"], name="idempotency_created")]

    def __str__(self) -> str:
        return self.key
