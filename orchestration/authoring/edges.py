"""Labels on edges: ``a >> Label("when bad") >> b``. Mirrors ``airflow.utils.edgemodifier``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from orchestration.authoring.taskmixin import DAGNode, DependencyMixin

if TYPE_CHECKING:
    from orchestration.authoring.dag import DAG


class EdgeModifier(DependencyMixin):
    """A note for the edges between the nodes before and after it.

    The edges are made once both sides are known, and again for each side that is added.
    """

    def __init__(self, label: str | None = None) -> None:
        self.label = label
        self._upstream: list[Any] = []
        self._downstream: list[Any] = []

    @property
    def roots(self) -> Sequence[DependencyMixin]:
        """The nodes after the label."""
        return self._downstream

    @property
    def leaves(self) -> Sequence[DependencyMixin]:
        """The nodes before the label."""
        return self._upstream

    def set_upstream(
        self, other: DependencyMixin | Sequence[DependencyMixin], edge_modifier: EdgeModifier | None = None
    ) -> None:
        """Put nodes before the label."""
        self._keep(other, self._upstream)
        for after in self._downstream:
            after.set_upstream(other, edge_modifier=self)

    def set_downstream(
        self, other: DependencyMixin | Sequence[DependencyMixin], edge_modifier: EdgeModifier | None = None
    ) -> None:
        """Put nodes after the label."""
        self._keep(other, self._downstream)
        for before in self._upstream:
            before.set_downstream(other, edge_modifier=self)

    def update_relative(
        self, other: DependencyMixin, upstream: bool = True, edge_modifier: EdgeModifier | None = None
    ) -> None:
        """Hear of a node that was joined from its own side."""
        join = self.set_upstream if upstream else self.set_downstream
        join(other)

    def add_edge_info(self, dag: DAG, upstream_id: str, downstream_id: str) -> None:
        """Write the label on one edge of the DAG."""
        dag.set_edge_info(upstream_id, downstream_id, {"label": self.label})

    def _keep(self, nodes: Any, side: list[Any]) -> None:
        from orchestration.authoring.xcom_arg import XComArg

        for node in nodes if isinstance(nodes, Sequence) else [nodes]:
            if not isinstance(node, (DAGNode, XComArg)):
                raise TypeError(f"A label stands between tasks, groups and results, not beside {node!r}")
            side.append(node)
        if self._upstream and self._downstream:
            self._lift_to_groups()

    def _lift_to_groups(self) -> None:
        """Where the nodes come from different groups, label the edges of the groups instead of the tasks'."""
        groups = {key for node in (*self._upstream, *self._downstream) if (key := _group_key(node)) is not None}
        if len(groups) != 1:
            self._upstream = [_group_of(node) for node in self._upstream]
            self._downstream = [_group_of(node) for node in self._downstream]


def _group_key(node: Any) -> str | None:
    if isinstance(node, DAGNode):
        holder = node.task_group
        if not holder:
            return getattr(node, "group_id", None)
    else:
        operator = getattr(node, "operator", None)
        holder = getattr(operator, "task_group", None)
        if not holder:
            return None
    return "root" if holder.is_root else str(holder.group_id)


def _group_of(node: Any) -> Any:
    if isinstance(node, DAGNode) and node.task_group and not node.task_group.is_root:
        return node.task_group
    return node


def Label(label: str) -> EdgeModifier:
    """A label for the edges it stands between."""
    return EdgeModifier(label=label)
