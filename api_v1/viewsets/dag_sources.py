"""Sources of DAG files, and asking for a file to be parsed."""

from __future__ import annotations

from django.http import HttpResponse

from api_v1.negotiation import best_match
from api_v1.operations import Operation
from api_v1.problems import Problem, not_found
from api_v1.renderers import json_response
from api_v1.serializers.dag_sources import DagSourceAnswer
from api_v1.viewsets.base import OperationViewSet
from orchestration.access.permissions import EDIT, READ, readable_dag_ids
from orchestration.models import Dag, DagSource
from orchestration.services import dags
from orchestration.services.file_tokens import fileloc_of

#: What can be answered; the first where the caller takes anything.
_TYPES = ("text/plain", "application/json")


class DagSourceViewSet(OperationViewSet):
    """Sources of DAG files."""

    operations = (
        Operation(
            "get_dag_source",
            "get",
            answer=DagSourceAnswer,
            codes=(404, 406),
            media_types=_TYPES,
            tag="DAG",
            summary="Get the source of a DAG file",
        ),
    )

    def get(self) -> HttpResponse:
        """The text of the file when it was last parsed; for who may read every DAG in it."""
        fileloc = fileloc_of(self.kwargs["file_token"])
        if fileloc is None:
            raise not_found("Dag source not found")
        self._refuse_others(fileloc)
        newest = Dag.objects.filter(fileloc=fileloc, source__isnull=False).order_by("-last_parsed_at")
        text = newest.values_list("source__text", flat=True).first()
        if text is None:
            text = (
                DagSource.objects.filter(fileloc=fileloc).order_by("-created_at").values_list("text", flat=True).first()
            )
        if text is None:
            raise not_found("Dag source not found")
        kind = best_match(self.request._request, _TYPES)
        if kind == "text/plain":
            return HttpResponse(text, content_type="text/plain; charset=utf-8")
        if kind == "application/json":
            return json_response({"content": text})
        return HttpResponse("Not Allowed Accept Header", status=406, content_type="text/html; charset=utf-8")

    def _refuse_others(self, fileloc: str) -> None:
        readable = readable_dag_ids(self.caller, READ)
        if readable is not None and Dag.objects.filter(fileloc=fileloc).exclude(dag_id__in=readable).exists():
            raise Problem(403)


class ParseViewSet(OperationViewSet):
    """Asking for DAG files to be parsed."""

    operations = (
        Operation(
            "reparse_dag_file", "put", status=201, codes=(404,), tag="DAG", summary="Have a DAG file parsed again"
        ),
    )

    def put(self) -> HttpResponse:
        """Have the file parsed before others; for who may edit every DAG in it. Asking twice is asking once."""
        fileloc = fileloc_of(self.kwargs["file_token"])
        if fileloc is None:
            raise not_found("File not found")
        editable = readable_dag_ids(self.caller, EDIT)
        if editable is not None and Dag.objects.filter(fileloc=fileloc).exclude(dag_id__in=editable).exists():
            raise Problem(403)
        dags.reparse(fileloc, actor=self.caller)
        return HttpResponse(b"", status=201, content_type="text/html; charset=utf-8")
