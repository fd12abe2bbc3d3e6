"""Runs, tasks and what the processes note."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from django.db.models import Model

from orchestration.admin.tables.base import ShownTable
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


class RunTable(ShownTable):
    """DAG runs."""

    dag_path = "dag_id"
    list_display = ("dag", "run_id", "state", "run_type", "logical_date", "start_date", "end_date")
    list_filter = ("state", "run_type", "external_trigger")
    search_fields = ("dag__dag_id", "run_id")
    list_select_related = ("dag",)
    date_hierarchy = "logical_date"
    raw_id_fields = ("dag", "dag_version")


class TaskInstanceTable(ShownTable):
    """Task instances."""

    dag_path = "dag_id"
    list_display = ("dag", "run", "task_id", "map_index", "state", "try_number", "start_date", "end_date", "pool")
    list_filter = ("state", "operator", "pool", "queue")
    search_fields = ("dag__dag_id", "run__run_id", "task_id")
    list_select_related = ("dag", "run", "run__dag")
    exclude = ("claim",)


class OfInstanceTable(ShownTable):
    """A table whose rows belong to a task instance."""

    dag_path = "task_instance__dag_id"
    list_select_related = ("task_instance",)
    search_fields: ClassVar[tuple[str, ...]] = ("task_instance__dag__dag_id", "task_instance__task_id")


class TryTable(OfInstanceTable):
    """Earlier tries."""

    list_display = ("task_instance", "try_number", "state", "start_date", "end_date", "hostname")
    list_filter = ("state",)


class RescheduleTable(OfInstanceTable):
    """Waits of sensors."""

    list_display = ("task_instance", "try_number", "start_date", "end_date", "reschedule_date")


class RenderedTable(OfInstanceTable):
    """Rendered template fields; secrets were masked when they were stored."""

    list_display = ("task_instance",)


class XComTable(OfInstanceTable):
    """What tasks push to one another."""

    list_display = ("task_instance", "key", "timestamp")
    search_fields = ("key", "task_instance__dag__dag_id", "task_instance__task_id")


class SlaMissTable(ShownTable):
    """Missed service level agreements."""

    dag_path = "dag_id"
    list_display = ("dag", "task_id", "timestamp")
    search_fields = ("dag__dag_id", "task_id")
    list_select_related = ("dag",)


class EventLogTable(ShownTable):
    """The audit log."""

    dag_path = "dag_id"
    list_display = ("when", "event", "owner", "dag_id", "run_id", "task_id")
    list_filter = ("event",)
    search_fields = ("event", "owner", "dag_id", "run_id", "task_id")
    date_hierarchy = "when"
    ordering = ("-id",)


class BackfillTable(ShownTable):
    """Backfills."""

    dag_path = "dag_id"
    list_display = ("dag", "from_date", "to_date", "created_at", "completed_at")
    search_fields = ("dag__dag_id",)
    list_select_related = ("dag",)


class JobTable(ShownTable):
    """The long-running processes."""

    list_display = ("job_type", "state", "hostname", "pid", "start_date", "latest_heartbeat", "end_date")
    list_filter = ("job_type", "state")
    search_fields = ("hostname",)


class TriggerTable(ShownTable):
    """What deferred tasks wait for. Arguments are not shown: they may hold secrets."""

    list_display = ("id", "classpath", "created_at", "triggerer")
    search_fields = ("classpath",)
    list_select_related = ("triggerer",)
    exclude = ("kwargs",)


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
