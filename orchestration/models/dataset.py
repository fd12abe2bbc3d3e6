"""Datasets, their aliases, who writes and who waits for them, and their events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models.functions import Now

from orchestration.models.fields import JsonTextField

if TYPE_CHECKING:
    from orchestration.models.dag_run import DagRun


class Dataset(models.Model):
    """Data that tasks write and DAGs wait for, named by a URI."""

    uri = models.CharField(max_length=3000, unique=True)
    extra = JsonTextField(default=dict)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())
    is_orphaned = models.BooleanField(default=False, help_text="No DAG names it any more.")

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.uri


class DatasetAlias(models.Model):
    """A name that stands for the datasets which tasks attach to it while they run."""

    name = models.CharField(max_length=3000, unique=True)
    datasets = models.ManyToManyField(Dataset, related_name="aliases", blank=True)
    events: models.ManyToManyField[DatasetEvent, Any] = models.ManyToManyField(
        "DatasetEvent", related_name="aliases", blank=True
    )

    class Meta:
        verbose_name_plural = "dataset aliases"
        ordering = ["id"]

    def __str__(self) -> str:
        return self.name


class DagDatasetReference(models.Model):
    """A DAG whose schedule names a dataset."""

    dag = models.ForeignKey("Dag", on_delete=models.CASCADE, related_name="dataset_references", db_index=False)
    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="consuming_dags")
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["dag", "dataset"], name="dag_dataset_unique")]

    def __str__(self) -> str:
        return f"{self.dag_id} on {self.dataset_id}"


class DagDatasetAliasReference(models.Model):
    """A DAG whose schedule names a dataset alias."""

    dag = models.ForeignKey("Dag", on_delete=models.CASCADE, related_name="dataset_alias_references", db_index=False)
    alias = models.ForeignKey(DatasetAlias, on_delete=models.CASCADE, related_name="consuming_dags")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["dag", "alias"], name="dag_dataset_alias_unique")]

    def __str__(self) -> str:
        return f"{self.dag_id} on {self.alias_id}"


class TaskOutletReference(models.Model):
    """A task that writes a dataset."""

    dag = models.ForeignKey("Dag", on_delete=models.CASCADE, related_name="task_outlet_references", db_index=False)
    task_id = models.CharField(max_length=250)
    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="producing_tasks")
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["dag", "task_id", "dataset"], name="task_outlet_unique")]

    def __str__(self) -> str:
        return f"{self.dag_id} {self.task_id} writes {self.dataset_id}"


class DatasetEvent(models.Model):
    """A dataset was written: by a task, or by a caller of the API (without a source then)."""

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="events", db_index=False)
    extra = JsonTextField(default=dict)
    source_task_id = models.CharField(max_length=250, null=True, blank=True)
    source_dag_id = models.CharField(max_length=250, null=True, blank=True)
    source_run_id = models.CharField(max_length=250, null=True, blank=True)
    source_map_index = models.IntegerField(default=-1)
    timestamp = models.DateTimeField(db_default=Now())
    created_dag_runs: models.ManyToManyField[DagRun, Any] = models.ManyToManyField(
        "DagRun", related_name="consumed_dataset_events", blank=True
    )

    class Meta:
        ordering = ["timestamp", "id"]
        indexes = [
            models.Index(fields=["dataset", "timestamp"], name="dataset_event_dataset"),
            models.Index(fields=["timestamp", "id"], name="dataset_event_timestamp"),
            models.Index(fields=["source_dag_id", "source_run_id"], name="dataset_event_source"),
        ]

    def __str__(self) -> str:
        return f"{self.dataset_id} at {self.timestamp}"


class DatasetQueuedEvent(models.Model):
    """A dataset was written and this DAG has not yet run for it; several events leave one row."""

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="queued_events", db_index=False)
    dag = models.ForeignKey("Dag", on_delete=models.CASCADE, related_name="queued_dataset_events")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = "queued dataset event"
        constraints = [models.UniqueConstraint(fields=["dataset", "dag"], name="dataset_queued_event_unique")]

    def __str__(self) -> str:
        return f"{self.dataset_id} for {self.dag_id}"
