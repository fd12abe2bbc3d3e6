"""Waiting for some time after the run's data interval. Mirrors ``airflow.sensors.time_delta``."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from orchestration.authoring import timezone
from orchestration.authoring.context import Context
from orchestration.authoring.sensors.base import BaseSensorOperator
from orchestration.authoring.triggers.temporal import DateTimeTrigger


class TimeDeltaSensor(BaseSensorOperator):
    """Is done ``delta`` after the end of the data interval."""

    def __init__(self, *, delta: timedelta, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.delta = delta

    def poke(self, context: Context) -> bool:
        """Look at the clock."""
        target = context["data_interval_end"] + self.delta
        self.log.info("Waiting until %s", target)
        return bool(timezone.utcnow() > target)


class TimeDeltaSensorAsync(TimeDeltaSensor):
    """The same without a process while it waits; ``end_from_trigger`` ends in the triggerer."""

    def __init__(self, *, end_from_trigger: bool = False, delta: timedelta, **kwargs: Any) -> None:
        super().__init__(delta=delta, **kwargs)
        self.end_from_trigger = end_from_trigger

    def execute(self, context: Context) -> bool:
        """Wait in the triggerer, or end at once where the time is over."""
        target = context["data_interval_end"] + self.delta
        if timezone.utcnow() <= target:
            self.defer(trigger=self._trigger(target), method_name="execute_complete")
        return True

    def _trigger(self, moment: datetime) -> DateTimeTrigger:
        try:
            return DateTimeTrigger(moment, end_from_trigger=self.end_from_trigger)
        except (TypeError, ValueError) as error:
            if not self.soft_fail:
                raise
            raise self._skip(error) from error

    def execute_complete(self, context: Context, event: Any = None) -> None:
        """The time is over."""
