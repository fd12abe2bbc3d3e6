"""Triggers for tests of deferring operators. Mirrors ``airflow.triggers.testing``."""

from __future__ import annotations

from collections.abc import AsyncIterator

from orchestration.authoring.triggers.base import PlainTrigger, TriggerEvent


class SuccessTrigger(PlainTrigger):
    """Fires at once with the payload True."""

    path = "airflow.triggers.testing.SuccessTrigger"

    async def run(self) -> AsyncIterator[TriggerEvent]:
        yield TriggerEvent(True)


class FailureTrigger(PlainTrigger):
    """Ends at once without an event, which fails the task."""

    path = "airflow.triggers.testing.FailureTrigger"

    async def run(self) -> AsyncIterator[TriggerEvent]:
        no_events: tuple[TriggerEvent, ...] = ()
        for event in no_events:
            yield event
