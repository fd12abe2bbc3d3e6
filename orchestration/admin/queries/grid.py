"""Runs and tasks side by side: what the grid, gantt, calendar and durations of a DAG show."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from heapq import heapify, heappop, heappush
from typing import Any, Final, Literal, TypeAlias

from django.db.models import Count, Max, Min
from django.utils.dateparse import parse_datetime

from orchestration.admin.queries.common import seconds
from orchestration.models import DagRun, TaskInstance
from orchestration.serialization.values import SerializedDag, SerializedGroup
from orchestration.states import DagRunState, DagRunType

SIZES: Final = (5, 25, 50, 100, 365)
#: Map indexes shown one by one.
MOST_MAPPED: Final = 100


@dataclass(frozen=True, slots=True)
class Window:
    """Which runs: the last ``size`` up to ``base``, of a type and a state where asked."""

    size: int = 25
    base: datetime | None = None
    run_type: str = ""
    state: str = ""

    @classmethod
    def of(cls, query: Mapping[str, Any]) -> Window:
        """From an address' query; what is unknown is left out."""
        size, base = query.get("size", "25"), parse_moment(query.get("base", ""))
        return cls(
            size=int(size) if size in {str(known) for known in SIZES} else 25,
            base=base,
            run_type=query.get("run_type", "") if query.get("run_type") in set(DagRunType) else "",
            state=query.get("state", "") if query.get("state") in set(DagRunState) else "",
        )


def parse_moment(text: str) -> datetime | None:
    """ISO 8601, UTC where no zone is given; None for anything else."""
    try:
        found = parse_datetime(text)
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found is not None and found.tzinfo is None else found


def runs(dag_id: str, window: Window) -> list[dict[str, Any]]:
    """The window's runs, oldest first; one query."""
    found = DagRun.objects.filter(dag=dag_id)
    if window.base is not None:
        found = found.filter(logical_date__lte=window.base)
    if window.run_type:
        found = found.filter(run_type=window.run_type)
    if window.state:
        found = found.filter(state=window.state)
    columns = (
        "pk", "run_id", "state", "run_type", "logical_date", "data_interval_start", "data_interval_end", "queued_at",
        "start_date", "end_date", "note", "external_trigger", "dag_version__number",
    )  # fmt: skip
    rows = list(found.order_by("-logical_date").values(*columns)[: window.size])[::-1]
    for row in rows:
        row["version"] = row.pop("dag_version__number")
        row["seconds"] = seconds(row["start_date"], row["end_date"])
    return rows


def cells(run_pks: list[int]) -> dict[str, dict[int, dict[str, Any]]]:
    """By task, then run: ``states`` (state to number of instances), start, end, tries.

    One query; the database counts.
    """
    found: dict[str, dict[int, dict[str, Any]]] = defaultdict(dict)
    rows = (
        TaskInstance.objects.order_by()
        .filter(run__in=run_pks)
        .values_list("task_id", "run_id", "state")
        .annotate(
            n=Count("pk"),
            start=Min("start_date"),
            end=Max("end_date"),
            tries=Max("try_number"),
            notes=Count("note"),
            mapped=Max("map_index"),
        )
    )
    for task_id, run, state, number, start, end, tries, notes, mapped in rows:
        cell = found[task_id].setdefault(
            run, {"states": {}, "start": None, "end": None, "tries": 0, "notes": 0, "is_mapped": False}
        )
        cell["states"][state] = number
        cell["start"] = min(filter(None, (cell["start"], start)), default=None)
        cell["end"] = max(filter(None, (cell["end"], end)), default=None)
        cell["tries"] = max(cell["tries"], tries)
        cell["notes"] += notes
        cell["is_mapped"] = cell["is_mapped"] or mapped >= 0
    return found


def mapped_cells(run_pks: list[int], task_id: str) -> dict[int, dict[int, str]]:
    """By map index, then run: the state; the first indexes only. One query."""
    found: dict[int, dict[int, str]] = defaultdict(dict)
    rows = TaskInstance.objects.filter(run__in=run_pks, task_id=task_id, map_index__range=(0, MOST_MAPPED - 1))
    for index, run, state in rows.order_by("map_index").values_list("map_index", "run_id", "state"):
        found[index][run] = state
    return found


def tree(dag: SerializedDag | None, known: set[str]) -> list[dict[str, Any]]:
    """The tasks as they lie in groups; tasks that the DAG no longer has (but its runs do) come last."""
    if dag is None:
        return [_gone(task_id) for task_id in sorted(known)]

    def children(group: SerializedGroup) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = []
        for kind, name in in_order(dag, group):
            if kind == "group":
                inner = dag.groups[name]
                listed.append(
                    {
                        "id": name,
                        "label": inner.label or name,
                        "kind": "group",
                        "tooltip": inner.tooltip,
                        "is_mapped": inner.expansion is not None,
                        "children": children(inner),
                    }
                )
            elif name in dag.tasks:
                task = dag.tasks[name]
                listed.append(
                    {
                        "id": name,
                        "label": task.label if task.task_display_name == name else task.task_display_name,
                        "kind": "task",
                        "operator": task.operator_name,
                        "trigger_rule": task.trigger_rule,
                        "is_mapped": dag.is_multiplied(name),
                        "is_setup": task.is_setup,
                        "is_teardown": task.is_teardown,
                    }
                )
        return listed

    return [*children(dag.groups[None]), *(_gone(task_id) for task_id in sorted(known - set(dag.tasks)))]


def _gone(task_id: str) -> dict[str, Any]:
    return {"id": task_id, "label": task_id, "kind": "task", "operator": "", "is_mapped": False, "is_gone": True}


#: A child of a group: its kind and its id.
Child: TypeAlias = tuple[Literal["task", "group"], str]


def in_order(dag: SerializedDag, group: SerializedGroup) -> list[Child]:
    """A group's children so that what comes first in a run stands first; else as the file has them.

    A child is ``("task" | "group", its id)``; an edge between tasks anywhere below two children orders these.
    """
    position = {child: number for number, child in enumerate(group.children)}
    holder: dict[str, Child] = {}
    for child in group.children:
        for task_id in _below(dag, child):
            holder[task_id] = child
    after: dict[Child, set[Child]] = defaultdict(set)
    waits = dict.fromkeys(group.children, 0)
    for task_id, child in holder.items():
        for other in dag.tasks[task_id].downstream_task_ids:
            target = holder.get(other)
            if target is not None and target != child and target not in after[child]:
                after[child].add(target)
                waits[target] += 1
    ready = [position[child] for child, number in waits.items() if not number]
    heapify(ready)
    listed: list[Child] = []
    while ready:
        child = group.children[heappop(ready)]
        listed.append(child)
        for target in after[child]:
            waits[target] -= 1
            if not waits[target]:
                heappush(ready, position[target])
    done = set(listed)
    return listed + [child for child in group.children if child not in done]  # groups may wait for each other


def _below(dag: SerializedDag, child: Child) -> Iterator[str]:
    kind, name = child
    if kind == "task":
        if name in dag.tasks:
            yield name
        return
    for inner in dag.groups[name].children:
        yield from _below(dag, inner)
