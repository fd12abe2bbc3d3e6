"""Waiting for a moment. Mirrors ``airflow.triggers.temporal``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from orchestration.authoring import timezone
from orchestration.authoring.triggers.base import PlainTrigger, TaskSuccessEvent, TriggerEvent

if TYPE_CHECKING:
    from pendulum import DateTime

#: The longest sleep at once, in seconds: the machine's clock may be set meanwhile.
LONGEST_SLEEP = 60.0


class DateTimeTrigger(PlainTrigger):
    """Fires once at ``moment``, an aware datetime; the event's payload is the moment.

    ``end_from_trigger`` ends the task as successful instead of resuming it.
    """

    path = "airflow.triggers.temporal.DateTimeTrigger"
    arguments = ("moment", "end_from_trigger")

    def __init__(self, moment: datetime, *, end_from_trigger: bool = False) -> None:
        if not isinstance(moment, datetime):
            raise TypeError(f"moment is a datetime, not {moment!r}")
        if timezone.is_naive(moment):
            raise ValueError(f"The moment {moment} has no time zone: give it a tzinfo")
        super().__init__()
        self.end_from_trigger = end_from_trigger
        self.moment: DateTime = timezone.convert_to_utc(moment)

    async def run(self) -> AsyncIterator[TriggerEvent]:
        self.log.info("Waiting until %s", self.moment.isoformat())
        while (remaining := (self.moment - timezone.utcnow()).total_seconds()) > 0:
            await asyncio.sleep(min(remaining, LONGEST_SLEEP))
        if self.end_from_trigger:
            self.log.info("The moment has come; the task ends as successful")
            yield TaskSuccessEvent()
        else:
            yield TriggerEvent(self.moment)


class TimeDeltaTrigger(DateTimeTrigger):
    """Fires ``delta`` after it was made; kept as the ``DateTimeTrigger`` of that moment."""

    def __init__(self, delta: timedelta, *, end_from_trigger: bool = False) -> None:
        super().__init__(moment=timezone.utcnow() + delta, end_from_trigger=end_from_trigger)
