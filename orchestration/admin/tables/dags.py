"""DAGs and what belongs to their files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from django.contrib import admin
from django.db.models import Exists, Model, OuterRef, QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import ChoicesCheckboxFilter

from orchestration.admin.tables import columns
from orchestration.admin.tables.base import ShownTable
from orchestration.models import (
    Dag,
    DagDatasetAliasReference,
    DagDatasetReference,
    DagImportError,
    DagOwnerLink,
    DagSource,
    DagTag,
    DagVersion,
    DagWarning,
    Dataset,
    DatasetAlias,
    DatasetEvent,
    DatasetQueuedEvent,
    ParseRequest,
    TaskOutletReference,
)
from orchestration.services import dags


class TagInline(admin.TabularInline):  # type: ignore[type-arg]  # not generic at run time
    """A DAG's tags."""

    model = DagTag
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return True


class DagTable(ShownTable):
    """DAGs; they can be paused and unpaused."""

    dag_path = "dag_id"
    list_display = ("dag_id", "is_paused", "is_active", "timetable_summary", "next_dagrun", "owners", "last_parsed_at")
    list_filter = ("is_active", "is_paused", "has_import_errors", "is_subdag")
    search_fields = ("dag_id", "dag_display_name", "owners", "tags__name")
    exclude = ("upcoming",)
    inlines: ClassVar = (TagInline,)
    actions: ClassVar = ("pause", "unpause")

    def has_pause_permission(self, request: HttpRequest) -> bool:
        """Whether the caller may pause any DAG at all; the service asks for each."""
        return request.user.has_perm("orchestration.change_dag")

    @admin.action(description="Pause the selected DAGs", permissions=["pause"])
    def pause(self, request: HttpRequest, queryset: QuerySet[Dag]) -> None:
        """No new runs, and no task starts."""
        self._switch(request, queryset, True)

    @admin.action(description="Unpause the selected DAGs", permissions=["pause"])
    def unpause(self, request: HttpRequest, queryset: QuerySet[Dag]) -> None:
        """Runs are made again."""
        self._switch(request, queryset, False)

    def _switch(self, request: HttpRequest, queryset: QuerySet[Dag], is_paused: bool) -> None:
        allowed = [dag.dag_id for dag in queryset if request.user.has_perm("orchestration.change_dag", dag)]
        count = dags.set_paused(allowed, is_paused, actor=request.user)
        self.message_user(request, f"{count} DAGs were changed.")


class VersionTable(ShownTable):
    """The serialised forms of DAGs."""

    dag_path = "dag_id"
    list_display = ("dag", "number", "digest", "created_at", "updated_at")
    search_fields = ("dag__dag_id", "digest")
    list_select_related = ("dag",)
    ordering = ("-pk",)


class SourceTable(ShownTable):
    """The texts of DAG files."""

    list_display = ("fileloc", "digest", "created_at")
    search_fields = ("fileloc", "digest")

    def narrow(self, rows: QuerySet[DagSource], dag_ids: frozenset[str]) -> QuerySet[DagSource]:
        """Texts of files all of whose DAGs are readable."""
        here = Dag.objects.filter(fileloc=OuterRef("fileloc"))
        return rows.filter(Exists(here), ~Exists(here.exclude(dag_id__in=dag_ids)))


class ImportErrorTable(ShownTable):
    """Why files could not be read."""

    empty = "Every DAG file can be read."
    is_live = True
    list_display = (
        columns.short("filename", "file"),
        "problem",
        columns.moment("timestamp", "since", sorts=False),
    )
    sortable_by = ()
    search_fields = ("filename", "stack_trace")
    search_help_text = "File or trace"
    ordering = ("-timestamp",)

    @admin.display(description="problem")
    def problem(self, obj: DagImportError) -> str:
        """The last line of the trace."""
        lines = [line for line in (obj.stack_trace or "").splitlines() if line.strip()]
        return lines[-1].strip()[:200] if lines else "–"

    def narrow(self, rows: QuerySet[DagImportError], dag_ids: frozenset[str]) -> QuerySet[DagImportError]:
        """Errors of files all of whose DAGs are readable; the traces of others are not shown."""
        here = Dag.objects.filter(fileloc=OuterRef("filename"))
        return rows.filter(Exists(here), ~Exists(here.exclude(dag_id__in=dag_ids)))


class WarningTable(ShownTable):
    """Warnings of DAGs."""

    empty = "No DAG has a warning."
    dag_path = "dag_id"
    is_live = True
    list_display = (columns.dag_link(), "warning_type", "message", columns.moment("timestamp", "since", sorts=False))
    list_display_links = None
    sortable_by = ()
    list_filter = (("warning_type", ChoicesCheckboxFilter),)
    ordering = ("-timestamp",)
    search_fields = ("dag__dag_id", "message")
    list_select_related = ("dag",)


class OfDagTable(ShownTable):
    """A table whose rows belong to a DAG."""

    dag_path = "dag_id"
    list_select_related: ClassVar[tuple[str, ...]] = ("dag",)
    search_fields: ClassVar[tuple[str, ...]] = ("dag__dag_id",)


class TagTable(OfDagTable):
    """Tags."""

    list_display = ("name", "dag")
    search_fields = ("name", "dag__dag_id")


class OwnerLinkTable(OfDagTable):
    """Owners' links."""

    list_display = ("owner", "dag", "link")
    search_fields = ("owner", "dag__dag_id")


class DatasetTable(ShownTable):
    """Datasets that readable DAGs wait for or write."""

    list_display = ("uri", "is_orphaned", "created_at", "updated_at")
    list_filter = ("is_orphaned",)
    search_fields = ("uri",)

    def narrow(self, rows: QuerySet[Dataset], dag_ids: frozenset[str]) -> QuerySet[Dataset]:
        """Datasets that one of these DAGs waits for or writes."""
        consumers = DagDatasetReference.objects.filter(dataset=OuterRef("pk"), dag__in=dag_ids)
        producers = TaskOutletReference.objects.filter(dataset=OuterRef("pk"), dag__in=dag_ids)
        return rows.filter(Exists(consumers) | Exists(producers))


class AliasTable(ShownTable):
    """Dataset aliases."""

    list_display = ("name",)
    search_fields = ("name",)
    fields = ("name",)

    def narrow(self, rows: QuerySet[DatasetAlias], dag_ids: frozenset[str]) -> QuerySet[DatasetAlias]:
        """Aliases that one of these DAGs waits for."""
        return rows.filter(Exists(DagDatasetAliasReference.objects.filter(alias=OuterRef("pk"), dag__in=dag_ids)))


class DatasetEventTable(ShownTable):
    """Events of datasets."""

    empty = "No dataset was written yet."
    is_history = True
    list_display = (
        "dataset",
        columns.moment("timestamp", "when"),
        columns.dag_link("source_dag_id"),
        "source_task_id",
        columns.run_link("source_dag_id", "source_run_id"),
    )
    sortable_by = ("timestamp",)
    search_fields = ("dataset__uri", "source_dag_id", "source_run_id")
    list_select_related = ("dataset",)
    ordering = ("-timestamp",)
    exclude = ("created_dag_runs",)
    dag_path = "source_dag_id"


class QueuedEventTable(OfDagTable):
    """Queued dataset events."""

    list_display = ("dataset", "dag", "created_at")
    list_select_related = ("dataset", "dag")
    search_fields = ("dataset__uri", "dag__dag_id")


class DatasetReferenceTable(OfDagTable):
    """DAGs that wait for datasets."""

    list_display = ("dag", "dataset", "updated_at")
    list_select_related = ("dataset", "dag")


class AliasReferenceTable(OfDagTable):
    """DAGs that wait for aliases."""

    list_display = ("dag", "alias")
    list_select_related = ("alias", "dag")


class OutletTable(OfDagTable):
    """Tasks that write datasets."""

    list_display = ("dag", "task_id", "dataset", "updated_at")
    list_select_related = ("dataset", "dag")
    search_fields = ("dag__dag_id", "task_id", "dataset__uri")


class ParseRequestTable(ShownTable):
    """Files that wait to be parsed."""

    list_display = ("fileloc", "created_at")
    search_fields = ("fileloc",)

    def narrow(self, rows: QuerySet[ParseRequest], dag_ids: frozenset[str]) -> QuerySet[ParseRequest]:
        """Files all of whose DAGs are readable."""
        here = Dag.objects.filter(fileloc=OuterRef("fileloc"))
        return rows.filter(Exists(here), ~Exists(here.exclude(dag_id__in=dag_ids)))


#: Each model's table.
TABLES: Mapping[type[Model], type[ShownTable]] = {
    Dag: DagTable,
    DagVersion: VersionTable,
    DagSource: SourceTable,
    DagImportError: ImportErrorTable,
    DagWarning: WarningTable,
    DagTag: TagTable,
    DagOwnerLink: OwnerLinkTable,
    ParseRequest: ParseRequestTable,
    Dataset: DatasetTable,
    DatasetAlias: AliasTable,
    DatasetEvent: DatasetEventTable,
    DatasetQueuedEvent: QueuedEventTable,
    DagDatasetReference: DatasetReferenceTable,
    DagDatasetAliasReference: AliasReferenceTable,
    TaskOutletReference: OutletTable,
}
