"""The operator of ``@task.branch``."""

from __future__ import annotations

from orchestration.authoring.decorators.python import _PythonDecoratedOperator
from orchestration.authoring.operators.python import BranchPythonOperator


class _BranchPythonDecoratedOperator(_PythonDecoratedOperator, BranchPythonOperator):
    """A function that returns the ids of the tasks to go on with."""

    _airflow_module = "airflow.decorators.branch_python"
    template_fields = BranchPythonOperator.template_fields
    custom_operator_name = "@task.branch"
