"""Backfills: runs for a range of past dates."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef
from django.db.models.functions import Now

from orchestration.models.fields import JsonTextField
from orchestration.states import RUN_UNFINISHED


class BackfillQuerySet(models.QuerySet["Backfill"]):
    """Backfills."""

    def at_work(self) -> Self:
        """Those that are neither over nor cancelled."""
        return self.filter(completed_at=None, cancelled_at=None)

    def complete(self, *, now: datetime) -> int:
        """Note the end of those of this set all of whose runs are over; how many there were.

        To be called after the runs' own change, in its transaction. The rows are locked first: of two who end the last
        two runs at once, the later one sees what the earlier one did.
        """
        pks = list(self.filter(completed_at=None).select_for_update().order_by("pk").values_list("pk", flat=True))
        if not pks:
            return 0
        runs = self.model._meta.get_field("runs").related_model._default_manager
        left = runs.filter(backfill=OuterRef("pk"), state__in=RUN_UNFINISHED)
        open_ones = self.model._default_manager.filter(~Exists(left), pk__in=pks, completed_at=None)
        return open_ones.update(completed_at=now, updated_at=now)


class Backfill(models.Model):
    """An order to run one DAG for each of its dates in a range, at most ``max_active_runs`` at once.

    ``completed_at`` is set when the last of its runs ends, also of a cancelled one; a run that is cleared later runs
    again and does not open it anew.
    """

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

    objects = BackfillQuerySet.as_manager()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.dag_id} {self.from_date:%Y-%m-%d} – {self.to_date:%Y-%m-%d}"
