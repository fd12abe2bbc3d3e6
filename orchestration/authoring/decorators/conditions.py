"""``@task.run_if`` and ``@task.skip_if``."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from orchestration.authoring.decorators.base import _TaskDecorator
from orchestration.authoring.exceptions import AirflowSkipException

#: Takes the context; returns a truth value, or one with the message for the log.
Condition = Callable[[Any], "bool | tuple[bool, str | None]"]

DEFAULT_MESSAGE = "The task is skipped, since its condition says so."


def run_if(condition: Condition, skip_message: str | None = None) -> Callable[[Any], Any]:
    """Skip the task where the condition does not hold."""
    return _conditional("run_if", condition, skip_message, wanted=True)


def skip_if(condition: Condition, skip_message: str | None = None) -> Callable[[Any], Any]:
    """Skip the task where the condition holds."""
    return _conditional("skip_if", condition, skip_message, wanted=False)


def _conditional(name: str, condition: Condition, message: str | None, *, wanted: bool) -> Callable[[Any], Any]:
    @wraps(condition)
    def check(context: Any) -> None:
        answer = condition(context)
        holds, own_message = answer if isinstance(answer, tuple) else (answer, None)
        if bool(holds) is not wanted:
            raise AirflowSkipException(own_message or message or DEFAULT_MESSAGE)

    def decorator(task: Any) -> Any:
        if not isinstance(task, _TaskDecorator):
            raise TypeError(
                f"@task.{name} stands above @task: decorate {getattr(task, '__name__', task)} with it first"
            )
        before = task.kwargs.get("pre_execute")

        def pre_execute(context: Any) -> None:
            if before is not None:
                before(context)
            check(context)

        task.kwargs["pre_execute"] = pre_execute
        return task

    return decorator
