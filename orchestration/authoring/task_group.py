"""Groups of tasks within a DAG. Mirrors ``airflow.utils.task_group``."""

from __future__ import annotations

import copy
import functools
import operator
import re
import weakref
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from orchestration.authoring.exceptions import (
    AirflowDagCycleException,
    AirflowException,
    DuplicateTaskIdFound,
    TaskAlreadyInTaskGroup,
)
from orchestration.authoring.helpers import validate_group_key, validate_instance_args
from orchestration.authoring.taskmixin import DAGNode, DependencyMixin
from orchestration.authoring.trigger_rule import TriggerRule

if TYPE_CHECKING:
    from orchestration.authoring.abstractoperator import AbstractOperator
    from orchestration.authoring.dag import DAG
    from orchestration.authoring.edges import EdgeModifier
    from orchestration.authoring.expandinput import ExpandInput

_ARGUMENT_TYPES = {
    **dict.fromkeys(("group_id", "tooltip", "ui_color", "ui_fgcolor"), str),
    **dict.fromkeys(("prefix_group_id", "add_suffix_on_collision"), bool),
}


class TaskGroup(DAGNode):
    """Tasks that belong together; edges to the group are edges to its first or last tasks.

    With ``prefix_group_id`` the ids of its children begin with its own. Its ``default_args`` go over the DAG's. With
    ``add_suffix_on_collision`` a taken id gets ``__1``, ``__2`` …, otherwise DuplicateTaskIdFound is raised.
    """

    #: The ids in use in the whole DAG, shared by all its groups.
    used_group_ids: set[str | None]

    def __init__(
        self,
        group_id: str | None,
        prefix_group_id: bool = True,
        parent_group: TaskGroup | None = None,
        dag: DAG | None = None,
        default_args: dict[str, Any] | None = None,
        tooltip: str = "",
        ui_color: str = "CornflowerBlue",
        ui_fgcolor: str = "#000",
        add_suffix_on_collision: bool = False,
    ) -> None:
        from orchestration.authoring.dag import DagContext

        self._group_id, self.prefix_group_id = group_id, prefix_group_id
        self.tooltip, self.ui_color, self.ui_fgcolor = tooltip, ui_color, ui_fgcolor
        self.default_args: dict[str, Any] = copy.deepcopy(default_args or {})
        self.children: dict[Any, DAGNode] = {}
        #: Groups and tasks joined to the group as a whole.
        self.downstream_group_ids: set[str | None] = set()
        self.upstream_group_ids: set[str | None] = set()
        self.downstream_task_ids, self.upstream_task_ids = set(), set()
        dag = dag or DagContext.get_current_dag()
        if group_id is None:
            self._become_root(dag, parent_group)
        else:
            _validate_group_id(group_id, prefix_group_id)
            self._join(_find_parent(parent_group, dag), add_suffix=add_suffix_on_collision)
        validate_instance_args(self, _ARGUMENT_TYPES)

    def _become_root(self, dag: DAG | None, parent: TaskGroup | None) -> None:
        if parent is not None:
            raise AirflowException("A group without an id is a DAG's outermost one: it takes no parent_group")
        self.dag = dag
        self.used_group_ids = {None}

    def _join(self, parent: TaskGroup, *, add_suffix: bool) -> None:
        self.used_group_ids = parent.used_group_ids
        self._avoid_collision(add_suffix)
        parent.add(self)
        self.used_group_ids |= {self.group_id, self.upstream_join_id, self.downstream_join_id}
        self.default_args = {**parent.default_args, **self.default_args}

    @classmethod
    def create_root(cls, dag: DAG) -> TaskGroup:
        """The group of a whole DAG; its id is None."""
        return cls(group_id=None, dag=dag)

    def _avoid_collision(self, add_suffix: bool) -> None:
        if self._group_id is None or self._group_id not in self.used_group_ids:
            return
        if not add_suffix:
            raise DuplicateTaskIdFound(
                f"The DAG has a task or group {self._group_id!r} already: choose another group_id, "
                "or set add_suffix_on_collision"
            )
        base = re.split(r"__\d+$", self._group_id)[0]
        pattern = re.compile(rf"{re.escape(base)}__(\d+)")
        taken = [int(match[1]) for used in self.used_group_ids if used and (match := pattern.fullmatch(used))]
        self._group_id = f"{base}__{max(taken) + 1}" if taken else f"{self._group_id}__1"

    @property
    def node_id(self) -> str | None:
        """The group's id; None for the root."""
        return self.group_id

    @property
    def group_id(self) -> str | None:
        """The id with the prefixes of the groups around it."""
        parent: TaskGroup | None = self.task_group
        if parent and parent.prefix_group_id and parent._group_id:
            return parent.child_id(self._group_id)
        return self._group_id

    @property
    def label(self) -> str | None:
        """The id without prefixes."""
        return self._group_id

    @property
    def is_root(self) -> bool:
        """Whether this is a DAG's outermost group."""
        return not self.group_id

    @property
    def parent_group(self) -> TaskGroup | None:
        """The group around this one."""
        parent: TaskGroup | None = self.task_group
        return parent

    def __iter__(self) -> Iterator[AbstractOperator]:
        """All tasks, those of inner groups too."""
        for child in self.children.values():
            yield from _tasks_of(child)

    def add(self, task: DAGNode) -> DAGNode:
        """Take in a task or an empty group; raises where its id is taken or it belongs to another group."""
        from orchestration.authoring.abstractoperator import AbstractOperator

        holder = task.task_group
        if holder is not None and holder != self:
            if TaskGroupContext.active:
                holder.children.pop(task.node_id, None)
            elif isinstance(task, AbstractOperator):
                raise TaskAlreadyInTaskGroup(task.node_id, holder.node_id, self.node_id)
        task.task_group = weakref.proxy(self)  # first, since a group's id depends on it
        key = task.node_id
        if key in self.children:
            raise DuplicateTaskIdFound(f"The DAG has a task or group {key!r} already: choose another id")
        if isinstance(task, TaskGroup):
            self._take_in(task)
        self.children[key] = task
        return task

    def _take_in(self, group: TaskGroup) -> None:
        if group.children:
            raise AirflowException(f"{group.group_id!r} has tasks already: add it to its group before it gets them")
        if not self.dag:
            return
        if group.dag is not None and group.dag is not self.dag:
            raise RuntimeError(_of_two_dags(self.dag, group.dag))
        group.dag = self.dag

    def _remove(self, task: DAGNode) -> None:
        if task.node_id not in self.children:
            raise KeyError(f"{task.node_id!r} is not in group {self.group_id!r}")
        self.used_group_ids.remove(task.node_id)
        del self.children[task.node_id]

    def update_relative(
        self, other: DependencyMixin, upstream: bool = True, edge_modifier: EdgeModifier | None = None
    ) -> None:
        """Note what the group as a whole was joined to."""
        if isinstance(other, TaskGroup):
            later, earlier = (self, other) if upstream else (other, self)
            if edge_modifier:
                edge_modifier.add_edge_info(self.dag, earlier.downstream_join_id, later.upstream_join_id)
            later.upstream_group_ids.add(earlier.group_id)
            earlier.downstream_group_ids.add(later.group_id)
            return
        own_ids = self.upstream_task_ids if upstream else self.downstream_task_ids
        for node in other.roots:
            if not isinstance(node, DAGNode):
                raise AirflowException(f"A group is joined to tasks and groups, not to {node!r}")
            if node == self:  # a label between this group and something else
                continue
            own_ids.add(node.node_id)
            if edge_modifier:
                ends = (node.node_id, self.upstream_join_id) if upstream else (self.downstream_join_id, node.node_id)
                edge_modifier.add_edge_info(self.dag, *ends)

    def _set_relatives(
        self,
        task_or_task_list: DependencyMixin | Sequence[DependencyMixin],
        upstream: bool = False,
        edge_modifier: EdgeModifier | None = None,
    ) -> None:
        given = task_or_task_list
        others = given if isinstance(given, Sequence) else [given]
        for other in others:
            self.update_relative(other, upstream, edge_modifier=edge_modifier)
        for task in self.roots if upstream else self.leaves:
            join = task.set_upstream if upstream else task.set_downstream
            join(others)

    def __enter__(self) -> TaskGroup:
        TaskGroupContext.push_context_managed_task_group(self)
        return self

    def __exit__(self, *exc: object) -> None:
        TaskGroupContext.pop_context_managed_task_group()

    def has_task(self, task: AbstractOperator) -> bool:
        """Whether the task is in this group or one within it."""
        return task.task_id in self.children or any(
            child.has_task(task) for child in self.children.values() if isinstance(child, TaskGroup)
        )

    @property
    def roots(self) -> list[Any]:
        """The tasks that no task of the group comes before."""
        return list(self.get_roots())

    @property
    def leaves(self) -> list[Any]:
        """The tasks that no task of the group comes after, teardowns aside."""
        return list(self.get_leaves())

    def get_roots(self) -> Generator[AbstractOperator, None, None]:
        """The tasks that no task of the group comes before."""
        tasks = list(self)
        ids = {task.task_id for task in tasks}
        for task in tasks:
            if task.upstream_task_ids.isdisjoint(ids):
                yield task

    def get_leaves(self) -> Generator[AbstractOperator, None, None]:
        """The last tasks of the group; in place of a teardown the last work before it, which decides the outcome."""
        tasks = list(self)
        ids = {task.task_id for task in tasks}
        for task in tasks:
            if not task.downstream_task_ids.isdisjoint(ids):
                continue
            if task.is_teardown:
                yield from self._work_before(task, ids)
            else:
                yield task

    def _work_before(self, task: AbstractOperator, ids: set[str]) -> Iterator[AbstractOperator]:
        for earlier in task.upstream_list:
            if earlier.task_id not in ids or (task.is_teardown and earlier.is_setup and not earlier.is_teardown):
                continue
            if earlier.is_teardown:
                yield from self._work_before(earlier, ids)
            elif not any(
                later.task_id in ids and later.task_id != task.task_id and not later.is_teardown
                for later in earlier.downstream_list
            ):
                yield earlier

    def child_id(self, label: Any) -> str:
        """The id of a child: prefixed by this group's if it prefixes."""
        if self.prefix_group_id and (group_id := self.group_id):
            return f"{group_id}.{label}"
        child: str = label
        return child

    @property
    def upstream_join_id(self) -> str:
        """The id of the point in the graph where the edges into the group meet."""
        return f"{self.group_id}.upstream_join_id"

    @property
    def downstream_join_id(self) -> str:
        """The id of the point in the graph where the edges out of the group meet."""
        return f"{self.group_id}.downstream_join_id"

    def get_task_group_dict(self) -> dict[str | None, TaskGroup]:
        """This group and all within it, by id."""
        found: dict[str | None, TaskGroup] = {self.group_id: self}
        for child in self.children.values():
            if isinstance(child, TaskGroup):
                found.update(child.get_task_group_dict())
        return found

    def get_child_by_label(self, label: str) -> DAGNode:
        """The child of an id without prefix; KeyError without one."""
        return self.children[self.child_id(label)]

    def hierarchical_alphabetical_sort(self) -> list[DAGNode]:
        """The children: groups by id, then tasks by id."""
        return sorted(self.children.values(), key=lambda node: (not isinstance(node, TaskGroup), node.node_id))

    def topological_sort(self, _include_subdag_tasks: bool = False) -> list[DAGNode]:
        """The children so that each comes after its upstream ones, otherwise in order of definition.

        AirflowDagCycleException where there is no such order.
        """
        waiting = dict(self.children)
        found: list[DAGNode] = []
        while waiting:
            count = len(found)
            for key, node in list(waiting.items()):
                if not any(_is_within(task, waiting) for task in node.upstream_list):
                    del waiting[key]
                    found.append(node)
            if len(found) == count:
                names = ", ".join(sorted(map(str, waiting)))
                raise AirflowDagCycleException(f"In DAG {self.dag_id!r} these wait for one another: {names}")
        return found

    def iter_mapped_task_groups(self) -> Iterator[MappedTaskGroup]:
        """This group if it is mapped, then the mapped groups around it, innermost first."""
        around: TaskGroup | None = self
        while around is not None:
            if isinstance(around, MappedTaskGroup):
                yield around
            around = around.parent_group

    def iter_tasks(self) -> Iterator[AbstractOperator]:
        """All tasks, those of outer levels first."""
        from orchestration.authoring.abstractoperator import AbstractOperator

        level: list[TaskGroup] = [self]
        while level:
            nodes = [node for group in level for node in group.children.values()]
            yield from (node for node in nodes if isinstance(node, AbstractOperator))
            level = [node for node in nodes if isinstance(node, TaskGroup)]


def _is_within(task: AbstractOperator, nodes: Mapping[Any, DAGNode]) -> bool:
    """Whether the task or a group around it is among the nodes."""
    node: Any = task
    while node:
        if node.node_id in nodes:
            return True
        node = node.task_group
    return False


def _validate_group_id(group_id: str, prefix_group_id: bool) -> None:
    if prefix_group_id:
        validate_group_key(group_id)
    elif not isinstance(group_id, str) or not group_id:
        raise ValueError(f"A group_id is a text with something in it, not {group_id!r}")


def _find_parent(parent_group: TaskGroup | None, dag: DAG | None) -> TaskGroup:
    if not parent_group and not dag:
        raise AirflowException("A TaskGroup is part of a DAG: make it within `with DAG(…):`, or give it dag=…")
    parent = parent_group or TaskGroupContext.get_current_task_group(dag)
    if not parent:
        raise AirflowException("There is no group around this TaskGroup: give it parent_group=…")
    if dag is not parent.dag:
        raise RuntimeError(_of_two_dags(dag, parent.dag))
    return parent


def _of_two_dags(one: Any, other: Any) -> str:
    return f"A group and the group around it are of one DAG, not of {one} and {other}"


def _tasks_of(node: Any) -> Iterable[AbstractOperator]:
    return node if isinstance(node, TaskGroup) else (node,)


class MappedTaskGroup(TaskGroup):
    """A group whose tasks multiply together; made by ``expand`` or ``expand_kwargs`` of a ``@task_group``."""

    def __init__(self, *, expand_input: ExpandInput, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._expand_input = expand_input

    def __iter__(self) -> Iterator[AbstractOperator]:
        for child in self.children.values():
            if getattr(child, "trigger_rule", None) == TriggerRule.ALWAYS:
                raise ValueError(
                    f"Trigger rule 'always' of {child.node_id!r} does not go with the expanded group around it, "
                    "whose size is known only when others have run: choose another rule"
                )
            yield from _tasks_of(child)

    def iter_mapped_dependencies(self) -> Iterator[AbstractOperator]:
        """The tasks whose XComs the group expands over."""
        for task, _ in self._expand_input.iter_references():
            yield task

    def get_parse_time_mapped_ti_count(self) -> int:
        """The number of instances of each task, outer groups multiplied in; NotFullyPopulated where XComs decide."""
        groups = self.iter_mapped_task_groups()
        return functools.reduce(operator.mul, (g._expand_input.get_parse_time_mapped_ti_count() for g in groups))

    def get_mapped_ti_count(self, run_id: str, *, session: Any = None) -> int:
        """The number of instances of each task in a run, from pushed XComs; NotFullyPopulated where one is missing."""
        groups = self.iter_mapped_task_groups()
        return functools.reduce(operator.mul, (g._expand_input.get_total_map_length(run_id) for g in groups))

    def __exit__(self, *exc: object) -> None:
        for task, _ in self._expand_input.iter_references():
            self.set_upstream(task)
        super().__exit__(*exc)


class TaskGroupContext:
    """The groups whose ``with`` blocks are open."""

    active = False
    _open: list[TaskGroup] = []

    @classmethod
    def push_context_managed_task_group(cls, task_group: TaskGroup) -> None:
        """Enter a group's block."""
        cls._open.append(task_group)
        cls.active = True

    @classmethod
    def pop_context_managed_task_group(cls) -> TaskGroup | None:
        """Leave the innermost block."""
        cls.active = False
        return cls._open.pop() if cls._open else None

    @classmethod
    def get_current_task_group(cls, dag: DAG | None) -> TaskGroup | None:
        """The innermost open group; without one the root of the DAG or of the current DAG."""
        from orchestration.authoring.dag import DagContext

        if cls._open:
            return cls._open[-1]
        dag = dag or DagContext.get_current_dag()
        return dag.task_group if dag else None
