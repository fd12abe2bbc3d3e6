"""``tasks test``, ``render``, ``run``."""

from __future__ import annotations

import argparse
import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

from orchestration.authoring.secrets import redact
from orchestration.clients.local import find_run
from orchestration.clients.sentences import no_instance
from orchestration.errors import Conflict, Invalid, NotFound
from orchestration.management import task_trial
from orchestration.management.actions import dag_files
from orchestration.models import TaskInstance, versions
from orchestration.services import task_instances
from orchestration.states import FINISHED, TaskInstanceState

#: Options that leave out dependencies, by what they are parsed to; the reference refuses them beside --raw.
_IGNORING = ("ignore_all_dependencies", "ignore_depends_on_past", "ignore_dependencies", "force")
_RULE = "# ----------------------------------------------------------"


def render(args: argparse.Namespace) -> None:
    """Print the templated fields of a task as they are for a run; secrets are masked."""
    dag, _ = dag_files.load(args)
    task = dag_files.task_of(dag, args.task_id)
    trial = task_trial.Trial(dag, task.task_id, args.execution_date_or_run_id, map_index=args.map_index)
    for name, value in trial.rendered().items():
        print(f"{_RULE}\n# property: {name}\n{_RULE}\n{redact(value, name)}\n")


def test(args: argparse.Namespace) -> int:
    """Run one task here; nothing of it stays in the tables. Leaves with 1 when it failed, but for a debugger."""
    variables = _object(args.env_vars, "--env-vars")
    os.environ.update({"AIRFLOW_TEST_MODE": "True", **{name: str(value) for name, value in variables.items()}})
    params = _object(_json(args.task_params), "--task-params")
    dag, loaded = dag_files.load(args)
    task = dag_files.task_of(dag, args.task_id)
    if params:
        task.params.update(params)
    trial = task_trial.Trial(dag, task.task_id, args.execution_date_or_run_id, map_index=args.map_index)
    if args.dry_run:
        print("Dry run")
        for name, value in trial.rendered().items():
            print(f"Rendering template for {name}\n{redact(value, name)}")
        return 0
    try:
        result = trial.run(loaded)
    except Exception:
        if not args.post_mortem:
            raise
        traceback.print_exc()
        _debug(sys.exc_info()[2])
        return 0
    if result["state"] in {"success", "skipped"}:
        return 0
    print(result.get("reason") or f"The task ended as {result['state']}.", file=sys.stderr)
    if args.post_mortem and trial.error is not None:
        _debug(trial.error.__traceback__)
        return 0  # as in the reference: who looked at it knows
    return 1


def _debug(trace: Any) -> None:
    import pdb  # only when it was asked for

    pdb.post_mortem(trace)


def _json(text: str | None) -> Any:
    if text is None:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Invalid(f"This is not JSON: {error}") from None


def _object(value: Any, name: str) -> dict[str, Any]:
    if value is not None and not isinstance(value, dict):
        raise Invalid(f"{name} must be a JSON object.")
    return value or {}


def run(args: argparse.Namespace) -> int:
    """Run one task instance of an existing run, as the scheduler would; leaves with 1 when it failed."""
    if args.pickle:
        raise Invalid("Nothing is pickled here: run the DAG from its file.")
    if args.local and args.raw:
        raise Invalid("Give --raw or --local, not both.")
    if args.raw and (ignored := [name for name in _IGNORING if getattr(args, name)]):
        raise Invalid(f"--raw asks no dependency anyway: leave out {', '.join(map(_flag, ignored))}.")
    if args.cfg_path and not Path(args.cfg_path).is_file():
        raise NotFound(f"There is no file {args.cfg_path}. Give another by --cfg-path, or leave that out.")
    found = find_run(args.dag_id, args.execution_date_or_run_id)
    shown = f"{args.dag_id}.{args.task_id} {found.run_id}"
    instance = found.task_instances.filter(task_id=args.task_id, map_index=args.map_index).first()
    if instance is None:
        raise NotFound(no_instance(found.dag_id, args.task_id, found.run_id, args.map_index))
    if args.mark_success:
        assert found.dag_version_id is not None
        dag = versions.serialized(found.dag_version_id)
        index = None if args.map_index < 0 else args.map_index
        task_instances.set_state(dag, found, args.task_id, TaskInstanceState.SUCCESS, actor=None, map_index=index)
        print(f"Marked {shown} as successful")
        return 0
    _check(args, instance)
    from orchestration.management import executor_runs

    event = executor_runs.run_instance(instance, pool=args.pool, shows_log=args.interactive)
    print(f"{shown}: {event or 'no state'}")
    return 0 if event in {"success", "skipped", "deferred", "up_for_reschedule"} else 1


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _check(args: argparse.Namespace, instance: TaskInstance) -> None:
    """Refuse what must not run now, unless the options ignore it. Raises Conflict."""
    state = TaskInstanceState(instance.state)
    if state in {TaskInstanceState.QUEUED, TaskInstanceState.RUNNING, TaskInstanceState.RESTARTING}:
        raise Conflict(f"The instance is {state}: another process has it. Wait for it, or clear it.")
    if state in FINISHED and not (args.force or args.ignore_all_dependencies):
        raise Conflict(f"The instance is {state}. Run it again with --force, or clear it.")
    if (
        args.raw
        or args.force
        or args.ignore_all_dependencies
        or args.ignore_dependencies
        or state != TaskInstanceState.NONE
    ):
        return
    from orchestration.scheduling.unmet import PAST, unmet

    passed_by = {"Task Instance State", "Dag Not Paused", "Dagrun Running"}  # it is the operator who starts it
    if args.depends_on_past == "ignore" or args.ignore_depends_on_past:
        passed_by.add(PAST)
    kept = [text for name, text in unmet(instance) if name not in passed_by]
    if kept:
        raise Conflict("Dependencies are not met:\n" + "\n".join(kept))
