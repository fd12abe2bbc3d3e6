"""What the steps read: runs under a lock, their instances, the facts that decisions need. Tuples, no models."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

import orjson
from django.db import connection
from django.db.models import Count, Exists, F, FilteredRelation, Max, OuterRef, Q, QuerySet, Subquery

from orchestration.models.dag_run import DagRun
from orchestration.models.task_instance import TaskInstance
from orchestration.models.xcom import XCom
from orchestration.scheduling import statements
from orchestration.scheduling.decisions import Facts, Instance, SkipRecord
from orchestration.scheduling.graph import Graph
from orchestration.states import SCHEDULABLE, SUCCESS_STATES, DagRunState, DagRunType

_T = TypeVar("_T")

#: Ids that one statement names.
CHUNK = 2000
#: The XCom under which a branching task keeps what it skipped.
SKIP_KEY = "skipmixin_key"


class RunRow(NamedTuple):
    """A run with what of its DAG and version the decisions need; the columns of ``statements.running_runs``."""

    pk: int
    dag_id: str
    run_id: str
    run_type: str
    logical_date: datetime
    interval_start: datetime | None
    interval_end: datetime | None
    start_date: datetime | None
    version_id: int | None
    version_updated_at: datetime | None
    is_paused: bool | None
    put_aside_until: datetime | None
    fileloc: str

    @property
    def is_held(self) -> bool:
        """Whether its DAG's switch keeps tasks from starting; a backfill does not mind the switch."""
        return bool(self.is_paused) and self.run_type != DagRunType.BACKFILL


def chunks(items: Sequence[_T], size: int = CHUNK) -> Iterable[Sequence[_T]]:
    """The items in portions that one statement can name."""
    return (items[start : start + size] for start in range(0, len(items), size))


def locked(rows: QuerySet[Any, tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """The rows of a ``values_list``, those of its own table locked until the transaction ends.

    Rows that somebody else has locked are left out. On SQLite the transaction itself is the lock. The columns must be
    ones that need no conversion on PostgreSQL (no JSON).
    """
    if connection.vendor != "postgresql":
        return list(rows)
    sql, parameters = rows.query.sql_with_params()
    table = connection.ops.quote_name(rows.model._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(f"{sql} FOR NO KEY UPDATE OF {table} SKIP LOCKED", parameters)
        return list(cursor.fetchall())


def running_runs(pks: Collection[int]) -> list[RunRow]:
    """Those of these runs that are running, locked."""
    return [RunRow._make(row) for row in statements.running_runs(pks)]


def oldest_running(before: datetime, limit: int) -> list[int]:
    """Running runs that were not looked at since ``before``, the longest waiting first; queries an index of its own."""
    runs = DagRun.objects.filter(state=DagRunState.RUNNING)
    runs = runs.filter(Q(last_scheduling_decision=None) | Q(last_scheduling_decision__lt=before))
    order = F("last_scheduling_decision").asc(nulls_first=True)
    return list(runs.order_by(order, "logical_date", "pk").values_list("pk", flat=True)[:limit])


class Read(NamedTuple):
    """The instances of one run: those read one by one, and by task and state how many were only counted.

    ``skips`` is what branching tasks among them left, by task and map index.
    """

    instances: list[Instance]
    counted: dict[str, dict[str, int]]
    skips: dict[tuple[str, int], SkipRecord]


def instances_of(graphs: Mapping[int, Graph], scopes: Mapping[int, Collection[str]]) -> dict[int, Read]:
    """The instances of several runs, by run; ``scopes`` names the tasks to read for runs that are not read whole.

    One query; a second where tasks are multiplied, whose instances in work or ended are then only counted.
    """
    found = {pk: Read([], {}, {}) for pk in graphs}
    plain = [pk for pk in graphs if pk not in scopes and not graphs[pk].has_multiplied]
    if plain:
        _sort_in(found, statements.instances(plain, SKIP_KEY))
    if len(plain) == len(graphs):
        return found
    wanted = counted = Q(pk__in=())
    for pk, graph in graphs.items():
        if pk in scopes:
            one_run = Q(run_id=pk, task_id__in=list(scopes[pk]))
        elif graph.has_multiplied:
            one_run = Q(run_id=pk)
        else:
            continue
        if not graph.has_multiplied:
            wanted |= one_run
            continue
        in_detail = Q(map_index__lt=0) | Q(state__in=SCHEDULABLE)
        if graph.shared_ids:
            in_detail |= Q(task_id__in=graph.shared_ids)
        wanted |= one_run & in_detail
        counted |= one_run & ~in_detail
    rows = TaskInstance.objects.filter(wanted).order_by()
    rows = rows.annotate(skip=FilteredRelation("xcoms", condition=Q(xcoms__key=SKIP_KEY)))
    columns = ("run_id", "pk", "task_id", "map_index", "state", "not_before", "skip__value")
    _sort_in(found, rows.values_list(*columns))
    if any(graph.has_multiplied for graph in graphs.values()):
        tallies = TaskInstance.objects.filter(counted).order_by().values_list("run_id", "task_id", "state")
        for run_pk, task_id, state, number in tallies.annotate(number=Count("pk")):
            found[run_pk].counted.setdefault(task_id, {})[state] = number
    return found


def _sort_in(found: Mapping[int, Read], rows: Iterable[tuple[Any, ...]]) -> None:
    for run_pk, pk, task_id, map_index, state, not_before, skip in rows:
        read = found[run_pk]
        read.instances.append(Instance(pk, task_id, map_index, state, not_before))
        if skip is not None and (record := _skip_record(orjson.loads(skip))) is not None:
            read.skips[task_id, map_index] = record


def facts_of(runs: Iterable[RunRow], graphs: Mapping[int, Graph], read: Mapping[int, Read]) -> dict[int, Facts]:
    """The facts beside the states, by run; no query where no DAG asks for any."""
    rows = list(runs)
    lengths = _lengths({run.pk: graphs[run.pk].length_sources for run in rows if graphs[run.pk].length_sources})
    past = _past_met([run for run in rows if graphs[run.pk].past_ids], graphs)
    return {run.pk: Facts(lengths.get(run.pk, {}), past.get(run.pk, {}), read[run.pk].skips) for run in rows}


def _lengths(sources: Mapping[int, frozenset[tuple[str, str]]]) -> dict[int, dict[tuple[str, str], int]]:
    if not sources:
        return {}
    pairs = frozenset().union(*sources.values())
    rows = XCom.objects.filter(
        task_instance__run__in=list(sources),
        task_instance__task_id__in={task_id for task_id, _ in pairs},
        key__in={key for _, key in pairs},
    )
    found: dict[int, dict[tuple[str, str], int]] = {}
    grouped = rows.order_by().values_list("task_instance__run_id", "task_instance__task_id", "key")
    for run_pk, task_id, key, mapped, length in grouped.annotate(
        mapped=Count("pk", filter=Q(task_instance__map_index__gte=0)),
        longest=Max("length", filter=Q(task_instance__map_index__lt=0)),
    ):
        number = mapped or length
        if (task_id, key) in sources[run_pk] and number is not None:
            found.setdefault(run_pk, {})[task_id, key] = number
    return found


def _past_met(runs: Sequence[RunRow], graphs: Mapping[int, Graph]) -> dict[int, dict[str, bool]]:
    """By run and task that depends on the past: whether the run before allows it. At most three queries.

    Mirrors ``airflow.ti_deps.deps.prev_dagrun_dep``.
    """
    if not runs:
        return {}
    earlier = DagRun.objects.filter(dag=OuterRef("dag"), logical_date__lt=OuterRef("logical_date"))
    latest = earlier.order_by("-logical_date")
    before: dict[int, tuple[int, datetime] | None] = {}
    for pk, any_pk, any_date, automated_pk, automated_date in DagRun.objects.filter(
        pk__in=[run.pk for run in runs]
    ).values_list(
        "pk",
        Subquery(latest.values("pk")[:1]),
        Subquery(latest.values("logical_date")[:1]),
        Subquery(latest.exclude(run_type=DagRunType.MANUAL).values("pk")[:1]),
        Subquery(latest.exclude(run_type=DagRunType.MANUAL).values("logical_date")[:1]),
    ):
        chosen = (automated_pk, automated_date) if graphs[pk].dag.catchup else (any_pk, any_date)
        before[pk] = None if chosen[0] is None else chosen
    states: dict[tuple[int, str], list[str]] = {}
    previous = {found[0] for found in before.values() if found is not None}
    tasks = {
        each for run in runs for task_id in graphs[run.pk].past_ids for each in _with_below(graphs[run.pk], task_id)
    }
    if previous:
        rows = TaskInstance.objects.filter(run__in=previous, task_id__in=tasks).order_by()
        for run_pk, task_id, state in rows.values_list("run_id", "task_id", "state"):
            states.setdefault((run_pk, task_id), []).append(state)
    met: dict[int, dict[str, bool]] = {}
    unknown: list[tuple[RunRow, str]] = []
    for run in runs:
        met[run.pk] = {}
        for task_id in graphs[run.pk].past_ids:
            verdict = _is_past_met(graphs[run.pk], task_id, before[run.pk], states)
            if verdict is None:
                unknown.append((run, task_id))
            else:
                met[run.pk][task_id] = verdict
    for run_pk, task_id, is_first in _are_first(unknown):
        met[run_pk][task_id] = is_first
    return met


def _with_below(graph: Graph, task_id: str) -> frozenset[str]:
    task = graph.dag.tasks[task_id]
    return task.downstream_task_ids | {task_id} if task.wait_for_downstream else frozenset({task_id})


def _is_past_met(
    graph: Graph,
    task_id: str,
    previous: tuple[int, datetime] | None,
    states: Mapping[tuple[int, str], Sequence[str]],
) -> bool | None:
    """None where it depends on whether the task ever had an instance before."""
    task = graph.dag.tasks[task_id]
    if previous is None:
        return True
    previous_pk, previous_date = previous
    if graph.dag.catchup and task.start_date is not None and previous_date < task.start_date:
        return True
    mine = states.get((previous_pk, task_id))
    if not mine:
        return None if task.ignore_first_depends_on_past else False
    below = _with_below(graph, task_id)
    return all(state in SUCCESS_STATES for each in below for state in states.get((previous_pk, each), ()))


def _are_first(wanted: Sequence[tuple[RunRow, str]]) -> Iterable[tuple[int, str, bool]]:
    if not wanted:
        return
    prior = TaskInstance.objects.filter(dag=OuterRef("dag"), task_id=OuterRef("task_id"))
    prior = prior.filter(run__logical_date__lt=OuterRef("run__logical_date"))
    rows = TaskInstance.objects.filter(
        run__in={run.pk for run, _ in wanted}, task_id__in={task_id for _, task_id in wanted}
    )
    has_prior = {(pk, task_id) for pk, task_id in rows.filter(Exists(prior)).values_list("run_id", "task_id")}
    for run, task_id in wanted:
        yield run.pk, task_id, (run.pk, task_id) not in has_prior


def _skip_record(value: Any) -> SkipRecord | None:
    if not isinstance(value, dict):
        return None
    followed = value.get("followed")
    return SkipRecord(
        None if followed is None else frozenset(map(str, followed)), frozenset(map(str, value.get("skipped") or ()))
    )
