"""The operator of ``@task.branch_virtualenv``."""

from __future__ import annotations

from orchestration.authoring.decorators.python import _PythonDecoratedOperator
from orchestration.authoring.operators.python import BranchPythonVirtualenvOperator


class _BranchPythonVirtualenvDecoratedOperator(_PythonDecoratedOperator, BranchPythonVirtualenvOperator):
    """A branch decided in a virtual environment."""

    _airflow_module = "airflow.decorators.branch_virtualenv"
    template_fields = BranchPythonVirtualenvOperator.template_fields
    custom_operator_name = "@task.branch_virtualenv"
