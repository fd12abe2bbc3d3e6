"""Why a task instance does not run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from orchestration.access import permissions as p
from orchestration.access.permissions import READ, Caller, is_allowed
from orchestration.admin.queries.waits.places import most_tasks, parallelism, pools, scheduler, triggerer
from orchestration.admin.queries.waits.starting import jammed, start
from orchestration.admin.queries.waits.words import Wait, link, states
from orchestration.conf import conf
from orchestration.models import Dag, DagRun, Job, TaskInstance
from orchestration.scheduling import unmet
from orchestration.serialization.values import SerializedDag
from orchestration.services import health
from orchestration.states import (
    FAILED_STATES,
    RUN_FINISHED,
    SCHEDULABLE,
    SUCCESS_STATES,
    DagRunState,
    TaskInstanceState,
)
from orchestration.templatetags import desk

_S = TaskInstanceState


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
        told += parallelism(now)
    return [*told, *scheduler(processes)]


def _own_state(ti: TaskInstance, processes: health.Health, *, user: Caller, now: datetime) -> Iterator[Wait]:
    """What the instance waits for by its own state."""
    if ti.state == _S.QUEUED:
        yield Wait("Executor", _sent(ti, user=user, now=now))
    elif ti.state == _S.RESTARTING:
        yield Wait("Process", "It was cleared while it ran: its process is being ended, and then it is tried again.")
    elif ti.state == _S.DEFERRED:
        yield Wait("Trigger", _deferred(ti))
        yield from triggerer(processes)
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
    sender = ti.queued_by_job_id
    job = Job.objects.alive(now).filter(pk=sender).first() if sender is not None else None
    if job is None:
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
            text = jammed(run, dag, back.jam, before, "It", "waits")
        else:
            text = _lacks(ti, shape, before)
    elif each.name == unmet.POOL:
        text = pools({ti.pool: ti.pool_slots})[ti.pool] or text
    elif each.name == unmet.ACTIVE_TASKS:
        text = most_tasks(dag)
    elif each.name == unmet.RULE:
        text = _rule(ti, shape, _S.SUCCESS) or text
    elif each.name == unmet.RUN and run.is_finished:
        text = f"{text} Clear the task, and the run goes on with it."
    yield Wait(each.name, text)
    if each.name == unmet.RUN and run.state == DagRunState.QUEUED:
        yield from start(run, dag, active, back.jam)


def _lacks(ti: TaskInstance, shape: SerializedDag | None, before: DagRun) -> SafeString:
    """What the run before lacks, so that the instance waits; one query."""
    task = shape.tasks.get(ti.task_id) if shape is not None else None
    asked = {ti.task_id} | (task.downstream_task_ids if task is not None and task.wait_for_downstream else frozenset())
    rows = TaskInstance.objects.filter(run=before, task_id__in=asked).order_by("task_id", "state")
    found = list(rows.values_list("task_id", "state").distinct())
    begin = format_html("It waits for the run {} before it (depends_on_past), which is {}", link(before), before.state)
    if not any(task_id == ti.task_id for task_id, _ in found):
        return format_html(
            "{} and has no instance of this task. Queue new tasks there, or set ignore_first_depends_on_past if no run "
            "before had one.",
            begin,
        )
    lacking = states(before, [each for each in found if each[1] not in SUCCESS_STATES])
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
    return format_html("Its trigger rule is {}, and upstream of it {}.", task.trigger_rule, states(ti.run, found))
