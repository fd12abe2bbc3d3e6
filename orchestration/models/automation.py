"""Automations: when something happens, do something; and the outbox of what is to be done."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from orchestration.models.fields import JsonTextField


class Automation(models.Model):
    """A rule: an event, which DAGs it is about, and an action.

    Only what happens after ``active_since`` counts. ``seen_until`` is how far the tables have been read for it.
    """

    class Event(models.TextChoices):
        RUN_SUCCESS = "run_success", "DAG run succeeded"
        RUN_FAILED = "run_failed", "DAG run failed"
        RUN_LONG = "run_long", "DAG run runs for longer than …"
        TASK_FAILED = "task_failed", "task failed"
        TASK_RETRY = "task_retry", "task failed and will be tried again"
        SLA_MISS = "sla_miss", "SLA missed"
        DAG_LATE = "dag_late", "DAG late: its run was due and is not made"
        IMPORT_ERROR = "import_error", "import error appears"
        UNHEALTHY = "unhealthy", "process unhealthy"
        DATASET = "dataset", "dataset updated"

    class Action(models.TextChoices):
        NOTIFY = "notify", "notify a channel"
        TRIGGER = "trigger", "trigger a DAG"
        PAUSE = "pause", "pause the DAG"
        DATASET_EVENT = "dataset_event", "create a dataset event"
        CLEAR_FAILED = "clear_failed", "clear the run's failed tasks, once"

    name = models.CharField(max_length=250, unique=True)
    is_enabled = models.BooleanField("enabled", default=True)
    event = models.CharField(max_length=30, choices=Event.choices, default=Event.RUN_FAILED)
    minutes = models.PositiveIntegerField(
        default=60, help_text="A run runs for longer than so many minutes; a DAG is late by so many."
    )
    dag_pattern = models.CharField(
        "DAG id", max_length=250, default="*", help_text="A pattern: * is any text, ? any character."
    )
    tag = models.CharField(max_length=100, blank=True, default="", help_text="DAGs with this tag only.")
    owner = models.CharField(max_length=500, blank=True, default="", help_text="DAGs of this owner only.")
    dataset_pattern = models.CharField(
        "dataset URI", max_length=3000, blank=True, default="", help_text="Of updated datasets: a pattern; empty: any."
    )
    action = models.CharField(max_length=30, choices=Action.choices, default=Action.NOTIFY)
    channel = models.ForeignKey(
        "NotificationChannel", null=True, blank=True, on_delete=models.PROTECT, related_name="automations"
    )
    target_dag_id = models.CharField("DAG to trigger", max_length=250, blank=True, default="")
    target_conf = JsonTextField("its configuration", default=dict, blank=True, help_text="A JSON object.")
    target_dataset = models.CharField(
        "dataset to write", max_length=3000, blank=True, default="", help_text="Its URI, and it must be known."
    )
    created_at = models.DateTimeField(db_default=Now())
    active_since = models.DateTimeField(db_default=Now(), editable=False)
    seen_until = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Delivery(models.Model):
    """What an automation is to do about one event: a row of the outbox, made once, tried until it is done."""

    class State(models.TextChoices):
        PENDING = "pending", "waits"
        DELIVERED = "delivered", "done"
        FAILED = "failed", "given up"

    automation = models.ForeignKey(
        Automation, null=True, blank=True, on_delete=models.SET_NULL, related_name="deliveries", db_index=False
    )
    automation_name = models.CharField("automation", max_length=250)
    channel = models.ForeignKey(
        "NotificationChannel", null=True, blank=True, on_delete=models.SET_NULL, related_name="deliveries"
    )
    #: What happened, in a form of which each event has one: the automation acts once for it.
    subject = models.CharField(max_length=400)
    event = models.CharField(max_length=30, choices=Automation.Event.choices)
    action = models.CharField(max_length=30, choices=Automation.Action.choices)
    dag_id = models.CharField("DAG", max_length=250, blank=True, default="")
    run_id = models.CharField("run", max_length=250, blank=True, default="")
    payload = JsonTextField(default=dict, help_text="What is told of the event.")
    state = models.CharField(max_length=20, choices=State.choices, default=State.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    last_answer = models.CharField(max_length=500, blank=True, default="")
    next_try_at = models.DateTimeField("next try", null=True, blank=True)
    created_at = models.DateTimeField("created", db_default=Now())
    done_at = models.DateTimeField("done", null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "deliveries"
        constraints = [models.UniqueConstraint(fields=["automation", "subject"], name="delivery_once")]
        indexes = [
            models.Index(fields=["next_try_at"], name="delivery_due", condition=Q(state="pending")),
            models.Index(fields=["state", "id"], name="delivery_state"),
            models.Index(fields=["created_at"], name="delivery_created"),
        ]

    def __str__(self) -> str:
        return f"{self.automation_name}: {self.subject}"
