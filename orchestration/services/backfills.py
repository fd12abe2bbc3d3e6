"""Backfills: the runs of a DAG for a range of past dates, which the scheduler runs under a limit of their own."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.utils import timezone

from orchestration.authoring.timetables import registry
from orchestration.authoring.timetables.base import DagRunInfo, TimeRestriction
from orchestration.errors import Conflict, Invalid
from orchestration.models import Backfill, Dag, DagRun, TaskInstance, User, versions
from orchestration.models.dag_run import generate_run_id
from orchestration.models.wakeups import notify
from orchestration.serialization.values import SerializedDag
from orchestration.services import audit, clearing
from orchestration.services.audit import Actor
from orchestration.states import FAILED_STATES, RUN_FINISHED, DagRunState, DagRunType

#: The most runs of one backfill.
MOST_RUNS: Final = 10_000
Reprocess = Backfill.Reprocess


def infos(shape: SerializedDag, from_date: datetime, to_date: datetime, upcoming: Any = None) -> Iterator[DagRunInfo]:
    """The runs that the timetable has for logical dates between two moments, both included, earliest first."""
    timetable = registry.decode(shape.timetable, upcoming)
    restriction = TimeRestriction(earliest=from_date, latest=to_date, catchup=True)
    interval = None
    while True:
        info = timetable.next_dagrun_info(last_automated_data_interval=interval, restriction=restriction)
        if info is None or info.logical_date > to_date or (interval is not None and info.data_interval <= interval):
            return
        if info.logical_date >= from_date:
            yield info
        interval = info.data_interval


@transaction.atomic
def create(
    dag: Dag,
    *,
    actor: Actor,
    from_date: datetime,
    to_date: datetime,
    conf: Mapping[str, Any] | None = None,
    reprocess: str = Reprocess.NONE,
    run_backwards: bool = False,
    max_active_runs: int = 10,
    task_ids: Collection[str] | None = None,
) -> Backfill:
    """Make the runs of a range; those that exist stay, or are run again where ``reprocess`` says so.

    ``task_ids`` limits the new runs to these tasks. Raises Invalid for a range that holds no date or too many, and for
    a DAG whose tasks look back when it is to run backwards; Conflict while another backfill of the DAG is at work.
    """
    Dag.objects.select_for_update().get(pk=dag.pk)  # two backfills of a DAG are made one after the other
    shape = versions.current(dag.dag_id)
    if run_backwards and (looks_back := sorted(t.task_id for t in shape.tasks.values() if t.depends_on_past)):
        raise Invalid(f"You cannot backfill backwards because one or more tasks depend_on_past: {looks_back[0]}")
    if Backfill.objects.filter(dag=dag, completed_at=None, cancelled_at=None).exists():
        raise Conflict(f"Another backfill of {dag.dag_id} is at work. Wait for it, or cancel it.")
    wanted = []
    for info in infos(shape, from_date, to_date, dag.upcoming):
        wanted.append(info)
        if len(wanted) > MOST_RUNS:
            raise Invalid(f"The range holds more than {MOST_RUNS} runs. Take a shorter one.")
    if not wanted:
        raise Invalid("No run dates were found for the given dates and dag interval.")
    stored: Any = dict(conf or {})
    backfill = Backfill.objects.create(
        dag=dag,
        from_date=from_date,
        to_date=to_date,
        dag_run_conf=stored,
        reprocess_behavior=reprocess,
        run_backwards=run_backwards,
        max_active_runs=max_active_runs,
        author=actor if isinstance(actor, User) else None,
    )
    for info in reversed(wanted) if run_backwards else wanted:
        _make(backfill, dag, shape, info, task_ids)
    audit.record("post_backfill", actor=actor, dag_id=dag.dag_id, extra={"runs": len(wanted)})
    notify("scheduler")
    return backfill


def _make(
    backfill: Backfill, dag: Dag, shape: SerializedDag, info: DagRunInfo, task_ids: Collection[str] | None
) -> None:
    now = timezone.now()
    existing = DagRun.objects.filter(dag=dag, logical_date=info.logical_date).first()
    if existing is not None:
        _again(backfill, existing, now)
        return
    run = DagRun(
        dag=dag,
        run_id=generate_run_id(DagRunType.BACKFILL, info.logical_date),
        run_type=DagRunType.BACKFILL,
        state=DagRunState.QUEUED,
        logical_date=info.logical_date,
        data_interval_start=info.data_interval.start,
        data_interval_end=info.data_interval.end,
        queued_at=now,
        updated_at=now,
        external_trigger=False,
        conf=backfill.dag_run_conf,
        dag_version_id=dag.current_version_id,
        backfill=backfill,
    )
    try:
        with transaction.atomic():
            run.save(force_insert=True)
    except IntegrityError:
        return  # the scheduler made the run of this date just now
    run.create_task_instances(shape, only=task_ids)


def _again(backfill: Backfill, run: DagRun, now: datetime) -> None:
    """Take a finished run into the backfill and clear what is to be run again."""
    how = backfill.reprocess_behavior
    if run.state not in RUN_FINISHED or how == Reprocess.NONE:
        return
    if how == Reprocess.FAILED and run.state != DagRunState.FAILED:
        return
    failed = FAILED_STATES if how == Reprocess.FAILED else None
    found = TaskInstance.objects.select_related("run").filter(run=run)
    instances = list(found.filter(state__in=failed) if failed is not None else found)
    DagRun.objects.filter(pk=run.pk).update(run_type=DagRunType.BACKFILL, backfill=backfill)
    clearing.clear(instances, now=now)


def unfinished(backfill: Backfill) -> int:
    """How many of its runs are not over."""
    return DagRun.objects.filter(backfill=backfill).unfinished().count()


@transaction.atomic
def complete(backfill: Backfill) -> bool:
    """Note the end of a backfill all of whose runs are over; whether it is."""
    if unfinished(backfill):
        return False
    now = timezone.now()
    Backfill.objects.filter(pk=backfill.pk, completed_at=None).update(completed_at=now, updated_at=now)
    return True


@transaction.atomic
def cancel(backfill: Backfill, *, actor: Actor) -> int:
    """Start no more of its runs: those that wait fail, those at work go on to their end; how many will not run.

    Raises Conflict for one that is over.
    """
    now = timezone.now()
    open_ = Backfill.objects.filter(pk=backfill.pk, completed_at=None, cancelled_at=None)
    if not open_.update(cancelled_at=now, updated_at=now):
        raise Conflict("The backfill is over.")
    waiting = DagRun.objects.filter(backfill=backfill, state=DagRunState.QUEUED)
    audit.record("cancel_backfill", actor=actor, dag_id=backfill.dag_id)
    count: int = waiting.override(DagRunState.FAILED, now=now)
    notify("watchers")
    return count
