"""A task that does nothing. Mirrors ``airflow.operators.empty``."""

from __future__ import annotations

from orchestration.authoring.baseoperator import BaseOperator
from orchestration.authoring.context import Context


class EmptyOperator(BaseOperator):
    """Groups the tasks around it. Without callbacks and outlets the scheduler ends it without a process."""

    ui_color = "#e8f7e4"
    _is_empty = True

    def execute(self, context: Context) -> None:
        """Nothing."""
