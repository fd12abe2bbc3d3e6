"""How runs end: their state, their callbacks, and what the end means for their DAG."""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from django.db.models import Q

from orchestration.models.backfill import Backfill
from orchestration.models.callback import CallbackRequest
from orchestration.models.dag import Dag
from orchestration.models.dag_run import DagRun
from orchestration.models.event_log import EventLog
from orchestration.models.task_instance import TaskInstance
from orchestration.models.wakeups import notify
from orchestration.scheduling.creation import renew
from orchestration.scheduling.decisions import RunOutcome
from orchestration.scheduling.graph import Graph
from orchestration.scheduling.rows import RunRow
from orchestration.states import UNFINISHED, DagRunState, DagRunType, TaskInstanceState

log = logging.getLogger(__name__)

#: Runs after whose end the DAG's next scheduled run is worked out anew.
_AUTOMATED = frozenset({DagRunType.SCHEDULED, DagRunType.BACKFILL})


def end(
    outcomes: Mapping[int, RunOutcome], runs: Mapping[int, RunRow], graphs: Mapping[int, Graph], *, now: datetime
) -> None:
    """End these runs: their state, a request for each callback, the next run of their DAG, their backfill's end."""
    if not outcomes:
        return
    for state in (DagRunState.SUCCESS, DagRunState.FAILED):
        pks = [pk for pk, outcome in outcomes.items() if outcome.state == state]
        if pks:
            DagRun.objects.filter(pk__in=pks).move(state, now=now)
    DagRun.objects.filter(pk__in=list(outcomes)).update(last_scheduling_decision=now)
    for pk, outcome in outcomes.items():
        log.info("Run %s of %s ended: %s (%s)", runs[pk].run_id, runs[pk].dag_id, outcome.state, outcome.reason)
    _request_callbacks([(runs[pk], outcome) for pk, outcome in outcomes.items()], graphs)
    failed = [pk for pk, outcome in outcomes.items() if outcome.state == DagRunState.FAILED]
    _pause_failing({runs[pk].dag_id: graphs[pk].dag.max_consecutive_failed_dag_runs for pk in failed})
    renew({runs[pk].dag_id for pk in outcomes if runs[pk].run_type in _AUTOMATED}, now=now)
    if of_backfills := [pk for pk in outcomes if runs[pk].run_type == DagRunType.BACKFILL]:
        Backfill.objects.filter(runs__in=of_backfills).complete(now=now)
    notify("watchers")


def time_out(runs: Collection[RunRow], graphs: Mapping[int, Graph], *, now: datetime) -> None:
    """Fail the runs that took longer than ``dagrun_timeout``; what is unfinished in them is skipped."""
    if not runs:
        return
    TaskInstance.objects.filter(run__in=[run.pk for run in runs], state__in=UNFINISHED).move(
        TaskInstanceState.SKIPPED,
        now=now,
        reason="The run took longer than its DAG's dagrun_timeout.",
        trigger=None,
        trigger_timeout_at=None,
    )
    outcome = RunOutcome(DagRunState.FAILED, "timed_out")
    end({run.pk: outcome for run in runs}, {run.pk: run for run in runs}, graphs, now=now)


def _request_callbacks(ended: Iterable[tuple[RunRow, RunOutcome]], graphs: Mapping[int, Graph]) -> None:
    requests = []
    for run, outcome in ended:
        dag = graphs[run.pk].dag
        is_success = outcome.state == DagRunState.SUCCESS
        if dag.has_on_success_callback if is_success else dag.has_on_failure_callback:
            data = {"dag_id": run.dag_id, "run_id": run.run_id, "state": outcome.state, "reason": outcome.reason}
            requests.append(CallbackRequest(kind=CallbackRequest.Kind.DAG, fileloc=run.fileloc, data=data))
    if requests:
        CallbackRequest.objects.bulk_create(requests)
        notify("dag_processor")


def _pause_failing(limits: Mapping[str, int]) -> None:
    """Pause the DAGs whose last runs all failed; ``limits`` says how many that takes, 0 is never."""
    for dag_id, limit in limits.items():
        if limit <= 0:
            continue
        states = list(
            DagRun.objects.filter(dag=dag_id).order_by("-logical_date").values_list("state", flat=True)[:limit]
        )
        if len(states) < limit or any(state != DagRunState.FAILED for state in states):
            continue
        log.warning("DAG %s is paused: its last %s runs failed.", dag_id, limit)
        Dag.objects.filter(Q(pk=dag_id) | Q(root_dag_id=dag_id)).update(is_paused=True)
        EventLog.record(
            "paused",
            dag_id=dag_id,
            owner="scheduler",
            owner_display_name="Scheduler",
            extra=json.dumps({"dag_id": dag_id, "is_paused": True}),
        )
