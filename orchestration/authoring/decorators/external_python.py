"""The operator of ``@task.external_python``."""

from __future__ import annotations

from orchestration.authoring.decorators.python import _PythonDecoratedOperator
from orchestration.authoring.operators.python import ExternalPythonOperator


class _PythonExternalDecoratedOperator(_PythonDecoratedOperator, ExternalPythonOperator):
    """A function as a task in another interpreter."""

    _airflow_module = "airflow.decorators.external_python"
    template_fields = ExternalPythonOperator.template_fields
    custom_operator_name = "@task.external_python"
