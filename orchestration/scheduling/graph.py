"""What of a DAG the decisions about its runs need, worked out once per version.

The setups that hold a task, the tasks whose states make a run's state, and for tasks within mapped groups which map
indexes of an upstream task they wait for. Mirrors ``airflow.models.abstractoperator`` and
``DagRun._tis_for_dagrun_state`` of Airflow 2.10.5.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod

from orchestration.models import versions
from orchestration.scheduling.trigger_rules import FAST_RULES, RULES, always
from orchestration.serialization.mapping import LengthOf, expansion_count
from orchestration.serialization.values import (
    ConcatLength,
    Expansion,
    LengthExpression,
    SerializedDag,
    SerializedTask,
    XComLength,
    ZipLength,
)


@dataclass(frozen=True, slots=True)
class Shared:
    """A mapped group that a task and one of its upstream tasks have in common, the innermost one."""

    #: The expansions of that group and of the mapped groups around it.
    expansions: tuple[Expansion, ...]
    #: Whether the upstream task multiplies again within that group.
    is_further_mapped: bool


@dataclass(frozen=True, slots=True)
class TaskPlan:
    """One task as the decisions see it."""

    task: SerializedTask
    #: Whether its rule runs it whatever happens before it.
    is_always: bool
    upstream: tuple[str, ...]
    #: Equal for tasks with the same upstream tasks: what was counted for one serves the others.
    upstream_key: frozenset[str]
    upstream_setups: frozenset[str]
    #: An upstream task is multiplied: then instances are counted, else tasks.
    counts_rows: bool
    #: Setups further up that must succeed first.
    setups: tuple[str, ...]
    setups_key: frozenset[str]
    setups_count_rows: bool
    is_multiplied: bool
    #: Upstream tasks and setups of which only some map indexes matter.
    shared: Mapping[str, Shared]
    #: Tasks that must end well before this one multiplies: those its own or its innermost group's expansion names.
    expansion_sources: frozenset[str]
    #: Tasks whose XComs decide how many instances there are.
    length_sources: frozenset[str]

    @property
    def task_id(self) -> str:
        """The task's id."""
        return self.task.task_id


class Graph:
    """The plans of a DAG's tasks, in topological order."""

    def __init__(self, dag: SerializedDag) -> None:
        self.dag = dag
        scopes = _setups_by_task(dag)
        multiplied = frozenset(task_id for task_id in dag.tasks if dag.is_multiplied(task_id))
        self.plans = {
            task_id: _plan(dag, task, scopes.get(task_id, ()), multiplied) for task_id, task in dag.tasks.items()
        }
        #: Whether a task may have several instances.
        self.has_multiplied = bool(multiplied)

    @cached_property
    def leaves(self) -> frozenset[str]:
        """The tasks whose states make the run's: leaves, teardowns left aside unless they fail the run."""
        found = frozenset(task.task_id for task in self.dag.tasks.values() if self._is_leaf(task))
        return found or frozenset(self.dag.leaves)

    def _is_leaf(self, task: SerializedTask) -> bool:
        below = (self.dag.tasks[task_id] for task_id in task.downstream_task_ids)
        if any(not each.is_teardown or each.on_failure_fail_dagrun for each in below):
            return False
        return not task.is_teardown or task.on_failure_fail_dagrun

    @cached_property
    def shared_ids(self) -> frozenset[str]:
        """Tasks whose instances must be known one by one."""
        return frozenset().union(*(plan.shared for plan in self.plans.values()))

    @cached_property
    def length_sources(self) -> frozenset[tuple[str, str]]:
        """The (task, XCom key) pairs whose lengths decide numbers of instances."""
        expansions = [task.expansion for task in self.dag.tasks.values()]
        expansions += [group.expansion for group in self.dag.groups.values()]
        return frozenset().union(
            *(_xcoms(length) for each in expansions if each is not None for length in each.lengths.values())
        )

    @cached_property
    def past_ids(self) -> frozenset[str]:
        """Tasks that look at the run before."""
        return frozenset(task.task_id for task in self.dag.tasks.values() if task.depends_on_past)

    @cached_property
    def limited_ids(self) -> frozenset[str]:
        """Tasks with a concurrency limit of their own."""
        return frozenset(
            task.task_id
            for task in self.dag.tasks.values()
            if task.max_active_tis_per_dag is not None or task.max_active_tis_per_dagrun is not None
        )

    @cached_property
    def has_outlets(self) -> bool:
        """Whether a task writes datasets."""
        return any(task.outlets for task in self.dag.tasks.values())

    @cached_property
    def sla_seconds(self) -> Mapping[str, float]:
        """The SLA of each task that has one."""
        return {task.task_id: task.sla_seconds for task in self.dag.tasks.values() if task.sla_seconds is not None}

    @cached_property
    def _dependants(self) -> Mapping[str, frozenset[str]]:
        below: dict[str, set[str]] = {task_id: set() for task_id in self.plans}
        for plan in self.plans.values():
            for source in (*plan.upstream, *plan.setups, *plan.length_sources):
                if source in below:
                    below[source].add(plan.task_id)
        return {task_id: frozenset(found) for task_id, found in below.items()}

    def dependants(self, task_ids: Iterable[str]) -> frozenset[str]:
        """The tasks about which something may have changed when these changed, themselves included."""
        mine = [task_id for task_id in task_ids if task_id in self.plans]
        return frozenset(mine).union(*(self._dependants[task_id] for task_id in mine))

    def needed_for(self, task_ids: Iterable[str]) -> frozenset[str]:
        """The tasks whose instances must be read to decide these."""
        found: set[str] = set()
        for task_id in task_ids:
            plan = self.plans[task_id]
            found.add(task_id)
            found.update(plan.upstream, plan.setups, plan.length_sources)
        return frozenset(found)


def count(expansions: Iterable[Expansion], length_of: LengthOf) -> int | None:
    """The product of several expansions; None while a length is not known."""
    counts = [expansion_count(expansion, length_of) for expansion in expansions]
    known = [each for each in counts if each is not None]
    return prod(known) if len(known) == len(counts) else None


def relevant_indexes(
    shared: Shared, map_index: int, instances: int | None, length_of: LengthOf
) -> Callable[[int], bool] | None:
    """Which map indexes of an upstream task the instance at ``map_index`` of ``instances`` waits for; None is all.

    Within a common mapped group an instance waits only for those of its own branch. A placeholder (index -1) waits for
    none that was multiplied: it multiplies as soon as the length is known, and each instance waits for its own branch.
    """
    if not instances:
        return None
    branches = count(shared.expansions, length_of)
    if not branches:
        return None
    branch = map_index * branches // instances
    if not shared.is_further_mapped:
        return branch.__eq__
    width = instances // branches
    return range(branch * width, (branch + 1) * width).__contains__


def _plan(dag: SerializedDag, task: SerializedTask, setups: Iterable[str], multiplied: frozenset[str]) -> TaskPlan:
    upstream = tuple(sorted(each for each in task.upstream_task_ids if each in dag.tasks))
    indirect = tuple(sorted(set(setups) - task.upstream_task_ids))
    groups = dag.mapped_groups(task.task_id)
    sources = [task.expansion] if task.expansion is not None else [group.expansion for group in groups[:1]]
    expansions = [each for each in (task.expansion, *(group.expansion for group in groups)) if each is not None]
    return TaskPlan(
        task=task,
        is_always=RULES[task.trigger_rule] is always,
        upstream=upstream,
        upstream_key=task.upstream_task_ids,
        upstream_setups=frozenset(each for each in upstream if dag.tasks[each].is_setup),
        counts_rows=not multiplied.isdisjoint(upstream),
        setups=indirect,
        setups_key=frozenset(indirect),
        setups_count_rows=not multiplied.isdisjoint(indirect),
        is_multiplied=bool(expansions),
        shared=_shared(dag, task, (*upstream, *indirect)) if groups else {},
        expansion_sources=frozenset().union(*(each.referenced_task_ids() for each in sources if each is not None)),
        length_sources=frozenset().union(*(each.referenced_task_ids() for each in expansions)),
    )


def _shared(dag: SerializedDag, task: SerializedTask, others: Iterable[str]) -> dict[str, Shared]:
    mine = {group.group_id for group in dag.mapped_groups(task.task_id)}
    # The reference looks at all map indexes for the rules that need only one upstream instance.
    innermost = dag.groups[task.group_id]
    spared: frozenset[str] | None = None
    if innermost.expansion is not None and task.trigger_rule in FAST_RULES:
        everything = (task.expansion, *(group.expansion for group in dag.mapped_groups(task.task_id)))
        spared = frozenset().union(*(each.referenced_task_ids() for each in everything if each is not None))
    found: dict[str, Shared] = {}
    for other in others:
        if spared is not None and other not in spared:
            continue
        groups = dag.mapped_groups(other)
        common = next((number for number, group in enumerate(groups) if group.group_id in mine), None)
        if common is not None:
            expansions = tuple(group.expansion for group in groups[common:] if group.expansion is not None)
            found[other] = Shared(expansions, bool(common) or dag.tasks[other].expansion is not None)
    return found


def _setups_by_task(dag: SerializedDag) -> dict[str, list[str]]:
    """For each task that is no teardown the setups above it whose scope is open: no teardown of theirs came yet."""
    found: dict[str, list[str]] = {}
    for setup in dag.tasks.values():
        if not setup.is_setup:
            continue
        below = _closure(dag, setup.task_id, lambda task: task.downstream_task_ids)
        teardowns = [each for each in setup.downstream_task_ids if dag.tasks[each].is_teardown]
        if teardowns:
            above = (_closure(dag, each, lambda task: task.upstream_task_ids) for each in teardowns)
            below &= set().union(*above)
        for task_id in below:
            if not dag.tasks[task_id].is_teardown:
                found.setdefault(task_id, []).append(setup.task_id)
    return found


def _closure(dag: SerializedDag, start: str, step: Callable[[SerializedTask], frozenset[str]]) -> set[str]:
    found: set[str] = set()
    ahead = list(step(dag.tasks[start]))
    while ahead:
        task_id = ahead.pop()
        if task_id not in found and task_id in dag.tasks:
            found.add(task_id)
            ahead.extend(step(dag.tasks[task_id]))
    return found


def _xcoms(length: LengthExpression) -> frozenset[tuple[str, str]]:
    match length:
        case XComLength(task_id, key):
            return frozenset({(task_id, key)})
        case ZipLength(parts) | ConcatLength(parts):
            return frozenset().union(*map(_xcoms, parts))
        case _:
            return frozenset()


_graphs: OrderedDict[int, Graph] = OrderedDict()


def graph_of(version_id: int, dag: SerializedDag) -> Graph:
    """The graph of a DAG version, kept as long as the decoded version is the same; for one thread."""
    found = _graphs.get(version_id)
    if found is None or found.dag is not dag:
        found = Graph(dag)
        _graphs[version_id] = found
        if len(_graphs) > versions.MOST_DAGS:
            _graphs.popitem(last=False)
    else:
        _graphs.move_to_end(version_id)
    return found
