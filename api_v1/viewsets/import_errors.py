"""Import errors."""

from __future__ import annotations

from typing import Any

from api_v1.filters.import_errors import ORDERS, ImportErrorListParameters
from api_v1.operations import Operation
from api_v1.pagination import order, page
from api_v1.problems import Problem, not_found
from api_v1.rows import Row
from api_v1.serializers.import_errors import SHAPE, ImportErrorAnswer, ImportErrorCollection
from api_v1.viewsets.base import OperationViewSet
from orchestration.access.permissions import readable_dag_ids
from orchestration.models import Dag, DagImportError

_REDACTED = "REDACTED: the file holds DAGs that you may not read."


class ImportErrorViewSet(OperationViewSet):
    """Import errors. Who may not read every DAG sees those of files with a DAG that he may, and no trace of others'."""

    operations = (
        Operation(
            "get_import_errors",
            "list",
            ImportErrorListParameters,
            answer=ImportErrorCollection,
            tag="ImportError",
            summary="List import errors",
        ),
        Operation(
            "get_import_error",
            "get",
            answer=ImportErrorAnswer,
            codes=(404,),
            tag="ImportError",
            summary="Get an import error",
        ),
    )

    def list(self) -> Any:
        """Import errors of files that the caller may know."""
        here = page(self.query)
        readable = readable_dag_ids(self.caller)
        found = DagImportError.objects.all()
        if readable is not None:
            found = found.filter(filename__in=Dag.objects.filter(dag_id__in=readable).values("fileloc"))
        ordered = order(found, self.query.get("order_by"), ORDERS, default="id", key="id")
        total = self.count(found)
        rows = SHAPE.rows(here.of(ordered))
        if readable is not None:
            _redact(rows, readable)
        return self.paged({"import_errors": rows, "total_entries": total}, here, total)

    def get(self) -> Any:
        """One import error."""
        number = int(self.kwargs["import_error_id"])
        row = SHAPE.one(DagImportError.objects.filter(pk=number)) if number < 2**63 else None
        if row is None:
            raise not_found("Import error not found", f"The ImportError with import_error_id: `{number}` was not found")
        readable = readable_dag_ids(self.caller)
        if readable is not None:
            mine = Dag.objects.filter(fileloc=row["filename"], dag_id__in=readable)
            if not mine.exists():
                raise Problem(403, "You may read none of the DAGs of this file.")
            _redact([row], readable)
        return row


def _redact(rows: list[Row], readable: frozenset[str]) -> None:
    """Hide the traces of files that hold a DAG which may not be read."""
    shared = Dag.objects.filter(fileloc__in=[row["filename"] for row in rows]).exclude(dag_id__in=readable)
    filenames = set(shared.values_list("fileloc", flat=True))
    for row in rows:
        if row["filename"] in filenames:
            row["stack_trace"] = _REDACTED
