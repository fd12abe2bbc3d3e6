"""Pools: named sets of slots that running tasks share."""

from __future__ import annotations

from django.db import models

DEFAULT_POOL = "default_pool"


class Pool(models.Model):
    """A number of slots under a name; -1 slots is without limit."""

    name = models.CharField(max_length=256, unique=True)
    slots = models.IntegerField(default=0)
    description = models.TextField(null=True, blank=True)
    include_deferred = models.BooleanField(default=False, help_text="Deferred tasks hold their slots.")

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.name
