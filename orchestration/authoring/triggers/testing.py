"""Triggers for tests of deferring operators. Mirrors ``airflow.triggers.testing``."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from orchestration.authoring.triggers.base import BaseTrigger, TriggerEvent


class SuccessTrigger(BaseTrigger):
    """Fires at once with the payload True."""

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return ("airflow.triggers.testing.SuccessTrigger", {})

    async def run(self) -> AsyncIterator[TriggerEvent]:
        yield TriggerEvent(True)


class FailureTrigger(BaseTrigger):
    """Ends at once without an event, which fails the task."""

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return ("airflow.triggers.testing.FailureTrigger", {})

    async def run(self) -> AsyncIterator[TriggerEvent]:
        no_events: tuple[TriggerEvent, ...] = ()
        for event in no_events:
            yield event
