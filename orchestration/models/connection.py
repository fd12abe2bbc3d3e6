"""Connections: how tasks reach other systems."""

from __future__ import annotations

from django.db import models

from orchestration.models.fields import EncryptedTextField


class Connection(models.Model):
    """One connection; password and extra are encrypted at rest."""

    conn_id = models.CharField("connection id", max_length=250, unique=True)
    conn_type = models.CharField("type", max_length=500)
    description = models.TextField(null=True, blank=True)
    host = models.CharField(max_length=500, null=True, blank=True)
    schema = models.CharField(max_length=500, null=True, blank=True)
    login = models.TextField(null=True, blank=True)
    password = EncryptedTextField(null=True, blank=True)
    port = models.IntegerField(null=True, blank=True)
    extra = EncryptedTextField(null=True, blank=True, help_text="JSON text, or any text.")

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.conn_id
