"""Why a task instance does not run: what keeps it, by the names that Airflow's API has for such reasons.

Covers what ``airflow.ti_deps.dependencies_deps.SCHEDULER_QUEUED_DEPS`` and the task's own dependencies cover. The
trigger rule is asked of the scheduler's own decisions, so that what is shown here is what the scheduler does.

What ``unmet`` says is also the API's answer. How a run hangs on the runs before it (``look_back``) is for people only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.db.models import F, Sum
from django.utils import timezone

from orchestration.authoring.timetables import registry
from orchestration.conf import conf
from orchestration.errors import NotFound
from orchestration.models import Dag, DagRun, Pool, TaskInstance, versions
from orchestration.models.dag_run import DagRunQuerySet
from orchestration.scheduling import due, rows
from orchestration.scheduling.decisions import Facts, Instance, decide
from orchestration.scheduling.graph import Graph
from orchestration.serialization.values import SerializedDag, SerializedTask
from orchestration.states import OCCUPIES_SLOT, SCHEDULABLE, DagRunState, DagRunType, TaskInstanceState

_S = TaskInstanceState
#: The name of what ``depends_on_past`` asks, and further names that are asked for.
PAST = "Previous Dagrun State"
RUN = "Dagrun Running"
POOL = "Pool Slots Available"
ACTIVE_TASKS = "Task Instance Slots Available"
RULE = "Trigger Rule"
STATE = "Task Instance State"
#: Active runs of one DAG that are looked at for a jam.
MOST_ACTIVE = 500
#: Where a decision leaves an instance that nothing keeps.
_ON_ITS_WAY = (_S.SCHEDULED, _S.SUCCESS, _S.DEFERRED)


class Unmet(NamedTuple):
    """One thing that keeps an instance: its name, which programs compare, and a sentence for people."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class _Case:
    """The instance and all that is around it."""

    ti: TaskInstance
    run: DagRun
    row: Dag
    dag: SerializedDag
    task: SerializedTask
    now: datetime


class Jam(NamedTuple):
    """Runs that wait for each other: all active ones (oldest first) for the run before them, the oldest for ``first``.

    And ``first`` is queued, for want of a place among the active ones.
    """

    first: DagRun
    active: Sequence[DagRun]


class Back(NamedTuple):
    """How a run hangs on those before it.

    ``tasks``: those of its waiting tasks that the run before does not let start, ``before``: that run.
    """

    tasks: Sequence[str] = ()
    before: DagRun | None = None
    jam: Jam | None = None


def unmet(ti: TaskInstance) -> list[Unmet]:
    """What keeps the instance, sorted by name; nothing for one that is past waiting, or whose task is gone.

    ``ti`` needs its run.
    """
    if ti.state not in (_S.NONE, _S.SCHEDULED):
        return []
    row = Dag.objects.get(pk=ti.dag_id)
    try:
        dag = versions.current(ti.dag_id)
    except NotFound:
        return []
    return kept(ti, row, dag)


def kept(ti: TaskInstance, row: Dag, dag: SerializedDag) -> list[Unmet]:
    """As ``unmet``, of an instance that is scheduled or may be, that of a retry or a sensor's next check too."""
    task = dag.tasks.get(ti.task_id)
    if task is None:
        return []
    case = _Case(ti, ti.run, row, dag, task, timezone.now())
    return sorted(Unmet(name, reason) for name, reason in _reasons(case))


def switches(run: DagRun, dag: Dag) -> Iterator[Unmet]:
    """What keeps every task of the run from starting, whatever its state."""
    if dag.is_paused and run.run_type != DagRunType.BACKFILL:
        yield Unmet("Dag Not Paused", f"The DAG {dag.dag_id} is paused. Unpause it to let its tasks start.")
    if dag.put_aside_reason:
        yield Unmet("Dag Schedulable", f"The scheduler has put the DAG aside: {dag.put_aside_reason}")
    if run.state != DagRunState.RUNNING:
        yield Unmet(RUN, f"Tasks start while their run is running; this run is {run.state}.")


def active_runs(row: Dag) -> list[DagRun]:
    """The runs that count against the DAG's ``max_active_runs``, ``MOST_ACTIVE`` of them, oldest first; one query."""
    runs = _with_version().filter(dag=row, state=DagRunState.RUNNING, backfill=None)
    # sorted here: for an order SQLite would walk all runs of the DAG
    return sorted(runs.order_by()[:MOST_ACTIVE], key=lambda run: (run.logical_date, run.pk))


def look_back(run: DagRun, row: Dag, active: Sequence[DagRun]) -> Back:
    """How this queued or running run hangs on earlier ones; ``active`` as ``active_runs`` gives it.

    No query where no task looks at the run before, else eight at most, however many runs are active.
    """
    if not any(task.depends_on_past for dag in _dags([run]).values() for task in dag.tasks.values()):
        return Back()
    is_full = len(active) < MOST_ACTIVE and due.is_full(len(active), row.max_active_runs)
    asked = {each.pk: each for each in (run, *(active if is_full else ()))}
    graphs = _graphs(list(asked.values()))
    waiting = _waiting_for_past(list(asked.values()), row, graphs)
    jam = None
    if is_full and all(waiting.get(each.pk) for each in active):
        first = _run_before(active[0], graphs[active[0].pk].dag)
        if first is not None and first.state == DagRunState.QUEUED and first.backfill_id is None:
            jam = Jam(first, active)
    tasks = waiting.get(run.pk, ())
    return Back(tasks, _run_before(run, graphs[run.pk].dag) if tasks else None, jam)


def run_before(run: DagRun) -> DagRun | None:
    """The run that this one's tasks look at with ``depends_on_past``; one query."""
    dags = _dags([run])
    return _run_before(run, dags[run.pk]) if dags else None


def _with_version() -> DagRunQuerySet:
    return DagRun.objects.select_related("dag_version").defer("dag_version__document")


def _dags(runs: Sequence[DagRun]) -> dict[int, SerializedDag]:
    """By run, in the form that the run began with; a run whose form is gone or cannot be read is left out."""
    dags = versions.load(
        {run.dag_version.pk: run.dag_version.updated_at for run in runs if run.dag_version is not None}
    )
    return {run.pk: dags[run.dag_version_id] for run in runs if run.dag_version_id in dags}


def _graphs(runs: Sequence[DagRun]) -> dict[int, Graph]:
    """By run, as ``_dags``; one graph for all runs of one form."""
    dags = _dags(runs)
    by_version = {run.dag_version_id: dags[run.pk] for run in runs if run.pk in dags}
    graphs = {pk: Graph(dag) for pk, dag in by_version.items()}
    return {run.pk: graphs[run.dag_version_id] for run in runs if run.pk in dags}


def _waiting_for_past(runs: Sequence[DagRun], row: Dag, graphs: Mapping[int, Graph]) -> dict[int, list[str]]:
    """By run: the tasks, in the graph's order, that wait and that the run before does not let start."""
    asked = [run for run in runs if run.pk in graphs]
    own = {run.pk: graphs[run.pk] for run in asked}
    facts = rows.facts_of([_run_row(run, row) for run in asked], own, {pk: rows.Read([], {}, {}) for pk in own})
    unmet_ids = {pk: {name for name, is_met in facts[pk].past_met.items() if not is_met} for pk in own}
    waits = TaskInstance.objects.filter(
        run__in=list(own), task_id__in=frozenset().union(*unmet_ids.values()), state__in=SCHEDULABLE
    )
    found = set(waits.order_by().values_list("run_id", "task_id").distinct())
    return {
        pk: [name for name in graph.plans if name in unmet_ids[pk] and (pk, name) in found] for pk, graph in own.items()
    }


def _run_before(run: DagRun, dag: SerializedDag) -> DagRun | None:
    # as rows._past_met chooses it
    earlier = _with_version().filter(dag=run.dag_id, logical_date__lt=run.logical_date)
    if dag.catchup:
        earlier = earlier.exclude(run_type=DagRunType.MANUAL)
    return earlier.order_by("-logical_date").first()


def _reasons(case: _Case) -> Iterator[tuple[str, str]]:
    yield from _dates(case)
    yield from _own_state(case)
    yield from switches(case.run, case.row)
    yield from _slots(case)
    yield from _upstream(case)


def _dates(case: _Case) -> Iterator[tuple[str, str]]:
    name = "Execution Date"
    date, task, dag = case.run.logical_date, case.task, case.dag
    may_lie_ahead = conf.getboolean("scheduler", "allow_trigger_in_future")
    if date > case.now and not (may_lie_ahead and not registry.decode(dag.timetable).can_be_scheduled):
        yield name, f"The run is for {date.isoformat()}, which lies ahead: it is {case.now.isoformat()} now."
    for owner, start, end in (("task", task.start_date, task.end_date), ("DAG", dag.start_date, dag.end_date)):
        if end is not None and date > end:
            yield name, f"The {owner} ends on {end.isoformat()}, and the run is for {date.isoformat()}."
        if start is not None and date < start:
            yield name, f"The {owner} starts on {start.isoformat()}, and the run is for {date.isoformat()}."


def _own_state(case: _Case) -> Iterator[tuple[str, str]]:
    if case.ti.state == _S.NONE:
        yield STATE, "The scheduler has not chosen it yet: it has no state."
    if case.task.is_mapped and case.ti.map_index < 0:
        yield "Task has been mapped", "How many instances it becomes is not known yet."


def _slots(case: _Case) -> Iterator[tuple[str, str]]:
    ti, task = case.ti, case.task
    active = TaskInstance.objects.filter(dag_id=ti.dag_id, state__in=OCCUPIES_SLOT)
    if active.count() >= case.row.max_active_tasks:
        yield (
            ACTIVE_TASKS,
            f"The DAG {ti.dag_id} has as many tasks at work as it may have: {case.row.max_active_tasks}.",
        )
    same = active.filter(task_id=ti.task_id)
    if task.max_active_tis_per_dag is not None and same.count() >= task.max_active_tis_per_dag:
        yield "Task Concurrency", f"As many of its instances are at work as may be: {task.max_active_tis_per_dag}."
    elif (
        task.max_active_tis_per_dagrun is not None
        and same.filter(run=case.run).count() >= task.max_active_tis_per_dagrun
    ):
        yield (
            "Task Concurrency",
            f"As many of them are at work in this run as may be: {task.max_active_tis_per_dagrun}.",
        )
    yield from _pool(ti)


def _pool(ti: TaskInstance) -> Iterator[tuple[str, str]]:
    pool = Pool.objects.filter(name=ti.pool).first()
    if pool is None:
        yield POOL, f"There is no pool {ti.pool}. Make it, or name another one in the DAG file."
        return
    states = OCCUPIES_SLOT | ({_S.DEFERRED} if pool.include_deferred else frozenset())
    used = TaskInstance.objects.filter(pool=ti.pool, state__in=states).aggregate(used=Sum(F("pool_slots")))["used"]
    free = pool.slots - (used or 0)
    if pool.slots >= 0 and free < ti.pool_slots:
        yield (
            POOL,
            f"It takes {ti.pool_slots} slots of the pool {ti.pool}, where {max(free, 0)} are free.",
        )


def _upstream(case: _Case) -> Iterator[tuple[str, str]]:
    graph = Graph(case.dag)
    pk = case.run.pk
    read = rows.instances_of({pk: graph}, {})[pk]
    facts = rows.facts_of([_run_row(case.run, case.row)], {pk: graph}, {pk: read})[pk]
    if not facts.past_met.get(case.task.task_id, True):
        yield (
            PAST,
            "With depends_on_past (or wait_for_downstream) it waits for the run before, where it, or what follows it, "
            "has not succeeded.",
        )
    me = next((each for each in read.instances if each.pk == case.ti.pk), None)
    if me is None:
        return
    counts = _counts(read, case.task)
    if not _passes(graph, read, me, Facts(facts.lengths), case):
        yield (
            RULE,
            f"Its trigger rule is {case.task.trigger_rule}, and upstream of it are {counts}.",
        )
    elif facts.skips and not _passes(graph, read, me, Facts(facts.lengths, skips=facts.skips), case):
        yield "Not Previously Skipped", "An upstream task decided to skip this task."


def _run_row(run: DagRun, row: Dag) -> rows.RunRow:
    return rows.RunRow(
        run.pk,
        run.dag_id,
        run.run_id,
        run.run_type,
        run.logical_date,
        run.data_interval_start,
        run.data_interval_end,
        run.start_date,
        run.dag_version_id,
        None,
        row.is_paused,
        row.put_aside_until,
        row.fileloc,
    )


def _passes(graph: Graph, read: rows.Read, me: Instance, facts: Facts, case: _Case) -> bool:
    """Whether the scheduler would start the instance, were it asked now and were there room."""
    copies = {each: Instance(each.pk, each.task_id, each.map_index, each.state) for each in read.instances}
    copy = copies[me]
    if copy.state not in SCHEDULABLE:
        copy.state = _S.NONE
    index = copy.map_index
    decide(graph, copies.values(), facts, now=case.now, counted=read.counted, scope={me.task_id})
    return copy.state in _ON_ITS_WAY or copy.map_index != index


def _counts(read: rows.Read, task: SerializedTask) -> str:
    counts: dict[str, int] = {}
    for each in read.instances:
        if each.task_id in task.upstream_task_ids:
            counts[each.state or "none"] = counts.get(each.state or "none", 0) + 1
    for task_id in task.upstream_task_ids:
        for state, number in read.counted.get(task_id, {}).items():
            counts[state or "none"] = counts.get(state or "none", 0) + number
    return ", ".join(f"{number} {state}" for state, number in sorted(counts.items())) or "none"
