"""The steps that mend: tries nobody works on any more, schedulers that died, waits that took too long.

Each is one transaction and costs a query or two while there is nothing to mend. They return the runs to look at.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Count
from django.db.models.functions import Coalesce

from orchestration.conf import conf
from orchestration.models import outcomes, versions
from orchestration.models.event_log import EventLog
from orchestration.models.job import Job, health_threshold
from orchestration.models.task_instance import TaskInstance, TaskInstanceQuerySet
from orchestration.models.wakeups import notify
from orchestration.states import RUN_FINISHED, JobState, JobType, TaskInstanceState

log = logging.getLogger(__name__)

_S = TaskInstanceState

#: Times a try that was not started in time is sent again before it fails.
STUCK_RETRIES = 2
STUCK_EVENT = "stuck in queued reschedule"
#: Seconds in which an executor shows what it was handed.
_HANDED_OVER = timedelta(seconds=5)


def lost_claims(in_hand: Collection[int]) -> frozenset[int]:
    """Those of an executor's task instances that an operator took from it: cleared, marked, deleted."""
    if not in_hand:
        return frozenset()
    held = TaskInstance.objects.filter(
        pk__in=list(in_hand), state__in=[_S.QUEUED, _S.RUNNING], claim__isnull=False
    ).values_list("pk", flat=True)
    return frozenset(in_hand) - frozenset(held)


def end_zombies(*, now: datetime) -> set[int]:
    """Fail or retry the running tries whose heartbeat stopped; their runs."""
    seconds = conf.getint("scheduler", "scheduler_zombie_task_threshold")
    limit = now - timedelta(seconds=seconds)
    beat = Coalesce("last_heartbeat_at", "start_date", "updated_at")
    silent = TaskInstance.objects.filter(state=_S.RUNNING).annotate(beat=beat).filter(beat__lt=limit)
    if not silent.exists():
        return set()
    reason = f"The task gave no sign of life for {seconds} seconds; its process or machine is gone."
    return _fail(silent, "heartbeat timeout", reason, now)


def time_out_deferred(*, now: datetime) -> set[int]:
    """Let deferred tasks that waited too long go on, to raise the timeout; their runs."""
    with transaction.atomic():
        return {run_pk for _, run_pk in outcomes.time_out_deferred(now=now)}


def requeue_orphans(*, now: datetime) -> int:
    """Make ready again what schedulers had queued that are gone; how many. Their messages find the claim changed."""
    alive = Job.objects.filter(job_type=JobType.SCHEDULER, state=JobState.RUNNING)
    orphans = TaskInstance.objects.filter(state=_S.QUEUED).exclude(queued_by_job__in=alive.values("pk"))
    return _make_ready(orphans, now)


def requeue_unsent(*, job_id: int, in_hand: Collection[int], now: datetime) -> int:
    """Make ready again what this scheduler queued and its executor does not have; how many."""
    mine = TaskInstance.objects.filter(state=_S.QUEUED, queued_by_job=job_id, queued_at__lt=now - _HANDED_OVER)
    lost = [pk for pk in mine.values_list("pk", flat=True) if pk not in in_hand]
    return _make_ready(TaskInstance.objects.filter(pk__in=lost, state=_S.QUEUED), now) if lost else 0


def requeue_stuck(*, job_id: int, now: datetime) -> tuple[frozenset[int], set[int]]:
    """Tries that wait for a process longer than ``scheduler.task_queued_timeout``: sent again, or failed in the end.

    Gives the task instances that the executor is to drop, and the runs in which one failed.
    """
    seconds = conf.getint("scheduler", "task_queued_timeout")
    stuck = TaskInstance.objects.filter(
        state=_S.QUEUED, queued_by_job=job_id, queued_at__lt=now - timedelta(seconds=seconds)
    ).select_related("run")
    found = list(stuck)
    if not found:
        return frozenset(), set()
    counts = _times_stuck(found)
    again = [ti for ti in found if counts[ti.pk] < STUCK_RETRIES]
    with transaction.atomic():
        _make_ready(TaskInstance.objects.filter(pk__in=[ti.pk for ti in again]), now)
        note = f"No process started the task within {seconds} seconds; it is queued again."
        EventLog.objects.bulk_create(_event(ti, STUCK_EVENT, note, now) for ti in again)
    failed = [ti.pk for ti in found if counts[ti.pk] >= STUCK_RETRIES]
    runs: set[int] = set()
    if failed:
        reason = f"No process started the task within {seconds} seconds, {STUCK_RETRIES + 1} times in a row."
        runs = _fail(TaskInstance.objects.filter(pk__in=failed), "stuck in queued tries exceeded", reason, now)
    return frozenset(ti.pk for ti in found), runs


def free_restarting(*, in_hand: Collection[int], now: datetime) -> set[int]:
    """Cleared tries whose process is gone, and with it whoever would have said so; their runs.

    What an executor has in hand it ends itself. Others' are theirs, unless their heartbeat stopped.
    """
    limit = now - health_threshold()
    beat = Coalesce("last_heartbeat_at", "start_date", "updated_at")
    waiting = TaskInstance.objects.filter(state=_S.RESTARTING).annotate(beat=beat).filter(beat__lt=limit)
    found = [(pk, run_pk) for pk, run_pk in waiting.values_list("pk", "run_id") if pk not in in_hand]
    if not found:
        return set()
    with transaction.atomic():
        outcomes.restarted([pk for pk, _ in found], now=now)
    return {run_pk for _, run_pk in found}


def drop_scheduled_of_ended_runs(*, now: datetime) -> int:
    """Take the state from instances that became ready when their run had ended; how many."""
    return TaskInstance.objects.filter(state=_S.SCHEDULED, run__state__in=RUN_FINISHED).update(
        state=_S.NONE, updated_at=now
    )


def _make_ready(rows: TaskInstanceQuerySet, now: datetime) -> int:
    # Through the ids: the rows' conditions may name other tables, which an UPDATE may not.
    ids = list(rows.filter(state=_S.QUEUED).values_list("pk", flat=True))
    return TaskInstance.objects.filter(pk__in=ids, state=_S.QUEUED).move(
        _S.SCHEDULED, now=now, claim=None, queued_at=None, queued_by_job=None
    )


def _fail(rows: TaskInstanceQuerySet, event: str, reason: str, now: datetime) -> set[int]:
    """Fail or retry each of these tries, and log why; their runs. One transaction each: few ever come together."""
    runs: set[int] = set()
    for ti in rows.select_related("run__dag_version").order_by("pk"):
        with transaction.atomic():
            dag = None
            if ti.run.dag_version is not None:
                dag = versions.load({ti.run.dag_version.pk: ti.run.dag_version.updated_at}).get(ti.run.dag_version.pk)
            task = None if dag is None else dag.tasks.get(ti.task_id)
            before = ti.state
            if before == _S.QUEUED:
                # A try that never ran does not count: what was queued is failed for good, as in the reference.
                state = outcomes.fail_or_retry(ti, task, reason=reason, now=now, is_final=True, dag=dag)
            else:
                state = outcomes.fail_or_retry(ti, task, reason=reason, now=now, dag=dag)
            if state is None:
                continue
            EventLog.objects.bulk_create([_event(ti, event, reason, now)])
        log.error("%s: %s It is now %s.", ti, reason, state.value)
        runs.add(ti.run_id)
    if runs:
        notify("dag_processor")  # for the callbacks
    return runs


def _times_stuck(instances: Iterable[TaskInstance]) -> Counter[int]:
    """How often each present try was sent again, from the audit log."""
    found = list(instances)
    lines = EventLog.objects.filter(
        event=STUCK_EVENT,
        dag_id__in={ti.dag_id for ti in found},
        run_id__in={ti.run.run_id for ti in found},
        task_id__in={ti.task_id for ti in found},
    ).values_list("dag_id", "run_id", "task_id", "map_index", "try_number")
    counts = {tuple(key): number for *key, number in lines.order_by().annotate(number=Count("pk"))}
    return Counter(
        {ti.pk: counts.get((ti.dag_id, ti.run.run_id, ti.task_id, ti.map_index, ti.try_number), 0) for ti in found}
    )


def _event(ti: TaskInstance, event: str, extra: str, now: datetime) -> EventLog:
    return EventLog(
        event=event,
        when=now,
        owner="scheduler",
        owner_display_name="Scheduler",
        dag_id=ti.dag_id,
        task_id=ti.task_id,
        run_id=ti.run.run_id,
        map_index=ti.map_index,
        try_number=ti.try_number,
        logical_date=ti.run.logical_date,
        extra=extra,
    )
