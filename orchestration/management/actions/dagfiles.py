"""``dags report``, ``reserialize``."""

from __future__ import annotations

import argparse
import time
from functools import partial
from pathlib import Path

from orchestration.authoring import alias
from orchestration.authoring.loading import load_dag_file
from orchestration.conf import conf
from orchestration.dagfiles.discover import find_dag_files
from orchestration.dagfiles.manager import Processor
from orchestration.dagfiles.options import Options
from orchestration.errors import Invalid
from orchestration.execution import store_server
from orchestration.management.actions import dag_files
from orchestration.management.cli.output import emit
from orchestration.models import Dag, DagImportError
from orchestration.models.wakeups import notify


def report(args: argparse.Namespace) -> None:
    """Import each DAG file here and say how long it took and what it holds; the slowest first."""
    alias.install()
    places = [Path(args.subdir).expanduser().absolute()] if args.subdir else dag_files.roots()
    seconds = conf.getfloat("core", "dagbag_import_timeout")
    rows = []
    for root in places:
        for file in find_dag_files(root):
            start = time.perf_counter()
            loaded = load_dag_file(str(file.path), seconds=seconds)
            took = time.perf_counter() - start
            rows.append(
                {
                    "file": str(file.path).removeprefix(str(root)),
                    "duration": f"0:00:{took:09.6f}" if took < 60 else f"{took:.6f} s",
                    "dag_num": len(loaded.dags),
                    "task_num": sum(len(dag.tasks) for dag in loaded.dags.values()),
                    "dags": sorted(loaded.dags),
                }
            )
    emit(sorted(rows, key=lambda row: str(row["duration"]), reverse=True), args.output)


def reserialize(args: argparse.Namespace) -> None:
    """Parse all files once, each in a process of its own, and store what they define.

    ``--clear-only`` only makes the next parse store everything anew.
    """
    if args.dry_run:
        word = "forget the stored form of" if args.clear_only else "parse the files of"
        print(f"Would {word} {Dag.objects.active().count()} DAGs.")
        return
    if args.clear_only:
        count = Dag.objects.update(last_parsed_at=None, current_version=None)
        notify("dag_processor")
        print(f"Forgot the stored form of {count} DAGs.")
        return
    if args.subdir and not Path(args.subdir).exists():
        raise Invalid(f"There is no file or folder {args.subdir}. Give another by --subdir.")
    DagImportError.objects.exists()  # without tables it fails here at once, not in the processor's retries
    Processor(Options.from_conf(args.subdir), answer=partial(store_server.call, None), rounds=1).run()
    errors = DagImportError.objects.count()
    print(f"{Dag.objects.active().count()} DAGs are active, {errors} files have errors.")
