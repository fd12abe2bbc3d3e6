"""What a trigger is, and the events it fires. Mirrors ``airflow.triggers.base``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

from orchestration.authoring.logging_mixin import LoggingMixin
from orchestration.states import TaskInstanceState


@dataclass
class StartTriggerArgs:
    """How a task begins deferred: the path and arguments of its trigger, and the method it resumes at."""

    trigger_cls: str
    next_method: str
    trigger_kwargs: dict[str, Any] | None = None
    next_kwargs: dict[str, Any] | None = None
    timeout: timedelta | None = None


class BaseTrigger(ABC, LoggingMixin):
    """Waits for one thing in the triggerer's event loop.

    A trigger lives twice: in the task that defers, and in the triggerer, which makes it again from what ``serialize``
    gave. Its arguments are therefore values that JSON can hold (moments and durations included).
    """

    def __init__(self, **kwargs: Any) -> None:
        self.task_instance: Any = None  # both are set by the triggerer
        self.trigger_id: int | None = None

    @abstractmethod
    def serialize(self) -> tuple[str, dict[str, Any]]:
        """The path of the class and the arguments that make this trigger again."""

    @abstractmethod
    def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, and yield one event. Written as ``async def`` with ``yield``."""

    async def cleanup(self) -> None:
        """Give up what was held; called once nobody waits for the trigger any more, also after an event."""

    def __repr__(self) -> str:
        path, arguments = self.serialize()
        return f"<{path} {', '.join(f'{name}={value}' for name, value in arguments.items())}>"


class PlainTrigger(BaseTrigger):
    """A trigger whose arguments are its attributes of the same names."""

    #: The path under which DAG files know the class.
    path: ClassVar[str]
    arguments: ClassVar[tuple[str, ...]] = ()

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return self.path, {name: getattr(self, name) for name in self.arguments}


class TriggerEvent:
    """What happened; ``payload`` is given to the resumed task as ``event``."""

    def __init__(self, payload: Any) -> None:
        self.payload = payload

    def __repr__(self) -> str:
        return f"TriggerEvent<{self.payload!r}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TriggerEvent) and other.payload == self.payload

    def __hash__(self) -> int:
        return hash(repr(self.payload))


class BaseTaskEndEvent(TriggerEvent):
    """Ends the task in the triggerer, without a process; ``xcoms`` are pushed for it."""

    task_instance_state: ClassVar[TaskInstanceState]

    def __init__(self, *, xcoms: dict[str, Any] | None = None, **kwargs: Any) -> None:
        if "payload" in kwargs:
            raise ValueError(f"{type(self).__name__} says by its kind what happened, and takes no payload")
        super().__init__(payload=self.task_instance_state.value)
        self.xcoms = xcoms


class TaskSuccessEvent(BaseTaskEndEvent):
    """Ends the task as successful."""

    task_instance_state = TaskInstanceState.SUCCESS


class TaskFailedEvent(BaseTaskEndEvent):
    """Ends the task as failed."""

    task_instance_state = TaskInstanceState.FAILED


class TaskSkippedEvent(BaseTaskEndEvent):
    """Ends the task as skipped."""

    task_instance_state = TaskInstanceState.SKIPPED
