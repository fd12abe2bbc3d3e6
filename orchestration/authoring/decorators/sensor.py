"""The operator of ``@task.sensor``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from orchestration.authoring.decorators.base import get_unique_task_id
from orchestration.authoring.sensors.python import PythonSensor


class DecoratedSensorOperator(PythonSensor):
    """A function that is called again until it returns something true."""

    _airflow_module = "airflow.decorators.sensor"
    template_fields: Sequence[str] = ("op_args", "op_kwargs")
    template_fields_renderers: ClassVar[dict[str, str]] = {"op_args": "py", "op_kwargs": "py"}
    shallow_copy_attrs: Sequence[str] = ("python_callable",)
    custom_operator_name = "@task.sensor"

    def __init__(self, *, task_id: str, **kwargs: Any) -> None:
        super().__init__(task_id=get_unique_task_id(task_id, kwargs.get("dag"), kwargs.get("task_group")), **kwargs)
