"""Everything of ``airflow.operators.python`` in one place."""

from __future__ import annotations

from orchestration.authoring.context import get_current_context
from orchestration.authoring.operators.callables import BranchPythonOperator, PythonOperator, ShortCircuitOperator
from orchestration.authoring.operators.virtualenv import (
    BranchExternalPythonOperator,
    BranchPythonVirtualenvOperator,
    ExternalPythonOperator,
    PythonVirtualenvOperator,
    is_venv_installed,
)

__all__ = [
    "BranchExternalPythonOperator",
    "BranchPythonOperator",
    "BranchPythonVirtualenvOperator",
    "ExternalPythonOperator",
    "PythonOperator",
    "PythonVirtualenvOperator",
    "ShortCircuitOperator",
    "get_current_context",
    "is_venv_installed",
]
