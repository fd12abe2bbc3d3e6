"""``dags backfill``."""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Collection
from typing import Any

from django.utils import timezone

from orchestration.errors import Invalid, NotFound, Unavailable
from orchestration.management.actions.dag_runs import conf_of
from orchestration.management.actions.dags import find
from orchestration.management.cli.output import confirm
from orchestration.management.cli.progress import progress
from orchestration.models import Backfill, Dag, DagRun, Job, TaskInstance, versions
from orchestration.services import backfills, dag_runs
from orchestration.services.clearing_scope import subset
from orchestration.states import DagRunState, JobType

#: Seconds between looks at runs that the scheduler has.
_PAUSE_SECONDS = 0.5


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
            _describe(dag, start, end, task_ids)
        else:
            status |= _run(dag, args, start, end, conf, task_ids)
    return status


def _dags(args: argparse.Namespace) -> list[Dag]:
    if not (args.treat_dag_id_as_regex or args.treat_dag_as_regex):
        return [find(args.dag_id)]
    pattern = _pattern(args.dag_id)
    found = [dag for dag in Dag.objects.active().order_by("pk") if pattern.search(dag.dag_id)]
    if not found:
        raise NotFound(f"No DAG matches {args.dag_id!r}.")
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


def _describe(dag: Dag, start: Any, end: Any, task_ids: Collection[str] | None) -> None:
    shape = versions.current(dag.dag_id)
    for step in backfills.plan(dag, from_date=start, to_date=end, task_ids=task_ids):
        print(f"Would run {dag.dag_id} for {step.info.logical_date.isoformat()}:")
        for task_id in shape.tasks:
            if task_ids is None or task_id in task_ids:
                print(f"  {task_id}")


def _run(
    dag: Dag,
    args: argparse.Namespace,
    start: Any,
    end: Any,
    conf: dict[str, Any] | None,
    task_ids: Collection[str] | None,
) -> int:
    steps = backfills.plan(dag, from_date=start, to_date=end, run_backwards=args.run_backwards, task_ids=task_ids)
    if not (args.local or args.mark_success or _has_scheduler()):
        raise Unavailable("No scheduler is alive to run the backfill. Start one, or use --local.")
    existing = sum(step.action is not backfills.Action.CREATE for step in steps)
    question = f"{existing} runs of {dag.dag_id} are there already and will run again. Go on?"
    if args.reset_dagruns and existing and not confirm(question, yes=args.yes):
        print("Nothing was run.")
        return 1
    reprocess = Backfill.Reprocess.NONE
    if args.reset_dagruns:
        reprocess = Backfill.Reprocess.COMPLETED
    elif args.rerun_failed_tasks:
        reprocess = Backfill.Reprocess.FAILED
    order = backfills.create(
        dag,
        actor=None,
        from_date=start,
        to_date=end,
        conf=conf,
        reprocess=reprocess,
        run_backwards=args.run_backwards,
        max_active_runs=dag.max_active_runs or 16,
        task_ids=task_ids,
    )
    _adjust(order, args)
    if args.mark_success:
        for run in order.runs.all():
            dag_runs.set_state(run, DagRunState.SUCCESS, actor=None)
    elif args.local:
        _run_here(order, goes_on=args.continue_on_failures)
    else:
        _wait(order, pause=min(args.delay_on_limit, _PAUSE_SECONDS), goes_on=args.continue_on_failures)
    return _report(order)


def _has_scheduler() -> bool:
    return Job.objects.alive(timezone.now()).filter(job_type=JobType.SCHEDULER).exists()


def _adjust(order: Backfill, args: argparse.Namespace) -> None:
    """Give the new instances the pool and the tries that the command line asks for."""
    changes: dict[str, Any] = {}
    if args.pool:
        changes["pool"] = args.pool
    if args.disable_retry:
        changes["max_tries"] = 0
    if changes:
        TaskInstance.objects.filter(run__backfill=order).update(**changes)


def _run_here(order: Backfill, *, goes_on: bool) -> None:
    """Run each run by an executor of this process, one after the other."""
    from orchestration.execution.dag_test import advance
    from orchestration.management import executor_runs

    runs = order.runs.filter(state=DagRunState.QUEUED)
    for run in runs.order_by("-logical_date" if order.run_backwards else "logical_date"):
        now = timezone.now()
        if not DagRun.objects.filter(pk=run.pk).move(DagRunState.RUNNING, now=now):
            continue  # a scheduler has it
        ended = executor_runs.run_dag(run, advance)
        print(f"{ended.run_id}: {ended.state}", flush=True)
        if ended.state == DagRunState.FAILED and not goes_on:
            backfills.cancel(order, actor=None)
            return


def _wait(order: Backfill, *, pause: float, goes_on: bool) -> None:
    """Look on until the scheduler has run them all; an interrupt or a failure cancels those that wait."""
    total = order.runs.count()
    told = 0
    try:
        with progress(total, order.dag_id) as advance:
            while left := backfills.unfinished(order):
                advance(total - left - told)
                told = total - left
                if not goes_on and order.runs.filter(state=DagRunState.FAILED).exists() and order.cancelled_at is None:
                    backfills.cancel(order, actor=None)
                    order.refresh_from_db()
                time.sleep(pause)
    except KeyboardInterrupt:
        backfills.cancel(order, actor=None)
        raise


def _report(order: Backfill) -> int:
    states = list(order.runs.values_list("state", flat=True))
    failed = states.count(DagRunState.FAILED)
    print(f"Backfill of {order.dag_id} done: {states.count(DagRunState.SUCCESS)} runs succeeded, {failed} failed.")
    return 1 if failed else 0
