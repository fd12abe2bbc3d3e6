"""Why a run does not go on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from django.db.models import Min, Q
from django.utils.html import format_html

from orchestration.admin.queries.expressions import Rare
from orchestration.admin.queries.waits.places import most_tasks, parallelism, pools, scheduler, triggerer
from orchestration.admin.queries.waits.starting import jammed, start
from orchestration.admin.queries.waits.words import MOST_NAMED, Wait, link, listed, task_link, tasks
from orchestration.conf import conf
from orchestration.models import Dag, DagRun, TaskInstance
from orchestration.models.task_instance import TaskInstanceQuerySet
from orchestration.scheduling import unmet
from orchestration.serialization.values import SerializedDag
from orchestration.services import health
from orchestration.states import OCCUPIES_SLOT, RUN_FINISHED, DagRunState, DagRunType, TaskInstanceState
from orchestration.templatetags import desk

_S = TaskInstanceState
#: How long a try may be on its way to a process before a run's page speaks of it.
_ON_ITS_WAY: Final = timedelta(seconds=30)


class RunWaits(NamedTuple):
    """What a run waits for; ``is_jammed``: it is one of several active runs that wait for each other."""

    listed: Sequence[Wait] = ()
    is_jammed: bool = False


def of_run(
    run: DagRun, dag: Dag, shape: SerializedDag | None, *, counts: Sequence[tuple[str, int]] | None, now: datetime
) -> RunWaits:
    """Why the run does not go on; ``counts``: its instances by state, None for a caller who may not read its tasks.

    No query for a finished run, two for most others. At most eight more where tasks look at the run before, and eight
    where instances wait for a place.
    """
    if run.is_finished:
        return RunWaits()
    by_state = dict(counts or ())
    processes = health.check(now)
    active = unmet.active_runs(dag)
    back = unmet.look_back(run, dag, active)
    is_jammed = back.jam is not None and run in back.jam.active
    told = [*_switches(run, dag, shape, now)]
    if run.state == DagRunState.QUEUED:
        told += start(run, dag, active, back.jam)
    elif back.before is not None and (is_jammed or OCCUPIES_SLOT.isdisjoint(by_state)):
        told += _looks_back(run, dag, back, names_tasks=counts is not None)
    told += scheduler(processes)
    if run.state == DagRunState.RUNNING:
        told += _inside(run, dag, by_state, processes, now)
    return RunWaits(told, is_jammed)


def _switches(run: DagRun, dag: Dag, shape: SerializedDag | None, now: datetime) -> Iterator[Wait]:
    if dag.is_paused and run.run_type != DagRunType.BACKFILL:
        yield Wait("DAG", "The DAG is paused: no task of this run starts until it is made active.")
    if dag.put_aside_reason:
        until = format_html(" until {}", desk.moment(dag.put_aside_until)) if dag.put_aside_until else ""
        yield Wait("DAG", format_html("The scheduler has put the DAG aside{}: {}", until, dag.put_aside_reason))
    if not dag.is_active and run.state == DagRunState.QUEUED:
        yield Wait("DAG", "No file defines this DAG any more: the run stays queued until one does. Else delete it.")
    if run.logical_date > now and not _may_lie_ahead(shape):
        yield Wait(
            "Date", format_html("It is for {}, which lies ahead. It goes on then.", desk.moment(run.logical_date))
        )


def _may_lie_ahead(shape: SerializedDag | None) -> bool:
    """As the scheduler has it: if the option says so, and in a DAG without a schedule only."""
    is_allowed_ahead = conf.getboolean("scheduler", "allow_trigger_in_future")
    return is_allowed_ahead and shape is not None and shape.timetable.get("type") == "null"


def _looks_back(run: DagRun, dag: Dag, back: unmet.Back, *, names_tasks: bool) -> Iterator[Wait]:
    """Why tasks of this running run wait for the run before, which is there."""
    assert back.before is not None, "asked only then"
    who = listed(task_link(run, task_id) for task_id in back.tasks) if names_tasks else "It"
    verb = "wait" if names_tasks and len(back.tasks) > 1 else "waits"
    if back.jam is not None and run in back.jam.active:
        yield Wait("Run before", jammed(run, dag, back.jam, back.before, who, verb))
        return
    then = "What did not succeed there must be cleared, or marked as success."
    then = then if back.before.state in RUN_FINISHED else "Its page says what it waits for."
    sentence = "{} {} for the run {} before it (depends_on_past), which is {}. {}"
    yield Wait("Run before", format_html(sentence, who, verb, link(back.before), back.before.state, then))


def _inside(
    run: DagRun, dag: Dag, counts: Mapping[str, int], processes: health.Health, now: datetime
) -> Iterator[Wait]:
    """What instances of a running run wait for, told for all of them together."""
    own = TaskInstance.objects.filter(run=run)
    if counts.get(_S.SCHEDULED):
        yield from _slots(own, dag, now)
    if counts.get(_S.DEFERRED):
        yield from triggerer(processes)
    if counts.get(_S.RUNNING) or counts.get(_S.RESTARTING):
        return
    if sent := counts.get(_S.QUEUED):
        since = own.filter(state=_S.QUEUED).aggregate(since=Min("queued_at"))["since"]
        if since is not None and now - since > _ON_ITS_WAY:
            sentence = "{} for a process of the executor to begin, the longest since {}."
            yield Wait("Executor", format_html(sentence, tasks(sent, "waits", "wait"), desk.moment(since)))
        return
    timed = (_S.UP_FOR_RETRY, _S.UP_FOR_RESCHEDULE)
    if later := sum(counts.get(state, 0) for state in timed):
        first = own.filter(state__in=timed).aggregate(first=Min("not_before"))["first"]
        sentence = "{} for a next try or check, the first due at {}."
        yield Wait("Time", format_html(sentence, tasks(later, "waits", "wait"), desk.moment(first)))
    if deferred := counts.get(_S.DEFERRED):
        yield Wait("Triggers", f"{tasks(deferred, 'is', 'are')} deferred, until a trigger fires.")


def _slots(own: TaskInstanceQuerySet, dag: Dag, now: datetime) -> Iterator[Wait]:
    """What keeps scheduled instances of one run from being sent: pools, the DAG's limit, the schedulers' own."""
    wanted = own.filter(state=_S.SCHEDULED).order_by().values_list("pool")
    needs = dict(wanted.annotate(least=Min("pool_slots")).order_by("pool")[:MOST_NAMED])
    told = [Wait("Pool", text) for name, text in pools(needs).items() if text]
    active = TaskInstance.objects.filter(Rare(Q(state__in=OCCUPIES_SLOT)), dag=dag).count()
    if active >= dag.max_active_tasks:
        told.append(Wait("Active tasks", most_tasks(dag)))
    yield from told or parallelism(now)
