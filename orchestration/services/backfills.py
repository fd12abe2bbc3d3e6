"""Backfills: the runs of a DAG for a range of past dates, which the scheduler runs under a limit of their own."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from django.db import transaction
from django.db.models import Count, F, Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from orchestration.authoring.timetables import registry
from orchestration.authoring.timetables.base import DagRunInfo, TimeRestriction
from orchestration.errors import Conflict, Invalid, NotFound
from orchestration.models import Backfill, Dag, DagRun, TaskInstance, User, versions
from orchestration.models.dag_run import generate_run_id
from orchestration.models.task_instance import first_instances
from orchestration.models.wakeups import notify
from orchestration.serialization.values import SerializedDag
from orchestration.services import audit, clearing, dag_runs, marking
from orchestration.services.audit import Actor
from orchestration.states import FAILED_STATES, FINISHED, RUN_FINISHED, DagRunState, DagRunType, TaskInstanceState

#: The most dates of one backfill, and the most task instances that its new runs begin with: they are made at once.
MOST_RUNS: Final = 10_000
MOST_INSTANCES: Final = 100_000
Reprocess = Backfill.Reprocess


class Action(StrEnum):
    """What a backfill does for one date."""

    CREATE = "create"
    CLEAR = "clear"
    LEAVE = "leave"


@dataclass(frozen=True, slots=True)
class Step:
    """One date of a backfill. ``run_pk`` and ``run_id`` are the existing run's; a new run has no key yet."""

    action: Action
    run_id: str
    info: DagRunInfo
    run_pk: int | None = None
    is_failed: bool = False


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


def plan(
    dag: Dag,
    *,
    from_date: datetime,
    to_date: datetime,
    reprocess: str = Reprocess.NONE,
    run_backwards: bool = False,
    task_ids: Collection[str] | None = None,
) -> list[Step]:
    """What a backfill of these dates would do, in the order of its runs; nothing is changed. Two queries.

    Raises NotFound for a DAG that no file defines any more; Invalid for one with import errors or whose tasks look
    back when it is to run backwards, and for a range that is upside down, reaches ahead, or holds no date or too many.
    """
    shape = _shape(dag)
    if run_backwards and (looks_back := sorted(t.task_id for t in shape.tasks.values() if t.depends_on_past)):
        raise Invalid(f"The task {looks_back[0]} has depends_on_past: the DAG cannot be run backwards.")
    steps = [
        _step(info, found, reprocess)
        for info, found in _with_runs(dag, _wanted(dag, shape, from_date, to_date), from_date, to_date)
    ]
    number = sum(step.action is Action.CREATE for step in steps) * first_instances(shape, only=task_ids)
    if number > MOST_INSTANCES:
        raise Invalid(
            f"The new runs would begin with {number} task instances, and one backfill makes {MOST_INSTANCES} at most. "
            "Take a shorter range."
        )
    return steps[::-1] if run_backwards else steps


def _shape(dag: Dag) -> SerializedDag:
    if not dag.is_active:
        raise NotFound(f"No file defines the DAG {dag.dag_id} any more.", title="DAG not found")
    if dag.has_import_errors:
        raise Invalid(f"The file of {dag.dag_id} cannot be imported. Mend it first.")
    return versions.current(dag.dag_id)


def _wanted(dag: Dag, shape: SerializedDag, from_date: datetime, to_date: datetime) -> list[DagRunInfo]:
    if from_date > to_date:
        raise Invalid(f"The range ends before it begins: {from_date.isoformat()} is later than {to_date.isoformat()}.")
    wanted: list[DagRunInfo] = []
    try:
        for info in infos(shape, from_date, to_date, dag.upcoming):
            wanted.append(info)
            if len(wanted) > MOST_RUNS:
                raise Invalid(f"The range holds more than {MOST_RUNS} dates. Take a shorter one.")
    except (ValueError, OverflowError) as error:
        raise Invalid(f"The timetable of {dag.dag_id} has no dates in this range: {error}") from None
    if not wanted:
        raise Invalid(f"The schedule of {dag.dag_id} has no date in this range, so there is nothing to run.")
    if wanted[-1].logical_date > timezone.now():
        raise Invalid(f"The range reaches ahead, to {wanted[-1].logical_date.isoformat()}. Backfills are for the past.")
    return wanted


#: An existing run: its key, id and state.
_Found = tuple[int, str, str]


def _with_runs(
    dag: Dag, wanted: Iterable[DagRunInfo], from_date: datetime, to_date: datetime
) -> Iterator[tuple[DagRunInfo, _Found | None]]:
    """Each date with the run it has."""
    runs = DagRun.objects.filter(dag=dag, logical_date__gte=from_date, logical_date__lte=to_date)
    by_date = {date: (pk, run_id, state) for pk, run_id, state, date in _columns(runs)}
    return ((info, by_date.get(info.logical_date)) for info in wanted)


def _columns(runs: Any) -> Iterable[tuple[int, str, str, datetime]]:
    return runs.values_list("pk", "run_id", "state", "logical_date").iterator()  # type: ignore[no-any-return]


def _step(info: DagRunInfo, found: _Found | None, reprocess: str) -> Step:
    if found is None:
        return Step(Action.CREATE, generate_run_id(DagRunType.BACKFILL, info.logical_date), info)
    pk, run_id, state = found
    is_failed = state == DagRunState.FAILED
    runs_again = (reprocess == Reprocess.FAILED and is_failed) or (
        reprocess == Reprocess.COMPLETED and state in RUN_FINISHED
    )
    return Step(Action.CLEAR if runs_again else Action.LEAVE, run_id, info, pk, is_failed)


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

    ``failed`` lets failed runs go on from what failed in them, ``completed`` runs finished ones anew. ``task_ids``
    limits the new runs, and what is run again in others, to these tasks. Where every run stays as it is, the backfill
    is over at once.

    Raises what ``plan`` raises, Invalid for a ``conf`` that breaks the schema of a param, and Conflict while another
    backfill of the DAG is at work. A statement for each task, and one for as many runs as the database takes at once.
    """
    locked = Dag.objects.select_for_update().get(pk=dag.pk)  # two backfills of a DAG are made one after the other
    if Backfill.objects.at_work().filter(dag=locked).exists():
        raise Conflict(f"Another backfill of {dag.dag_id} is at work. Wait for it, or cancel it.")
    steps = plan(
        locked,
        from_date=from_date,
        to_date=to_date,
        reprocess=reprocess,
        run_backwards=run_backwards,
        task_ids=task_ids,
    )
    shape = versions.current(dag.dag_id)
    dag_runs.check_params(shape, conf or {})
    stored: Any = dict(conf or {})
    backfill = Backfill.objects.create(
        dag=locked,
        from_date=from_date,
        to_date=to_date,
        dag_run_conf=stored,
        reprocess_behavior=reprocess,
        run_backwards=run_backwards,
        max_active_runs=max_active_runs,
        author=actor if isinstance(actor, User) else None,
    )
    now = timezone.now()
    _make(backfill, locked, shape, [step for step in steps if step.action is Action.CREATE], task_ids, now)
    _run_again(backfill, [step for step in steps if step.action is Action.CLEAR], task_ids, now)
    Backfill.objects.filter(pk=backfill.pk).complete(now=now)
    audit.record("post_backfill", actor=actor, dag_id=dag.dag_id, extra={"runs": len(steps)})
    notify("scheduler")
    notify("watchers")
    backfill.refresh_from_db()
    return backfill


def _make(
    backfill: Backfill,
    dag: Dag,
    shape: SerializedDag,
    steps: Iterable[Step],
    task_ids: Collection[str] | None,
    now: datetime,
) -> None:
    """Make the runs with their task instances; a run that the scheduler made of a date just now stays its own."""
    rows = [
        DagRun(
            dag=dag,
            run_id=step.run_id,
            run_type=DagRunType.BACKFILL,
            state=DagRunState.QUEUED,
            logical_date=step.info.logical_date,
            data_interval_start=step.info.data_interval.start,
            data_interval_end=step.info.data_interval.end,
            queued_at=now,
            updated_at=now,
            external_trigger=False,
            conf=backfill.dag_run_conf,
            dag_version_id=dag.current_version_id,
            triggered_by=backfill.author,
            backfill=backfill,
        )
        for step in steps
    ]
    DagRun.objects.bulk_create(rows, batch_size=500, ignore_conflicts=True)
    TaskInstance.objects.create_for_backfill(backfill, shape, only=task_ids)


def _run_again(backfill: Backfill, steps: Collection[Step], task_ids: Collection[str] | None, now: datetime) -> None:
    """Take finished runs into the backfill and clear what is to be run again.

    Of a failed run that is to go on it is what failed; all of it where nothing in it did, as after an operator's word.
    """
    pks = [step.run_pk for step in steps if step.run_pk is not None]
    if not pks:
        return
    runs = DagRun.objects.filter(pk__in=pks)
    runs.update(run_type=DagRunType.BACKFILL, backfill=backfill)
    chosen = TaskInstance.objects.filter(run__in=pks)
    if task_ids is not None:
        chosen = chosen.filter(task_id__in=task_ids)
    if backfill.reprocess_behavior == Reprocess.FAILED:
        with_failures = set(chosen.filter(state__in=FAILED_STATES).values_list("run_id", flat=True))
        others = [pk for pk in pks if pk not in with_failures]
        chosen = chosen.filter(Q(state__in=FAILED_STATES) | Q(run__in=others))
    clearing.clear(chosen.order_by("pk"), now=now)
    # a run without a single instance is not reached by a clear
    clearing.requeue(runs, now=now)


def find(pk: int) -> Backfill:
    """The backfill with this number. Raises NotFound."""
    found = Backfill.objects.filter(pk=pk).first()
    if found is None:
        raise NotFound(f"There is no backfill {pk}.", title="Backfill not found")
    return found


def run_states(pks: Collection[int]) -> dict[int, dict[str, int]]:
    """How many runs of each of these backfills are in each state, every state named; one query."""
    found = {pk: {state.value: 0 for state in DagRunState} for pk in pks}
    counted = DagRun.objects.filter(backfill__in=pks).order_by().values_list("backfill_id", "state")
    for pk, state, number in counted.annotate(number=Count("pk")):
        found[pk][state] = number
    return found


def unfinished(backfill: Backfill) -> int:
    """How many of its runs are not over."""
    return DagRun.objects.filter(backfill=backfill).unfinished().count()


@transaction.atomic
def set_paused(backfill: Backfill, is_paused: bool, *, actor: Actor) -> Backfill:
    """Start no more of its runs for now, or go on; those at work go on in either case.

    Raises Conflict for one that is over.
    """
    audit.record("unpause_backfill" if not is_paused else "pause_backfill", actor=actor, dag_id=backfill.dag_id)
    same = Backfill.objects.filter(pk=backfill.pk)
    now = timezone.now()
    same.at_work().exclude(is_paused=is_paused).update(is_paused=is_paused, updated_at=now)
    if not same.at_work().exists():
        raise Conflict(f"The backfill {backfill.pk} is over.")
    notify("scheduler")
    backfill.refresh_from_db()
    return backfill


@transaction.atomic
def cancel(backfill: Backfill, *, actor: Actor) -> int:
    """Start no more of its runs: those that wait fail, those at work go on to their end; how many will not run.

    Raises Conflict for one that is over.
    """
    now = timezone.now()
    waiting = DagRun.objects.filter(backfill=backfill, state=DagRunState.QUEUED)
    pks = list(waiting.select_for_update().order_by("pk").values_list("pk", flat=True))  # runs first, as who ends them
    same = Backfill.objects.filter(pk=backfill.pk)
    if not same.at_work().update(cancelled_at=now, updated_at=now):
        raise Conflict(f"The backfill {backfill.pk} is over.")
    for at in range(0, len(pks), clearing.BATCH):
        _give_up(pks[at : at + clearing.BATCH], now)
    same.complete(now=now)
    audit.record("cancel_backfill", actor=actor, dag_id=backfill.dag_id)
    notify("scheduler")
    notify("watchers")
    backfill.refresh_from_db()
    return len(pks)


def _give_up(pks: Collection[int], now: datetime) -> None:
    """Fail runs that never started; nothing of them was set up, so teardowns are skipped with the rest."""
    open_ones = TaskInstance.objects.filter(run__in=pks).exclude(state__in=FINISHED)
    begun = open_ones.filter(state__in=marking.AT_WORK)  # what was cleared while it ran
    for chosen, state in ((begun, TaskInstanceState.FAILED), (open_ones, TaskInstanceState.SKIPPED)):
        chosen.override(
            state,
            now=now,
            start_date=Coalesce(F("start_date"), now),
            duration=Coalesce(F("duration"), 0.0),
            reason="Its backfill was cancelled.",
            **{name: value for name, value in marking.NOTHING_LEFT.items() if name != "reason"},
        )
    DagRun.objects.filter(pk__in=pks).override(DagRunState.FAILED, now=now)
