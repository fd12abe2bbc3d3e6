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
    for pair in pairwise(tasks):
        match pair:
            case DependencyMixin() as before, after:
                before.set_downstream(after)
            case before, DependencyMixin() as after:
                after.set_upstream(before)
            case Sequence() as before, Sequence() as after if len(before) == len(after):
                for one, other in zip(before, after, strict=True):
                    one.set_downstream(other)
            case Sequence() as before, Sequence() as after:
                raise AirflowException(
                    f"chain() joins lists member by member, and {len(before)} are followed by {len(after)}: "
                    "use cross_downstream() or chain_linear() to join all with all"
                )
            case before, after:
                raise TypeError(f"chain() joins tasks, groups and lists of them, not {before!r} with {after!r}")


def cross_downstream(from_tasks: Sequence[DependencyMixin], to_tasks: Any) -> None:
    """Put every one of the second after every one of the first."""
    for task in from_tasks:
        task.set_downstream(to_tasks)


def chain_linear(*elements: Any) -> None:
    """Put every task of each list after every task of the list before it. ValueError for labels or nothing to join."""
    if not elements:
        raise ValueError("chain_linear() got no task")
    if any(isinstance(element, EdgeModifier) for element in elements):
        raise ValueError("chain_linear() takes no labels: set those edges with >>")
    layers = [[element] if isinstance(element, DependencyMixin) else list(element) for element in elements]
    edges = [(task, after) for before, after in pairwise(layers) for task in before]
    if not edges:
        raise ValueError("chain_linear() got one element, so there is nothing to join: write *tasks for a list")
    for task, after in edges:
        task.set_downstream(after)
