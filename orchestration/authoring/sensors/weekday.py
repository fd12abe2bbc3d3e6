"""Waiting for a day of the week. Mirrors ``airflow.sensors.weekday``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from orchestration.authoring import timezone
from orchestration.authoring.compat.weekday import WeekDay
from orchestration.authoring.context import Context
from orchestration.authoring.sensors.base import BaseSensorOperator


class DayOfWeekSensor(BaseSensorOperator):
    """Is done on the given days: a name in any case, a ``WeekDay``, or several.

    Today in UTC is compared, or the logical date's day with ``use_task_logical_date``.
    """

    def __init__(
        self,
        *,
        week_day: str | Iterable[str] | WeekDay | Iterable[WeekDay],
        use_task_logical_date: bool = False,
        use_task_execution_day: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.week_day = week_day
        self.use_task_logical_date = use_task_logical_date or use_task_execution_day
        self._week_day_num = WeekDay.validate_week_day(week_day)

    def poke(self, context: Context) -> bool:
        """Look at the calendar."""
        today = context["logical_date"] if self.use_task_logical_date else timezone.utcnow()
        self.log.info("Waiting for %s; today is %s", self.week_day, WeekDay(today.isoweekday()).name)
        return today.isoweekday() in self._week_day_num
