"""Why a run or a task instance does not go on, in sentences for operators that lead to what it waits for.

Beside what ``scheduling.unmet`` says of an instance's dependencies: what keeps a run from starting, runs that wait for
each other, processes that are gone, places that are taken, and what each state of a waiting instance waits for.
The sentences are safe HTML: links and moments, with all names escaped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from urllib.parse import urlencode

from django.db.models import Min, Q
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from orchestration.access import permissions as p
from orchestration.access.permissions import READ, Caller, is_allowed
from orchestration.admin.queries.expressions import Rare
from orchestration.conf import conf
from orchestration.models import Backfill, Dag, DagRun, Job, Pool, TaskInstance
from orchestration.models.job import health_threshold
from orchestration.models.task_instance import TaskInstanceQuerySet
from orchestration.scheduling import due, unmet
from orchestration.serialization.values import SerializedDag
from orchestration.services import health
from orchestration.services import pools as pool_service
from orchestration.states import (
    FAILED_STATES,
    OCCUPIES_SLOT,
    RUN_FINISHED,
    SCHEDULABLE,
    SUCCESS_STATES,
    DagRunState,
    DagRunType,
    JobState,
    JobType,
    TaskInstanceState,
)
from orchestration.templatetags import desk

_S = TaskInstanceState
#: Runs, tasks and pools that one sentence names.
MOST_NAMED: Final = 3
#: How long a try may be on its way to a process before a run's page speaks of it.
_ON_ITS_WAY: Final = timedelta(seconds=30)


class Wait(NamedTuple):
    """One thing that is waited for: what it is about in a word or two, and a sentence as safe HTML."""

    name: str
    text: SafeString | str


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
        told += _start(run, dag, active, back.jam)
    elif back.before is not None and (is_jammed or OCCUPIES_SLOT.isdisjoint(by_state)):
        told += _looks_back(run, dag, back, names_tasks=counts is not None)
    told += _scheduler(processes)
    if run.state == DagRunState.RUNNING:
        told += _inside(run, dag, by_state, processes, now)
    return RunWaits(told, is_jammed)


def of_instance(ti: TaskInstance, dag: Dag, shape: SerializedDag | None, *, user: Caller, now: datetime) -> list[Wait]:
    """Why the instance does not run; nothing where a process has it or it is over, but for what its trigger rule met.

    ``ti`` needs its run, and its trigger where it has one. The cost does not depend on how many instances there are.
    """
    if ti.state in (_S.UPSTREAM_FAILED, _S.SKIPPED):
        return list(_settled(ti, shape))
    if ti.state not in (*SCHEDULABLE, _S.SCHEDULED, _S.QUEUED, _S.DEFERRED, _S.RESTARTING):
        return []
    processes = health.check(now)
    may_start = ti.state in SCHEDULABLE | {_S.SCHEDULED}
    kept = unmet.kept(ti, dag, shape) if shape is not None and may_start else []
    active, back = [], unmet.Back()
    if any(each.name in (unmet.PAST, unmet.RUN) for each in kept):
        active = unmet.active_runs(dag)
        back = unmet.look_back(ti.run, dag, active)
    told = [*_own_state(ti, processes, user=user, now=now)]
    for each in sorted(kept, key=lambda each: each.name == unmet.STATE):  # last: it follows from the others
        told += _explained(ti, dag, shape, each, active, back)
    if ti.state == _S.SCHEDULED and not kept:
        told += _places(now)
    return [*told, *_scheduler(processes)]


# ------------------------------------------------------------ a run


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


def _start(run: DagRun, dag: Dag, active: Sequence[DagRun], jam: unmet.Jam | None) -> Iterator[Wait]:
    """What keeps a queued run from starting, its DAG's switches apart."""
    if run.backfill_id is not None:
        yield from _backfill(run.backfill_id)
    elif due.is_full(len(active), dag.max_active_runs):
        yield Wait("Active runs", _place(run, dag, active, jam))


def _backfill(pk: int) -> Iterator[Wait]:
    backfill = Backfill.objects.filter(pk=pk).first()
    if backfill is None:  # deleted since the run was read
        return
    if backfill.is_paused:
        yield Wait("Backfill", "Its backfill is paused. Unpause it to let its runs start.")
    elif due.is_full(backfill.runs.filter(state=DagRunState.RUNNING).count(), backfill.max_active_runs):
        yield Wait(
            "Backfill",
            f"As many runs of its backfill are active as may be: {backfill.max_active_runs}. "
            "It starts when one of them has ended.",
        )


def _place(run: DagRun, dag: Dag, active: Sequence[DagRun], jam: unmet.Jam | None) -> SafeString:
    """That there is no place for this queued run among the active ones."""
    is_one = len(active) == 1
    full = format_html("Only {}, and {} {}.", _limit(dag), _listed(map(_link, active)), "is" if is_one else "are")
    if jam is None:
        return format_html("{} It starts when {} has ended.", full, "that run" if is_one else "one of them")
    first = "this one" if jam.first == run else _link(jam.first)
    if is_one:
        looks = format_html("That run waits in turn for {} (depends_on_past), so neither goes on by itself.", first)
    else:
        looks = format_html(
            "Each of them waits for the run before it (depends_on_past), the oldest for {}, so none goes on by itself.",
            first,
        )
    return format_html("{} {} {}", full, looks, _ways_out(_link(active[0]) if is_one else "one of them", jam, run, dag))


def _ways_out(which: SafeString | str, jam: unmet.Jam, run: DagRun, dag: Dag) -> SafeString:
    """What ends a jam, as seen from ``run``; ``which``: the active run that is to give its place away."""
    is_here = jam.first == run
    too_many = len(jam.active) - (dag.max_active_runs or 0)  # where the limit was lowered since they started
    which = which if too_many <= 0 else f"{too_many + 1} of them"
    return format_html(
        "Mark {} as queued, so that {} goes first. Or mark as success {} what is waited for, delete one of {}, or "
        "raise max_active_runs in the DAG’s file.",
        which,
        "this one" if is_here else _link(jam.first),
        "here" if is_here else "there",
        "the two" if len(jam.active) == 1 else "these runs",
    )


def _jammed(run: DagRun, dag: Dag, jam: unmet.Jam, before: DagRun, who: SafeString | str, verb: str) -> SafeString:
    """That ``who`` of this active run waits for ``before``, and that as things are it waits for ever."""
    begin = format_html("{} {} for the run {} before it, which is {}", who, verb, _link(before), before.state)
    if len(jam.active) == 1:
        middle = format_html("{}: only {}, and this one is, so neither goes on by itself.", begin, _limit(dag))
    else:
        middle = format_html(
            "{}: only {}, and {} are, this one among them. Each of them waits for the run before it, the oldest for "
            "{}, which is queued, so none goes on by itself.",
            begin,
            _limit(dag),
            len(jam.active),
            _link(jam.first),
        )
    return format_html("{} {}", middle, _ways_out("this run", jam, run, dag))


def _looks_back(run: DagRun, dag: Dag, back: unmet.Back, *, names_tasks: bool) -> Iterator[Wait]:
    """Why tasks of this running run wait for the run before, which is there."""
    assert back.before is not None, "asked only then"
    who = _listed(_task_link(run, task_id) for task_id in back.tasks) if names_tasks else "It"
    verb = "wait" if names_tasks and len(back.tasks) > 1 else "waits"
    if back.jam is not None and run in back.jam.active:
        yield Wait("Run before", _jammed(run, dag, back.jam, back.before, who, verb))
        return
    then = "What did not succeed there must be cleared, or marked as success."
    then = then if back.before.state in RUN_FINISHED else "Its page says what it waits for."
    sentence = "{} {} for the run {} before it (depends_on_past), which is {}. {}"
    yield Wait("Run before", format_html(sentence, who, verb, _link(back.before), back.before.state, then))


def _inside(
    run: DagRun, dag: Dag, counts: Mapping[str, int], processes: health.Health, now: datetime
) -> Iterator[Wait]:
    """What instances of a running run wait for, told for all of them together."""
    own = TaskInstance.objects.filter(run=run)
    if counts.get(_S.SCHEDULED):
        yield from _slots(own, dag, now)
    if counts.get(_S.DEFERRED):
        yield from _triggerer(processes)
    if counts.get(_S.RUNNING) or counts.get(_S.RESTARTING):
        return
    if sent := counts.get(_S.QUEUED):
        since = own.filter(state=_S.QUEUED).aggregate(since=Min("queued_at"))["since"]
        if since is not None and now - since > _ON_ITS_WAY:
            sentence = "{} for a process of the executor to begin, the longest since {}."
            yield Wait("Executor", format_html(sentence, _tasks(sent, "waits", "wait"), desk.moment(since)))
        return
    timed = (_S.UP_FOR_RETRY, _S.UP_FOR_RESCHEDULE)
    if later := sum(counts.get(state, 0) for state in timed):
        first = own.filter(state__in=timed).aggregate(first=Min("not_before"))["first"]
        sentence = "{} for a next try or check, the first due at {}."
        yield Wait("Time", format_html(sentence, _tasks(later, "waits", "wait"), desk.moment(first)))
    if deferred := counts.get(_S.DEFERRED):
        yield Wait("Triggers", f"{_tasks(deferred, 'is', 'are')} deferred, until a trigger fires.")


def _slots(own: TaskInstanceQuerySet, dag: Dag, now: datetime) -> Iterator[Wait]:
    """What keeps scheduled instances of one run from being sent: pools, the DAG's limit, the schedulers' own."""
    wanted = own.filter(state=_S.SCHEDULED).order_by().values_list("pool")
    needs = dict(wanted.annotate(least=Min("pool_slots")).order_by("pool")[:MOST_NAMED])
    told = [Wait("Pool", text) for name, text in _pools(needs).items() if text]
    active = TaskInstance.objects.filter(Rare(Q(state__in=OCCUPIES_SLOT)), dag=dag).count()
    if active >= dag.max_active_tasks:
        told.append(Wait("Active tasks", _most_tasks(dag)))
    yield from told or _places(now)


# ------------------------------------------------------------ an instance


def _own_state(ti: TaskInstance, processes: health.Health, *, user: Caller, now: datetime) -> Iterator[Wait]:
    """What the instance waits for by its own state."""
    if ti.state == _S.QUEUED:
        yield Wait("Executor", _sent(ti, user=user, now=now))
    elif ti.state == _S.RESTARTING:
        yield Wait("Process", "It was cleared while it ran: its process is being ended, and then it is tried again.")
    elif ti.state == _S.DEFERRED:
        yield Wait("Trigger", _deferred(ti))
        yield from _triggerer(processes)
    elif ti.state in (_S.UP_FOR_RETRY, _S.UP_FOR_RESCHEDULE):
        is_retry = ti.state == _S.UP_FOR_RETRY
        what = (
            f"Try {ti.try_number} did not succeed; the next" if is_retry else "It is a sensor that checks again; that"
        )
        is_past = ti.not_before is None or ti.not_before <= now
        sentence = "{} was due at {}: the scheduler’s next look starts it." if is_past else "{} is due at {}."
        yield Wait("Retry" if is_retry else "Next check", format_html(sentence, what, desk.moment(ti.not_before)))


def _sent(ti: TaskInstance, *, user: Caller, now: datetime) -> SafeString:
    """That the instance is with the executor; one query."""
    job = Job.objects.filter(pk=ti.queued_by_job_id).first() if ti.queued_by_job_id is not None else None
    if job is None or job.state != JobState.RUNNING or now - job.latest_heartbeat > health_threshold():
        return format_html(
            "The scheduler that sent it at {} is gone. The next one sends it again.", desk.moment(ti.queued_at)
        )
    executor = ti.executor or conf.get("core", "executor").split(",")[0]
    is_celery = executor.strip().rpartition(".")[2] == "CeleryExecutor"
    whom = format_html("a worker that serves the queue {}", ti.queue) if is_celery else f"a process on {job.hostname}"
    more = ""
    if is_allowed(user, READ, p.JOBS) and is_allowed(user, READ, p.TASK_INSTANCES):
        more = format_html(" <a href='{}'>Workers and queues</a> shows who is there.", reverse("admin:desk_workers"))
    return format_html(
        "It was sent to the executor at {} and waits for {}. After {} without one it is sent again.{}",
        desk.moment(ti.queued_at),
        whom,
        desk.duration(conf.getint("scheduler", "task_queued_timeout")),
        more,
    )


def _deferred(ti: TaskInstance) -> SafeString | str:
    """What the instance is deferred to; no query where ``ti`` was read with its trigger and that one's triggerer."""
    trigger = ti.trigger
    if trigger is None:
        return "Its trigger is gone, so nothing wakes it. Clear the task to try it again."
    where = (
        f"in the triggerer on {trigger.triggerer.hostname}" if trigger.triggerer else "which no triggerer has taken yet"
    )
    until = format_html(", at the latest at {}", desk.moment(ti.trigger_timeout_at)) if ti.trigger_timeout_at else ""
    return format_html("It goes on when the trigger {} fires, {}{}.", trigger.classpath, where, until)


def _explained(
    ti: TaskInstance,
    dag: Dag,
    shape: SerializedDag | None,
    each: unmet.Unmet,
    active: Sequence[DagRun],
    back: unmet.Back,
) -> Iterator[Wait]:
    """A reason of the API with what leads on from it; ``active`` and ``back`` are those of the run."""
    run, text = ti.run, each.reason
    if each.name == unmet.PAST and (before := back.before or unmet.run_before(run)) is not None:
        if back.jam is not None and run in back.jam.active:
            text = _jammed(run, dag, back.jam, before, "It", "waits")
        else:
            text = _lacks(ti, shape, before)
    elif each.name == unmet.POOL:
        text = _pools({ti.pool: ti.pool_slots})[ti.pool] or text
    elif each.name == unmet.ACTIVE_TASKS:
        text = _most_tasks(dag)
    elif each.name == unmet.RULE:
        text = _rule(ti, shape, _S.SUCCESS) or text
    elif each.name == unmet.RUN and run.is_finished:
        text = f"{text} Clear the task, and the run goes on with it."
    yield Wait(each.name, text)
    if each.name == unmet.RUN and run.state == DagRunState.QUEUED:
        yield from _start(run, dag, active, back.jam)


def _lacks(ti: TaskInstance, shape: SerializedDag | None, before: DagRun) -> SafeString:
    """What the run before lacks, so that the instance waits; one query."""
    task = shape.tasks.get(ti.task_id) if shape is not None else None
    asked = {ti.task_id} | (task.downstream_task_ids if task is not None and task.wait_for_downstream else frozenset())
    rows = TaskInstance.objects.filter(run=before, task_id__in=asked).order_by("task_id", "state")
    found = list(rows.values_list("task_id", "state").distinct())
    begin = format_html("It waits for the run {} before it (depends_on_past), which is {}", _link(before), before.state)
    if not any(task_id == ti.task_id for task_id, _ in found):
        return format_html(
            "{} and has no instance of this task. Queue new tasks there, or set ignore_first_depends_on_past if no run "
            "before had one.",
            begin,
        )
    lacking = _states(before, [each for each in found if each[1] not in SUCCESS_STATES])
    if before.state in RUN_FINISHED:
        return format_html("{}, and where {}. Clear that, or mark it as success.", begin, lacking)
    return format_html("{}, and where {}. It goes on when that has succeeded.", begin, lacking)


def _settled(ti: TaskInstance, shape: SerializedDag | None) -> Iterator[Wait]:
    """Of what did not run by its trigger rule: what the rule met."""
    is_by_rule = not ti.reason and (ti.state == _S.UPSTREAM_FAILED or not ti.try_number)
    if is_by_rule and (text := _rule(ti, shape)):
        yield Wait(unmet.RULE, text)


def _rule(ti: TaskInstance, shape: SerializedDag | None, without: str | None = None) -> SafeString | None:
    """The trigger rule with the tasks upstream and their states, failed ones first; one query.

    Tasks in the state ``without`` are left out; None where none is left.
    """
    task = shape.tasks.get(ti.task_id) if shape is not None else None
    if task is None or not task.upstream_task_ids:
        return None
    rows = TaskInstance.objects.filter(run=ti.run, task_id__in=task.upstream_task_ids).order_by("task_id", "state")
    found = [each for each in rows.values_list("task_id", "state").distinct() if each[1] != without]
    found.sort(key=lambda each: (each[1] not in FAILED_STATES, each[1] == _S.SUCCESS))
    if not found:
        return None
    return format_html("Its trigger rule is {}, and upstream of it {}.", task.trigger_rule, _states(ti.run, found))


# ------------------------------------------------------------ places and processes


def _pools(needs: Mapping[str, int]) -> dict[str, SafeString | str]:
    """By pool: why so many slots cannot be had of it, "" where they can; two queries."""
    pools = {pool.name: pool for pool in Pool.objects.filter(name__in=list(needs))}
    use = pool_service.usage(pools)
    return {
        name: _pool(pools[name], need, use[name])
        if name in pools
        else f"There is no pool {name}. Make it, or name another one in the DAG’s file."
        for name, need in needs.items()
    }


def _pool(pool: Pool, need: int, use: pool_service.Usage) -> SafeString | str:
    if pool.slots == pool_service.UNLIMITED or use.open(pool) >= max(need, 1):
        return ""
    if pool.slots == 0:
        return f"The pool {pool.name} has no slots, so nothing starts in it. Give it some."
    if need > pool.slots:
        return (
            f"The pool {pool.name} has {pool.slots} slots in all, and {need} are wanted at once. Raise the pool’s "
            "slots, or lower pool_slots in the DAG’s file."
        )
    query = {"pool": pool.name, "state__exact": _S.RUNNING.value}
    return format_html(
        "Of the {} slots of the pool {} {} are taken, and {} wanted. It starts when they are free. {}",
        pool.slots,
        pool.name,
        use.occupied(pool),
        "1 is" if need == 1 else f"{need} are",
        _see(query),
    )


def _most_tasks(dag: Dag) -> SafeString:
    return format_html(
        "As many tasks of the DAG are at work as may be (max_active_tasks): {}. It starts when one ends. {}",
        dag.max_active_tasks,
        _see({"dag": dag.dag_id, "state__exact": _S.RUNNING.value}),
    )


def _see(query: Mapping[str, str]) -> SafeString:
    address = reverse("admin:orchestration_taskinstance_changelist")
    return format_html("<a href='{}?{}'>See what runs</a>", address, urlencode(query))


def _places(now: datetime) -> Iterator[Wait]:
    """Where the living schedulers have as many tries in hand as they may have; two queries."""
    each = conf.getint("core", "parallelism")
    schedulers = Job.objects.filter(job_type=JobType.SCHEDULER).alive(now).count()
    taken = TaskInstance.objects.filter(Rare(Q(state__in=OCCUPIES_SLOT))).count()
    if each and schedulers and taken >= each * schedulers:
        yield Wait(
            "Executor",
            f"The schedulers have as many tries in hand as they may: {taken} (core.parallelism is {each} for each "
            "scheduler). It is sent when one of them has ended.",
        )


def _scheduler(found: health.Health) -> Iterator[Wait]:
    yield from _process("Scheduler", "scheduler", found.scheduler, "Nothing starts")


def _triggerer(found: health.Health) -> Iterator[Wait]:
    yield from _process("Triggerer", "triggerer", found.triggerer, "No trigger fires")


def _process(name: str, command: str, process: health.Process, effect: str) -> Iterator[Wait]:
    """A sentence where no process of the kind is alive."""
    if process.status == health.HEALTHY:
        return
    since = process.latest_heartbeat
    begin = f"No {command} was ever started."
    if since is not None:
        begin = format_html("No {} is alive; the last sign of life was at {}.", command, desk.moment(since))
    yield Wait(name, format_html("{} {} until one runs: <code>airflowsite {}</code>", begin, effect, command))


# ------------------------------------------------------------ words


def _limit(dag: Dag) -> str:
    number = dag.max_active_runs
    return f"{number} run{'s' if number != 1 else ''} of this DAG may be active (max_active_runs)"


def _link(run: DagRun) -> SafeString:
    return _anchor(run.run_id, "desk_run", run.dag_id, run.run_id)


def _task_link(run: DagRun, task_id: str) -> SafeString:
    return _anchor(task_id, "desk_task", run.dag_id, run.run_id, task_id)


def _anchor(text: str, page: str, *names: str) -> SafeString:
    """The text as a link to a page; without one where no address can hold the names (another system made them)."""
    try:
        return format_html("<a href='{}'>{}</a>", reverse(f"admin:{page}", args=names), text)
    except NoReverseMatch:
        return format_html("{}", text)


def _states(run: DagRun, found: Sequence[tuple[str, str]]) -> SafeString:
    """``a is failed, b has no state`` with links to the tasks."""
    return _listed(
        format_html("{} {}", _task_link(run, task_id), f"is {state.replace('_', ' ')}" if state else "has no state")
        for task_id, state in found
    )


def _listed(parts: Iterable[SafeString]) -> SafeString:
    """The first ones with commas, and how many others there are."""
    listed = list(parts)
    named = format_html_join(", ", "{}", ((part,) for part in listed[:MOST_NAMED]))
    more = len(listed) - MOST_NAMED
    return format_html("{} and {} more", named, more) if more > 0 else named


def _tasks(number: int, one: str, many: str) -> str:
    """``1 task waits``, ``2 tasks wait``."""
    return f"1 task {one}" if number == 1 else f"{number} tasks {many}"
