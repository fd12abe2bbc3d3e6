"""What tasks leave for others."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now


class XCom(models.Model):
    """One value a task instance pushed. ``value`` is JSON text, passed on as it is.

    The DAG, task, run and map index of the instance stand here once more: lists are in their order, and no index leads
    through three tables.
    """

    task_instance = models.ForeignKey("TaskInstance", on_delete=models.CASCADE, related_name="xcoms", db_index=False)
    dag_id = models.CharField(max_length=250)
    task_id = models.CharField(max_length=250)
    run_id = models.CharField(max_length=250)
    map_index = models.IntegerField()
    key = models.CharField(max_length=512)
    value = models.TextField(help_text="JSON text.")
    length = models.IntegerField(null=True, blank=True, help_text="Of a list or object: mapped successors count it.")
    timestamp = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = "XCom"
        verbose_name_plural = "XComs"
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["task_instance", "key"], name="xcom_unique")]
        indexes = [
            models.Index(fields=["key"], name="xcom_key"),
            # The order of lists but for the key, with which an entry could be longer than PostgreSQL's indexes take.
            models.Index(fields=["dag_id", "task_id", "run_id", "map_index"], name="xcom_place"),
        ]

    def __str__(self) -> str:
        return self.key
