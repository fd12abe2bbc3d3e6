"""What happened lately that automations may act on, read from the tables.

Nothing is told by those who change a state: whoever does it (scheduler, worker, an API, the desk, a command), and by
whatever road, leaves a row with its moment, and the rows are read here by their indexes. So the scheduler pays nothing,
and a change by hand counts like any other. A state that is overwritten before it is read is not seen; of tries that
are followed by another one the audit log tells.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import F, Q

from orchestration.models import (
    Automation,
    Dag,
    DagImportError,
    DagRun,
    DatasetEvent,
    EventLog,
    Job,
    SlaMiss,
    TaskInstance,
    TaskInstanceHistory,
)
from orchestration.models.job import health_threshold
from orchestration.states import DagRunState, JobState, TaskInstanceState

_E = Automation.Event
#: Runs and DAGs of which one reading tells at most, where the state lasts.
_MOST: Final = 5000
#: What the audit log calls a note on a run or on an instance.
_NOTES: Final = ("set_dag_run_note", "set_task_instance_note")
#: A row of something that ended: DAG id, run id, end, last change, and what else is asked.
_Ended = tuple[Any, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """Something that happened once; ``subject`` names it and nothing else."""

    event: Automation.Event
    subject: str
    at: datetime
    dag_id: str = ""
    run_pk: int | None = None
    run_id: str = ""
    task_id: str = ""
    map_index: int | None = None
    try_number: int | None = None
    #: For DAG_LATE and RUN_LONG: since when; an automation has its own number of minutes.
    since: datetime | None = None
    more: Mapping[str, Any] = field(default_factory=dict)


def read(events: Collection[str], *, since: datetime, now: datetime) -> Iterator[Happening]:
    """Of these events what happened since then; one query for each event, two for retries."""
    for event, source in _SOURCES.items():
        if event in events:
            yield from source(since, now)


def _ended_runs(event: Automation.Event, state: DagRunState) -> Callable[[datetime, datetime], Iterator[Happening]]:
    def source(since: datetime, now: datetime) -> Iterator[Happening]:
        rows = DagRun.objects.filter(updated_at__gte=since, state=state).order_by("updated_at")
        ends = rows.values_list("dag_id", "run_id", "end_date", "updated_at", "pk")
        for at, (dag_id, run_id, _, _, pk) in _moments(list(ends), since):
            yield Happening(
                event=event,
                subject=f"{event}:{pk}:{at.isoformat()}",
                at=at,
                dag_id=dag_id,
                run_pk=pk,
                run_id=run_id,
            )

    return source


def _moments(found: Collection[_Ended], since: datetime) -> Iterator[tuple[datetime, _Ended]]:
    """The rows of what came to its end, each with the moment of it.

    What was over before was marked by somebody, which keeps the end, and then counts from there; or it only got a
    note, and is left out. One query more where there is such a row.
    """
    marked = _marked([run_id for _, run_id, end_date, *_ in found if end_date is not None and end_date < since], since)
    for row in found:
        dag_id, run_id, end_date, updated_at, *_ = row
        at = end_date or updated_at
        if at >= since:
            yield at, row
        elif (dag_id, run_id) in marked:
            yield marked[dag_id, run_id], row


def _marked(run_ids: Collection[str], since: datetime) -> dict[tuple[str | None, str | None], datetime]:
    """When runs were last changed otherwise than by a note, by (DAG, run id)."""
    if not run_ids:
        return {}
    rows = EventLog.objects.filter(when__gte=since, run_id__isnull=False).exclude(event__in=_NOTES)
    wanted = set(run_ids)
    return {
        (dag_id, run_id): when
        for dag_id, run_id, when in rows.order_by("when").values_list("dag_id", "run_id", "when").iterator()
        if run_id in wanted
    }


def _long_runs(since: datetime, now: datetime) -> Iterator[Happening]:
    rows = DagRun.objects.filter(state=DagRunState.RUNNING, start_date__isnull=False).order_by("start_date")
    for pk, dag_id, run_id, start_date in rows.values_list("pk", "dag_id", "run_id", "start_date")[:_MOST]:
        assert start_date is not None, "the query leaves those out"
        yield Happening(
            event=_E.RUN_LONG,
            subject=f"run_long:{pk}:{start_date.isoformat()}",
            at=now,
            since=start_date,
            dag_id=dag_id,
            run_pk=pk,
            run_id=run_id,
        )


def _late_dags(since: datetime, now: datetime) -> Iterator[Happening]:
    rows = Dag.objects.active().filter(is_paused=False, next_dagrun_create_after__lt=now)
    ordered = rows.order_by("next_dagrun_create_after")
    for dag_id, due in ordered.values_list("pk", "next_dagrun_create_after")[:_MOST]:
        assert due is not None, "the query leaves those out"
        yield Happening(
            event=_E.DAG_LATE,
            subject=f"dag_late:{dag_id}:{due.isoformat()}",
            at=now,
            since=due,
            dag_id=dag_id,
            more={"due": due.isoformat()},
        )


def _failed_tasks(since: datetime, now: datetime) -> Iterator[Happening]:
    rows = TaskInstance.objects.filter(updated_at__gte=since, state=TaskInstanceState.FAILED).order_by("updated_at")
    ends = rows.values_list(
        "dag_id", "run__run_id", "end_date", "updated_at",
        "pk", "try_number", "run_id", "task_id", "map_index", "reason",
    )  # fmt: skip
    for at, (dag_id, run_id, _, _, pk, try_number, run_pk, task_id, index, reason) in _moments(list(ends), since):
        yield Happening(
            event=_E.TASK_FAILED,
            subject=f"task_failed:{pk}:{try_number}:{at.isoformat()}",
            at=at,
            dag_id=dag_id,
            run_pk=run_pk,
            run_id=run_id,
            task_id=task_id,
            map_index=index,
            try_number=try_number,
            more={"reason": reason[:500]} if reason else {},
        )


def _retries(since: datetime, now: datetime) -> Iterator[Happening]:
    """Tries that failed and are followed by another one, by the rows that they left in the audit log."""
    logged = EventLog.objects.filter(when__gte=since, event="failed", try_number__isnull=False)
    tries: dict[tuple[str | None, ...], dict[int, datetime]] = {}
    for *names, map_index, number, when in logged.values_list(
        "dag_id", "run_id", "task_id", "map_index", "try_number", "when"
    ).iterator():
        tries.setdefault((*names, str(map_index)), {})[number or 0] = when
    if not tries:
        return
    waits = Q(task_instance__state=TaskInstanceState.UP_FOR_RETRY, task_instance__try_number=F("try_number"))
    # A try that was cleared has raised the instance's limit.
    went_on = Q(task_instance__try_number__gt=F("try_number"), task_instance__max_tries=F("max_tries"))
    keys = list(tries)
    for start in range(0, len(keys), 200):
        part = keys[start : start + 200]
        rows = TaskInstanceHistory.objects.filter(
            waits | went_on,
            state=TaskInstanceState.FAILED,
            task_instance__dag_id__in={key[0] for key in part},
            task_instance__run__run_id__in={key[1] for key in part},
            task_instance__task_id__in={key[2] for key in part},
        )
        for kept in rows.select_related("task_instance__run").order_by("pk"):
            ti, number = kept.task_instance, kept.try_number
            moment = tries.get((ti.dag_id, ti.run.run_id, ti.task_id, str(ti.map_index)), {}).get(number)
            if moment is not None:
                yield Happening(
                    event=_E.TASK_RETRY,
                    subject=f"task_retry:{ti.pk}:{number}:{moment.isoformat()}",
                    at=moment,
                    dag_id=ti.dag_id,
                    run_pk=ti.run_id,
                    run_id=ti.run.run_id,
                    task_id=ti.task_id,
                    map_index=ti.map_index,
                    try_number=number,
                    more={"reason": kept.reason[:500]} if kept.reason else {},
                )


def _missed_slas(since: datetime, now: datetime) -> Iterator[Happening]:
    rows = SlaMiss.objects.filter(timestamp__gte=since).order_by("timestamp")
    for pk, dag_id, task_id, logical_date, at in rows.values_list(
        "pk", "dag_id", "task_id", "logical_date", "timestamp"
    ).iterator():
        yield Happening(
            event=_E.SLA_MISS,
            subject=f"sla_miss:{pk}",
            at=at,
            dag_id=dag_id,
            task_id=task_id,
            more={"logical_date": logical_date.isoformat()},
        )


def _import_errors(since: datetime, now: datetime) -> Iterator[Happening]:
    rows = DagImportError.objects.filter(timestamp__gte=since).order_by("timestamp")
    for pk, filename, trace, at in rows.values_list("pk", "filename", "stack_trace", "timestamp").iterator():
        lines = trace.strip().splitlines()
        yield Happening(
            event=_E.IMPORT_ERROR,
            subject=f"import_error:{pk}",
            at=at,
            more={"file": filename, "error": lines[-1][:500] if lines else ""},
        )


def _silent_processes(since: datetime, now: datetime) -> Iterator[Happening]:
    limit = health_threshold()
    rows = Job.objects.filter(
        state=JobState.RUNNING, latest_heartbeat__lt=now - limit, latest_heartbeat__gte=since - limit
    )
    for job in rows.order_by("latest_heartbeat"):
        yield Happening(
            event=_E.UNHEALTHY,
            subject=f"unhealthy:{job.pk}:{job.latest_heartbeat.isoformat()}",
            at=job.latest_heartbeat + limit,
            more={"process": job.job_type, "host": job.hostname, "last_heartbeat": job.latest_heartbeat.isoformat()},
        )


def _dataset_events(since: datetime, now: datetime) -> Iterator[Happening]:
    rows = DatasetEvent.objects.filter(timestamp__gte=since).order_by("timestamp")
    for pk, uri, dag_id, task_id, run_id, at in rows.values_list(
        "pk", "dataset__uri", "source_dag_id", "source_task_id", "source_run_id", "timestamp"
    ).iterator():
        yield Happening(
            event=_E.DATASET,
            subject=f"dataset:{pk}",
            at=at,
            dag_id=dag_id or "",
            run_id=run_id or "",
            task_id=task_id or "",
            more={"dataset": uri},
        )


#: Longer ago than that nothing is told any more: a system that was off for days sends no old news.
OLDEST: Final = timedelta(hours=24)
_SOURCES: Final[Mapping[Automation.Event, Callable[[datetime, datetime], Iterator[Happening]]]] = {
    _E.RUN_SUCCESS: _ended_runs(_E.RUN_SUCCESS, DagRunState.SUCCESS),
    _E.RUN_FAILED: _ended_runs(_E.RUN_FAILED, DagRunState.FAILED),
    _E.RUN_LONG: _long_runs,
    _E.TASK_FAILED: _failed_tasks,
    _E.TASK_RETRY: _retries,
    _E.SLA_MISS: _missed_slas,
    _E.DAG_LATE: _late_dags,
    _E.IMPORT_ERROR: _import_errors,
    _E.UNHEALTHY: _silent_processes,
    _E.DATASET: _dataset_events,
}
