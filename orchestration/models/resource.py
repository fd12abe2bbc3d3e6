"""The holder of the (action, resource) permissions, which are Django permissions."""

from __future__ import annotations

from django.db import models


class Resource(models.Model):
    """No table: its content type carries the permissions, codename ``can_read:DAG Runs`` and so on."""

    class Meta:
        managed = False
        default_permissions = ()

    def __str__(self) -> str:
        return "resource"
