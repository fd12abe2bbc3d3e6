"""Waiting for a run (not in the reference): its changes as they come, until it ends."""

from __future__ import annotations

from django.http import HttpResponse, StreamingHttpResponse
from rest_framework.exceptions import APIException

from api_v1.filters.waiting import INTERVAL, TIMEOUT, WaitParameters
from api_v1.operations import Operation
from api_v1.problems import not_found
from api_v1.serializers.waiting import DagRunStateAnswer
from api_v1.viewsets.base import OperationViewSet
from api_v1.watching import Following, hang_up_of
from orchestration.access.authentication import configured_backends, identify
from orchestration.access.permissions import forget
from orchestration.models import DagRun

_NDJSON = "application/x-ndjson"


class RunWaitViewSet(OperationViewSet):
    """Waits for DAG runs."""

    operations = (
        Operation(
            "wait_for_dag_run",
            "wait",
            WaitParameters,
            answer=DagRunStateAnswer,
            codes=(404, 503),
            media_types=(_NDJSON,),
            tag="DagRun",
            summary="Follow a DAG run until it ends",
        ),
    )

    def wait(self) -> HttpResponse | StreamingHttpResponse:
        """A line of JSON with the run's state, now and at every change, until it ends, is deleted, or time is over."""
        dag_id, run_id = self.kwargs["dag_id"], self.kwargs["dag_run_id"]
        pk = DagRun.objects.filter(dag_id=dag_id, run_id=run_id).values_list("pk", flat=True).first()
        if pk is None:
            raise not_found("DAGRun not found", f"The DAG {dag_id} has no run {run_id}.")
        if self.request.method == "HEAD":
            return HttpResponse(b"", content_type=_NDJSON)
        lines = Following(
            DagRun.objects.filter(pk=pk).values("state", "start_date", "end_date").first,
            is_allowed=self._is_still_allowed,
            is_gone=hang_up_of(self.request._request),
            interval=self.query.get("interval", INTERVAL),
            timeout=self.query.get("timeout", TIMEOUT),
        )
        return StreamingHttpResponse(lines, content_type=_NDJSON, headers={"X-Accel-Buffering": "no"})

    def _is_still_allowed(self) -> bool:
        try:
            identity = identify(self.request._request, configured_backends())
        except APIException:
            return False
        if identity is None:
            return False
        forget(identity.user)
        return self.operation.rule.allows(identity.user, self.kwargs["dag_id"])
