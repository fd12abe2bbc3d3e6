"""DAG runs: list, trigger, get, mark, clear, note, delete."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from drf_spectacular.utils import PolymorphicProxySerializer

from api_v1.conditional import Part
from api_v1.filters.dag_runs import (
    ORDERS,
    DagRunFieldsParameters,
    DagRunListParameters,
    narrow,
)
from api_v1.operations import Operation
from api_v1.pagination import Page, by_id, ordering, page, unbounded_page
from api_v1.problems import not_found
from api_v1.rows import check_fields
from api_v1.serializers.dag_runs import (
    SHAPE,
    ClearRunBody,
    DagRunAnswer,
    DagRunCollection,
    RunBatchBody,
    RunNoteBody,
    RunStateBody,
    TriggerBody,
    shown,
    trigger_arguments,
)
from api_v1.serializers.datasets import DatasetEventCollection, event_rows
from api_v1.serializers.task_instances import ReferenceCollection, references
from api_v1.viewsets.base import OperationViewSet
from orchestration.access.permissions import ANY_DAG, editable_dag_ids, readable_dag_ids
from orchestration.models import Dag, DagRun, DatasetEvent
from orchestration.models.dag_run import DagRunQuerySet
from orchestration.services import dag_runs, task_instances
from orchestration.states import DagRunState


def _by_name(dag_id: str, run_id: str) -> DagRunQuerySet:
    return DagRun.objects.filter(dag_id=dag_id, run_id=run_id)


#: The parameters of a list that leave no run out.
_UNFILTERED = frozenset({"limit", "offset", "order_by"})
_UNKNOWN = "{} not in DAGRunSchema"
#: What a clear answers: the run, or (dry) its instances.
CLEARED = PolymorphicProxySerializer(
    component_name="ClearedRun", serializers=[DagRunAnswer, ReferenceCollection], resource_type_field_name=None
)


class DagRunViewSet(OperationViewSet):
    """DAG runs."""

    operations = (
        Operation("get_dag_runs", "list", DagRunListParameters, answer=DagRunCollection, summary="List DAG runs"),
        Operation(
            "post_dag_run",
            "trigger",
            body=TriggerBody,
            answer=DagRunAnswer,
            codes=(404, 409),
            event="post_dag_run",
            summary="Trigger a new DAG run",
        ),
        Operation(
            "get_dag_runs_batch", "batch", body=RunBatchBody, answer=DagRunCollection, summary="List DAG runs (batch)"
        ),
        Operation(
            "get_dag_run", "get", DagRunFieldsParameters, answer=DagRunAnswer, codes=(404,), summary="Get a DAG run"
        ),
        Operation(
            "update_dag_run_state",
            "patch",
            body=RunStateBody,
            answer=DagRunAnswer,
            codes=(404,),
            event="update_dag_run_state",
            summary="Set the state of a DAG run",
        ),
        Operation(
            "delete_dag_run", "delete", status=204, codes=(404,), event="delete_dag_run", summary="Delete a DAG run"
        ),
        Operation(
            "clear_dag_run",
            "clear",
            body=ClearRunBody,
            answer=CLEARED,
            codes=(404,),
            event="clear_dag_run",
            summary="Clear a DAG run",
        ),
        Operation(
            "set_dag_run_note",
            "set_note",
            body=RunNoteBody,
            answer=DagRunAnswer,
            codes=(404,),
            event="set_dag_run_note",
            summary="Update the note of a DAG run",
        ),
        Operation(
            "get_upstream_dataset_events",
            "upstream_dataset_events",
            answer=DatasetEventCollection,
            codes=(404,),
            summary="Get the dataset events that made a DAG run",
        ),
    )

    def list(self) -> Any:
        """Runs of a DAG, or of all the caller may read (``~``)."""
        here = page(self.query)
        if self.kwargs["dag_id"] != ANY_DAG and self.query.keys() <= _UNFILTERED:
            return self._whole_list(here, self.kwargs["dag_id"])
        found = DagRunListParameters.apply(self._of_dag(), self.query)
        return self._page_of(found, here, self.query.get("order_by"), self.query.get("fields"))

    def _whole_list(self, here: Page, dag_id: str) -> Any:
        """A page of all runs of one DAG: what is asked most, so nothing is built for it anew."""
        order = ordering(self.query.get("order_by"), ORDERS, default="id", key="id")
        total = self.count_named(("runs", dag_id), lambda: DagRun.objects.filter(dag_id=dag_id))
        rows = SHAPE.page(
            f"of a DAG by {order!r}",
            lambda dag_id: DagRun.objects.filter(dag_id=dag_id).order_by(*order),
            (dag_id,),
            limit=here.limit,
            offset=here.offset,
        )
        return self.paged({"dag_runs": rows, "total_entries": total}, here, total)

    def _of_dag(self) -> DagRunQuerySet:
        dag_id = self.kwargs["dag_id"]
        return self._readable() if dag_id == ANY_DAG else DagRun.objects.filter(dag_id=dag_id)

    def _readable(self) -> DagRunQuerySet:
        readable = readable_dag_ids(self.caller)
        return DagRun.objects.all() if readable is None else DagRun.objects.filter(dag_id__in=readable)

    def _page_of(self, found: DagRunQuerySet, here: Page, order_by: str | None, wanted: Any = None) -> Any:
        order = ordering(order_by, ORDERS, default="id", key="id")
        check_fields(wanted, SHAPE.members, title="DAGRunCollectionSchema error", message=_UNKNOWN)
        total = self.count(found)
        ordered = by_id(found, total) if order == ["id"] else found.order_by(*order)
        rows = SHAPE.rows(here.of(ordered), wanted)
        return self.paged({"dag_runs": rows, "total_entries": total}, here, total)

    def batch(self) -> Any:
        """Runs of several DAGs; ids of DAGs the caller may not read are passed by."""
        form = self.load()
        found = narrow(self._readable(), form)
        if form.get("dag_ids"):
            found = found.filter(dag_id__in=form["dag_ids"])
        here = unbounded_page(form, limit="page_limit", offset="page_offset")
        return self._page_of(found, here, form.get("order_by"))

    def get(self) -> Any:
        """One run."""
        wanted = self.query.get("fields")
        row = SHAPE.named("run", _by_name, self.kwargs["dag_id"], self.kwargs["dag_run_id"])
        if row is None:
            raise not_found("DAGRun not found", self._says_missing())
        check_fields(wanted, SHAPE.members, title="DAGRunSchema error", message=_UNKNOWN)
        return Part(row, wanted)

    def _says_missing(self) -> str:
        return f"DAGRun with DAG ID: '{self.kwargs['dag_id']}' and DagRun ID: '{self.kwargs['dag_run_id']}' not found"

    def trigger(self) -> Any:
        """Make a run; it is queued and starts as soon as its DAG is not paused."""
        dag = Dag.objects.filter(pk=self.kwargs["dag_id"], is_active=True).first()
        if dag is None:
            raise not_found("DAG not found", f"DAG with dag_id: '{self.kwargs['dag_id']}' not found")
        run = dag_runs.trigger(dag, actor=self.caller, **trigger_arguments(self.load()))
        return shown(run)

    def patch(self) -> Any:
        """Mark a run, with its task instances, as succeeded or failed, or queue it again."""
        run = self._run("Dag Run id {run} not found in dag {dag}")
        state = DagRunState(self.load()["state"])
        return shown(dag_runs.set_state(run, state, actor=self.caller))

    def _run(self, title: str, detail: str | None = None) -> DagRun:
        dag_id, run_id = self.kwargs["dag_id"], self.kwargs["dag_run_id"]
        run = DagRun.objects.filter(dag_id=dag_id, run_id=run_id).first()
        if run is None:
            raise not_found(title.replace("{run}", run_id).replace("{dag}", dag_id), detail)
        return run

    def delete(self) -> None:
        """Delete a run with all it left; what still runs of it is stopped."""
        dag_runs.delete(self._run("Not Found", self._says_missing()), actor=self.caller)

    def clear(self) -> Any:
        """Clear a run. A dry run (the default) answers what would be cleared, otherwise the run is answered."""
        run = self._run("Dag Run id {run} not found in dag   {dag}")
        dry_run = self.load()["dry_run"]
        others = editable_dag_ids(self.caller)
        cleared = task_instances.clear_run(run, actor=self.caller, dry_run=dry_run, others=others)
        if dry_run:
            return references(cleared)
        run.refresh_from_db()
        return shown(run)

    def set_note(self) -> Any:
        """Write the run's note."""
        run = self._run("Dag Run id {run} not found in dag {dag}")
        return shown(dag_runs.set_note(run, self.load()["note"], actor=self.caller))

    def upstream_dataset_events(self) -> Any:
        """The dataset events that made the run, as far as the caller may read the DAGs they came from."""
        run = self._run("DAGRun not found", self._says_missing())
        made_it = DatasetEvent.objects.filter(created_dag_runs=run)
        readable = readable_dag_ids(self.caller)
        if readable is not None:
            made_it = made_it.filter(Q(source_dag_id=None) | Q(source_dag_id__in=readable))
        events = event_rows(made_it, self.caller)
        return {"dataset_events": events, "total_entries": len(events)}
