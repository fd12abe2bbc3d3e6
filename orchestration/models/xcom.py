"""What tasks leave for others."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now


class XCom(models.Model):
    """One value a task instance pushed. ``value`` is JSON text, passed on as it is."""

    task_instance = models.ForeignKey("TaskInstance", on_delete=models.CASCADE, related_name="xcoms", db_index=False)
    key = models.CharField(max_length=512)
    value = models.TextField(help_text="JSON text.")
    length = models.IntegerField(null=True, blank=True, help_text="Of a list or object: mapped successors count it.")
    timestamp = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = "XCom"
        verbose_name_plural = "XComs"
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["task_instance", "key"], name="xcom_unique")]
        indexes = [models.Index(fields=["key"], name="xcom_key")]

    def __str__(self) -> str:
        return self.key
