"""The steps that make runs: those that timetables ask for, and those that dataset events make."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from django.db import IntegrityError, transaction
from django.db.models import Count

from orchestration.authoring.timetables.base import DataInterval, Timetable
from orchestration.models import versions
from orchestration.models.dag import Dag
from orchestration.models.dag_run import DagRun
from orchestration.models.dataset import DagDatasetReference, DatasetAlias, DatasetEvent, DatasetQueuedEvent
from orchestration.scheduling import due
from orchestration.scheduling.aside import not_aside, put_aside, take_back
from orchestration.scheduling.due import NextRun, SourceSpan
from orchestration.scheduling.rows import locked
from orchestration.serialization.values import SerializedDag
from orchestration.states import RUN_UNFINISHED, DagRunState, DagRunType

log = logging.getLogger(__name__)


class _DagRow(NamedTuple):
    """A DAG with what making a run of it needs."""

    dag_id: str
    logical_date: datetime | None
    interval_start: datetime | None
    interval_end: datetime | None
    max_active_runs: int | None
    version_id: int | None
    version_updated_at: datetime | None
    put_aside_until: datetime | None

    @property
    def interval(self) -> DataInterval | None:
        """The interval of the next run; an exact moment where the columns say no more."""
        if self.logical_date is None:
            return None
        start = self.interval_start or self.logical_date
        return DataInterval(start, self.interval_end or start)


_COLUMNS = (
    "pk",
    "next_dagrun",
    "next_dagrun_data_interval_start",
    "next_dagrun_data_interval_end",
    "max_active_runs",
    "current_version_id",
    "current_version__updated_at",
    "put_aside_until",
)


@dataclass(slots=True)
class _Due:
    """DAGs that are handled in one transaction."""

    rows: list[_DagRow]
    dags: dict[str, SerializedDag]
    timetables: dict[str, Timetable]
    trouble: dict[str, BaseException | str] = field(default_factory=dict)

    def settle(self, now: datetime) -> None:
        """Put aside what made trouble, take back what did not."""
        put_aside(self.trouble, now=now)
        take_back({row.dag_id for row in self.rows if row.put_aside_until is not None} - self.trouble.keys())


def create_scheduled(*, now: datetime, job_id: int | None, limit: int) -> int:
    """Make the next run of up to ``limit`` DAGs whose timetable asks for one; how many DAGs were handled.

    A DAG that has all the runs it may have gets its next one when one of them ends.
    """
    with transaction.atomic():
        wanted = Dag.objects.due(now).filter(not_aside(now)).order_by("next_dagrun_create_after", "pk")
        batch = _load(_DagRow(*row) for row in locked(wanted.values_list(*_COLUMNS)[:limit]))
        if not batch.rows:
            return 0
        active = active_runs([row.dag_id for row in batch.rows])
        taken = _taken_dates({row.dag_id: row.logical_date for row in batch.rows if row.logical_date is not None})
        for row in batch.rows:
            if row.dag_id in batch.trouble:
                continue
            try:
                _create_next(batch, row, active, row.dag_id in taken, now=now, job_id=job_id)
            except Exception as error:  # a timetable may raise anything; the others go on
                batch.trouble[row.dag_id] = error
        batch.settle(now)
        return len(batch.rows)


def _create_next(
    batch: _Due, row: _DagRow, active: Counter[str], is_taken: bool, *, now: datetime, job_id: int | None
) -> None:
    dag, timetable = batch.dags[row.dag_id], batch.timetables[row.dag_id]
    interval = row.interval
    if row.logical_date is None or interval is None or not dag.catchup:
        # Without catchup the date kept may be long past: only the latest missed run is made.
        following = due.next_run(dag, timetable, last_interval(row.dag_id))
        if following.logical_date != row.logical_date:
            _set_next(row.dag_id, following)
            return
    assert row.logical_date is not None and interval is not None, "the dates are those that were just worked out"
    if not is_taken:
        run_id = timetable.generate_run_id(
            run_type=DagRunType.SCHEDULED, logical_date=row.logical_date, data_interval=interval
        )
        run = _insert(row, run_id, DagRunType.SCHEDULED, row.logical_date, interval, now=now, job_id=job_id)
        if run is not None:
            run.create_task_instances(dag)
            active[row.dag_id] += 1
    if not timetable.can_be_scheduled:
        _set_next(row.dag_id, NextRun(None, None, None))
    elif due.is_full(active[row.dag_id], row.max_active_runs):
        Dag.objects.filter(pk=row.dag_id).update(next_dagrun_create_after=None)
    else:
        _set_next(row.dag_id, due.next_run(dag, timetable, interval))


def create_for_datasets(*, now: datetime, job_id: int | None, limit: int) -> int:
    """Make a run of up to ``limit`` DAGs whose condition on datasets is met; how many were made."""
    if not DatasetQueuedEvent.objects.exists():
        return 0
    with transaction.atomic():
        waiting = Dag.objects.filter(is_active=True, is_paused=False, has_import_errors=False).filter(not_aside(now))
        # No join that makes a DAG come twice: its row is locked once.
        waiting = waiting.filter(pk__in=DatasetQueuedEvent.objects.values("dag")).order_by("pk")
        batch = _load(_DagRow(*row) for row in locked(waiting.values_list(*_COLUMNS)))
        queued = _queued_events([row.dag_id for row in batch.rows])
        aliases = _alias_datasets(batch.dags.values())
        active = active_runs(list(queued))
        made = 0
        for row in batch.rows:
            if made >= limit:
                break
            events = queued.get(row.dag_id, [])
            if row.dag_id in batch.trouble or not events or due.is_full(active[row.dag_id], row.max_active_runs):
                continue
            dag = batch.dags[row.dag_id]
            try:
                if due.is_met(
                    dag.dataset_condition, [event.uri for event in events], lambda name: aliases.get(name, ())
                ):
                    made += _create_from_events(batch, row, events, now=now, job_id=job_id)
            except Exception as error:  # as above
                batch.trouble[row.dag_id] = error
        batch.settle(now)
        return made


class _Queued(NamedTuple):
    pk: int
    dataset_id: int
    uri: str
    created_at: datetime


def _create_from_events(
    batch: _Due, row: _DagRow, queued: Collection[_Queued], *, now: datetime, job_id: int | None
) -> bool:
    """Make the run of the events that came since the last such run, and forget them."""
    last_at = max(event.created_at for event in queued)
    runs = DagRun.objects.filter(dag=row.dag_id)
    before = runs.filter(run_type=DagRunType.DATASET_TRIGGERED, logical_date__lt=last_at).order_by("-logical_date")
    previous = before.values_list("logical_date", flat=True).first()
    waited_for = {event.dataset_id for event in queued}
    waited_for |= set(DagDatasetReference.objects.filter(dag=row.dag_id).values_list("dataset_id", flat=True))
    events = DatasetEvent.objects.filter(dataset__in=waited_for, timestamp__lte=last_at)
    if previous is not None:
        events = events.filter(timestamp__gt=previous)
    consumed = list(events.values_list("pk", "timestamp", "source_dag_id", "source_run_id"))
    logical_date = due.free_moment(
        last_at, runs.filter(logical_date__gte=last_at).values_list("logical_date", flat=True)
    )
    interval = due.interval_of_events(logical_date, _spans(consumed))
    run_id = batch.timetables[row.dag_id].generate_run_id(
        run_type=DagRunType.DATASET_TRIGGERED, logical_date=logical_date, data_interval=interval
    )
    run = _insert(row, run_id, DagRunType.DATASET_TRIGGERED, logical_date, interval, now=now, job_id=job_id)
    if run is None:
        return False
    run.create_task_instances(batch.dags[row.dag_id])
    link = DatasetEvent.created_dag_runs.through
    link.objects.bulk_create([link(datasetevent_id=pk, dagrun_id=run.pk) for pk, *_ in consumed])
    DatasetQueuedEvent.objects.filter(pk__in=[event.pk for event in queued]).delete()
    # An event that came after those found its dataset queued already and left no row of its own.
    later = DatasetEvent.objects.filter(dataset__in=[event.dataset_id for event in queued], timestamp__gt=last_at)
    DatasetQueuedEvent.objects.bulk_create(
        (
            DatasetQueuedEvent(dataset_id=dataset_id, dag_id=row.dag_id, created_at=at)
            for dataset_id, at in dict(later.order_by("timestamp").values_list("dataset_id", "timestamp")).items()
        ),
        ignore_conflicts=True,
    )
    return True


def _spans(events: Iterable[tuple[int, datetime, str | None, str | None]]) -> list[SourceSpan]:
    """What each event gives to the run's interval; one query for all their source runs."""
    found = list(events)
    dags = {dag_id for _, _, dag_id, _ in found if dag_id is not None}
    runs = DagRun.objects.filter(dag__in=dags, run_id__in={run_id for *_, run_id in found if run_id is not None})
    columns = runs.values_list("dag_id", "run_id", "data_interval_start", "data_interval_end") if dags else ()
    sources = {(dag_id, run_id): (start, end) for dag_id, run_id, start, end in columns}
    spans = []
    for _, at, dag_id, run_id in found:
        start, end = sources.get((dag_id or "", run_id or ""), (None, None))
        spans.append(SourceSpan(start or at, end or at))
    return spans


def renew(dag_ids: Iterable[str], *, now: datetime) -> None:
    """Work out the next scheduled run of these DAGs from their latest automated one, where one may be made."""
    wanted = list(dag_ids)
    if not wanted:
        return
    batch = _load(_DagRow(*row) for row in Dag.objects.filter(pk__in=wanted, is_active=True).values_list(*_COLUMNS))
    active = active_runs([row.dag_id for row in batch.rows])
    for row in batch.rows:
        if row.dag_id in batch.trouble or not batch.timetables[row.dag_id].can_be_scheduled:
            continue
        if due.is_full(active[row.dag_id], row.max_active_runs):
            continue
        try:
            timetable = batch.timetables[row.dag_id]
            _set_next(row.dag_id, due.next_run(batch.dags[row.dag_id], timetable, last_interval(row.dag_id)))
        except Exception as error:  # a timetable may raise anything
            batch.trouble[row.dag_id] = error
    put_aside(batch.trouble, now=now)


def renew_stalled(*, now: datetime) -> int:
    """DAGs that wait for one of their runs to end although they have room (a run was deleted, the limit raised)."""
    stalled = Dag.objects.filter(
        is_active=True, is_paused=False, next_dagrun__isnull=False, next_dagrun_create_after__isnull=True
    ).filter(not_aside(now))
    limits = dict(stalled.values_list("pk", "max_active_runs"))
    active = active_runs(list(limits))
    dag_ids = [dag_id for dag_id, limit in limits.items() if not due.is_full(active[dag_id], limit)]
    if dag_ids:
        with transaction.atomic():
            renew(dag_ids, now=now)
    return len(dag_ids)


def active_runs(dag_ids: Collection[str]) -> Counter[str]:
    """How many unfinished runs each of these DAGs has; those of backfills have a limit of their own."""
    if not dag_ids:
        return Counter()
    runs = DagRun.objects.filter(dag__in=dag_ids, state__in=RUN_UNFINISHED, backfill=None).order_by()
    return Counter(dict(runs.values_list("dag_id").annotate(number=Count("pk"))))


def last_interval(dag_id: str) -> DataInterval | None:
    """The interval of a DAG's latest automated run."""
    runs = DagRun.objects.filter(dag=dag_id, run_type__in=[DagRunType.SCHEDULED, DagRunType.BACKFILL])
    found = (
        runs.order_by("-logical_date").values_list("data_interval_start", "data_interval_end", "logical_date").first()
    )
    if found is None:
        return None
    start, end, logical_date = found
    return DataInterval(start or logical_date, end or start or logical_date)


def _load(rows: Iterable[_DagRow]) -> _Due:
    """Decode the DAGs and their timetables; those that cannot be are noted as trouble."""
    batch = _Due(list(rows), {}, {})
    wanted = {
        row.version_id: row.version_updated_at
        for row in batch.rows
        if row.version_id is not None and row.version_updated_at is not None
    }
    errors: dict[int, Exception] = {}
    dags = versions.load(wanted, errors=errors)
    upcoming = _forecasts(batch.rows, dags)
    for row in batch.rows:
        if row.version_id not in dags or row.version_id is None:
            batch.trouble[row.dag_id] = errors.get(
                row.version_id or 0, "There is no version of this DAG. Parse its file."
            )
            continue
        dag = batch.dags[row.dag_id] = dags[row.version_id]
        try:
            batch.timetables[row.dag_id] = due.timetable_of(dag, upcoming.get(row.dag_id))  # type: ignore[arg-type] # JSON
        except Exception as error:  # a document of another release, say
            batch.trouble[row.dag_id] = error
    return batch


def _forecasts(rows: Iterable[_DagRow], dags: Mapping[int, SerializedDag]) -> dict[str, object]:
    """What user-written timetables computed ahead; no query where there are none."""
    custom = [
        row.dag_id for row in rows if (dag := dags.get(row.version_id or 0)) is not None and _is_custom(dag.timetable)
    ]
    return dict(Dag.objects.filter(pk__in=custom).values_list("pk", "upcoming")) if custom else {}


def _is_custom(timetable: Any) -> bool:
    """Whether a timetable's document, or the one within it, is of a user-written class."""
    return timetable.get("type") == "custom" or ("timetable" in timetable and _is_custom(timetable["timetable"]))


def _names_alias(condition: Any) -> bool:
    """Whether a condition's document names an alias."""
    if not isinstance(condition, dict):
        return False
    return "alias" in condition or any(map(_names_alias, condition.get("any") or condition.get("all") or ()))


def _insert(
    row: _DagRow,
    run_id: str,
    run_type: DagRunType,
    logical_date: datetime,
    interval: DataInterval,
    *,
    now: datetime,
    job_id: int | None,
) -> DagRun | None:
    """The new run; None where somebody made it meanwhile, which is no error."""
    try:
        with transaction.atomic():
            return DagRun.objects.create(
                dag_id=row.dag_id,
                run_id=run_id,
                run_type=run_type,
                state=DagRunState.QUEUED,
                logical_date=logical_date,
                data_interval_start=interval.start,
                data_interval_end=interval.end,
                queued_at=now,
                updated_at=now,
                external_trigger=False,
                creating_job_id=job_id,
                dag_version_id=row.version_id,
            )
    except IntegrityError:
        log.info("Run %s of %s exists already.", run_id, row.dag_id)
        return None


def _taken_dates(wanted: Mapping[str, datetime]) -> frozenset[str]:
    """The DAGs that have a run of this date already."""
    found = DagRun.objects.filter(dag__in=list(wanted), logical_date__in=set(wanted.values()))
    return frozenset(dag_id for dag_id, date in found.values_list("dag_id", "logical_date") if wanted[dag_id] == date)


def _set_next(dag_id: str, following: NextRun) -> None:
    Dag.objects.filter(pk=dag_id).update(
        next_dagrun=following.logical_date,
        next_dagrun_data_interval_start=following.interval and following.interval.start,
        next_dagrun_data_interval_end=following.interval and following.interval.end,
        next_dagrun_create_after=following.create_after,
    )


def _queued_events(dag_ids: Collection[str]) -> dict[str, list[_Queued]]:
    found: dict[str, list[_Queued]] = {}
    rows = DatasetQueuedEvent.objects.filter(dag__in=dag_ids).order_by("pk")
    for dag_id, pk, dataset_id, uri, created_at in rows.values_list(
        "dag_id", "pk", "dataset_id", "dataset__uri", "created_at"
    ):
        found.setdefault(dag_id, []).append(_Queued(pk, dataset_id, uri, created_at))
    return found


def _alias_datasets(dags: Iterable[SerializedDag]) -> dict[str, list[str]]:
    """What the aliases in these DAGs' conditions stand for; no query where there are none."""
    if not any(_names_alias(dag.dataset_condition) for dag in dags):
        return {}
    found: dict[str, list[str]] = {}
    for name, uri in DatasetAlias.objects.exclude(datasets=None).values_list("name", "datasets__uri"):
        found.setdefault(name, []).append(uri)
    return found
