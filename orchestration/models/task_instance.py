"""Task instances, their earlier tries, reschedules and rendered fields."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import connection, models
from django.db.models import Q
from django.db.models.expressions import DatabaseDefault
from django.db.models.functions import Now

from orchestration.models.dag_run import DagRun
from orchestration.models.fields import JsonTextField
from orchestration.serialization.mapping import literal_count
from orchestration.states import FINISHED, REACHED_FROM, TaskInstanceState

if TYPE_CHECKING:
    from orchestration.models.backfill import Backfill
    from orchestration.serialization.values import SerializedDag, SerializedTask

#: Rows one INSERT makes; SQLite allows 32,766 parameters to a statement.
INSERT_BATCH = 500


class TaskInstanceQuerySet(models.QuerySet["TaskInstance"]):
    """Task instances."""

    def move(self, to: TaskInstanceState, *, now: datetime, **also: object) -> int:
        """Move those of this set that may go to ``to``, with further columns ``also``; return how many went.

        A process that lost the race gets 0 and does nothing. A final state ends the claim: a late writer is fenced.
        """
        stamps: dict[str, object] = {"updated_at": now}
        if to == TaskInstanceState.RUNNING:
            stamps["start_date"] = now
        elif to == TaskInstanceState.QUEUED:
            stamps["queued_at"] = now
        elif to in FINISHED or to == TaskInstanceState.UP_FOR_RETRY:
            stamps["end_date"] = now
            stamps["claim"] = None
        return self.filter(state__in=REACHED_FROM[to]).update(state=to, **{**stamps, **also})

    def override(self, to: TaskInstanceState, *, now: datetime, **also: object) -> int:
        """An operator's word: from any state; the running try loses its claim and its process. For services only."""
        stamps: dict[str, object] = {"updated_at": now, "claim": None}
        if to in FINISHED:
            stamps["end_date"] = now
        return self.update(state=to, **{**stamps, **also})

    def create_for_run(self, run: DagRun, dag: SerializedDag, *, only: Collection[str] | None = None) -> int:
        """See ``DagRun.create_task_instances``; a few statements, whatever the size of the DAG."""
        have = set(self.filter(run=run).values_list("task_id", flat=True))
        rows = [
            TaskInstance.of(run, task, map_index)
            for task in dag.tasks.values()
            if task.task_id not in have and (only is None or task.task_id in only) and _is_within_dates(task, run)
            for map_index in _first_map_indexes(dag, task.task_id)
        ]
        self.bulk_create(rows, batch_size=INSERT_BATCH)
        return len(rows)

    def create_for_backfill(
        self, backfill: Backfill, dag: SerializedDag, *, only: Collection[str] | None = None
    ) -> None:
        """The first instances of all runs of a backfill, none of which has any: one statement for each task.

        Within a run they have the order of the tasks. A hundred thousand rows made one by one take half a minute.
        """
        for task in dag.tasks.values():
            if only is None or task.task_id in only:
                _insert_into_runs(
                    backfill, TaskInstance.of_dag(dag.dag_id, task), _first_map_indexes(dag, task.task_id)
                )


def first_instances(dag: SerializedDag, *, only: Collection[str] | None = None) -> int:
    """How many instances a new run of the DAG begins with at most."""
    tasks = dag.tasks if only is None else [task_id for task_id in dag.tasks if task_id in only]
    return sum(literal_count(dag, task_id) or 1 for task_id in tasks)


def _insert_into_runs(backfill: Backfill, sample: TaskInstance, map_indexes: Iterable[int]) -> None:
    """Insert the sample with each of the indexes into each of the backfill's runs."""
    run_model = TaskInstance._meta.get_field("run").related_model
    quote = connection.ops.quote_name
    columns, values = [], []
    for column in TaskInstance._meta.concrete_fields:
        value = getattr(sample, column.attname)
        if column.primary_key or column.name in {"run", "map_index"} or isinstance(value, DatabaseDefault):
            continue
        columns.append(quote(column.column or column.name))
        values.append(column.get_db_prep_save(value, connection))
    is_postgres = connection.vendor == "postgresql"
    indexes: Any = list(map_indexes) if is_postgres else json.dumps(list(map_indexes))
    # Every name in the text is this program's own; the values are parameters.
    text = (
        f"INSERT INTO {quote(TaskInstance._meta.db_table)} (run_id, map_index, {', '.join(columns)}) "  # noqa: S608
        f"SELECT run.id, i.value, {', '.join(['%s'] * len(values))} FROM {quote(run_model._meta.db_table)} run "
        f"CROSS JOIN {'unnest(%s::int[]) AS i(value)' if is_postgres else 'json_each(%s) AS i'} "
        "WHERE run.backfill_id = %s ORDER BY run.id, i.value"
    )
    with connection.cursor() as cursor:
        cursor.execute(text, [*values, indexes, backfill.pk])


def _is_within_dates(task: SerializedTask, run: DagRun) -> bool:
    if run.run_type == "backfill":
        return True
    if task.start_date is not None and task.start_date > run.logical_date:
        return False
    return task.end_date is None or run.logical_date <= task.end_date


def _first_map_indexes(dag: SerializedDag, task_id: str) -> Iterator[int]:
    count = literal_count(dag, task_id)
    if not count:  # not mapped, not known yet, or nothing to do: the scheduler expands or skips the placeholder
        yield -1
    else:
        yield from range(count)


class TaskInstance(models.Model):
    """One task in one run; for a mapped task one per map index.

    ``try_number`` counts the tries, 0 before the first is scheduled. ``claim`` is the token of the try that is queued
    or running: every write of a task process carries it, so that a late writer changes nothing.
    """

    run = models.ForeignKey("DagRun", on_delete=models.CASCADE, related_name="task_instances", db_index=False)
    #: The run's DAG again, so that lists over DAGs need no join.
    dag = models.ForeignKey("Dag", on_delete=models.CASCADE, related_name="task_instances", db_index=False)
    task_id = models.CharField(max_length=250)
    map_index = models.IntegerField(default=-1)
    state = models.CharField(
        max_length=20, blank=True, default="", choices=[(s.value, s.value or "no state") for s in TaskInstanceState]
    )
    try_number = models.IntegerField(default=0)
    max_tries = models.IntegerField(default=0)
    start_date = models.DateTimeField(null=True, blank=True)
    end_date = models.DateTimeField(null=True, blank=True)
    duration = models.FloatField(null=True, blank=True, help_text="Seconds from start to end.")
    queued_at = models.DateTimeField(null=True, blank=True)
    queued_by_job = models.ForeignKey(
        "Job", null=True, blank=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    updated_at = models.DateTimeField(db_default=Now())
    last_heartbeat_at = models.DateTimeField(null=True, blank=True)
    not_before = models.DateTimeField(null=True, blank=True, help_text="When a retry or reschedule is due.")
    hostname = models.CharField(max_length=1000, blank=True, default="")
    unixname = models.CharField(max_length=1000, blank=True, default="")
    pid = models.IntegerField(null=True, blank=True)
    claim = models.UUIDField(null=True, blank=True)
    operator = models.CharField(max_length=1000, blank=True, default="")
    custom_operator_name = models.CharField(max_length=1000, blank=True, default="")
    task_display_name = models.CharField(max_length=2000, blank=True, default="")
    pool = models.CharField(max_length=256, default="default_pool")
    pool_slots = models.IntegerField(default=1)
    queue = models.CharField(max_length=256, default="default")
    priority_weight = models.IntegerField(default=1)
    executor = models.CharField(max_length=1000, null=True, blank=True)
    executor_config = JsonTextField(null=True, blank=True)
    external_executor_id = models.CharField(max_length=250, null=True, blank=True)
    trigger = models.ForeignKey(
        "Trigger", null=True, blank=True, on_delete=models.SET_NULL, related_name="task_instances"
    )
    trigger_timeout_at = models.DateTimeField(null=True, blank=True)
    next_method = models.CharField(max_length=1000, null=True, blank=True)
    next_kwargs = JsonTextField(null=True, blank=True)
    rendered_map_index = models.CharField(max_length=250, null=True, blank=True)
    reason = models.TextField(
        blank=True, default="", help_text="Why the system put the instance into its state, where it did."
    )
    note = models.TextField(null=True, blank=True)
    note_author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )

    objects = TaskInstanceQuerySet.as_manager()

    class Meta:
        verbose_name = "task instance"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["run", "task_id", "map_index"], name="task_instance_unique"),
            models.CheckConstraint(condition=Q(state__in=list(TaskInstanceState)), name="task_instance_state_known"),
        ]
        indexes = [
            # Served to the loop: rows in work are few, whatever the history.
            models.Index(
                fields=["state", "not_before"],
                name="task_instance_in_work",
                condition=Q(
                    state__in=[
                        "scheduled",
                        "queued",
                        "running",
                        "restarting",
                        "deferred",
                        "up_for_retry",
                        "up_for_reschedule",
                    ]
                ),
            ),
            models.Index(fields=["dag", "state"], name="task_instance_dag_state"),
            models.Index(fields=["state", "id"], name="task_instance_state"),
            # Served to lists: a page of a DAG by id, and each filter that a caller may send.
            models.Index(fields=["dag", "id"], name="task_instance_of_dag"),
            models.Index(fields=["pool"], name="task_instance_pool"),
            models.Index(fields=["queue"], name="task_instance_queue"),
            models.Index(fields=["executor"], name="task_instance_executor", condition=Q(executor__isnull=False)),
            models.Index(fields=["duration"], name="task_instance_duration"),
            models.Index(fields=["start_date"], name="task_instance_start_date"),
            models.Index(fields=["end_date"], name="task_instance_end_date"),
            models.Index(fields=["updated_at"], name="task_instance_updated_at"),
        ]

    def __str__(self) -> str:
        index = f"[{self.map_index}]" if self.map_index >= 0 else ""
        return f"{self.dag_id} {self.task_id}{index}"

    @classmethod
    def of(cls, run: DagRun, task: SerializedTask, map_index: int = -1) -> TaskInstance:
        """An unsaved instance of ``task`` in ``run`` with the task's settings, in no state."""
        instance = cls.of_dag(run.dag_id, task)
        instance.run, instance.map_index = run, map_index
        return instance

    @classmethod
    def of_dag(cls, dag_id: str, task: SerializedTask) -> TaskInstance:
        """``of``, in no run yet."""
        return cls(
            dag_id=dag_id,
            task_id=task.task_id,
            max_tries=task.retries,
            operator=task.task_type,
            custom_operator_name=task.operator_name if task.operator_name != task.task_type else "",
            task_display_name=task.task_display_name,
            pool=task.pool,
            pool_slots=task.pool_slots,
            queue=task.queue,
            priority_weight=task.priority_weight_total,
            executor=task.executor,
            executor_config=task.executor_config,
        )


#: The columns that a finished try leaves in the history.
TRY_COLUMNS = (
    "try_number", "max_tries", "state", "start_date", "end_date", "duration", "queued_at", "queued_by_job_id",
    "updated_at", "hostname", "unixname", "pid", "operator", "custom_operator_name", "task_display_name", "pool",
    "pool_slots", "queue",
    "priority_weight", "executor", "executor_config", "external_executor_id", "trigger_timeout_at", "next_method",
    "next_kwargs", "rendered_map_index", "reason",
)  # fmt: skip


class TaskInstanceHistory(models.Model):
    """An earlier try of a task instance, as it ended."""

    task_instance = models.ForeignKey(TaskInstance, on_delete=models.CASCADE, related_name="history", db_index=False)
    try_number = models.IntegerField()
    max_tries = models.IntegerField(default=0)
    state = models.CharField(max_length=20, blank=True, default="")
    start_date = models.DateTimeField(null=True, blank=True)
    end_date = models.DateTimeField(null=True, blank=True)
    duration = models.FloatField(null=True, blank=True)
    queued_at = models.DateTimeField(null=True, blank=True)
    queued_by_job = models.ForeignKey(
        "Job", null=True, blank=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    updated_at = models.DateTimeField(null=True, blank=True)
    hostname = models.CharField(max_length=1000, blank=True, default="")
    unixname = models.CharField(max_length=1000, blank=True, default="")
    pid = models.IntegerField(null=True, blank=True)
    operator = models.CharField(max_length=1000, blank=True, default="")
    custom_operator_name = models.CharField(max_length=1000, blank=True, default="")
    task_display_name = models.CharField(max_length=2000, blank=True, default="")
    pool = models.CharField(max_length=256, default="default_pool")
    pool_slots = models.IntegerField(default=1)
    queue = models.CharField(max_length=256, default="default")
    priority_weight = models.IntegerField(default=1)
    executor = models.CharField(max_length=1000, null=True, blank=True)
    executor_config = JsonTextField(null=True, blank=True)
    external_executor_id = models.CharField(max_length=250, null=True, blank=True)
    trigger_timeout_at = models.DateTimeField(null=True, blank=True)
    next_method = models.CharField(max_length=1000, null=True, blank=True)
    next_kwargs = JsonTextField(null=True, blank=True)
    rendered_map_index = models.CharField(max_length=250, null=True, blank=True)
    reason = models.TextField(blank=True, default="")

    class Meta:
        verbose_name = "task instance try"
        verbose_name_plural = "task instance tries"
        ordering = ["task_instance", "try_number"]
        constraints = [models.UniqueConstraint(fields=["task_instance", "try_number"], name="task_try_unique")]

    def __str__(self) -> str:
        return f"{self.task_instance_id} try {self.try_number}"


def keep_tries(instances: models.QuerySet[TaskInstance]) -> int:
    """Copy the present try of each instance into the history, where one that is there stays; how many were offered.

    Called before an instance gets a new try: by a retry and by a clear, which also keeps what never ran, as try 0, as
    the reference does. Two statements.
    """
    rows = [
        TaskInstanceHistory(task_instance_id=values.pop("pk"), **values)
        for values in instances.values("pk", *TRY_COLUMNS)
    ]
    TaskInstanceHistory.objects.bulk_create(rows, batch_size=INSERT_BATCH, ignore_conflicts=True)
    return len(rows)


class TaskReschedule(models.Model):
    """One wait of a sensor in reschedule mode."""

    task_instance = models.ForeignKey(
        TaskInstance, on_delete=models.CASCADE, related_name="reschedules", db_index=False
    )
    try_number = models.IntegerField()
    start_date = models.DateTimeField()
    end_date = models.DateTimeField()
    duration = models.FloatField(help_text="Seconds the check took.")
    reschedule_date = models.DateTimeField(help_text="When the next check is due.")

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["task_instance", "try_number"], name="task_reschedule_try")]

    def __str__(self) -> str:
        return f"{self.task_instance_id} until {self.reschedule_date}"


class RenderedFields(models.Model):
    """The template fields of the last try, rendered and masked."""

    task_instance = models.OneToOneField(
        TaskInstance, on_delete=models.CASCADE, primary_key=True, related_name="rendered"
    )
    fields = JsonTextField(default=dict)

    class Meta:
        verbose_name = "rendered fields"
        verbose_name_plural = "rendered fields"

    def __str__(self) -> str:
        return str(self.task_instance_id)


class SlaMiss(models.Model):
    """A task that was not done by its SLA."""

    dag = models.ForeignKey("Dag", on_delete=models.CASCADE, related_name="sla_misses", db_index=False)
    task_id = models.CharField(max_length=250)
    logical_date = models.DateTimeField()
    email_sent = models.BooleanField(default=False)
    notification_sent = models.BooleanField(default=False)
    description = models.TextField(blank=True)
    timestamp = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = "SLA miss"
        verbose_name_plural = "SLA misses"
        ordering = ["-timestamp", "id"]
        constraints = [models.UniqueConstraint(fields=["dag", "task_id", "logical_date"], name="sla_miss_unique")]
        indexes = [models.Index(fields=["timestamp"], name="sla_miss_timestamp")]

    def __str__(self) -> str:
        return f"{self.dag_id} {self.task_id}"
