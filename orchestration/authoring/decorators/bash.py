"""The operator of ``@task.bash``."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, ClassVar

from orchestration.authoring.context import context_merge
from orchestration.authoring.decorators.base import DecoratedOperator
from orchestration.authoring.operator_helpers import determine_kwargs
from orchestration.authoring.operators.bash import BashOperator
from orchestration.authoring.types import NOTSET


class _BashDecoratedOperator(DecoratedOperator, BashOperator):
    """A function that returns a Bash command, which is then run."""

    _airflow_module = "airflow.decorators.bash"
    template_fields: Sequence[str] = (*DecoratedOperator.template_fields, *BashOperator.template_fields)
    template_fields_renderers: ClassVar[dict[str, str]] = {
        **DecoratedOperator.template_fields_renderers,
        **BashOperator.template_fields_renderers,
    }
    custom_operator_name = "@task.bash"

    def __init__(
        self,
        *,
        python_callable: Callable[..., Any],
        op_args: Collection[Any] | None = None,
        op_kwargs: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        if kwargs.pop("multiple_outputs", None):
            warnings.warn("multiple_outputs=True means nothing for @task.bash", UserWarning, stacklevel=3)
        call: dict[str, Any] = {"python_callable": python_callable, "op_args": op_args, "op_kwargs": op_kwargs}
        super().__init__(**call, bash_command=NOTSET, multiple_outputs=False, **kwargs)

    def execute(self, context: Any) -> Any:
        """Ask the function for the command and run it; TypeError where it gives no text."""
        context_merge(context, self.op_kwargs)
        command = self.python_callable(*self.op_args, **determine_kwargs(self.python_callable, self.op_args, context))
        if not isinstance(command, str) or not command.strip():
            raise TypeError(f"A @task.bash function returns the command to run, not {command!r}")
        self.bash_command = command
        return super().execute(context)
