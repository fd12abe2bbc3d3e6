"""What can be joined by ``>>`` and ``<<``: the base of tasks, groups, labels and XCom references."""

from __future__ import annotations

from abc import ABCMeta, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from orchestration.authoring.exceptions import AirflowException
from orchestration.authoring.types import NOTSET

if TYPE_CHECKING:
    from collections.abc import Mapping
    from logging import Logger

    from pendulum import DateTime

    from orchestration.authoring.abstractoperator import AbstractOperator
    from orchestration.authoring.dag import DAG
    from orchestration.authoring.edges import EdgeModifier
    from orchestration.authoring.task_group import TaskGroup

    Relatives = "DependencyMixin | Sequence[DependencyMixin]"


class ResolveMixin:
    """An argument whose value is known only when the task runs: a reference to an XCom, a param, a literal."""

    def iter_references(self) -> Iterable[tuple[AbstractOperator, str]]:
        """The tasks and XCom keys it needs."""
        raise NotImplementedError

    def resolve(self, context: Mapping[str, Any], *, include_xcom: bool = True) -> Any:
        """Its value in a running task."""
        raise NotImplementedError


class DependencyMixin:
    """Joins by ``a >> b`` (b after a) and ``a << b``; lists may stand on either side."""

    @property
    def roots(self) -> Sequence[DependencyMixin]:
        """The nodes that nothing within this one comes before."""
        raise NotImplementedError

    @property
    def leaves(self) -> Sequence[DependencyMixin]:
        """The nodes that nothing within this one comes after."""
        raise NotImplementedError

    def set_upstream(
        self, other: DependencyMixin | Sequence[DependencyMixin], edge_modifier: EdgeModifier | None = None
    ) -> None:
        """Put the other directly before this one."""
        raise NotImplementedError

    def set_downstream(
        self, other: DependencyMixin | Sequence[DependencyMixin], edge_modifier: EdgeModifier | None = None
    ) -> None:
        """Put the other directly after this one."""
        raise NotImplementedError

    def as_setup(self) -> DependencyMixin:
        """Mark as setup."""
        raise NotImplementedError

    def as_teardown(self, *, setups: Any = NOTSET, on_failure_fail_dagrun: Any = NOTSET) -> DependencyMixin:
        """Mark as teardown of the given setups."""
        raise NotImplementedError

    def update_relative(
        self, other: DependencyMixin, upstream: bool = True, edge_modifier: EdgeModifier | None = None
    ) -> None:
        """Hear that another node was joined to this one; groups and labels keep a note of it."""

    def __lshift__(self, other: Any) -> Any:
        self.set_upstream(other)
        return other

    def __rshift__(self, other: Any) -> Any:
        self.set_downstream(other)
        return other

    def __rrshift__(self, other: Any) -> Any:
        self.__lshift__(other)
        return self

    def __rlshift__(self, other: Any) -> Any:
        self.__rshift__(other)
        return self

    @classmethod
    def _iter_references(cls, obj: Any) -> Iterator[tuple[Any, str]]:
        """The tasks in a value: tasks themselves, references, and those in sequences."""
        from orchestration.authoring.abstractoperator import AbstractOperator

        if isinstance(obj, ResolveMixin):
            yield from obj.iter_references()
        elif isinstance(obj, AbstractOperator):
            yield obj, "operator"
        elif isinstance(obj, Sequence) and not isinstance(obj, str):
            for member in obj:
                yield from cls._iter_references(member)


class DAGNode(DependencyMixin, metaclass=ABCMeta):
    """A task or a group of tasks, mapped or not."""

    dag: Any = None
    #: The group that holds this node.
    task_group: Any = None
    start_date: DateTime | None
    end_date: DateTime | None
    upstream_task_ids: set[str]
    downstream_task_ids: set[str]

    @property
    @abstractmethod
    def node_id(self) -> Any:
        """The id within the DAG."""

    @property
    def label(self) -> str | None:
        """The id without its group's prefix."""
        group: TaskGroup | None = self.task_group
        if group and group.node_id and group.prefix_group_id:
            return str(self.node_id)[len(group.node_id) + 1 :]
        label: str | None = self.node_id
        return label

    def has_dag(self) -> bool:
        """Whether the node is part of a DAG yet."""
        return self.dag is not None

    @property
    def dag_id(self) -> str:
        """The DAG's id; ``_in_memory_dag_`` without one."""
        return self.dag.dag_id if self.dag else "_in_memory_dag_"

    @property
    def log(self) -> Logger:
        """The node's logger."""
        raise NotImplementedError

    def _set_relatives(
        self,
        task_or_task_list: DependencyMixin | Sequence[DependencyMixin],
        upstream: bool = False,
        edge_modifier: EdgeModifier | None = None,
    ) -> None:
        """Add an edge to the roots (or, upstream, from the leaves) of each of the others.

        A node without a DAG joins the DAG of the rest. AirflowException where there is no DAG or more than one.
        """
        from orchestration.authoring.abstractoperator import AbstractOperator

        others = task_or_task_list if isinstance(task_or_task_list, Sequence) else [task_or_task_list]
        tasks: list[AbstractOperator] = []
        for other in others:
            other.update_relative(self, not upstream, edge_modifier=edge_modifier)
            for task in other.leaves if upstream else other.roots:
                if not isinstance(task, AbstractOperator):
                    raise AirflowException(f">> and << join tasks and groups of them, not {task!r}")
                tasks.append(task)
        dag = self._common_dag(tasks)
        if not self.has_dag():
            self.dag = dag
        for task in tasks:
            if not task.has_dag():
                dag.add_task(task)
            before, after = (task, self) if upstream else (self, task)
            before.downstream_task_ids.add(after.node_id)
            after.upstream_task_ids.add(before.node_id)
            if edge_modifier:
                edge_modifier.add_edge_info(self.dag, before.node_id, after.node_id)

    def _common_dag(self, tasks: Sequence[AbstractOperator]) -> DAG:
        nodes: list[Any] = [*self.roots, *tasks]
        dags = {id(node.dag): node.dag for node in nodes if node.has_dag() and node.dag}
        if len(dags) > 1:
            names = ", ".join(sorted(map(str, dags.values())))
            raise AirflowException(f"An edge joins tasks of one DAG; these are of several: {names}")
        if not dags:
            raise AirflowException(f"None of {[self, *tasks]} is in a DAG: give one of them dag=… before joining them")
        dag: DAG = dags.popitem()[1]
        return dag

    def set_downstream(
        self, task_or_task_list: DependencyMixin | Sequence[DependencyMixin], edge_modifier: EdgeModifier | None = None
    ) -> None:
        """Put the others directly after this node."""
        self._set_relatives(task_or_task_list, upstream=False, edge_modifier=edge_modifier)

    def set_upstream(
        self, task_or_task_list: DependencyMixin | Sequence[DependencyMixin], edge_modifier: EdgeModifier | None = None
    ) -> None:
        """Put the others directly before this node."""
        self._set_relatives(task_or_task_list, upstream=True, edge_modifier=edge_modifier)

    @property
    def downstream_list(self) -> list[AbstractOperator]:
        """The tasks directly after this node."""
        return self._tasks_by_id(self.downstream_task_ids)

    @property
    def upstream_list(self) -> list[AbstractOperator]:
        """The tasks directly before this node."""
        return self._tasks_by_id(self.upstream_task_ids)

    def _tasks_by_id(self, task_ids: set[str]) -> list[AbstractOperator]:
        if not self.dag:
            raise AirflowException(f"{self} is in no DAG, so it has no tasks beside it")
        return [self.dag.get_task(task_id) for task_id in task_ids]

    def get_direct_relative_ids(self, upstream: bool = False) -> set[str]:
        """The ids of the tasks directly before or after this node."""
        return self.upstream_task_ids if upstream else self.downstream_task_ids

    def get_direct_relatives(self, upstream: bool = False) -> Iterable[DAGNode]:
        """The tasks directly before or after this node."""
        return self.upstream_list if upstream else self.downstream_list
