"""DAGs: list, get, pause, delete."""

from __future__ import annotations

from typing import Any

from api_v1.conditional import Part
from api_v1.filters.dags import (
    DagFieldsParameters,
    DagListParameters,
    DagPatchManyParameters,
    DagPatchParameters,
)
from api_v1.operations import Operation
from api_v1.pagination import order, page
from api_v1.problems import bad_request, not_found
from api_v1.rows import check_fields, only
from api_v1.serializers.dags import (
    DETAILS,
    MEMBERS,
    DagAnswer,
    DagBody,
    DagCollection,
    DagDetailAnswer,
    dag_row,
    dag_rows,
    detail_row,
)
from api_v1.viewsets.base import OperationViewSet
from orchestration.access.permissions import EDIT, readable_dag_ids
from orchestration.errors import NotFound
from orchestration.models import Dag, versions
from orchestration.models.dag import DagQuerySet
from orchestration.services import dags

_UNKNOWN = "Invalid fields for <DAGSchema(many=False)>: OrderedSet([{!r}])."
_UNKNOWN_DETAIL = "Invalid fields for <DAGDetailSchema(many=False)>: OrderedSet([{!r}])."


class DagViewSet(OperationViewSet):
    """DAGs."""

    operations = (
        Operation("get_dags", "list", DagListParameters, answer=DagCollection, tag="DAG", summary="List DAGs"),
        Operation(
            "patch_dags",
            "patch_many",
            DagPatchManyParameters,
            body=DagBody,
            answer=DagCollection,
            codes=(404,),
            event="patch_dags",
            tag="DAG",
            summary="Update DAGs",
        ),
        Operation(
            "get_dag", "get", DagFieldsParameters, answer=DagAnswer, codes=(404,), tag="DAG", summary="Get a DAG"
        ),
        Operation(
            "patch_dag",
            "patch",
            DagPatchParameters,
            body=DagBody,
            answer=DagAnswer,
            codes=(404,),
            event="patch_dag",
            tag="DAG",
            summary="Update a DAG",
        ),
        Operation(
            "delete_dag",
            "delete",
            status=204,
            codes=(404, 409),
            event="delete_dag",
            tag="DAG",
            summary="Delete a DAG",
        ),
        Operation(
            "get_dag_details",
            "details",
            DagFieldsParameters,
            answer=DagDetailAnswer,
            codes=(404,),
            tag="DAG",
            summary="Get a DAG with the settings of its file",
        ),
    )

    def list(self) -> Any:
        """DAGs the caller may read, sub-DAGs left out."""
        wanted = self.query.get("fields")
        here = page(self.query)
        found = DagListParameters.apply(self._permitted(readable_dag_ids(self.caller)), self.query)
        ordered = order(found, self.query.get("order_by"), {"dag_id"}, default="dag_id", key="dag_id")
        check_fields(wanted, MEMBERS, title="DAGCollectionSchema error", message=_UNKNOWN)
        total = self.count(found)
        return self.paged({"dags": dag_rows(here.of(ordered), wanted), "total_entries": total}, here, total)

    def _permitted(self, dag_ids: frozenset[str] | None) -> DagQuerySet:
        dags_found = Dag.objects.filter(is_subdag=False)
        if dag_ids is not None:
            dags_found = dags_found.filter(dag_id__in=dag_ids)
        return dags_found if "only_active" in self.query else dags_found.filter(is_active=True)

    def get(self) -> Any:
        """One DAG."""
        dag_id, wanted = self.kwargs["dag_id"], self.query.get("fields")
        row = dag_row(dag_id)
        if row is None:
            raise _missing(dag_id)
        check_fields(wanted, MEMBERS, title="DAGSchema init error", message=_UNKNOWN)
        return Part(row, wanted)

    def details(self) -> Any:
        """One DAG with what its file says of it."""
        dag_id, wanted = self.kwargs["dag_id"], self.query.get("fields")
        row = dag_row(dag_id)
        if row is None:
            raise _missing(dag_id)
        try:
            serialized = versions.current(dag_id)
        except NotFound:
            raise _missing(dag_id) from None
        check_fields(wanted, DETAILS, title="DAGDetailSchema init error", message=_UNKNOWN_DETAIL)
        return only(detail_row(row, serialized), wanted)

    def patch(self) -> Any:
        """Pause or unpause a DAG."""
        data = self._switch()
        dag_id = self.kwargs["dag_id"]
        if not Dag.objects.filter(pk=dag_id).exists():
            raise not_found(f"Dag with id: '{dag_id}' not found")
        dags.set_paused([dag_id], _is_paused(data), actor=self.caller)
        return dag_row(dag_id)

    def patch_many(self) -> Any:
        """Pause or unpause the DAGs of one page; all of them or none."""
        is_paused = _is_paused(self._switch())
        here = page(self.query)
        if self.query["dag_id_pattern"] == "~":
            self.query["dag_id_pattern"] = "%"
        permitted = self._permitted(readable_dag_ids(self.caller, EDIT))
        found = DagPatchManyParameters.apply(permitted, self.query)
        total = self.count(found)
        dag_ids = list(here.of(found.order_by("dag_id")).values_list("dag_id", flat=True))
        dags.set_paused(dag_ids, is_paused, actor=self.caller)
        return {"dags": dag_rows(Dag.objects.filter(dag_id__in=dag_ids).order_by("dag_id")), "total_entries": total}

    def _switch(self) -> dict[str, Any]:
        data = self.load()
        mask = self.query.get("update_mask")
        if mask is not None and mask != ["is_paused"]:
            raise bad_request("Only `is_paused` field can be updated through the REST API")
        return data

    def delete(self) -> None:
        """Delete a DAG with its history; its file, if it is still there, brings it back with the next parse."""
        dag = Dag.objects.filter(pk=self.kwargs["dag_id"]).first()
        if dag is None:
            raise not_found(f"Dag with id: '{self.kwargs['dag_id']}' not found")
        dags.delete(dag, actor=self.caller)


def _is_paused(data: dict[str, Any]) -> bool | None:
    if "is_paused" not in data:
        raise bad_request("{'is_paused': ['Missing data for required field.']}")
    is_paused: bool | None = data["is_paused"]
    return is_paused


def _missing(dag_id: str) -> Exception:
    return not_found("DAG not found", f"The DAG with dag_id: {dag_id} was not found")
