"""A copy of a DAG with some of its tasks."""

from __future__ import annotations

import copy
import re
import weakref
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from orchestration.authoring.task_group import TaskGroup

if TYPE_CHECKING:
    from orchestration.authoring.abstractoperator import AbstractOperator
    from orchestration.authoring.dag import DAG


def subset_of(
    dag: DAG,
    task_ids_or_regex: str | re.Pattern[str] | Iterable[str],
    *,
    include_downstream: bool,
    include_upstream: bool,
    include_direct_upstream: bool,
) -> DAG:
    """The DAG with the matched tasks, those after and before them as asked, and the setups and teardowns they need."""
    if isinstance(task_ids_or_regex, (str, re.Pattern)):
        pattern = re.compile(task_ids_or_regex)
        matched = [task for task in dag.tasks if pattern.search(task.task_id)]
    else:
        wanted = set(task_ids_or_regex)
        matched = [task for task in dag.tasks if task.task_id in wanted]
    ids = {task.task_id for task in matched}
    ids |= _related_ids(matched, include_downstream=include_downstream, include_upstream=include_upstream)
    if include_direct_upstream:
        ids |= {before for task_id in ids for before in dag.task_dict[task_id].upstream_task_ids}
    return _copy_with(dag, ids)


def _related_ids(matched: Sequence[AbstractOperator], *, include_downstream: bool, include_upstream: bool) -> set[str]:
    found: set[str] = set()
    matched_ids = {task.task_id for task in matched}
    for task in matched:
        if include_downstream:
            for later in task.get_flat_relatives(upstream=False):
                found.add(later.task_id)
                if later.task_id not in matched_ids and not later.is_setup and not later.is_teardown:
                    found.update(other.task_id for other in later.get_upstreams_only_setups_and_teardowns())
        if include_upstream:
            found.update(other.task_id for other in task.get_upstreams_follow_setups())
        elif not task.is_setup and not task.is_teardown:
            found.update(other.task_id for other in task.get_upstreams_only_setups_and_teardowns())
        if task.is_setup and not include_downstream:
            found.update(later.task_id for later in task.downstream_list if later.is_teardown)
    return found


def _copy_with(dag: DAG, ids: set[str]) -> DAG:
    # The tasks and groups are copied one by one, so that those left out are never copied.
    memo: dict[int, Any] = {id(dag.task_dict): {}, id(dag.task_group): None}
    memo |= {id(node.task_group): None for node in (*dag.tasks, *dag.task_group_dict.values())}
    copied = copy.deepcopy(dag, memo)
    copied.task_dict = {task_id: copy.deepcopy(task, memo) for task_id, task in dag.task_dict.items() if task_id in ids}
    copied._task_group = _copy_group(dag.task_group, None, copied, memo)
    groups = copied.task_group.get_task_group_dict()
    for group in groups.values():
        group.upstream_group_ids &= set(groups)
        group.downstream_group_ids &= set(groups)
    for node in (*groups.values(), *copied.tasks):
        node.upstream_task_ids &= ids
        node.downstream_task_ids &= ids
    copied.partial = len(copied.task_dict) < len(dag.task_dict)
    return copied


def _copy_group(group: TaskGroup, parent: Any, dag: DAG, memo: dict[int, Any]) -> TaskGroup:
    copied = copy.copy(group)
    copied.task_group = parent
    copied.dag = dag
    copied.used_group_ids = set(group.used_group_ids) if parent is None else parent.used_group_ids
    for name in ("upstream_group_ids", "downstream_group_ids", "upstream_task_ids", "downstream_task_ids"):
        setattr(copied, name, set(getattr(group, name)))
    if (mapped_over := getattr(group, "_expand_input", None)) is not None:
        copied._expand_input = copy.deepcopy(mapped_over, memo)  # type: ignore[attr-defined]  # of a mapped group
    copied.children = {}
    proxy = weakref.proxy(copied)
    for key, child in group.children.items():
        if isinstance(child, TaskGroup):
            inner = _copy_group(child, proxy, dag, memo)
            if inner.children:
                copied.children[key] = inner
        elif key in dag.task_dict:
            copied.children[key] = dag.task_dict[key]
            dag.task_dict[key].task_group = proxy
        else:
            copied.used_group_ids.discard(key)
    return copied
