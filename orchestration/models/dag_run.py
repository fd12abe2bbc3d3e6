"""DAG runs."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from orchestration.models.fields import JsonTextField
from orchestration.states import RUN_FINISHED, RUN_REACHED_FROM, RUN_UNFINISHED, DagRunState, DagRunType

if TYPE_CHECKING:
    from orchestration.serialization.values import SerializedDag


class DagRunQuerySet(models.QuerySet["DagRun"]):
    """DAG runs."""

    def unfinished(self) -> Self:
        """Queued and running ones."""
        return self.filter(state__in=RUN_UNFINISHED)

    def move(self, to: DagRunState, *, now: datetime) -> int:
        """Move those runs of this set that may go to ``to``; return how many went.

        Of two schedulers that try the same run, one gets 1 and the other 0, which is no error.
        """
        stamp = "end_date" if to in RUN_FINISHED else "start_date"
        return self.filter(state__in=RUN_REACHED_FROM[to]).update(state=to, **{stamp: now}, updated_at=now)

    def override(self, to: DagRunState, *, now: datetime) -> int:
        """An operator's word: from any state. For services only."""
        if to in RUN_FINISHED:
            return self.exclude(state=to).update(state=to, end_date=now, updated_at=now)
        if to == DagRunState.RUNNING:
            return self.update(state=to, start_date=now, end_date=None, updated_at=now)
        return self.update(
            state=to, start_date=None, end_date=None, queued_at=now, last_scheduling_decision=None, updated_at=now
        )


class DagRun(models.Model):
    """One run of a DAG, for one logical date.

    The serialised DAG of ``dag_version`` is the graph of the whole run.
    """

    dag = models.ForeignKey("Dag", on_delete=models.CASCADE, related_name="runs", db_index=False)
    run_id = models.CharField(max_length=250)
    run_type = models.CharField(max_length=50, choices=[(t.value, t.value) for t in DagRunType])
    state = models.CharField(
        max_length=50, choices=[(s.value, s.value) for s in DagRunState], default=DagRunState.QUEUED
    )
    logical_date = models.DateTimeField(help_text="What the API also calls execution_date.")
    data_interval_start = models.DateTimeField(null=True, blank=True)
    data_interval_end = models.DateTimeField(null=True, blank=True)
    queued_at = models.DateTimeField(null=True, blank=True)
    start_date = models.DateTimeField(null=True, blank=True)
    end_date = models.DateTimeField(null=True, blank=True)
    updated_at = models.DateTimeField(db_default=Now())
    last_scheduling_decision = models.DateTimeField(null=True, blank=True)
    external_trigger = models.BooleanField(default=True)
    conf = JsonTextField(default=dict, null=True, blank=True)
    creating_job = models.ForeignKey("Job", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    dag_version = models.ForeignKey("DagVersion", null=True, blank=True, on_delete=models.SET_NULL, related_name="runs")
    backfill = models.ForeignKey("Backfill", null=True, blank=True, on_delete=models.SET_NULL, related_name="runs")
    clear_number = models.PositiveIntegerField(default=0, help_text="Times the run was cleared.")
    note = models.TextField(null=True, blank=True)
    note_author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    triggered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )

    objects = DagRunQuerySet.as_manager()

    class Meta:
        verbose_name = "DAG run"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["dag", "run_id"], name="dag_run_run_id_unique"),
            models.UniqueConstraint(fields=["dag", "logical_date"], name="dag_run_logical_date_unique"),
            models.CheckConstraint(condition=Q(state__in=list(DagRunState)), name="dag_run_state_known"),
        ]
        indexes = [
            # The loop's own view: how much history there is must not matter to it.
            models.Index(
                fields=["last_scheduling_decision"],
                name="dag_run_unfinished",
                condition=Q(state__in=["queued", "running"]),
            ),
            models.Index(fields=["dag", "state"], name="dag_run_dag_state"),
            models.Index(fields=["dag", "id"], name="dag_run_of_dag"),
            models.Index(fields=["state", "id"], name="dag_run_state"),
            models.Index(fields=["run_id", "id"], name="dag_run_named"),  # a run of any DAG, and lists by run id
            models.Index(fields=["logical_date"], name="dag_run_logical_date"),
            models.Index(fields=["start_date"], name="dag_run_start_date"),
            models.Index(fields=["end_date"], name="dag_run_end_date"),
            models.Index(fields=["updated_at"], name="dag_run_updated_at"),
        ]

    def __str__(self) -> str:
        return f"{self.dag_id} {self.run_id}"

    @property
    def is_finished(self) -> bool:
        """Whether the run is over."""
        return self.state in RUN_FINISHED

    def create_task_instances(self, dag: SerializedDag, *, only: Collection[str] | None = None) -> int:
        """Make the run's missing task instances, in no state; how many were made.

        Tasks that start after or end before the logical date get none, as in Airflow. Mapped tasks whose lengths
        stand in the DAG file get an instance for each index, the others one with index -1 until they can be expanded.
        """
        return self.task_instances.create_for_run(self, dag, only=only)


def generate_run_id(run_type: DagRunType, logical_date: datetime) -> str:
    """``manual__2024-03-05T10:00:00+00:00``: the form that Airflow gives to runs without a name."""
    return f"{run_type}__{logical_date.isoformat()}"
