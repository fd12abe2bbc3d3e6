"""The operator of ``@task.virtualenv``."""

from __future__ import annotations

from orchestration.authoring.decorators.python import _PythonDecoratedOperator
from orchestration.authoring.operators.python import PythonVirtualenvOperator


class _PythonVirtualenvDecoratedOperator(_PythonDecoratedOperator, PythonVirtualenvOperator):
    """A function as a task in a virtual environment."""

    _airflow_module = "airflow.decorators.python_virtualenv"
    template_fields = PythonVirtualenvOperator.template_fields
    custom_operator_name = "@task.virtualenv"
