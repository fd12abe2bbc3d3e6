"""Requests to run user callbacks, which never run in the scheduler."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from orchestration.models.fields import JsonTextField


class CallbackRequest(models.Model):
    """A callback to run in a process of its own by a DAG processor."""

    class Kind(models.TextChoices):
        TASK = "task", "task callback"
        DAG = "dag", "DAG callback"
        SLA = "sla", "SLA miss callback"

    kind = models.CharField(max_length=10, choices=Kind.choices)
    fileloc = models.CharField(max_length=2000, help_text="The DAG file that defines the callback.")
    priority_weight = models.IntegerField(default=1)
    created_at = models.DateTimeField(db_default=Now())
    claimed_at = models.DateTimeField(null=True, blank=True)
    data = JsonTextField(help_text="dag_id, run_id, task_id, map_index, try_number, state, reason …")

    class Meta:
        ordering = ["-priority_weight", "id"]
        indexes = [models.Index(fields=["claimed_at", "id"], name="callback_open")]

    def __str__(self) -> str:
        return f"{self.kind} {self.fileloc}"
