"""DAGs as the scheduler and the faces see them, and what belongs to a DAG: tags, owners, warnings."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Self

from django.db import models
from django.db.models.functions import Now

from orchestration.models.fields import JsonTextField


class DagQuerySet(models.QuerySet["Dag"]):
    """DAGs."""

    def active(self) -> Self:
        """Those whose file still defines them."""
        return self.filter(is_active=True)

    def due(self, now: datetime) -> Self:
        """Those the scheduler should make a run for."""
        return self.filter(is_active=True, is_paused=False, has_import_errors=False, next_dagrun_create_after__lte=now)


class Dag(models.Model):
    """One DAG: its place, switches, limits, and the next run its timetable asks for.

    ``current_version`` is the serialised form of the last good parse. The row survives its file: ``is_active`` is
    false then, and the history stays readable.
    """

    dag_id = models.CharField(max_length=250, primary_key=True)
    dag_display_name = models.CharField(max_length=2000, blank=True)
    description = models.TextField(null=True, blank=True)
    root_dag_id = models.CharField(max_length=250, null=True, blank=True, help_text="The DAG that holds this sub-DAG.")
    is_subdag = models.BooleanField(default=False)
    is_paused = models.BooleanField(default=True, null=True, help_text="No new runs, and no task of a run starts.")
    is_active = models.BooleanField(default=True, help_text="The file still defines this DAG.")
    has_import_errors = models.BooleanField(
        default=False, help_text="The file's last parse failed; the last good version is used."
    )
    has_task_concurrency_limits = models.BooleanField(default=False)
    last_parsed_at = models.DateTimeField(null=True, blank=True)
    last_expired_at = models.DateTimeField(null=True, blank=True)
    fileloc = models.CharField(max_length=2000, help_text="Absolute path of the file.")
    processor_subdir = models.CharField(
        max_length=2000, null=True, blank=True, help_text="The DAGs folder the file lies in."
    )
    owners = models.CharField(
        max_length=2000, blank=True, help_text="Owners of the tasks, separated by a comma and a blank."
    )
    default_view = models.CharField(max_length=25, null=True, blank=True)
    schedule_interval = JsonTextField(
        null=True, blank=True, help_text="As the API shows it: an object with __type, or null."
    )
    timetable_summary = models.CharField(max_length=2000, null=True, blank=True)
    timetable_description = models.CharField(max_length=2000, null=True, blank=True)
    dataset_expression = JsonTextField(null=True, blank=True, help_text="The condition on datasets, or null.")
    max_active_tasks = models.IntegerField(default=16)
    max_active_runs = models.IntegerField(default=16, null=True)
    max_consecutive_failed_dag_runs = models.IntegerField(default=0)
    next_dagrun = models.DateTimeField(null=True, blank=True, help_text="Logical date of the next scheduled run.")
    next_dagrun_data_interval_start = models.DateTimeField(null=True, blank=True)
    next_dagrun_data_interval_end = models.DateTimeField(null=True, blank=True)
    next_dagrun_create_after = models.DateTimeField(null=True, blank=True, help_text="When that run may be made.")
    upcoming = JsonTextField(
        null=True, blank=True, help_text="What a user-written timetable computed ahead, when last parsed."
    )
    put_aside_reason = models.TextField(
        blank=True, help_text="Why the scheduler leaves this DAG out; empty: it does not."
    )
    put_aside_until = models.DateTimeField(null=True, blank=True, help_text="When the scheduler tries it again.")
    current_version = models.ForeignKey(
        "DagVersion", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    source = models.ForeignKey("DagSource", null=True, blank=True, on_delete=models.SET_NULL, related_name="dags")

    objects = DagQuerySet.as_manager()

    class Meta:
        verbose_name = "DAG"
        verbose_name_plural = "DAGs"
        ordering = ["dag_id"]
        indexes = [
            models.Index(
                fields=["next_dagrun_create_after"],
                name="dag_due",
                condition=models.Q(is_active=True, is_paused=False),
            ),
            models.Index(fields=["fileloc"], name="dag_fileloc"),
            models.Index(fields=["root_dag_id"], name="dag_root"),
        ]

    def __str__(self) -> str:
        return self.dag_id


#: Between the owners in ``Dag.owners``.
_BETWEEN_OWNERS = ", "


def owners_text(owners: Iterable[str]) -> str:
    """Owners as ``Dag.owners`` has them."""
    return _BETWEEN_OWNERS.join(owners)


def owners_of(text: str) -> list[str]:
    """The owners that a value of ``Dag.owners`` names."""
    return [name for name in text.split(_BETWEEN_OWNERS) if name]


class DagTag(models.Model):
    """A word on a DAG."""

    dag = models.ForeignKey(Dag, on_delete=models.CASCADE, related_name="tags", db_index=False)
    name = models.CharField(max_length=100)

    class Meta:
        verbose_name = "DAG tag"
        ordering = ["name", "id"]
        constraints = [models.UniqueConstraint(fields=["dag", "name"], name="dag_tag_unique")]
        indexes = [models.Index(fields=["name"], name="dag_tag_name")]

    def __str__(self) -> str:
        return self.name


class DagOwnerLink(models.Model):
    """Where an owner of a DAG is reached."""

    dag = models.ForeignKey(Dag, on_delete=models.CASCADE, related_name="owner_links", db_index=False)
    owner = models.CharField(max_length=500)
    link = models.CharField(max_length=500)

    class Meta:
        verbose_name = "DAG owner link"
        constraints = [models.UniqueConstraint(fields=["dag", "owner"], name="dag_owner_unique")]

    def __str__(self) -> str:
        return f"{self.owner}: {self.link}"


class DagWarning(models.Model):
    """Something about a DAG that works but should be mended."""

    class Type(models.TextChoices):
        DATASET_CONFLICT = "dataset conflict"
        NONEXISTENT_POOL = "non-existent pool"
        DUPLICATE_DAG = "duplicate dag"

    dag = models.ForeignKey(Dag, on_delete=models.CASCADE, related_name="warnings", db_index=False)
    warning_type = models.CharField(max_length=50, choices=Type.choices)
    message = models.TextField()
    timestamp = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = "DAG warning"
        ordering = ["timestamp", "id"]
        constraints = [models.UniqueConstraint(fields=["dag", "warning_type"], name="dag_warning_unique")]

    def __str__(self) -> str:
        return f"{self.dag_id}: {self.message}"


class DagSource(models.Model):
    """The text of a DAG file at one time, kept once whatever number of DAGs and versions it serves."""

    digest = models.CharField(max_length=64, primary_key=True, help_text="SHA-256 of the text, in hex.")
    fileloc = models.CharField(max_length=2000)
    text = models.TextField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = "DAG source"

    def __str__(self) -> str:
        return self.fileloc


class DagVersion(models.Model):
    """The serialised form of a DAG, kept for each shape it had, so that old runs keep theirs."""

    dag = models.ForeignKey(Dag, on_delete=models.CASCADE, related_name="versions", db_index=False)
    number = models.PositiveIntegerField(help_text="Counts the shapes of this DAG from 1.")
    digest = models.CharField(max_length=64, help_text="Of the document's shape; a new one makes a new version.")
    document = JsonTextField(help_text="What serialization.encode made.")
    source = models.ForeignKey(DagSource, null=True, blank=True, on_delete=models.SET_NULL, related_name="versions")
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = "DAG version"
        ordering = ["dag", "-number"]
        constraints = [models.UniqueConstraint(fields=["dag", "number"], name="dag_version_unique")]
        indexes = [models.Index(fields=["dag", "digest"], name="dag_version_digest")]

    def __str__(self) -> str:
        return f"{self.dag_id} v{self.number}"


class DagGrant(models.Model):
    """A role's permission on one DAG: (action, resource kind, DAG), beside the role's global permissions."""

    group = models.ForeignKey("auth.Group", on_delete=models.CASCADE, related_name="dag_grants", db_index=False)
    #: Plain text, not a key: a grant may come before its DAG and outlives a deleted one.
    dag_id = models.CharField(max_length=250)
    action = models.CharField(max_length=100, help_text="can_read, can_edit, can_delete, can_create")
    resource = models.CharField(max_length=50, default="DAGs", help_text="DAGs or DAG Runs")

    class Meta:
        verbose_name = "DAG grant"
        constraints = [
            models.UniqueConstraint(fields=["group", "dag_id", "action", "resource"], name="dag_grant_unique")
        ]
        indexes = [models.Index(fields=["dag_id"], name="dag_grant_dag")]

    def __str__(self) -> str:
        return f"{self.group}: {self.action} on {self.resource} of {self.dag_id}"


class DagImportError(models.Model):
    """Why a DAG file could not be read."""

    filename = models.CharField(max_length=1024, unique=True)
    timestamp = models.DateTimeField(db_default=Now())
    stack_trace = models.TextField()
    processor_subdir = models.CharField(max_length=2000, null=True, blank=True)

    class Meta:
        verbose_name = "import error"
        ordering = ["id"]

    def __str__(self) -> str:
        return self.filename


class ParseRequest(models.Model):
    """A wish to parse one file now; asked twice it stays one."""

    fileloc = models.CharField(max_length=2000, unique=True)
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.fileloc


#: The members of a ``RelativeDelta``: amounts to add, and parts to set; the API has no member for the weekday.
_AMOUNTS = ("years", "months", "days", "leapdays", "hours", "minutes", "seconds", "microseconds")
_FIXED = ("year", "month", "day", "hour", "minute", "second", "microsecond")


def schedule_interval_value(schedule: Any) -> Any:
    """``SerializedDag.schedule_interval`` as the API shows it: an object with ``__type``, or None."""
    if schedule is None:
        return None
    if isinstance(schedule, str):
        return {"__type": "CronExpression", "value": schedule}
    if "relativedelta" in schedule:
        parts = {name: value for name, value in schedule["relativedelta"].items() if name != "weekday"}
        return {"__type": "RelativeDelta", **dict.fromkeys(_AMOUNTS, 0), **dict.fromkeys(_FIXED), **parts}
    return {"__type": "TimeDelta", **schedule}
