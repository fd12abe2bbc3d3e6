"""What follows for a run from the states of its task instances: pure, one walk over the DAG in topological order.

What settles without a process (skips, failures upstream, empty tasks, expansions) settles in the same walk for all
that is below it. Mirrors ``DagRun.update_state`` and ``airflow.ti_deps.deps`` of Airflow 2.10.5.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from orchestration.scheduling.graph import Graph, TaskPlan, relevant_indexes
from orchestration.scheduling.trigger_rules import Upstream, Verdict, evaluate
from orchestration.serialization.mapping import instance_count
from orchestration.states import (
    FAILED_STATES,
    FINISHED,
    SCHEDULABLE,
    SUCCESS_STATES,
    UNFINISHED,
    DagRunState,
    TaskInstanceState,
)

_S = TaskInstanceState

#: The states that a trigger rule's verdict leads to.
_SETTLED = {Verdict.SKIP: _S.SKIPPED, Verdict.UPSTREAM_FAILED: _S.UPSTREAM_FAILED, Verdict.REMOVE: _S.REMOVED}
#: The order of a tally's counts.
_COUNTED = (_S.SUCCESS, _S.SKIPPED, _S.FAILED, _S.UPSTREAM_FAILED, _S.REMOVED)


class Instance:
    """A task instance as read; ``state`` moves on while the decisions are made. ``pk`` None: it is to be created."""

    __slots__ = ("map_index", "not_before", "pk", "state", "task_id")

    def __init__(
        self, pk: int | None, task_id: str, map_index: int, state: str, not_before: datetime | None = None
    ) -> None:
        self.pk = pk
        self.task_id = task_id
        self.map_index = map_index
        self.state = state
        self.not_before = not_before

    def __repr__(self) -> str:
        return f"Instance({self.task_id}[{self.map_index}] {self.state or 'no state'})"


class SkipRecord(NamedTuple):
    """What a branching task left: the tasks directly after it that go on (None: all but), and those that do not."""

    followed: frozenset[str] | None
    skipped: frozenset[str]

    def skips(self, task_id: str) -> bool:
        """Whether the task is not to run."""
        return task_id in self.skipped if self.followed is None else task_id not in self.followed


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known beside the states.

    ``lengths``: (task, key) → length of an XCom, or how many instances of a multiplied task pushed one. ``past_met``:
    whether the run before allows a task that depends on the past. ``skips``: what branching instances left, by task and
    map index.
    """

    lengths: Mapping[tuple[str, str], int] = field(default_factory=dict)
    past_met: Mapping[str, bool] = field(default_factory=dict)
    skips: Mapping[tuple[str, int], SkipRecord] = field(default_factory=dict)


class RunOutcome(NamedTuple):
    """How a run ended, and the reason that its callbacks are given."""

    state: DagRunState
    reason: str


@dataclass(slots=True)
class Decision:
    """What is to be written for one run."""

    #: To be given a try.
    schedule: list[Instance] = field(default_factory=list)
    #: Empty tasks, ended without a process.
    succeed: list[Instance] = field(default_factory=list)
    #: To begin deferred.
    defer: list[Instance] = field(default_factory=list)
    #: Settled without running: the instance's state says how.
    settle: list[Instance] = field(default_factory=list)
    #: Placeholders of mapped tasks that become the instance of index 0; their ids.
    expand: list[int] = field(default_factory=list)
    #: Placeholders whose index 0 exists already; their ids.
    drop: list[int] = field(default_factory=list)
    #: New instances of mapped tasks, with the state they start in.
    create: list[Instance] = field(default_factory=list)
    outcome: RunOutcome | None = None
    #: When the next retry or reschedule of this run is due.
    alarm: datetime | None = None

    @property
    def has_changes(self) -> bool:
        """Whether a task instance changes."""
        return bool(
            self.schedule or self.succeed or self.defer or self.settle or self.expand or self.drop or self.create
        )

    def changed_task_ids(self) -> frozenset[str]:
        """The tasks with instances that ended here, so that what follows them is to be looked at."""
        return frozenset(each.task_id for each in (*self.succeed, *self.settle, *self.create) if each.state in FINISHED)


class _Tally(NamedTuple):
    rows: int
    success: int
    skipped: int
    failed: int
    upstream_failed: int
    removed: int


class _Walk:
    """One run's instances while the decisions are made."""

    def __init__(
        self,
        graph: Graph,
        instances: Iterable[Instance],
        counted: Mapping[str, Mapping[str, int]],
        facts: Facts,
        now: datetime,
        may_schedule: bool,
    ) -> None:
        self.graph = graph
        self.counted = counted
        self.facts = facts
        self.now = now
        self.may_schedule = may_schedule
        self.decision = Decision()
        self.rows: dict[str, list[Instance]] = {}
        for instance in instances:
            self.rows.setdefault(instance.task_id, []).append(instance)
        self._tallies: dict[str, _Tally] = {}
        self._sums: dict[tuple[frozenset[str], bool], Upstream] = {}
        self._by_index: dict[str, Mapping[int, str]] = {}
        self._counts: dict[str, int | None] = {}
        #: Whether something unfinished could run, were it not for a delay or a limit.
        self.could_run = False

    def length_of(self, task_id: str, key: str) -> int | None:
        length = self.facts.lengths.get((task_id, key))
        if self.graph.dag.is_multiplied(task_id):
            if any(self.states(task_id)[state] for state in UNFINISHED):
                return None
            return length or 0
        return length

    def count(self, plan: TaskPlan) -> int | None:
        """How many instances the task is to have; None while it is not known."""
        if plan.task_id not in self._counts:
            self._counts[plan.task_id] = instance_count(self.graph.dag, plan.task_id, self.length_of)
        return self._counts[plan.task_id]

    def states(self, task_id: str) -> Counter[str]:
        states = Counter(each.state for each in self.rows.get(task_id, ()))
        states.update(self.counted.get(task_id, {}))
        return states

    def tally(self, task_id: str) -> _Tally:
        found = self._tallies.get(task_id)
        if found is None:
            rows = self.rows.get(task_id, ())
            if len(rows) == 1 and task_id not in self.counted:
                found = _Tally(1, *(int(rows[0].state == state) for state in _COUNTED))
            else:
                states = self.states(task_id)
                found = _Tally(states.total(), *(states[state] for state in _COUNTED))
            self._tallies[task_id] = found
        return found

    def sum(self, task_ids: frozenset[str], setups: frozenset[str], counts_rows: bool) -> Upstream:
        """All instances of several tasks together."""
        key = (task_ids, counts_rows)
        found = self._sums.get(key)
        if found is None:
            tallies = [(task_id, self.tally(task_id)) for task_id in task_ids if task_id in self.graph.plans]
            found = self._sums[key] = _added(tallies, setups, counts_rows)
        return found

    def partial(
        self, plan: TaskPlan, task_ids: Iterable[str], setups: frozenset[str], counts_rows: bool, map_index: int
    ) -> Upstream:
        """The instances of several tasks that one instance within a mapped group waits for."""
        tallies = []
        for task_id in task_ids:
            shared = plan.shared.get(task_id)
            is_relevant = None
            if shared is not None:
                is_relevant = relevant_indexes(shared, map_index, self.count(plan), self.length_of)
            if is_relevant is None:
                tallies.append((task_id, self.tally(task_id)))
                continue
            by_index = self._by_index.get(task_id)
            if by_index is None:
                by_index = self._by_index[task_id] = {each.map_index: each.state for each in self.rows.get(task_id, ())}
            states = Counter(state for index, state in by_index.items() if index < 0 or is_relevant(index))
            tallies.append((task_id, _Tally(states.total(), *(states[state] for state in _COUNTED))))
        return _added(tallies, setups, counts_rows)

    def forget(self, task_id: str) -> None:
        """The task's instances changed: count them anew for what comes after."""
        self._tallies.pop(task_id, None)
        self._by_index.pop(task_id, None)


def decide(
    graph: Graph,
    instances: Iterable[Instance],
    facts: Facts,
    *,
    now: datetime,
    counted: Mapping[str, Mapping[str, int]] | None = None,
    scope: Collection[str] | None = None,
    may_schedule: bool = True,
) -> Decision:
    """What follows for a running run.

    ``instances`` are those read one by one, ``counted`` (task → state → number) those that only count. ``scope`` names
    the only tasks to look at; the run's outcome is then left open. Without ``may_schedule`` (a paused DAG) nothing is
    given a try, but what settles by itself settles.
    """
    walk = _Walk(graph, instances, counted or {}, facts, now, may_schedule)
    _drop_unknown(walk)
    for task_id, plan in graph.plans.items():
        if (scope is None or task_id in scope) and task_id in walk.rows:
            _decide_task(walk, plan)
    if scope is None:
        walk.decision.outcome = _outcome(walk)
    return walk.decision


def _drop_unknown(walk: _Walk) -> None:
    """Instances of tasks that the run's version does not have."""
    for task_id in [each for each in walk.rows if each not in walk.graph.plans]:
        for instance in walk.rows.pop(task_id):
            if instance.state in UNFINISHED:
                _settle(walk, instance, _S.REMOVED)


def _decide_task(walk: _Walk, plan: TaskPlan) -> None:
    waiting = [each for each in walk.rows[plan.task_id] if each.state in SCHEDULABLE]
    if not waiting:
        return
    is_revised = not plan.length_sources
    for instance in waiting:
        if instance.state not in SCHEDULABLE or not _may_run(walk, plan, instance):
            continue
        if plan.is_multiplied and instance.map_index < 0:
            for each in _expand(walk, plan, instance):
                if each is instance or _may_run(walk, plan, each):
                    _start(walk, plan, each)
            is_revised = True
            continue
        if not is_revised:
            is_revised = True
            for each in _revise(walk, plan):
                _start(walk, plan, each)
        if instance.state in SCHEDULABLE:
            _start(walk, plan, instance)
    walk.forget(plan.task_id)


def _may_run(walk: _Walk, plan: TaskPlan, instance: Instance) -> bool:
    """Whether all the instance waits for has come; settles it where it will never run."""
    verdict = _verdict(walk, plan, instance)
    past_met = walk.facts.past_met.get(plan.task_id, True)
    if verdict is Verdict.SKIP and plan.task.wait_for_past_depends_before_skipping and not past_met:
        return False
    if verdict.is_settled:
        _settle(walk, instance, _SETTLED[verdict])
        return False
    if verdict is Verdict.WAIT or not past_met:
        return False
    walk.could_run = True
    if instance.state and instance.not_before is not None and instance.not_before > walk.now:
        alarm = walk.decision.alarm
        walk.decision.alarm = instance.not_before if alarm is None else min(alarm, instance.not_before)
        return False
    return True


def _verdict(walk: _Walk, plan: TaskPlan, instance: Instance) -> Verdict:
    verdict = _rule_verdict(walk, plan, instance.map_index)
    if verdict is Verdict.UPSTREAM_FAILED:
        return verdict
    if plan.expansion_sources:
        sources = _source_verdict(walk, plan)
        if sources is Verdict.UPSTREAM_FAILED or (sources is not Verdict.RUN and not verdict.is_settled):
            verdict = sources
    if verdict is Verdict.RUN and walk.facts.skips and _is_skipped_by_branch(walk, plan, instance.map_index):
        return Verdict.SKIP
    return verdict


def _rule_verdict(walk: _Walk, plan: TaskPlan, map_index: int) -> Verdict:
    if plan.is_always or not plan.upstream:
        return Verdict.RUN
    if plan.shared:
        direct = walk.partial(plan, plan.upstream, plan.upstream_setups, plan.counts_rows, map_index)
    else:
        direct = walk.sum(plan.upstream_key, plan.upstream_setups, plan.counts_rows)
    setups = None
    if plan.setups:
        if plan.shared:
            setups = walk.partial(plan, plan.setups, plan.setups_key, plan.setups_count_rows, map_index)
        else:
            setups = walk.sum(plan.setups_key, plan.setups_key, plan.setups_count_rows)
    if map_index >= 0:
        direct = direct._replace(map_index=map_index)
        setups = setups and setups._replace(map_index=map_index)
    return evaluate(plan.task.trigger_rule, direct, setups)


def _source_verdict(walk: _Walk, plan: TaskPlan) -> Verdict:
    """Whether the tasks that decide the number of instances ended well; expanded ones did, as far as this matters."""
    states = {
        each.state
        for source in plan.expansion_sources
        for each in walk.rows.get(source, ())
        if each.map_index < 0 and each.state in FINISHED
    }
    if not states or states == {_S.SUCCESS}:
        return Verdict.RUN
    if states & FAILED_STATES:
        return Verdict.UPSTREAM_FAILED
    return Verdict.SKIP if _S.SKIPPED in states else Verdict.WAIT


def _is_skipped_by_branch(walk: _Walk, plan: TaskPlan, map_index: int) -> bool:
    """Whether a finished task directly before this one decided to skip it, before it was cleared or expanded."""
    for task_id in plan.upstream:
        record = walk.facts.skips.get((task_id, map_index))
        if record is not None and record.skips(plan.task_id) and any(walk.tally(task_id)[1:]):
            return True
    return False


def _expand(walk: _Walk, plan: TaskPlan, placeholder: Instance) -> Iterator[Instance]:
    """Multiply the placeholder of a mapped task; yields the new instances, first itself if it stays and may run."""
    total = walk.count(plan)
    if total is None:
        _settle(walk, placeholder, _S.UPSTREAM_FAILED)
        return
    if total < 1:
        _settle(walk, placeholder, _S.SKIPPED)
        return
    assert placeholder.pk is not None, "placeholders are read from the table"
    rows = walk.rows[plan.task_id]
    indexes = {each.map_index for each in rows if each.map_index >= 0}
    highest = max(indexes, default=0)
    if 0 in indexes:
        walk.decision.drop.append(placeholder.pk)
        rows.remove(placeholder)
        placeholder.state = _S.REMOVED
    else:
        walk.decision.expand.append(placeholder.pk)
        placeholder.map_index = 0
    new = [Instance(None, plan.task_id, index, _S.NONE) for index in range(highest + 1, total)]
    rows.extend(new)
    walk.decision.create.extend(new)
    for each in rows:
        if each.map_index >= total:
            _settle(walk, each, _S.REMOVED)
    walk.forget(plan.task_id)
    if placeholder.map_index == 0 and _may_run(walk, plan, placeholder):
        yield placeholder
    yield from new


def _revise(walk: _Walk, plan: TaskPlan) -> Iterator[Instance]:
    """A mapped task whose number of instances changed since it was expanded; yields the new ones."""
    total = walk.count(plan)
    if total is None:
        return
    rows = walk.rows[plan.task_id]
    indexes = {each.map_index for each in rows}
    for each in rows:
        if not 0 <= each.map_index < total and each.state != _S.REMOVED:
            _settle(walk, each, _S.REMOVED)
    # Instances are made without gaps, so those that were only counted are below the new ones.
    known = len(indexes) + sum(walk.counted.get(plan.task_id, {}).values())
    new = [Instance(None, plan.task_id, index, _S.NONE) for index in range(known, total) if index not in indexes]
    rows.extend(new)
    walk.decision.create.extend(new)
    yield from new


def _start(walk: _Walk, plan: TaskPlan, instance: Instance) -> None:
    if not walk.may_schedule:
        return
    if plan.task.is_empty:
        instance.state = _S.SUCCESS
        if instance.pk is not None:
            walk.decision.succeed.append(instance)
    elif plan.task.start_trigger is not None:
        walk.decision.defer.append(instance)
        instance.state = _S.DEFERRED
    else:
        if instance.pk is not None:
            walk.decision.schedule.append(instance)
        instance.state = _S.SCHEDULED


def _settle(walk: _Walk, instance: Instance, state: TaskInstanceState) -> None:
    instance.state = state
    if instance.pk is not None:
        walk.decision.settle.append(instance)


def _added(tallies: Iterable[tuple[str, _Tally]], setups: Collection[str], counts_rows: bool) -> Upstream:
    total = success = skipped = failed = upstream_failed = removed = 0
    in_setups = setups_success = setups_skipped = 0
    for task_id, tally in tallies:
        rows = tally.rows if counts_rows else 1
        total += rows
        success += tally.success
        skipped += tally.skipped
        failed += tally.failed
        upstream_failed += tally.upstream_failed
        removed += tally.removed
        if task_id in setups:
            in_setups += rows
            setups_success += tally.success
            setups_skipped += tally.skipped
    return Upstream(
        total, success, skipped, failed, upstream_failed, removed, in_setups, setups_success, setups_skipped
    )


def _outcome(walk: _Walk) -> RunOutcome | None:
    """How the run ended; None while it goes on."""
    graph = walk.graph
    states: Counter[str] = Counter()
    leaves: Counter[str] = Counter()
    for task_id in walk.rows.keys() | walk.counted.keys():
        if task_id not in graph.plans:
            continue
        found = walk.states(task_id)
        states.update(found)
        if task_id in graph.leaves:
            leaves.update(found)
    leaves.pop(_S.REMOVED, None)
    unfinished = {state for state in states if state in UNFINISHED and states[state]}
    if not unfinished:
        if any(leaves[state] for state in FAILED_STATES):
            return RunOutcome(DagRunState.FAILED, "task_failure")
        if leaves.keys() <= SUCCESS_STATES:
            return RunOutcome(DagRunState.SUCCESS, "success")
        return None
    if unfinished == {_S.NONE} and _is_deadlocked(walk):
        return RunOutcome(DagRunState.FAILED, "all_tasks_deadlocked")
    return None


def _is_deadlocked(walk: _Walk) -> bool:
    """Whether nothing that is left can ever run: what waits for a limit or for another run can."""
    if walk.decision.has_changes or walk.could_run:
        return False
    waiting = {each.task_id for rows in walk.rows.values() for each in rows if each.state == _S.NONE}
    return waiting.isdisjoint(walk.graph.past_ids) and waiting.isdisjoint(walk.graph.limited_ids)
