"""The step that starts queued runs, as many as their DAGs and backfills allow."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import transaction
from django.db.models import Case, Count, F, Q, When

from orchestration.conf import conf
from orchestration.models.backfill import Backfill
from orchestration.models.dag import Dag
from orchestration.models.dag_run import DagRun
from orchestration.models.wakeups import notify
from orchestration.scheduling import due
from orchestration.scheduling.aside import not_aside
from orchestration.scheduling.rows import locked
from orchestration.states import DagRunState, DagRunType

log = logging.getLogger(__name__)


def start_queued(*, now: datetime, limit: int) -> list[int]:
    """Start up to ``limit`` queued runs, older dates first; their ids.

    A run of a paused, inactive or put aside DAG stays queued, as does one whose date is ahead. A backfill's runs need
    only its own leave, and start latest first where it runs backwards. Four queries, none of them over finished runs;
    one where nothing is queued.
    """
    if not DagRun.objects.filter(state=DagRunState.QUEUED).exists():
        return []
    with transaction.atomic():
        running = DagRun.objects.filter(state=DagRunState.RUNNING).order_by()
        by_dag = dict(running.filter(backfill=None).values_list("dag_id").annotate(number=Count("pk")))
        by_backfill = dict(running.exclude(backfill=None).values_list("backfill_id").annotate(number=Count("pk")))
        of_queued = Backfill.objects.filter(is_paused=False, runs__state=DagRunState.QUEUED)
        # those that have all the running runs they may have must not hide the queued ones of others
        backfills = {
            pk: most
            for pk, most in of_queued.order_by().values_list("pk", "max_active_runs").distinct()
            if not due.is_full(by_backfill.get(pk, 0), most)
        }
        queued = DagRun.objects.filter(state=DagRunState.QUEUED, dag__is_active=True).filter(not_aside(now, "dag__"))
        queued = queued.filter(Q(dag__is_paused=False) | Q(run_type=DagRunType.BACKFILL))
        queued = queued.filter(Q(backfill=None) | Q(backfill__in=list(backfills)))
        if not conf.getboolean("scheduler", "allow_trigger_in_future"):
            queued = queued.filter(logical_date__lte=now)
        full = _full_dags(by_dag)
        queued = queued.exclude(dag__in=full, backfill=None) if full else queued
        forwards = Case(When(backfill__run_backwards=True, then=None), default=F("logical_date"))
        queued = queued.order_by(
            F("last_scheduling_decision").asc(nulls_first=True), forwards.asc(nulls_last=True), "-logical_date", "pk"
        )
        rows = locked(queued.values_list("pk", "dag_id", "backfill_id", "dag__max_active_runs")[:limit])
        chosen = due.startable(
            [(pk, dag_id, backfill_id) for pk, dag_id, backfill_id, _ in rows],
            by_dag,
            {dag_id: most for _, dag_id, _, most in rows},
            by_backfill,
            backfills,
        )
        if chosen:
            DagRun.objects.filter(pk__in=chosen).move(DagRunState.RUNNING, now=now)
            notify("watchers")
        return chosen


def _full_dags(running: dict[str, int]) -> list[str]:
    """DAGs that have all the running runs they may have: their queued ones must not hide those of others."""
    limits = Dag.objects.filter(pk__in=list(running)).values_list("pk", "max_active_runs")
    return [dag_id for dag_id, most in limits if due.is_full(running[dag_id], most)]
