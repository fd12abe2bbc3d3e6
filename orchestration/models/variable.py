"""Variables: texts that DAG files and tasks look up."""

from __future__ import annotations

from django.db import models

from orchestration.models.fields import EncryptedTextField


class Variable(models.Model):
    """One variable; its value is encrypted at rest."""

    key = models.CharField(max_length=250, unique=True)
    val = EncryptedTextField(null=True, blank=True)
    description = models.TextField(null=True, blank=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.key
