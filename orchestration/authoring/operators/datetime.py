"""Branching by the time. Mirrors ``airflow.operators.datetime``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from orchestration.authoring import timezone
from orchestration.authoring.context import Context
from orchestration.authoring.exceptions import AirflowException
from orchestration.authoring.operators.branch import BaseBranchOperator

#: A moment, a time of day, or no bound.
Bound = dt.datetime | dt.time | None


class BranchDateTimeOperator(BaseBranchOperator):
    """Follows ``follow_task_ids_if_true`` between ``target_lower`` and ``target_upper``, both included.

    Now is compared, or the logical date with ``use_task_logical_date``. Times of day are of that day; an upper time
    before the lower one is of the next day.
    """

    def __init__(
        self,
        *,
        follow_task_ids_if_true: str | Iterable[str],
        follow_task_ids_if_false: str | Iterable[str],
        target_lower: Bound,
        target_upper: Bound,
        use_task_logical_date: bool = False,
        use_task_execution_date: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if target_lower is target_upper is None:
            raise AirflowException("There is no time to compare with: give target_lower, target_upper or both")
        self.target_lower, self.target_upper = target_lower, target_upper
        self.follow_task_ids_if_false = follow_task_ids_if_false
        self.follow_task_ids_if_true = follow_task_ids_if_true
        self.use_task_logical_date = use_task_logical_date or use_task_execution_date

    def choose_branch(self, context: Context) -> str | Iterable[str]:
        """The tasks to follow now."""
        now = context["logical_date"] if self.use_task_logical_date else timezone.utcnow()
        lower, upper = target_times_as_dates(now, self.target_lower, self.target_upper)
        zone = self.dag.timezone
        is_late = upper is not None and timezone.coerce_datetime(upper, zone) < now
        is_early = lower is not None and timezone.coerce_datetime(lower, zone) > now
        return self.follow_task_ids_if_false if is_late or is_early else self.follow_task_ids_if_true


def target_times_as_dates(
    base_date: dt.datetime, lower: Bound, upper: Bound
) -> tuple[dt.datetime | None, dt.datetime | None]:
    """The bounds as moments, times of day on the day of ``base_date``."""
    first, last = _on_day(base_date, lower), _on_day(base_date, upper)
    both_moments = isinstance(lower, dt.datetime) and isinstance(upper, dt.datetime)
    if not both_moments and first is not None and last is not None and last < first:
        last += dt.timedelta(days=1)
    return first, last


def _on_day(day: dt.datetime, bound: Bound) -> dt.datetime | None:
    if isinstance(bound, dt.time):
        return dt.datetime.combine(day, bound)
    return bound
