"""Runs, tasks and what the processes note."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Min, Model, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesCheckboxFilter

from orchestration.admin.tables import columns
from orchestration.admin.tables.base import ShownTable
from orchestration.admin.tables.bulk import ManyRows
from orchestration.admin.tables.filters import (
    DagFilter,
    DagOwnerFilter,
    EventFilter,
    InstanceDagFilter,
    MomentRangeFilter,
    OwnerFilter,
    OwnRunIdFilter,
    PoolFilter,
    RunIdFilter,
    TaskFilter,
)
from orchestration.admin.tables.paging import newest
from orchestration.models import (
    Backfill,
    CallbackRequest,
    DagRun,
    EventLog,
    IdempotencyRecord,
    Job,
    RenderedFields,
    SlaMiss,
    TaskInstance,
    TaskInstanceHistory,
    TaskReschedule,
    Trigger,
    XCom,
)
from orchestration.models.job import health_threshold
from orchestration.states import JobState


class RunTable(ManyRows):
    """DAG runs, newest first."""

    empty = "No DAG has run yet."
    bulk_kind = "runs"
    dag_path = "dag_id"
    is_live = True
    is_history = True
    list_display = (
        columns.run_link(),
        columns.dag_link(),
        columns.state(),
        "run_type",
        columns.moment("logical_date"),
        columns.moment("start_date", "started"),
        columns.moment("end_date", "ended"),
        columns.took("took"),
        columns.short("note"),
    )
    list_display_links = None
    sortable_by = ("logical_date", "start_date", "end_date")
    list_filter = (
        DagFilter,
        DagOwnerFilter,
        OwnRunIdFilter,
        ("state", ChoicesCheckboxFilter),
        ("run_type", ChoicesCheckboxFilter),
        "external_trigger",
        ("logical_date", MomentRangeFilter),
        ("start_date", MomentRangeFilter),
        ("end_date", MomentRangeFilter),
    )
    search_fields = ("dag__dag_id", "run_id", "note")
    search_help_text = "DAG, run id or note"
    list_select_related = ("dag",)
    ordering = ("-id",)
    raw_id_fields = ("dag", "dag_version")


class TaskInstanceTable(ManyRows):
    """Task instances, newest first."""

    empty = "No task has run yet."
    bulk_kind = "tasks"
    dag_path = "dag_id"
    is_live = True
    is_history = True
    list_display = (
        columns.task_link(),
        columns.state(),
        columns.dag_link(),
        columns.run_link(run="run.run_id"),
        "operator",
        "try_number",
        columns.moment("start_date", "started", sorts=False),
        columns.moment("end_date", "ended", sorts=False),
        columns.duration("duration", "took"),
        "pool",
        columns.short("note"),
    )
    list_display_links = None
    sortable_by = ()
    list_filter = (
        DagFilter,
        DagOwnerFilter,
        RunIdFilter,
        TaskFilter,
        ("state", ChoicesCheckboxFilter),
        PoolFilter,
        ("start_date", MomentRangeFilter),
        ("end_date", MomentRangeFilter),
    )
    search_fields = ("dag__dag_id", "run__run_id", "task_id", "note")
    search_help_text = "DAG, run id, task or note"
    list_select_related = ("run",)
    ordering = ("-id",)
    exclude = ("claim",)

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """Newest first; by the date that is filtered by, so that its index serves both."""
        for field in ("start_date", "end_date"):
            if any(request.GET.get(f"{field}_{side}_0") for side in ("from", "to")):
                return (f"-{field}", "-id")
        return self.ordering


class OfInstanceTable(ShownTable):
    """A table whose rows belong to a task instance."""

    dag_path = "task_instance__dag_id"
    is_history = True
    list_display_links = None
    sortable_by: ClassVar[tuple[str, ...]] = ()
    list_filter = (InstanceDagFilter,)
    list_select_related = ("task_instance", "task_instance__run")
    search_fields: ClassVar[tuple[str, ...]] = ("task_instance__dag__dag_id", "task_instance__task_id")
    search_help_text = "DAG or task"
    ordering = ("-pk",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Among the newest rows, and of task instances among those that these rows belong to; two short queries more.

        The instances are a range of their primary key: a join would have PostgreSQL read all of them.
        """
        words = search_term.split()
        if not words:
            return queryset, False
        rows = newest(queryset)
        oldest = newest(self.model._default_manager.order_by()).aggregate(first=Min("task_instance_id"))["first"]
        if oldest is None:
            return rows.none(), False
        for word in words:
            named = TaskInstance.objects.filter(
                Q(dag__dag_id__icontains=word) | Q(task_id__icontains=word), pk__gte=oldest
            )
            rows = rows.filter(task_instance__in=named.order_by().values("pk"))
        return rows, False


_OF_INSTANCE = (
    columns.task_link("task_instance."),
    columns.dag_link("task_instance.dag_id"),
    columns.run_link("task_instance.dag_id", "task_instance.run.run_id"),
)


class TryTable(OfInstanceTable):
    """Earlier tries."""

    empty = "No task was tried twice."
    list_display = (
        *_OF_INSTANCE,
        "try_number",
        columns.state(),
        columns.moment("start_date", "started", sorts=False),
        columns.moment("end_date", "ended", sorts=False),
        columns.duration("duration", "took"),
        "hostname",
    )


class RescheduleTable(OfInstanceTable):
    """Waits of sensors."""

    empty = "No sensor waits or has waited in reschedule mode."
    list_display = (
        *_OF_INSTANCE,
        "try_number",
        columns.moment("start_date", "checked", sorts=False),
        columns.duration("duration", "check took"),
        columns.moment("reschedule_date", "next check", sorts=False),
    )


class RenderedTable(OfInstanceTable):
    """Rendered template fields; secrets were masked when they were stored."""

    list_display = (*_OF_INSTANCE, columns.short("fields"))


class XComTable(OfInstanceTable):
    """What tasks push to one another."""

    empty = "No task has pushed a value."
    dag_path = "dag_id"
    list_filter = (DagFilter,)
    list_display = ("key", *_OF_INSTANCE, columns.short("value"), columns.moment("timestamp", "pushed", sorts=False))
    search_fields = ("key", "dag_id", "task_id")
    search_help_text = "Key, DAG or task"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Among the newest rows; one short query more."""
        rows = newest(queryset)
        for word in search_term.split():
            rows = rows.filter(Q(key__icontains=word) | Q(dag_id__icontains=word) | Q(task_id__icontains=word))
        return rows, False


class SlaMissTable(ShownTable):
    """Missed service level agreements."""

    empty = "No service level agreement was missed."
    dag_path = "dag_id"
    is_history = True
    list_display = (
        columns.dag_link(),
        "task_id",
        columns.moment("logical_date", sorts=False),
        columns.moment("timestamp", "noticed", sorts=False),
        "email_sent",
        "notification_sent",
        columns.short("description"),
    )
    list_display_links = None
    sortable_by = ()
    list_filter = (DagFilter, "email_sent", "notification_sent")
    search_fields = ("dag__dag_id", "task_id")
    list_select_related = ("dag",)
    ordering = ("-id",)


class EventLogTable(ShownTable):
    """The audit log, newest first."""

    empty = "Nobody has done anything yet."
    dag_path = "dag_id"
    is_live = True
    is_history = True
    list_display = (
        columns.moment("when"),
        "event",
        columns.short("owner", "who"),
        columns.dag_link(),
        columns.run_link(),
        columns.task_link(run="run_id"),
        columns.short("extra", "with"),
    )
    list_display_links = ("event",)
    sortable_by = ("when",)
    list_filter = (EventFilter, OwnerFilter, DagFilter, ("when", MomentRangeFilter))
    search_fields = ("event", "owner", "dag_id", "run_id", "task_id")
    search_help_text = "Event, person, DAG, run or task"
    ordering = ("-id",)


class BackfillTable(ShownTable):
    """Backfills."""

    empty = "No backfill was ever started."
    dag_path = "dag_id"
    list_display = (
        columns.dag_link(),
        columns.moment("from_date", "from", sorts=False),
        columns.moment("to_date", "to", sorts=False),
        columns.moment("created_at", "made", sorts=False),
        columns.moment("completed_at", "completed", sorts=False),
    )
    list_display_links = None
    sortable_by = ()
    search_fields = ("dag__dag_id",)
    list_select_related = ("dag",)


class JobTable(ShownTable):
    """The long-running processes."""

    empty = "No scheduler, triggerer or DAG processor was ever started."
    is_live = True
    list_display = (
        "job_type",
        "health",
        "hostname",
        "pid",
        columns.moment("start_date", "started", sorts=False),
        columns.moment("latest_heartbeat", "last heartbeat", sorts=False),
        columns.moment("end_date", "ended", sorts=False),
        columns.short("executor_class", "executor"),
    )
    sortable_by = ()
    list_filter = (("job_type", ChoicesCheckboxFilter), ("state", ChoicesCheckboxFilter))
    search_fields = ("hostname",)

    @admin.display(description="state")
    def health(self, job: Job) -> SafeString:
        """The state it gave itself; one that says it runs and is silent for too long is late."""
        is_late = job.state == JobState.RUNNING and timezone.now() - job.latest_heartbeat > health_threshold()
        colour = {"running": "success", "failed": "failed"}.get(job.state, "none")
        words = "no heartbeat" if is_late else job.state
        return format_html(
            '<span class="state"><span class="state-dot state-{}" aria-hidden="true"></span>{}</span>',
            "failed" if is_late else colour,
            words,
        )


class TriggerTable(ShownTable):
    """What deferred tasks wait for. Arguments are not shown: they may hold secrets."""

    empty = "No task is deferred: nothing is waited for."
    dag_path = "task_instances__dag_id"
    is_live = True
    list_display = (
        "id",
        columns.short("classpath", "class"),
        "waiting",
        columns.moment("created_at", "since", sorts=False),
        "triggerer",
    )
    sortable_by = ()
    search_fields = ("classpath",)
    list_select_related = ("triggerer",)
    exclude = ("kwargs",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With the instances that wait; one query more."""
        return super().get_queryset(request).prefetch_related("task_instances__run")

    @admin.display(description="task that waits")
    def waiting(self, trigger: Trigger) -> Any:
        """The first of them, which is the only one."""
        waiting = list(trigger.task_instances.all())
        return columns.task_link()(waiting[0]) if waiting else "–"


class CallbackTable(ShownTable):
    """Callbacks that wait to be run."""

    list_display = ("kind", "fileloc", "created_at")
    list_filter = ("kind",)
    search_fields = ("fileloc",)


class IdempotencyTable(ShownTable):
    """Answers kept for repeated requests; for superusers. Bodies are not shown."""

    list_display = ("user", "method", "path", "status", "created_at")
    search_fields = ("path", "user__username")
    list_select_related = ("user",)
    exclude = ("body", "headers", "key")


#: Each model's table.
TABLES: Mapping[type[Model], type[ShownTable]] = {
    DagRun: RunTable,
    TaskInstance: TaskInstanceTable,
    TaskInstanceHistory: TryTable,
    TaskReschedule: RescheduleTable,
    RenderedFields: RenderedTable,
    XCom: XComTable,
    SlaMiss: SlaMissTable,
    EventLog: EventLogTable,
    Backfill: BackfillTable,
    Job: JobTable,
    Trigger: TriggerTable,
    CallbackRequest: CallbackTable,
    IdempotencyRecord: IdempotencyTable,
}
