"""The step that moves running runs on: read them under a lock, decide, write, all in one transaction.

The number of statements does not depend on how many runs and task instances there are (but for portions of thousands).
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction

from orchestration.conf import conf
from orchestration.models import versions
from orchestration.models.dag_run import DagRun
from orchestration.models.task_instance import TaskInstance
from orchestration.scheduling import endings, rows, slas, writing
from orchestration.scheduling.aside import put_aside, take_back
from orchestration.scheduling.decisions import Decision, Facts, RunOutcome, decide
from orchestration.scheduling.graph import Graph, graph_of
from orchestration.scheduling.rows import RunRow
from orchestration.states import UNFINISHED, DagRunState

log = logging.getLogger(__name__)

#: From so many tasks on only what an event concerns is read, not the whole run.
LARGE = 200
#: Looks at parts of a large run that one step takes before it reads the whole.
MOST_LOOKS = 4

#: By run: the tasks to look at; None is all of them.
Scopes = Mapping[int, frozenset[str] | None]


@dataclass(slots=True)
class Progress:
    """What one step did."""

    decided: int = 0
    #: Task instances that may be queued now.
    scheduled: int = 0
    #: Task instances that began deferred.
    deferred: int = 0
    #: Runs that somebody else had locked: to be tried again soon.
    missed: set[int] = field(default_factory=set)
    #: DAGs of which a run ended.
    ended_dags: set[str] = field(default_factory=set)
    #: Further running runs of DAGs whose tasks look at the run before.
    dependants: set[int] = field(default_factory=set)
    #: Whether tasks of these DAGs write datasets.
    may_have_written_datasets: bool = False
    #: When the next retry or reschedule is due.
    alarm: datetime | None = None

    def add(self, decision: Decision) -> None:
        """Count what is written for one run."""
        self.scheduled += len(decision.schedule) + len(decision.create)
        self.deferred += len(decision.defer)
        if decision.alarm is not None:
            self.alarm = decision.alarm if self.alarm is None else min(self.alarm, decision.alarm)


@dataclass(slots=True)
class _Batch:
    """Runs that are decided together."""

    runs: dict[int, RunRow]
    graphs: dict[int, Graph]
    now: datetime
    progress: Progress
    outcomes: dict[int, RunOutcome] = field(default_factory=dict)
    #: Runs in which an instance ended, by the event or by the decision.
    moved: set[int] = field(default_factory=set)
    trouble: dict[str, BaseException | str] = field(default_factory=dict)


def advance(
    run_pks: Collection[int],
    *,
    now: datetime,
    ended: Mapping[int, Collection[int]] | None = None,
    is_pass: bool = False,
) -> Progress:
    """Decide these runs in one transaction.

    ``ended`` holds, by run, the task instances whose end is the only reason to look: of large runs then only what comes
    after those is read. ``is_pass`` marks the safety net's look, which notes that it was there.
    """
    progress = Progress()
    events = ended or {}
    with transaction.atomic(savepoint=False):
        found = rows.running_runs(run_pks)
        lost = set(run_pks) - {run.pk for run in found}
        if lost:
            still = DagRun.objects.filter(pk__in=lost, state=DagRunState.RUNNING)
            progress.missed.update(still.values_list("pk", flat=True))
        batch = _batch_of(found, now, progress)
        batch.moved.update(events)
        _time_out(batch)
        scopes = _scopes(batch, events)
        for look in range(MOST_LOOKS):
            if not scopes:
                break
            decisions = _decide(batch, scopes)
            writing.write(decisions, batch.runs, batch.graphs, now=now)
            scopes = _further(batch, scopes, decisions, is_last=look + 2 >= MOST_LOOKS)
        slas.record([run for run in batch.runs.values() if run.pk in batch.graphs], batch.graphs, now=now)
        endings.end(batch.outcomes, batch.runs, batch.graphs, now=now)
        progress.ended_dags = {batch.runs[pk].dag_id for pk in batch.outcomes}
        put_aside(batch.trouble, now=now)
        take_back({run.dag_id for run in batch.runs.values() if run.put_aside_until is not None} - batch.trouble.keys())
        if is_pass:
            # Also of those that could not be decided: they must not stand before the others for ever.
            DagRun.objects.filter(pk__in=[run.pk for run in found]).update(last_scheduling_decision=now)
        _find_dependants(batch)
        progress.may_have_written_datasets = any(
            batch.graphs[pk].has_outlets for pk in batch.moved if pk in batch.graphs
        )
    progress.decided = len(batch.runs)
    return progress


def _batch_of(found: list[RunRow], now: datetime, progress: Progress) -> _Batch:
    """The runs that can be decided now; the DAGs of those that cannot be read are put aside."""
    is_ahead_allowed = conf.getboolean("scheduler", "allow_trigger_in_future")
    runs = [
        run
        for run in found
        if (run.put_aside_until is None or run.put_aside_until <= now) and (run.logical_date <= now or is_ahead_allowed)
    ]
    errors: dict[int, Exception] = {}
    dags = versions.load(
        {
            run.version_id: run.version_updated_at
            for run in runs
            if run.version_id is not None and run.version_updated_at is not None
        },
        errors=errors,
    )
    batch = _Batch({}, {}, now, progress)
    for run in runs:
        if run.version_id is None or run.version_id not in dags:
            missing = f"The version of the DAG that run {run.run_id} began with is gone. Clear or delete the run."
            batch.trouble[run.dag_id] = errors.get(run.version_id or 0, missing)
            continue
        graph = graph_of(run.version_id, dags[run.version_id])
        # As in the reference, only a DAG without a schedule may run ahead of its date.
        if run.logical_date <= now or graph.dag.timetable.get("type") == "null":
            batch.runs[run.pk] = run
            batch.graphs[run.pk] = graph
    return batch


def _time_out(batch: _Batch) -> None:
    """End the runs that took longer than their DAG allows; they leave the batch."""
    late = []
    for run in batch.runs.values():
        limit = batch.graphs[run.pk].dag.dagrun_timeout_seconds
        if limit is not None and run.start_date is not None and run.start_date + timedelta(seconds=limit) < batch.now:
            late.append(run)
    endings.time_out(late, batch.graphs, now=batch.now)
    for run in late:
        del batch.runs[run.pk]
        batch.progress.ended_dags.add(run.dag_id)


def _scopes(batch: _Batch, ended: Mapping[int, Collection[int]]) -> dict[int, frozenset[str] | None]:
    """All of each run; of large ones where only some instances ended, the tasks which that concerns."""
    scopes: dict[int, frozenset[str] | None] = dict.fromkeys(batch.runs)
    large = [pk for pk in batch.runs if ended.get(pk) and len(batch.graphs[pk].plans) > LARGE]
    if large:
        concerned: dict[int, set[str]] = {pk: set() for pk in large}
        instances = TaskInstance.objects.filter(pk__in=[ti_id for pk in large for ti_id in ended[pk]])
        for run_pk, task_id in instances.values_list("run_id", "task_id"):
            concerned[run_pk].add(task_id)
        scopes.update({pk: batch.graphs[pk].dependants(task_ids) for pk, task_ids in concerned.items()})
    return scopes


def _further(
    batch: _Batch, scopes: Scopes, decisions: Mapping[int, Decision], *, is_last: bool
) -> dict[int, frozenset[str] | None]:
    """Of runs that were read in part: what is to be looked at now, for something settled or nothing is left to do."""
    further: dict[int, frozenset[str] | None] = {}
    idle: list[int] = []
    for pk, scope in scopes.items():
        if scope is None or pk not in decisions:
            continue
        decision = decisions[pk]
        changed = decision.changed_task_ids()
        if changed:
            further[pk] = None if is_last else batch.graphs[pk].dependants(changed)
        elif not (decision.schedule or decision.create or decision.defer):
            idle.append(pk)
    if idle:
        busy = TaskInstance.objects.filter(run__in=idle, state__in=UNFINISHED).order_by()
        further.update(dict.fromkeys(set(idle) - set(busy.values_list("run_id", flat=True).distinct())))
    return further


def _decide(batch: _Batch, scopes: Scopes) -> dict[int, Decision]:
    """The decisions about these runs, by run; one whose decision raised is left out and noted."""
    graphs = {pk: batch.graphs[pk] for pk in scopes}
    tasks = {pk: graphs[pk].needed_for(scope) for pk, scope in scopes.items() if scope is not None}
    read = rows.instances_of(graphs, tasks)
    facts = rows.facts_of([batch.runs[pk] for pk in scopes], graphs, read)
    decisions = _decide_each(batch, scopes, read, facts)
    for pk, decision in decisions.items():
        batch.progress.add(decision)
        if decision.outcome is not None:
            batch.outcomes[pk] = decision.outcome
        if decision.changed_task_ids():
            batch.moved.add(pk)
    return decisions


def _decide_each(
    batch: _Batch, scopes: Scopes, read: Mapping[int, rows.Read], facts: Mapping[int, Facts]
) -> dict[int, Decision]:
    decisions = {}
    for pk, scope in scopes.items():
        try:
            decisions[pk] = decide(
                batch.graphs[pk],
                read[pk].instances,
                facts[pk],
                now=batch.now,
                counted=read[pk].counted,
                scope=scope,
                may_schedule=not batch.runs[pk].is_held,
            )
        except Exception as error:  # whatever a DAG's shape provokes must not stop the others
            batch.trouble[batch.runs[pk].dag_id] = error
    return decisions


def _find_dependants(batch: _Batch) -> None:
    """Other running runs whose tasks wait for what ended here."""
    dag_ids = {batch.runs[pk].dag_id for pk in batch.moved if pk in batch.runs and batch.graphs[pk].past_ids}
    if dag_ids:
        others = DagRun.objects.filter(dag__in=dag_ids, state=DagRunState.RUNNING).exclude(pk__in=list(batch.runs))
        batch.progress.dependants.update(others.values_list("pk", flat=True))
