"""What operators do with runs: trigger, mark, clear, delete, note."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from orchestration.authoring.params import Param
from orchestration.authoring.timetables import registry
from orchestration.authoring.types import NOTSET
from orchestration.errors import Conflict, Invalid, NotFound
from orchestration.models import (
    Backfill,
    Dag,
    DagRun,
    DatasetEvent,
    RenderedFields,
    TaskInstance,
    TaskInstanceHistory,
    TaskReschedule,
    User,
    XCom,
    versions,
)
from orchestration.models.dag_run import generate_run_id
from orchestration.models.wakeups import notify
from orchestration.serialization.values import SerializedDag
from orchestration.services import audit, marking
from orchestration.services.audit import Actor
from orchestration.states import RUN_FINISHED, DagRunState, DagRunType

#: What a caller's run id may be made of.
_RUN_ID: Final = re.compile(r"[A-Za-z0-9_.~:+-]{1,250}", re.ASCII)
#: Ids that would be taken for a folder or for "all runs".
_FORBIDDEN_RUN_IDS: Final = frozenset({".", "..", "~"})
#: Beginnings of ids that the system gives itself.
_RESERVED: Final = {f"{kind}__": kind for kind in DagRunType if kind != DagRunType.MANUAL}


@transaction.atomic
def trigger(
    dag: Dag,
    *,
    actor: Actor,
    run_id: str | None = None,
    logical_date: datetime | None = None,
    conf: Mapping[str, Any] | None = None,
    data_interval: tuple[datetime, datetime] | None = None,
    note: str | None = None,
    run_type: DagRunType = DagRunType.MANUAL,
) -> DagRun:
    """Make a queued run with its task instances.

    ``logical_date`` None is now; ``run_id`` None is made from it.

    Raises NotFound for a DAG that no file defines any more, Invalid for one with import errors, for a bad run id and
    for params that break their schema, Conflict where the DAG has a run of that date or id.
    """
    if not dag.is_active:
        raise NotFound(f"DAG with dag_id: '{dag.dag_id}' not found", title="DAG not found")
    if dag.has_import_errors:
        raise Invalid(f"The file of {dag.dag_id} cannot be imported. Mend it first.", title="DAG cannot be triggered")
    now = timezone.now()
    moment = logical_date or now
    name = generate_run_id(run_type, moment) if run_id is None else run_id
    _refuse_existing(dag.dag_id, name, moment)
    if run_id is not None:
        check_run_id(run_id, run_type)
    shape = versions.current(dag.dag_id)
    check_params(shape, conf or {})
    interval = data_interval or _inferred_interval(shape, dag, moment)
    run = DagRun(
        dag=dag,
        run_id=name,
        run_type=run_type,
        state=DagRunState.QUEUED,
        logical_date=moment,
        data_interval_start=interval[0],
        data_interval_end=interval[1],
        queued_at=now,
        updated_at=now,
        external_trigger=True,
        conf=dict(conf or {}),
        dag_version_id=dag.current_version_id,
        note=note or None,
        note_author=_person(actor) if note else None,
        triggered_by=_person(actor),
    )
    try:
        with transaction.atomic():
            run.save(force_insert=True)
    except IntegrityError:
        _refuse_existing(dag.dag_id, name, moment)
        raise
    run.create_task_instances(shape)
    audit.record("post_dag_run", actor=actor, dag_id=dag.dag_id, run_id=name, logical_date=moment)
    notify("scheduler")
    return run


def check_run_id(run_id: str, run_type: DagRunType = DagRunType.MANUAL) -> None:
    """Raise Invalid for an id that a caller may not give."""
    for beginning, kind in _RESERVED.items():
        if run_id.startswith(beginning) and kind != run_type:
            raise Invalid(f"A {run_type} DAG run cannot use ID '{run_id[:250]}' since it is reserved for {kind} runs")
    if _RUN_ID.fullmatch(run_id) is None or run_id in _FORBIDDEN_RUN_IDS:
        raise Invalid(
            f"The run id {run_id[:250]!r} is not allowed. Use 1 to 250 of A-Z a-z 0-9 _ . ~ : + - and not one of . .. ~"
        )


def _refuse_existing(dag_id: str, run_id: str, moment: datetime) -> None:
    same = Q(run_id=run_id) | Q(logical_date=moment)
    existing = DagRun.objects.filter(same, dag_id=dag_id).values_list("run_id", "logical_date")
    dates = {logical_date for _, logical_date in existing}
    if moment in dates:
        shown = moment.isoformat(sep=" ")
        raise Conflict(f"DAGRun with DAG ID: '{dag_id}' and DAGRun logical date: '{shown}' already exists")
    if dates:
        raise Conflict(f"DAGRun with DAG ID: '{dag_id}' and DAGRun ID: '{run_id}' already exists")


def check_params(dag: SerializedDag, conf: Mapping[str, Any]) -> None:
    """Raise Invalid unless the DAG's params with the run's ``conf`` over them fit their schemas.

    What else ``conf`` holds is free. A default that is kept masked is not checked: the task has the real one.
    """
    for name, stored in dag.params.items():
        if stored.get("is_masked") and name not in conf:
            continue
        param = Param(
            NOTSET if stored.get("is_required") else stored.get("value"),
            stored.get("description"),
            schema=stored.get("schema") or {},
        )
        try:
            param.resolve(conf[name]) if name in conf else param.resolve()
        except Exception as problem:  # a schema may be broken in ways of its own
            raise Invalid(f"Invalid input for param {name}: {str(problem)[:2000]}") from None


def _inferred_interval(dag: SerializedDag, row: Dag, moment: datetime) -> tuple[datetime, datetime]:
    try:
        timetable = registry.decode(dag.timetable, row.upcoming)
        interval = timetable.infer_manual_data_interval(run_after=moment)
    except (ValueError, OverflowError) as error:
        raise Invalid(f"The timetable has no interval for {moment.isoformat()}: {error}") from None
    return interval.start, interval.end


def _person(actor: Actor) -> User | None:
    return actor if isinstance(actor, User) else None


@transaction.atomic
def set_state(run: DagRun, state: DagRunState, *, actor: Actor) -> DagRun:
    """Mark a run, with its task instances, as an operator's word.

    ``success`` marks all but teardowns as succeeded; ``failed`` fails what runs and skips what waits, teardowns left
    aside; while there are teardowns to do the run goes on for them. ``queued`` lets the run be looked at again.
    """
    now = timezone.now()
    run = lock(run)
    audit.record("update_dag_run_state", actor=actor, dag_id=run.dag_id, run_id=run.run_id)
    same = DagRun.objects.filter(pk=run.pk)
    if state == DagRunState.SUCCESS:
        if marking.succeed_run(run, now=now):
            override_state(same, state, now=now)
    elif state == DagRunState.FAILED:
        if marking.fail_run(run, now=now):
            override_state(same, state, now=now)
    else:
        override_state(same, state, now=now)
    if run.backfill_id is not None:
        Backfill.objects.filter(pk=run.backfill_id).complete(now=now)
    notify("scheduler")
    notify("watchers")
    run.refresh_from_db()
    return run


def override_state(runs: Any, state: DagRunState, *, now: datetime) -> None:
    """Move runs to a state they are not in.

    A finished run that is marked finished otherwise keeps its end, one that is queued keeps when it was looked at last.
    """
    others = runs.exclude(state=state)
    if state == DagRunState.QUEUED:
        kept = dict(others.values_list("pk", "last_scheduling_decision"))
        others.override(state, now=now)
        for pk, decided_at in kept.items():
            DagRun.objects.filter(pk=pk).update(last_scheduling_decision=decided_at)
        return
    if state in RUN_FINISHED:
        others.filter(state__in=RUN_FINISHED, end_date__isnull=False).update(state=state, updated_at=now)
        others = runs.exclude(state=state)
    others.override(state, now=now)


def lock(run: DagRun) -> DagRun:
    """The run's row as it is now, locked until the transaction ends. Raises NotFound when it is gone."""
    found = DagRun.objects.select_for_update(of=("self",)).filter(pk=run.pk).first()
    if found is None:
        raise NotFound(title=f"Dag Run id {run.run_id} not found in dag {run.dag_id}")
    return found


@transaction.atomic
def set_note(run: DagRun, note: str | None, *, actor: Actor) -> DagRun:
    """Write the run's note."""
    audit.record("set_dag_run_note", actor=actor, dag_id=run.dag_id, run_id=run.run_id, extra={"note": note})
    run.note, run.note_author, run.updated_at = note, _person(actor), timezone.now()
    run.save(update_fields=["note", "note_author", "updated_at"])
    return run


@transaction.atomic
def delete(run: DagRun, *, actor: Actor) -> None:
    """Delete a run with its task instances and what they left. What still runs of it is stopped."""
    audit.record("delete_dag_run", actor=actor, dag_id=run.dag_id, run_id=run.run_id)
    if not delete_rows(Q(pk=run.pk)):
        raise NotFound(f"DAGRun with DAG ID: '{run.dag_id}' and DagRun ID: '{run.run_id}' not found")
    if run.backfill_id is not None:
        Backfill.objects.filter(pk=run.backfill_id).complete(now=timezone.now())
    notify("scheduler")
    notify("watchers")


#: Tables that hang on task instances, in the order they are emptied.
_LEAVES: Final = (XCom, RenderedFields, TaskReschedule, TaskInstanceHistory)


def delete_rows(which: Q) -> int:
    """Delete the runs that ``which`` selects with all that hangs on them; how many. One statement for each table."""
    runs = DagRun.objects.filter(which)
    instances = TaskInstance.objects.filter(run__in=runs)
    for leaf in _LEAVES:
        leaf._default_manager.filter(task_instance__in=instances)._raw_delete(using=runs.db)
    DatasetEvent.created_dag_runs.through._default_manager.filter(dagrun__in=runs)._raw_delete(using=runs.db)
    instances._raw_delete(using=runs.db)
    return int(runs._raw_delete(using=runs.db))
