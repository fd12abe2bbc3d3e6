"""The audit log: who did what, and what the system noted."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models.functions import Now


class EventLog(models.Model):
    """One event. Plain texts, not keys: the log outlives what it speaks of."""

    when = models.DateTimeField(db_default=Now())
    event = models.CharField(max_length=60)
    owner = models.CharField(
        max_length=500, null=True, blank=True, help_text="The user who did it, or the task's owner."
    )
    owner_display_name = models.CharField(max_length=500, null=True, blank=True)
    dag_id = models.CharField(max_length=250, null=True, blank=True)
    task_id = models.CharField(max_length=250, null=True, blank=True)
    run_id = models.CharField(max_length=250, null=True, blank=True)
    map_index = models.IntegerField(null=True, blank=True)
    try_number = models.IntegerField(null=True, blank=True)
    logical_date = models.DateTimeField(null=True, blank=True)
    extra = models.TextField(null=True, blank=True, help_text="JSON text, secrets masked.")

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(fields=["when"], name="event_log_when"),
            models.Index(fields=["dag_id", "id"], name="event_log_dag"),
            # A run's history; without the id, so that PostgreSQL keeps a run's many rows under one key.
            models.Index(fields=["run_id", "dag_id"], name="event_log_of_run"),
            models.Index(fields=["event", "id"], name="event_log_event"),
            models.Index(fields=["owner", "id"], name="event_log_owner"),
        ]

    def __str__(self) -> str:
        return f"{self.event} at {self.when}"

    @classmethod
    def record(cls, event: str, **columns: Any) -> EventLog:
        """Write one event in the caller's transaction; the caller masks secrets."""
        return cls.objects.create(event=event, **columns)
