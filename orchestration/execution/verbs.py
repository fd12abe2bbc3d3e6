"""The port to the operator's verbs that tasks may use: trigger a run, clear task instances.

They are services, which stand beside this package; whoever puts the parts together names the module that has them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any, Protocol, cast

from django.conf import settings
from django.utils.module_loading import import_string

from orchestration.models.dag_run import DagRun
from orchestration.models.outcomes import Held

#: Used where the settings name none.
DEFAULT = "orchestration.services.task_requests.TaskRequests"


class Verbs(Protocol):
    """What a task may ask the system to do. ``caller`` is the asking try, None for a DAG file that is imported."""

    def trigger_dag_run(
        self,
        *,
        dag_id: str,
        run_id: str | None,
        logical_date: datetime | None,
        conf: Any,
        reset_dag_run: bool,
        caller: Held | None,
    ) -> DagRun:
        """Make a run, or with ``reset_dag_run`` clear the one that is there. Raises from ``orchestration.errors``."""

    def clear_task_instances(
        self, *, dag_id: str, run_id: str, task_ids: Sequence[str] | None, caller: Held | None
    ) -> int:
        """Clear task instances of a run; how many."""


@cache
def current() -> Verbs:
    """The verbs of this installation: an instance of the class that ``settings.TASK_VERBS`` names."""
    return cast(Verbs, import_string(getattr(settings, "TASK_VERBS", DEFAULT))())
