"""Backfills (not in the reference): run a DAG for a range of past dates."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import PolymorphicProxySerializer
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from api_v1.filters.backfills import ORDERS, BackfillListParameters
from api_v1.operations import Operation
from api_v1.pagination import order, page
from api_v1.permissions import HoldsPermissions
from api_v1.rows import Row
from api_v1.serializers.backfills import (
    BackfillAnswer,
    BackfillBody,
    BackfillCollection,
    BackfillPlanAnswer,
    backfill_row,
    plan_row,
)
from api_v1.viewsets.base import OperationViewSet
from orchestration.access.permissions import ANY_DAG, meets, readable_dag_ids
from orchestration.errors import NotFound
from orchestration.models import Backfill, Dag
from orchestration.services import audit, backfills

#: What an order answers: the backfill, or (dry) the runs.
_ORDERED = PolymorphicProxySerializer(
    component_name="OrderedBackfill",
    serializers=[BackfillAnswer, BackfillPlanAnswer],
    resource_type_field_name=None,
)


class HoldsThemForItsDag(BasePermission):
    """The caller holds what the operation asks for the DAG that the body, or the backfill, names.

    A backfill that is missing is one of any DAG: who may not act on all of them cannot tell it from a forbidden one.
    Asked before the handler, and so before an earlier answer is given again.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        viewset: BackfillViewSet = view
        if viewset.operation.id == "get_backfills":
            return True  # the list is narrowed to what may be read
        dag_id = viewset.its_dag_id()
        return meets(viewset.caller, viewset.operation.rule.pairs, dag_id=None if dag_id == ANY_DAG else dag_id)


class BackfillViewSet(OperationViewSet):
    """Backfills: the runs of one DAG for a range of past dates, under a limit of their own."""

    permission_classes = [HoldsPermissions, HoldsThemForItsDag]
    operations = (
        Operation(
            "get_backfills",
            "list",
            BackfillListParameters,
            answer=BackfillCollection,
            tag="Backfill",
            summary="List backfills",
        ),
        Operation(
            "post_backfill",
            "create",
            body=BackfillBody,
            answer=_ORDERED,
            codes=(404, 409),
            event="post_backfill",
            tag="Backfill",
            summary="Run a DAG for a range of past dates",
        ),
        Operation(
            "get_backfill",
            "retrieve",
            answer=BackfillAnswer,
            codes=(404,),
            tag="Backfill",
            summary="Get a backfill",
        ),
        Operation(
            "cancel_backfill",
            "cancel",
            answer=BackfillAnswer,
            codes=(404, 409),
            event="cancel_backfill",
            tag="Backfill",
            summary="Cancel a backfill",
        ),
        Operation(
            "pause_backfill",
            "pause",
            answer=BackfillAnswer,
            codes=(404, 409),
            event="pause_backfill",
            tag="Backfill",
            summary="Pause a backfill",
        ),
        Operation(
            "unpause_backfill",
            "unpause",
            answer=BackfillAnswer,
            codes=(404, 409),
            event="unpause_backfill",
            tag="Backfill",
            summary="Let a paused backfill go on",
        ),
    )

    def its_dag_id(self) -> str | None:
        """The DAG that the body or the backfill names; None where there is no such backfill. Up to one query."""
        if self.operation.body is not None:
            return str(self.body["dag_id"])
        found = Backfill.objects.filter(pk=self.kwargs["backfill_id"]).values_list("dag_id", flat=True)
        return found.first()

    def list(self) -> HttpResponse:
        """Backfills of the DAGs that the caller may read."""
        here = page(self.query)
        readable = readable_dag_ids(self.caller)
        rows = Backfill.objects.all() if readable is None else Backfill.objects.filter(dag__in=readable)
        rows = BackfillListParameters.apply(rows, self.query)
        total = rows.count()
        chosen = list(here.of(order(rows, self.query.get("order_by"), ORDERS, default="id", key="id")))
        states = backfills.run_states([each.pk for each in chosen])
        answer = {"backfills": [backfill_row(each, states[each.pk]) for each in chosen], "total_entries": total}
        return self.paged(answer, here, total)

    def create(self) -> Row:
        """Make the runs of a range of dates, all or none; they are queued at once and start as their limit allows.

        A paused DAG's backfill runs nevertheless. One of a DAG at a time. A dry run answers which runs would be made or
        run again.
        """
        values = self.load()
        dag_id = values["dag_id"]
        audit.concerns(dag_id=dag_id)
        dag = Dag.objects.filter(pk=dag_id).first()
        if dag is None:
            raise NotFound(f"There is no DAG {dag_id}.", title="DAG not found")
        dates = {
            "from_date": values["from_date"],
            "to_date": values["to_date"],
            "reprocess": values["reprocess_behavior"],
            "run_backwards": values["run_backwards"],
        }
        if values["dry_run"]:
            return plan_row(backfills.plan(dag, **dates))
        made = backfills.create(
            dag,
            actor=self.caller,
            conf=values.get("dag_run_conf"),
            max_active_runs=values["max_active_runs"],
            **dates,
        )
        return self._shown(made)

    def retrieve(self) -> Row:
        """One backfill, with how far it is."""
        return self._shown(self._backfill())

    def cancel(self) -> Row:
        """Start no more of its runs: those that wait fail, those at work go on to their end."""
        backfill = self._backfill()
        backfills.cancel(backfill, actor=self.caller)
        return self._shown(backfill)

    def pause(self) -> Row:
        """Start no more of its runs for now; those at work go on."""
        return self._shown(backfills.set_paused(self._backfill(), True, actor=self.caller))

    def unpause(self) -> Row:
        """Start its runs again."""
        return self._shown(backfills.set_paused(self._backfill(), False, actor=self.caller))

    def _backfill(self) -> Backfill:
        backfill = backfills.find(int(self.kwargs["backfill_id"]))
        audit.concerns(dag_id=backfill.dag_id)
        return backfill

    @staticmethod
    def _shown(backfill: Backfill) -> Row:
        return backfill_row(backfill, backfills.run_states([backfill.pk])[backfill.pk])
