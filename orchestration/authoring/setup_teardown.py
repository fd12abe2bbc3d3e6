"""``with setup_task >> teardown_task:`` and its kin: the work defined inside comes between the two.

Mirrors ``airflow.utils.setup_teardown``, including what surprises there: leaving an inner block ends the recording
of the outer one too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from orchestration.authoring.exceptions import AirflowException

if TYPE_CHECKING:
    from orchestration.authoring.abstractoperator import AbstractOperator

    Tasks = tuple[AbstractOperator, ...]


class _Level:
    """The tasks of the innermost block, and those of the blocks around it."""

    def __init__(self) -> None:
        self.current: Tasks = ()
        self.outer: list[Tasks] = []

    def push(self, tasks: Tasks) -> None:
        if self.current and self.current != tasks:
            self.outer.append(self.current)
        self.current = tasks

    def pop(self, join: Callable[[Tasks, Tasks], None]) -> Tasks:
        """Go back to the block around; ``join(outer, inner)`` sets the order between the two."""
        inner = self.current
        self.current = self.outer.pop() if self.outer else ()
        if self.current and inner:
            join(self.current, inner)
        return inner


def _before(first: Iterable[AbstractOperator], second: Sequence[AbstractOperator]) -> None:
    for task in first:
        task.set_downstream(list(second))


def _after(first: Iterable[AbstractOperator], second: Sequence[AbstractOperator]) -> None:
    for task in first:
        task.set_upstream(list(second))


class SetupTeardownContext:
    """The blocks that are open while a DAG file is read; one set of them per process."""

    active = False
    _setups = _Level()
    _teardowns = _Level()
    #: The teardowns that belong to the open block's setups, and the setups that belong to its teardowns.
    _teardowns_of_setups = _Level()
    _setups_of_teardowns = _Level()
    #: Work tasks by the tasks of the block they stand in.
    _work: dict[Tasks, list[AbstractOperator]] = {}

    @classmethod
    def push_setup_teardown_task(cls, operator: AbstractOperator | Sequence[AbstractOperator]) -> None:
        """Open a block for setups or teardowns; ValueError for a mixture."""
        tasks: Tasks = tuple(operator) if isinstance(operator, Sequence) else (operator,)
        is_setup = tasks[0].is_setup
        if any(task.is_setup != is_setup for task in tasks):
            cls._refuse("`with` takes a list of setups or a list of teardowns, and this one has both: use two blocks")
        if is_setup:
            cls._setups.push(tasks)
            cls._teardowns_of_setups.push(_nearest(tasks[0], tasks[0].downstream_list, lambda task: task.is_teardown))
        else:
            cls._teardowns.push(tasks)
            cls._setups_of_teardowns.push(_nearest(tasks[0], tasks[0].upstream_list, lambda task: task.is_setup))
        cls.active = True

    @classmethod
    def update_context_map(cls, task: AbstractOperator) -> None:
        """Note a task defined in the open block."""
        if task.is_setup or task.is_teardown:
            return
        for level in (cls._setups, cls._teardowns):
            if level.current:
                cls._work.setdefault(level.current, []).append(task)

    @classmethod
    def add_task(cls, task: Any) -> None:
        """Put a task defined elsewhere, or its output, into the open block."""
        if not cls.active:
            raise AirflowException(f"No setup's or teardown's block is open to take {task} in: call this within `with`")
        cls.update_context_map(getattr(task, "operator", task))

    @classmethod
    def set_work_task_roots_and_leaves(cls) -> None:
        """Close the innermost block: setups before the work's first tasks, teardowns after its last ones."""
        if (setups := cls._setups.current) and (work := cls._work_of(setups)):
            _before(setups, [task for task in work if not task.upstream_list] or work[:1])
            leaves = [task for task in work if not task.downstream_list] or work[-1:]
            _after(cls._teardowns_of_setups.current, cls._teardowns.current or leaves)
        if (teardowns := cls._teardowns.current) and (work := cls._work_of(teardowns)):
            _after(teardowns, [task for task in work if not task.downstream_list] or work[-1:])
            roots = [task for task in work if not task.upstream_list] or work[:1]
            _before(cls._setups_of_teardowns.current, cls._setups.current or roots)
        cls._work.pop(cls._setups.pop(_before), None)
        cls._work.pop(cls._teardowns.pop(_after), None)
        cls._teardowns_of_setups.pop(_after)
        cls._setups_of_teardowns.pop(_before)
        cls.active = False

    @classmethod
    def _work_of(cls, tasks: Tasks) -> list[AbstractOperator]:
        return [task for task in cls._work.get(tasks, []) if not task.is_setup and not task.is_teardown]

    @classmethod
    def _refuse(cls, message: str) -> NoReturn:
        cls.active = False
        cls._work.clear()
        cls._setups = _Level()
        cls._teardowns = _Level()
        raise ValueError(message)


def _nearest(
    start: AbstractOperator, first: Sequence[AbstractOperator], wanted: Callable[[AbstractOperator], bool]
) -> Tasks:
    """The wanted tasks with the fewest edges from ``start``, beginning with ``first``, in any direction."""
    seen = {start.task_id}
    layer = list(first)
    while layer:
        found = tuple(task for task in layer if wanted(task))
        if found:
            return found
        seen.update(task.task_id for task in layer)
        neighbours = {other.task_id: other for task in layer for other in (*task.downstream_list, *task.upstream_list)}
        layer = [task for task_id, task in neighbours.items() if task_id not in seen]
    return ()


class ContextWrapper(list[Any]):
    """A list of setups or teardowns that can stand after ``with``: ``with context_wrapper([a, b]):``."""

    def __init__(self, tasks: Iterable[Any]) -> None:
        super().__init__(tasks)
        self.tasks = list(self)

    def __enter__(self) -> type[SetupTeardownContext]:
        operators = [getattr(task, "operator", task) for task in self.tasks]
        for operator in operators:
            refuse_work_task(operator)
        SetupTeardownContext.push_setup_teardown_task(operators)
        return SetupTeardownContext

    def __exit__(self, *exc: object) -> None:
        SetupTeardownContext.set_work_task_roots_and_leaves()


context_wrapper = ContextWrapper


def refuse_work_task(operator: AbstractOperator) -> None:
    """AirflowException for a task that is neither setup nor teardown."""
    if not (operator.is_setup or operator.is_teardown):
        raise AirflowException(
            f"`with` takes setups and teardowns, and {operator} is neither: mark it with as_setup() or as_teardown()"
        )


def refuse_both_marks(operator: AbstractOperator, mark: str) -> None:
    """ValueError where a task that gets the mark, ``setup`` or ``teardown``, has the other one."""
    other = "setup" if mark == "teardown" else "teardown"
    if getattr(operator, f"is_{other}"):
        raise ValueError(f"Task {operator.task_id!r} cannot become a {mark}: it is a {other}")
