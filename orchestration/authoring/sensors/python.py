"""Waiting for a function to return a true value. Mirrors ``airflow.sensors.python``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from orchestration.authoring.context import Context, context_merge
from orchestration.authoring.operator_helpers import determine_kwargs
from orchestration.authoring.sensors.base import BaseSensorOperator, PokeReturnValue


class PythonSensor(BaseSensorOperator):
    """Calls ``python_callable`` as ``PythonOperator`` does; a ``PokeReturnValue`` may carry a result."""

    template_fields: Sequence[str] = ("templates_dict", "op_args", "op_kwargs")

    def __init__(
        self,
        *,
        python_callable: Callable[..., Any],
        op_args: list[Any] | None = None,
        op_kwargs: Mapping[str, Any] | None = None,
        templates_dict: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.python_callable, self.op_args, self.op_kwargs = python_callable, op_args or [], op_kwargs or {}
        self.templates_dict = templates_dict

    def poke(self, context: Context) -> PokeReturnValue:
        """Call the function once."""
        function, arguments = self.python_callable, self.op_args
        context_merge(context, self.op_kwargs, templates_dict=self.templates_dict)
        self.op_kwargs = determine_kwargs(function, arguments, context)
        answer = function(*arguments, **self.op_kwargs)
        return answer if isinstance(answer, PokeReturnValue) else PokeReturnValue(bool(answer))
