"""Triggers: what deferred tasks wait for."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from orchestration.models.fields import EncryptedTextField


class Trigger(models.Model):
    """One trigger, run by a triggerer: a class and its arguments."""

    classpath = models.CharField(max_length=1000)
    kwargs = EncryptedTextField(help_text="JSON text; encrypted, for arguments may be secret.")
    created_at = models.DateTimeField(db_default=Now())
    triggerer = models.ForeignKey("Job", null=True, blank=True, on_delete=models.SET_NULL, related_name="triggers")

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.classpath} {self.pk}"
