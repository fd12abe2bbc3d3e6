"""The operator of ``@task.branch_external_python``."""

from __future__ import annotations

from orchestration.authoring.decorators.python import _PythonDecoratedOperator
from orchestration.authoring.operators.python import BranchExternalPythonOperator


class _BranchExternalPythonDecoratedOperator(_PythonDecoratedOperator, BranchExternalPythonOperator):
    """A branch decided in another interpreter."""

    _airflow_module = "airflow.decorators.branch_external_python"
    template_fields = BranchExternalPythonOperator.template_fields
    custom_operator_name = "@task.branch_external_python"
