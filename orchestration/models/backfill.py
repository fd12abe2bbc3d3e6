"""Backfills: runs for a range of past dates."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from orchestration.models.fields import JsonTextField


class Backfill(models.Model):
    """An order to run one DAG for each of its dates in a range, at most ``max_active_runs`` at once."""

    class Reprocess(models.TextChoices):
        NONE = "none", "leave existing runs"
        FAILED = "failed", "run failed ones again"
        COMPLETED = "completed", "run finished ones again"

    dag = models.ForeignKey("Dag", on_delete=models.CASCADE, related_name="backfills")
    from_date = models.DateTimeField()
    to_date = models.DateTimeField()
    dag_run_conf = JsonTextField(default=dict)
    is_paused = models.BooleanField(default=False)
    reprocess_behavior = models.CharField(max_length=10, choices=Reprocess.choices, default=Reprocess.NONE)
    run_backwards = models.BooleanField(default=False)
    max_active_runs = models.IntegerField(default=10)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())
    completed_at = models.DateTimeField(null=True, blank=True)
    cancelled_at = models.DateTimeField(null=True, blank=True)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.dag_id} {self.from_date:%Y-%m-%d} – {self.to_date:%Y-%m-%d}"
