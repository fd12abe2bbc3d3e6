"""Waiting for a time of day. Mirrors ``airflow.sensors.time_sensor``."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any, NoReturn

from orchestration.authoring import timezone
from orchestration.authoring.context import Context
from orchestration.authoring.sensors.base import BaseSensorOperator
from orchestration.authoring.sensors.date_time import DATE_TIME_TRIGGER
from orchestration.authoring.triggers.temporal import DateTimeTrigger


class TimeSensor(BaseSensorOperator):
    """Is done after ``target_time`` of the day it runs on, in the DAG's zone."""

    def __init__(self, *, target_time: dt.time, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.target_time = target_time

    def poke(self, context: Context) -> bool:
        """Look at the clock."""
        self.log.info("Waiting until %s", self.target_time)
        return timezone.make_naive(timezone.utcnow(), self.dag.timezone).time() > self.target_time


class TimeSensorAsync(BaseSensorOperator):
    """The same without a process while it waits.

    ``start_from_trigger`` begins deferred, for the day on which the file was parsed; ``end_from_trigger`` ends in the
    triggerer.
    """

    start_trigger_args = DATE_TIME_TRIGGER

    def __init__(
        self,
        *,
        target_time: dt.time,
        start_from_trigger: bool = False,
        trigger_kwargs: dict[str, Any] | None = None,
        end_from_trigger: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.target_time = target_time
        self.start_from_trigger, self.end_from_trigger = start_from_trigger, end_from_trigger
        if start_from_trigger:
            self.start_trigger_args = replace(
                DATE_TIME_TRIGGER,
                trigger_kwargs={"moment": self.target_datetime, "end_from_trigger": end_from_trigger},
            )

    @property
    def target_datetime(self) -> dt.datetime:
        """The moment of today, in UTC."""
        zone = self.dag.timezone
        today = timezone.make_naive(timezone.utcnow(), zone).date()
        naive = dt.datetime.combine(today, self.target_time.replace(tzinfo=None))
        return timezone.convert_to_utc(timezone.coerce_datetime(naive, self.target_time.tzinfo or zone))

    def execute(self, context: Context) -> NoReturn:
        """Wait in the triggerer."""
        trigger = DateTimeTrigger(self.target_datetime, end_from_trigger=self.end_from_trigger)
        self.defer(trigger=trigger, method_name="execute_complete")

    def execute_complete(self, context: Context, event: Any = None) -> None:
        """The time has come."""
