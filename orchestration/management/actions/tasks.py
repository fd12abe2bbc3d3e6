"""``tasks list``, ``state``, ``states-for-dag-run``, ``clear``, ``failed-deps``."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING, Any

from orchestration import clients
from orchestration.clients.base import Clearing, Client, InstanceValue
from orchestration.clients.sentences import no_instance
from orchestration.errors import Invalid, NotFound
from orchestration.management.cli.output import confirm, emit, given_ids
from orchestration.states import TaskInstanceState

if TYPE_CHECKING:
    from orchestration.models import TaskInstance
    from orchestration.scheduling.unmet import Unmet


def list_tasks(args: argparse.Namespace) -> None:
    """The ids of a DAG's tasks, sorted, or with ``--tree`` as a tree."""
    from orchestration.management.actions.dags import find
    from orchestration.models import versions

    dag = versions.current(find(args.dag_id).dag_id)
    if not args.tree:
        print("\n".join(sorted(dag.tasks)))
        return
    pending = [(task_id, 0) for task_id in sorted(dag.roots, reverse=True)]
    while pending:
        task_id, level = pending.pop()
        task = dag.tasks[task_id]
        print(f"{'    ' * level}<{'Mapped' if task.is_mapped else 'Task'}({task.task_type}): {task_id}>")
        pending += [(below, level + 1) for below in sorted(task.downstream_task_ids, reverse=True)]


def state(args: argparse.Namespace) -> None:
    """The state of one instance; ``None`` for none."""
    found = clients.current().instance(args.dag_id, args.task_id, args.execution_date_or_run_id, args.map_index)
    print(found.state)


def states_for_dag_run(args: argparse.Namespace) -> None:
    """The states of a run's instances; with map indexes where there are any."""
    from orchestration.clients.local import find_run

    run = find_run(args.dag_id, args.execution_date_or_run_id)
    instances = list(run.task_instances.order_by("pk"))
    is_mapped = any(instance.map_index >= 0 for instance in instances)
    rows: list[dict[str, Any]] = []
    for instance in instances:
        row = {
            "dag_id": instance.dag_id,
            "execution_date": run.logical_date.isoformat(),
            "task_id": instance.task_id,
            "state": instance.state or None,
            "start_date": instance.start_date.isoformat() if instance.start_date else "",
            "end_date": instance.end_date.isoformat() if instance.end_date else "",
        }
        if is_mapped:
            row["map_index"] = str(instance.map_index) if instance.map_index >= 0 else ""
        rows.append(row)
    emit(rows, args.output)


def failed_dependencies(args: argparse.Namespace) -> None:
    """Say what keeps a task instance from starting."""
    from orchestration.clients.local import find_run
    from orchestration.scheduling.unmet import unmet

    run = find_run(args.dag_id, args.execution_date_or_run_id)
    instance = run.task_instances.filter(task_id=args.task_id, map_index=args.map_index).first()
    if instance is None:
        raise NotFound(no_instance(run.dag_id, args.task_id, run.run_id, args.map_index))
    instance.run = run
    waits = instance.state in (TaskInstanceState.NONE, TaskInstanceState.SCHEDULED)
    found = unmet(instance) if waits else _over(instance)
    print("Not met:" if found else "Nothing keeps it from starting.")
    for name, text in found:
        print(f"{name}: {text}")


def _over(instance: TaskInstance) -> list[Unmet]:
    """What keeps an instance that waits no more from starting again."""
    from orchestration.scheduling.unmet import Unmet, switches

    reason = f"It is {instance.state} already. Clear it to have it run again."
    return [*switches(instance.run, instance.run.dag), Unmet("Task Instance State", reason)]


def clear(args: argparse.Namespace) -> None:
    """Clear what the options reach, after showing it; nothing where they reach nothing."""
    client = clients.current()
    wanted = {dag_id: _clearing(client, dag_id, args) for dag_id in _dag_ids(client, args)}
    found = {dag_id: client.clear(dag_id, what, dry_run=True) for dag_id, what in wanted.items()}
    shown = [_text(instance) for instances in found.values() for instance in instances]
    if not shown:
        print("Nothing to clear.")
        return
    if args.dry_run:
        print("\n".join(["Would clear:", *shown]))
        return
    listing = "\n".join(shown)
    if not confirm(f"Clear these {len(shown)} task instances?\n{listing}\n", yes=args.yes):
        print("Nothing was cleared.")
        return
    for dag_id, instances in found.items():
        if instances:
            client.clear(dag_id, wanted[dag_id], dry_run=False)
    print(f"Cleared {len(shown)} task instances.")


def _dag_ids(client: Client, args: argparse.Namespace) -> list[str]:
    if not args.dag_regex:
        return given_ids(args.dag_id)
    pattern = _pattern(args.dag_id)
    found = [dag_id for dag_id in client.dag_ids() if pattern.search(dag_id)]
    if not found:
        raise NotFound(f"No DAG matches {args.dag_id!r}. `airflowsite dags list` shows all.")
    return found


def _clearing(client: Client, dag_id: str, args: argparse.Namespace) -> Clearing:
    task_ids = None
    if args.task_regex:
        pattern = _pattern(args.task_regex)
        task_ids = tuple(task_id for task_id in client.task_ids(dag_id) if pattern.search(task_id))
    return Clearing(
        task_ids=task_ids,
        start=args.start_date,
        end=args.end_date,
        upstream=args.upstream,
        downstream=args.downstream,
        only_failed=args.only_failed,
        only_running=args.only_running,
    )


def _pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise Invalid(f"{text!r} is no regular expression: {error}.") from None


def _text(instance: InstanceValue) -> str:
    index = f" map_index={instance.map_index}" if instance.map_index >= 0 else ""
    return f"<TaskInstance: {instance.dag_id}.{instance.task_id} {instance.run_id}{index}>"
