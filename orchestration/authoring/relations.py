"""Order between many tasks at once: ``chain``, ``chain_linear``, ``cross_downstream``."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from orchestration.authoring.edges import EdgeModifier
from orchestration.authoring.exceptions import AirflowException
from orchestration.authoring.taskmixin import DependencyMixin


def chain(*tasks: Any) -> None:
    """Put each after the one before it; two lists in a row are joined pairwise and must be equally long.

    Tasks, groups, labels, results and lists of them. AirflowException for lists of different lengths, TypeError for
    anything else.
    """
    for before, after in pairwise(tasks):
        if isinstance(before, DependencyMixin):
            before.set_downstream(after)
        elif isinstance(after, DependencyMixin):
            after.set_upstream(before)
        elif not isinstance(before, Sequence) or not isinstance(after, Sequence):
            raise TypeError(f"chain() joins tasks, groups and lists of them, not {before!r} with {after!r}")
        elif len(before) != len(after):
            raise AirflowException(
                f"chain() joins lists member by member, and {len(before)} are followed by {len(after)}: "
                "use cross_downstream() or chain_linear() to join all with all"
            )
        else:
            for one, other in zip(before, after, strict=True):
                one.set_downstream(other)


def cross_downstream(from_tasks: Sequence[DependencyMixin], to_tasks: Any) -> None:
    """Put every one of the second after every one of the first."""
    for task in from_tasks:
        task.set_downstream(to_tasks)


def chain_linear(*elements: Any) -> None:
    """Put every task of each list after every task of the list before it. ValueError for labels or nothing to join."""
    if not elements:
        raise ValueError("chain_linear() got no task")
    before: Sequence[Any] | None = None
    is_joined = False
    for element in elements:
        if isinstance(element, EdgeModifier):
            raise ValueError("chain_linear() takes no labels: set those edges with >>")
        for task in before or ():
            task.set_downstream(element)
            is_joined = True
        before = [element] if isinstance(element, DependencyMixin) else element
    if not is_joined:
        raise ValueError("chain_linear() got one element, so there is nothing to join: write *tasks for a list")
