"""Waiting for a moment. Mirrors ``airflow.sensors.date_time``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NoReturn

from orchestration.authoring import timezone
from orchestration.authoring.context import Context
from orchestration.authoring.sensors.base import BaseSensorOperator
from orchestration.authoring.triggers.base import StartTriggerArgs
from orchestration.authoring.triggers.temporal import DateTimeTrigger

DATE_TIME_TRIGGER = StartTriggerArgs(
    trigger_cls="airflow.triggers.temporal.DateTimeTrigger",
    trigger_kwargs={"moment": "", "end_from_trigger": False},
    next_method="execute_complete",
)


class DateTimeSensor(BaseSensorOperator):
    """Is done after ``target_time``, a moment or a template of one."""

    template_fields: Sequence[str] = ("target_time",)

    def __init__(self, *, target_time: str | datetime, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(target_time, (str, datetime)):
            raise TypeError(f"target_time is a datetime or a text of one, not {target_time!r}")
        self.target_time = target_time if isinstance(target_time, str) else target_time.isoformat()

    def poke(self, context: Context) -> bool:
        """Look at the clock."""
        self.log.info("Waiting until %s", self.target_time)
        return timezone.utcnow() > timezone.parse(self.target_time)


class DateTimeSensorAsync(DateTimeSensor):
    """The same without a process while it waits.

    ``start_from_trigger`` begins deferred (``target_time`` is then no template), ``end_from_trigger`` ends there.
    """

    start_trigger_args = DATE_TIME_TRIGGER

    def __init__(
        self,
        *,
        start_from_trigger: bool = False,
        end_from_trigger: bool = False,
        trigger_kwargs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.start_from_trigger, self.end_from_trigger = start_from_trigger, end_from_trigger
        if start_from_trigger:
            moment = timezone.parse(self.target_time)
            self.start_trigger_args = replace(
                DATE_TIME_TRIGGER, trigger_kwargs={"moment": moment, "end_from_trigger": end_from_trigger}
            )

    def execute(self, context: Context) -> NoReturn:
        """Wait in the triggerer."""
        self.defer(
            trigger=DateTimeTrigger(moment=timezone.parse(self.target_time), end_from_trigger=self.end_from_trigger),
            method_name="execute_complete",
        )

    def execute_complete(self, context: Context, event: Any = None) -> None:
        """The moment has come."""
