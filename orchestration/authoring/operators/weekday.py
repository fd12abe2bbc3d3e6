"""Branching by the day of the week. Mirrors ``airflow.operators.weekday``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from orchestration.authoring import timezone
from orchestration.authoring.compat.weekday import WeekDay
from orchestration.authoring.context import Context
from orchestration.authoring.operators.branch import BaseBranchOperator


class BranchDayOfWeekOperator(BaseBranchOperator):
    """Follows ``follow_task_ids_if_true`` on the given days: a name in any case, a ``WeekDay``, or several.

    Today in the DAG's zone is compared, or the logical date's day with ``use_task_logical_date``.
    """

    def __init__(
        self,
        *,
        follow_task_ids_if_true: str | Iterable[str],
        follow_task_ids_if_false: str | Iterable[str],
        week_day: str | Iterable[str] | WeekDay | Iterable[WeekDay],
        use_task_logical_date: bool = False,
        use_task_execution_day: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.week_day = week_day
        self.follow_task_ids_if_false = follow_task_ids_if_false
        self.follow_task_ids_if_true = follow_task_ids_if_true
        self.use_task_logical_date = use_task_logical_date or use_task_execution_day
        self._week_day_num = WeekDay.validate_week_day(week_day)

    def choose_branch(self, context: Context) -> str | Iterable[str]:
        """The tasks to follow today."""
        today = (
            context["logical_date"] if self.use_task_logical_date else timezone.utcnow().astimezone(self.dag.timezone)
        )
        is_one_of_them = today.isoweekday() in self._week_day_num
        return self.follow_task_ids_if_true if is_one_of_them else self.follow_task_ids_if_false
