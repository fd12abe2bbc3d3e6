"""``dags test``."""

from __future__ import annotations

import argparse
import re
import sys

from django.utils import timezone

from orchestration.errors import Invalid
from orchestration.management.actions import dag_files, graphs
from orchestration.management.actions.dag_runs import conf_of
from orchestration.models import versions
from orchestration.states import DagRunState


def test(args: argparse.Namespace) -> int:
    """Run a DAG once in this process; leaves with 1 when the run failed.

    With ``--use-executor`` the tasks run by the configured executor, and their logs go where they always go.
    """
    conf = conf_of(args.conf)
    if args.mark_success_pattern is not None:
        try:
            re.compile(args.mark_success_pattern)
        except re.error as error:
            raise Invalid(f"{args.mark_success_pattern!r} is no regular expression: {error}.") from None
        if args.use_executor:
            raise Invalid("--mark-success-pattern does not go with --use-executor, which runs every task.")
    graphs.refuse_undeliverable(
        save=args.save_dagrun, imgcat=args.imgcat_dagrun, names=("--save-dagrun", "--imgcat-dagrun")
    )
    dag, _ = dag_files.load(args)
    from orchestration.execution import dag_test  # it puts itself into the authoring core

    if args.use_executor:
        from orchestration.management import executor_runs

        prepared = dag_test.prepare(dag, args.execution_date or timezone.now(), conf or {})
        run = executor_runs.run_dag(prepared, dag_test.advance)
    else:
        run = dag_test.test(dag, args.execution_date, conf, mark_success_pattern=args.mark_success_pattern)
    if args.show_dagrun or args.save_dagrun or args.imgcat_dagrun:
        assert run.dag_version_id is not None
        dot = graphs.of_run(versions.serialized(run.dag_version_id), run)
        graphs.deliver(dot, save=args.save_dagrun, imgcat=args.imgcat_dagrun, shows=args.show_dagrun)
    if run.state == DagRunState.FAILED:
        print("DagRun failed", file=sys.stderr)
        return 1
    return 0
