"""``dags backfill``."""

from __future__ import annotations

import argparse
import contextlib
import re
import sys
import time
from collections.abc import Collection
from typing import Any

from django.db import transaction
from django.utils import timezone

from orchestration.errors import Conflict, Invalid, NotFound, Unavailable
from orchestration.management import executor_runs, partial_dag
from orchestration.management.actions.dag_runs import conf_of
from orchestration.management.actions.dags import find
from orchestration.management.cli.output import confirm
from orchestration.management.cli.progress import progress
from orchestration.models import Backfill, Dag, DagRun, Job, TaskInstance, versions
from orchestration.services import backfills, dag_runs
from orchestration.services.backfills import Step
from orchestration.services.clearing_scope import subset
from orchestration.states import RUN_FINISHED, DagRunState, DagRunType, JobType

#: Seconds between looks at runs that the scheduler has.
_PAUSE_SECONDS = 0.5
#: Runs at work at a time where the DAG does not say.
_MOST_ACTIVE_RUNS = 16
#: After so many seconds in which nothing can move a backfill is given up.
_STUCK_SECONDS = 30.0


def backfill(args: argparse.Namespace) -> int:
    """Run DAGs for each of their dates in a range; leaves with 1 when a run failed."""
    start, end = args.start_date or args.end_date, args.end_date or args.start_date
    if start is None:
        raise Invalid("Say for which dates: --start-date, --end-date, or both.")
    conf = conf_of(args.conf)
    status = 0
    for dag in _dags(args):
        task_ids = _task_ids(dag, args)
        if args.dry_run:
            _describe(dag, args, _plan(dag, args, start, end, task_ids), task_ids)
        else:
            status |= _run(dag, args, start, end, conf, task_ids)
    return status


def _dags(args: argparse.Namespace) -> list[Dag]:
    if not (args.treat_dag_id_as_regex or args.treat_dag_as_regex):
        return [find(args.dag_id)]
    pattern = _pattern(args.dag_id)
    found = [dag for dag in Dag.objects.active().order_by("pk") if pattern.search(dag.dag_id)]
    if not found:
        raise NotFound(f"No DAG matches {args.dag_id!r}. `airflowsite dags list` shows all.")
    return found


def _pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise Invalid(f"{text!r} is no regular expression: {error}.") from None


def _task_ids(dag: Dag, args: argparse.Namespace) -> Collection[str] | None:
    """The tasks that ``--task-regex`` finds, with what is upstream of them unless told otherwise; None is all."""
    if not args.task_regex:
        return None
    shape = versions.current(dag.dag_id)
    named = [task_id for task_id in shape.tasks if _pattern(args.task_regex).search(task_id)]
    if not named:
        raise Invalid(f"No task of {dag.dag_id} matches {args.task_regex!r}, so there is nothing to run.")
    return subset(shape, named, include_upstream=not args.ignore_dependencies, include_downstream=False)


def _reprocess(args: argparse.Namespace) -> str:
    """What becomes of runs that exist."""
    if args.reset_dagruns:
        return Backfill.Reprocess.COMPLETED
    return Backfill.Reprocess.FAILED if args.rerun_failed_tasks else Backfill.Reprocess.NONE


def _plan(dag: Dag, args: argparse.Namespace, start: Any, end: Any, task_ids: Collection[str] | None) -> list[Step]:
    return backfills.plan(
        dag,
        from_date=start,
        to_date=end,
        reprocess=_reprocess(args),
        run_backwards=args.run_backwards,
        task_ids=task_ids,
    )


def _describe(dag: Dag, args: argparse.Namespace, steps: list[Step], task_ids: Collection[str] | None) -> None:
    shape = versions.current(dag.dag_id)
    named = [task_id for task_id in shape.tasks if task_ids is None or task_id in task_ids]
    known = [step.run_pk for step in steps if step.run_pk is not None]
    waiting = DagRun.objects.filter(pk__in=known, state=DagRunState.QUEUED, backfill=None)
    taken = set(waiting.values_list("run_id", flat=True))
    for step in steps:
        date = step.info.logical_date.isoformat()
        if step.run_id in taken:
            print(f"Would run the waiting run {step.run_id} of {dag.dag_id} for {date}")
            continue
        if step.action is backfills.Action.LEAVE:
            print(f"Would leave the run {step.run_id} of {dag.dag_id} for {date} as it is")
            continue
        if step.action is backfills.Action.CREATE:
            print(f"Would run {dag.dag_id} for {date}:")
        else:
            what = "what failed in" if args.rerun_failed_tasks and not args.reset_dagruns else "anew"
            print(f"Would run {what} the run {step.run_id} of {dag.dag_id} for {date}:")
        for task_id in named:
            print(f"  {task_id}")


def _run(
    dag: Dag,
    args: argparse.Namespace,
    start: Any,
    end: Any,
    conf: dict[str, Any] | None,
    task_ids: Collection[str] | None,
) -> int:
    steps = _plan(dag, args, start, end, task_ids)
    if not (args.local or args.mark_success or _has_scheduler()):
        raise Unavailable("No scheduler is alive to run the backfill. Start one, or use --local.")
    existing = sum(step.action is backfills.Action.CLEAR for step in steps)
    question = f"{existing} runs of {dag.dag_id} are there already and will run again. Go on?"
    if args.reset_dagruns and existing and not confirm(question, yes=args.yes):
        print("Nothing was run.")
        return 1
    limit = dag.max_active_runs or _MOST_ACTIVE_RUNS
    with transaction.atomic():  # no scheduler sees the runs before they are as the command line asks
        order = backfills.create(
            dag,
            actor=None,
            from_date=start,
            to_date=end,
            conf=conf,
            reprocess=_reprocess(args),
            run_backwards=args.run_backwards,
            max_active_runs=limit,
            task_ids=task_ids,
        )
        _adjust(order, dag, args, steps, task_ids)
    if args.mark_success:
        for run in order.runs.all():
            dag_runs.set_state(run, DagRunState.SUCCESS, actor=None)
    elif args.local:
        _run_here(order, limit=limit, goes_on=args.continue_on_failures)
    else:
        _wait(order, pause=min(args.delay_on_limit, _PAUSE_SECONDS), goes_on=args.continue_on_failures)
    return _report(order, [step for step in steps if step.action is backfills.Action.LEAVE], args)


def _has_scheduler() -> bool:
    return Job.objects.alive(timezone.now()).filter(job_type=JobType.SCHEDULER).exists()


def _adjust(
    order: Backfill, dag: Dag, args: argparse.Namespace, steps: Collection[Step], task_ids: Collection[str] | None
) -> None:
    """Give the runs the conf, and new instances the pool, the tries and the dependencies that were asked for."""
    changes: dict[str, Any] = {}
    if args.pool:
        changes["pool"] = args.pool
    if args.disable_retry:
        changes["max_tries"] = 0
    if changes:
        TaskInstance.objects.filter(run__backfill=order).update(**changes)
    known = [step.run_pk for step in steps if step.run_pk is not None]
    _take_over(order, known)
    if args.conf is not None:
        order.runs.update(conf=order.dag_run_conf)  # those that were there get it, too, as in the reference
    dag.refresh_from_db()
    new = order.runs.filter(dag_version=dag.current_version_id).exclude(pk__in=known)
    _leave_dependencies_out(dag, new, task_ids if args.ignore_dependencies else None)


def _take_over(order: Backfill, known: Collection[int]) -> None:
    """Take runs of the range that wait to be started into the backfill, as the reference does."""
    waiting = DagRun.objects.filter(pk__in=known, state=DagRunState.QUEUED, backfill=None)
    if waiting.update(run_type=DagRunType.BACKFILL, backfill=order):
        Backfill.objects.filter(pk=order.pk).update(completed_at=None)
        order.refresh_from_db()


def _leave_dependencies_out(dag: Dag, runs: Any, only: Collection[str] | None) -> None:
    """Let tasks run without upstream tasks that have no instance, and those of the first date without the day before.

    The reference passes ``depends_on_past`` on the first date whether or not it is told to.
    """
    shape = versions.current(dag.dag_id)
    tasks = [task for task in shape.tasks.values() if only is None or task.task_id in only]
    lacks = only is not None and any(not task.upstream_task_ids <= frozenset(only) for task in tasks)
    kept = only if lacks else None
    first = runs.order_by("logical_date").first()
    if lacks:
        runs.update(dag_version=partial_dag.version_of(dag, only=kept))
    if first is not None and any(task.depends_on_past or task.wait_for_downstream for task in tasks):
        first.dag_version = partial_dag.version_of(dag, only=kept, looks_back=False)
        first.save(update_fields=["dag_version"])


def _run_here(order: Backfill, *, limit: int, goes_on: bool) -> None:
    """Run each run by an executor of this process, one after the other; failures end it after ``limit`` runs at a time.

    So the same runs come to be as where as many run side by side.
    """
    from orchestration.execution.dag_test import advance

    runs = order.runs.filter(state=DagRunState.QUEUED)
    waiting = list(runs.order_by("-logical_date" if order.run_backwards else "logical_date"))
    try:
        for number, run in enumerate(waiting, 1):
            now = timezone.now()
            if DagRun.objects.filter(pk=run.pk).move(DagRunState.RUNNING, now=now):  # else a scheduler has it
                ended = executor_runs.run_dag(run, advance)
                print(f"{ended.run_id}: {ended.state}", flush=True)
            if number % limit == 0 and not goes_on and _has_failed(order):
                _give_up(order)
                return
    except KeyboardInterrupt:
        _give_up(order)
        raise


def _is_stuck(order: Backfill) -> bool:
    """Whether nothing moves in any of the runs that are left, as behind a failed run of the day before."""
    left = order.runs.unfinished()
    if left.exclude(state=DagRunState.RUNNING).exists():
        return False
    return not TaskInstance.objects.filter(run__in=left, state__in=executor_runs.MOVING).exists()


def _has_failed(order: Backfill) -> bool:
    return order.runs.filter(state=DagRunState.FAILED).exists()


def _give_up(order: Backfill) -> None:
    """Cancel what waits; nothing where all is over."""
    with contextlib.suppress(Conflict):
        backfills.cancel(order, actor=None)
    order.refresh_from_db()


def _wait(order: Backfill, *, pause: float, goes_on: bool) -> None:
    """Look on until the scheduler has run them all; an interrupt or a failure cancels those that wait."""
    total = order.runs.count()
    told = 0
    try:
        with progress(total, order.dag_id) as advance:
            stuck_since = None
            while left := backfills.unfinished(order):
                stuck_since = (stuck_since or time.monotonic()) if _is_stuck(order) else None
                if stuck_since is not None and time.monotonic() > stuck_since + _STUCK_SECONDS:
                    return
                advance(total - left - told)
                told = total - left
                if not goes_on and order.cancelled_at is None and _has_failed(order):
                    _give_up(order)
                time.sleep(pause)
    except KeyboardInterrupt:
        _give_up(order)
        raise


def _report(order: Backfill, left: Collection[Step], args: argparse.Namespace) -> int:
    """Say how the runs of the range ended, those that were left as they are among them."""
    states = [*order.runs.values_list("state", flat=True)]
    others = DagRun.objects.filter(pk__in=[step.run_pk for step in left]).exclude(pk__in=order.runs.values("pk"))
    before = [*others.values_list("state", flat=True)]
    failed = [*states, *before].count(DagRunState.FAILED)
    good = [*states, *before].count(DagRunState.SUCCESS)
    print(f"Backfill of {order.dag_id} done: {good} runs succeeded, {failed} failed.")
    if stuck := sum(state not in RUN_FINISHED for state in states):
        print(
            f"{stuck} runs go on no more, and stay as they are: they wait for earlier runs, or the scheduler ended.",
            file=sys.stderr,
        )
    if stale := before.count(DagRunState.FAILED):
        print(f"{stale} runs had failed before and were left. --rerun-failed-tasks goes on in them.", file=sys.stderr)
    return 1 if stuck or (failed and not args.continue_on_failures) else 0
