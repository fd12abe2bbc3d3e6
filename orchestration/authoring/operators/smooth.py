"""A task that plays a song. Mirrors ``airflow.operators.smooth``."""

from __future__ import annotations

from orchestration.authoring.baseoperator import BaseOperator
from orchestration.authoring.context import Context


class SmoothOperator(BaseOperator):
    """Logs where to hear Sade's "Smooth Operator"."""

    ui_color = "#e8f7e4"
    yt_link = "https://www.youtube.com/watch?v=4TYv2PhG89A"

    def execute(self, context: Context) -> None:
        """Log the link."""
        self.log.info("Sade sings it here: %s", self.yt_link)
