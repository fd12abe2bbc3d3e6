"""The operator of ``@task``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from orchestration.authoring.decorators.base import DecoratedOperator
from orchestration.authoring.operators.python import PythonOperator


class _PythonDecoratedOperator(DecoratedOperator, PythonOperator):
    """A function as a task."""

    _airflow_module = "airflow.decorators.python"
    template_fields: Sequence[str] = ("templates_dict", "op_args", "op_kwargs")
    template_fields_renderers: ClassVar[dict[str, str]] = {"templates_dict": "json", "op_args": "py", "op_kwargs": "py"}
    custom_operator_name: str = "@task"

    def __init__(self, *, python_callable: Any, op_args: Any, op_kwargs: Any, **kwargs: Any) -> None:
        call = {"python_callable": python_callable, "op_args": op_args, "op_kwargs": op_kwargs}
        super().__init__(kwargs_to_upstream=dict(call), **call, **kwargs)
