"""The operator of ``@task.short_circuit``."""

from __future__ import annotations

from orchestration.authoring.decorators.python import _PythonDecoratedOperator
from orchestration.authoring.operators.python import ShortCircuitOperator


class _ShortCircuitDecoratedOperator(_PythonDecoratedOperator, ShortCircuitOperator):
    """A function whose false result skips what comes after."""

    _airflow_module = "airflow.decorators.short_circuit"
    template_fields = ShortCircuitOperator.template_fields
    custom_operator_name = "@task.short_circuit"
