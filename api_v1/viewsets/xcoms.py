"""XCom entries."""

from __future__ import annotations

from typing import Any

from api_v1.filters.xcoms import XComListParameters, XComParameters
from api_v1.operations import Operation
from api_v1.pagination import page, sought
from api_v1.problems import bad_request, not_found
from api_v1.renderers import raw
from api_v1.serializers.xcoms import ITEM, WHOLE, XComAnswer, XComCollection
from api_v1.viewsets.base import OperationViewSet
from orchestration.access.permissions import ANY_DAG, readable_dag_ids
from orchestration.conf import conf
from orchestration.models import XCom
from orchestration.services import xcoms

_ORDER = ("dag_id", "task_id", "run_id", "map_index", "key")


class XComViewSet(OperationViewSet):
    """XCom entries."""

    operations = (
        Operation("get_xcom_entries", "list", XComListParameters, answer=XComCollection, summary="List XCom entries"),
        Operation(
            "get_xcom_entry", "get", XComParameters, answer=XComAnswer, codes=(404,), summary="Get an XCom entry"
        ),
    )

    def list(self) -> Any:
        """The entries of a task instance; ``~`` is every task, run, or DAG the caller may read. Without values."""
        here = page(self.query)
        found = XComListParameters.apply(self._entries(), self.query)
        total = self.count(found)
        rows = ITEM.rows(here.of(sought(found, total).order_by(*_ORDER)))
        return self.paged({"xcom_entries": rows, "total_entries": total}, here, total)

    def _entries(self) -> Any:
        dag_id, run_id, task_id = self.kwargs["dag_id"], self.kwargs["dag_run_id"], self.kwargs["task_id"]
        found = XCom.objects.all()
        if dag_id != ANY_DAG:
            found = found.filter(dag_id=dag_id)
        elif (readable := readable_dag_ids(self.caller)) is not None:
            found = found.filter(dag_id__in=readable)
        if task_id != ANY_DAG:
            found = found.filter(task_id=task_id)
        if run_id == ANY_DAG:
            return found
        # The index has the run behind DAG and task; without one of them, a run's few instances lead to their values.
        is_indexed = ANY_DAG not in (dag_id, task_id)
        return found.filter(**{"run_id" if is_indexed else "task_instance__run__run_id": run_id})

    def get(self) -> Any:
        """One entry with its value, which is data: nothing that it names is imported."""
        is_decoded = self.query.get("deserialize", False)
        if is_decoded and not conf.getboolean("api", "enable_xcom_deserialize_support"):
            raise bad_request("XCom deserialization is disabled in configuration.")
        index = self.query.get("map_index", -1)
        row = None
        if -(2**31) <= index < 2**31:
            named = XCom.objects.filter(
                dag_id=self.kwargs["dag_id"],
                run_id=self.kwargs["dag_run_id"],
                task_id=self.kwargs["task_id"],
                map_index=index,
                key=self.kwargs["xcom_key"],
            )
            row = WHOLE.one(named)
        if row is None:
            raise not_found("XCom entry not found")
        text = row["value"]
        value = xcoms.decoded(text) if is_decoded else xcoms.literal(text)
        if self.query.get("stringify", True):
            row["value"] = None if value is None else str(value)
        else:
            row["value"] = raw(text) if not is_decoded and "__classname__" not in text else value
        return row
