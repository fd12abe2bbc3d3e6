"""Operators that choose between the tasks after them. Mirrors ``airflow.operators.branch``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from orchestration.authoring.baseoperator import BaseOperator
from orchestration.authoring.context import Context
from orchestration.authoring.operators.skipmixin import SkipMixin

#: A task id, a task group id, or several of them; None follows nothing.
Branches = str | Iterable[str] | None


class BranchMixIn(SkipMixin):
    """Turns a choice into skips."""

    def do_branch(self, context: Context, branches_to_execute: Branches) -> Branches:
        """Skip the tasks directly downstream that were not chosen; return the choice."""
        self.log.info("The choice: %s", branches_to_execute)
        if branches_to_execute is not None and not isinstance(branches_to_execute, str):
            branches_to_execute = _listed(branches_to_execute)
        self.skip_all_except(context["ti"], list(self._expand_task_group_roots(context["ti"], branches_to_execute)))
        return branches_to_execute

    def _expand_task_group_roots(self, ti: Any, branches_to_execute: Branches) -> Iterator[str]:
        """The choice with each group replaced by its first tasks."""
        groups = ti.task.dag.task_group_dict
        for branch in [branches_to_execute] if isinstance(branches_to_execute, str) else _listed(branches_to_execute):
            group = groups.get(branch)
            yield from (branch,) if group is None else (root.task_id for root in group.roots)


def _listed(branches: Any) -> list[Any]:
    """The branches as a list, also where one is no text (which is refused later)."""
    if branches is None:
        return []
    return list(branches) if isinstance(branches, Iterable) else [branches]


class BaseBranchOperator(BaseOperator, BranchMixIn):
    """The base of branching operators; subclasses write ``choose_branch``."""

    def choose_branch(self, context: Context) -> Branches:
        """The tasks or groups to follow."""
        raise NotImplementedError

    def execute(self, context: Context) -> Branches:
        """Choose and skip the others; the choice is the result."""
        return self.do_branch(context, self.choose_branch(context))
